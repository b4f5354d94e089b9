"""The principal that calls, from STS: asked once, with the credentials that sign, when it is first needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from guardedbedrock.errors import SourceError
from guardedbedrock.forks import ForkSafeLock


class CallerIdentity:
    """
    The principal behind a client's credentials, or behind the default session's.

    Args:
        client: The client whose credentials sign; None for boto3's default session.

    Attributes:
        userid: ``aws:userid`` of the principal; ``""`` before STS has answered.
    """

    def __init__(self, client: Any = None) -> None:
        self._client = client
        self._lock = ForkSafeLock()
        self._arn: str | None = None
        self._access_key = ""
        self.userid = ""

    def __call__(self) -> str:
        """
        Return the ARN, from STS the first time.

        Raises:
            SourceError: STS did not answer; the next call asks again.
        """
        if self._arn is None:
            with self._lock:
                self._arn = self._arn or self._ask(self._sts)
        return self._arn

    def _ask(self, sts: Callable[[], Any]) -> str:
        try:
            identity = sts().get_caller_identity()
        except (BotoCoreError, ClientError) as error:
            raise SourceError(f'principal = "caller": STS did not return the caller identity: {error}') from error
        self.userid = str(identity.get("UserId", ""))
        return str(identity["Arn"])

    def is_outdated(self) -> bool:
        """Return whether the client signs with other credentials than those that STS was asked with."""
        return bool(self._access_key) and _access_key(self._client) not in ("", self._access_key)

    def _sts(self) -> Any:
        if self._client is None:
            return boto3.client("sts")
        frozen = credentials_of(self._client).get_frozen_credentials()
        self._access_key = str(frozen.access_key)
        return sts_client(self._client.meta.region_name, frozen)


class SignerIdentity(CallerIdentity):
    """
    The principal behind the credentials of a signer of ``botocore.auth``.

    Args:
        credentials: The credentials, frozen or not.
        region: The region that is signed for; STS is called there.
    """

    def __init__(self, credentials: Any, region: str) -> None:
        super().__init__()
        self._credentials, self._region = credentials, region

    def _sts(self) -> Any:
        freeze = getattr(self._credentials, "get_frozen_credentials", None)
        return sts_client(self._region, freeze() if freeze else self._credentials)


def _access_key(client: Any) -> str:
    """Return the access key that a client signs with now; ``""`` if its credentials cannot be had."""
    try:
        return str(credentials_of(client).access_key)
    except Exception:  # noqa: BLE001  # a credential provider may raise anything; signing reports it
        return ""


def credentials_of(client: Any) -> Any:
    """
    Return the credentials that a client signs with.

    Raises:
        SourceError: The client has no credentials.
    """
    signs = client._get_credentials()  # noqa: SLF001  # botocore has no public way to a client's credentials
    if signs is None:
        raise SourceError('principal = "caller": the client has no credentials to call STS with; set the ARN of the principal')
    return signs


def sts_client(region: str, frozen: Any) -> Any:
    """Create an STS client that signs with frozen credentials, in a region."""
    return boto3.client(
        "sts",
        region_name=region,
        aws_access_key_id=frozen.access_key,
        aws_secret_access_key=frozen.secret_key,
        aws_session_token=frozen.token,
    )
