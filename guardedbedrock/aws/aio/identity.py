"""Who calls: STS is asked in a thread, so that no other task waits for it."""

from __future__ import annotations

import asyncio
from typing import Any

from guardedbedrock.aws.sources.identity import CallerIdentity, credentials_of, sts_client
from guardedbedrock.errors import SourceError


class AsyncCallerIdentity(CallerIdentity):
    """The principal behind an async client's credentials; `learn` comes before it is called."""

    def __init__(self, client: Any) -> None:
        super().__init__(client)
        self._asking = asyncio.Lock()
        self._failure: SourceError | None = None

    async def learn(self) -> None:
        """Ask STS unless it was asked; a failure waits for whoever calls, and the next time it is asked again."""
        if self._arn is None:
            async with self._asking:
                self._arn = self._arn or await self._told()

    async def _told(self) -> str | None:
        try:
            frozen = await credentials_of(self._client).get_frozen_credentials()
            return await asyncio.to_thread(self._ask, lambda: sts_client(self._client.meta.region_name, frozen))
        except SourceError as error:
            self._failure = error
            return None

    def __call__(self) -> str:
        """
        Give the ARN that was learnt.

        Raises:
            SourceError: STS could not be asked.
        """
        if self._arn is None:
            raise SourceError(str(self._failure)) from self._failure
        return self._arn
