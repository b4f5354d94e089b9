"""The principal behind an async client's credentials. STS and IAM are called in a thread: no other task waits for them."""

from __future__ import annotations

import asyncio
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError

from guardedbedrock.aws.sources.identity import CallerIdentity, client_with, credentials_of, sts_failure
from guardedbedrock.errors import SourceError
from guardedbedrock.forks import renew_in_children


class AsyncCallerIdentity(CallerIdentity):
    """The principal behind an async client's credentials. Await `learn` before you call it."""

    def __init__(self, client: Any) -> None:
        super().__init__(client)
        self._asking = asyncio.Lock()
        self._frozen: Any = None
        self._failure: SourceError | None = None
        renew_in_children(self)

    def renew(self) -> None:
        """Replace the lock in a forked child, where the task that may hold it does not run."""
        self._asking = asyncio.Lock()

    async def learn(self, *, with_role: bool = False) -> None:
        """
        Call STS and IAM, unless the answers are known. If STS fails, the next `__call__` raises, and the next `learn` asks again.

        Args:
            with_role: Whether the role behind a session is needed with its path.
        """
        if self._knows(with_role=with_role):
            return
        async with self._asking:
            if not self._knows(with_role=with_role):
                try:
                    await self._ask_in_thread(with_role=with_role)
                except SourceError as error:
                    self._failure = error

    def _knows(self, *, with_role: bool) -> bool:
        return self._arn is not None and (self._role is not None or not with_role)

    async def _ask_in_thread(self, *, with_role: bool) -> None:
        try:
            self._frozen = await credentials_of(self._client).get_frozen_credentials()
        except BotoCoreError as error:  # of a credential provider
            raise sts_failure(error) from error
        await asyncio.to_thread(super().__call__)
        if with_role:
            await asyncio.to_thread(super().role_arn)

    def _make_client(self, service: str, config: Config | None = None) -> Any:
        if service == "sts":
            self._access_key = str(self._frozen.access_key)
        return client_with(self._frozen, service, self._client.meta.region_name, config)

    async def is_outdated_now(self) -> bool:
        """Return whether the client signs with other credentials than those that STS was called with."""
        if not self._access_key:
            return False
        try:
            frozen = await credentials_of(self._client).get_frozen_credentials()
        except Exception:  # noqa: BLE001  # a credential provider may raise anything; signing reports it
            return False
        return frozen.access_key not in ("", None, self._access_key)

    def __call__(self) -> str:
        """
        Return the ARN.

        Raises:
            SourceError: STS did not answer.
        """
        if self._arn is None:
            raise SourceError(str(self._failure)) from self._failure
        return self._arn

    def role_arn(self) -> str:
        """Return the ARN of the role that `learn` found; ``""`` if it did not call IAM, or if IAM did not answer."""
        return self._role or ""
