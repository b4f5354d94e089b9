"""The principal behind an async client's credentials. STS is called in a thread, so that no other task waits for it."""

from __future__ import annotations

import asyncio
from typing import Any

from guardedbedrock.aws.sources.identity import CallerIdentity, credentials_of, sts_client
from guardedbedrock.errors import SourceError
from guardedbedrock.forks import renew_in_children


class AsyncCallerIdentity(CallerIdentity):
    """The principal behind an async client's credentials. Await `learn` before you call it."""

    def __init__(self, client: Any) -> None:
        super().__init__(client)
        self._asking = asyncio.Lock()
        self._failure: SourceError | None = None
        renew_in_children(self)

    def renew(self) -> None:
        """Replace the lock in a forked child, where the task that may hold it does not run."""
        self._asking = asyncio.Lock()

    async def learn(self) -> None:
        """Call STS, unless the ARN is known. A failure is raised by the next `__call__`; the next `learn` tries again."""
        if self._arn is None:
            async with self._asking:
                self._arn = self._arn or await self._ask_in_thread()

    async def _ask_in_thread(self) -> str | None:
        try:
            frozen = await credentials_of(self._client).get_frozen_credentials()
            return await asyncio.to_thread(self._ask, lambda: sts_client(self._client.meta.region_name, frozen))
        except SourceError as error:
            self._failure = error
            return None

    def __call__(self) -> str:
        """
        Return the ARN.

        Raises:
            SourceError: STS did not answer.
        """
        if self._arn is None:
            raise SourceError(str(self._failure)) from self._failure
        return self._arn
