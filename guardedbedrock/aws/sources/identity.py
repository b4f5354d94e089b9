"""
The principal that calls, from STS and IAM: looked up once for each set of credentials, when it is first needed.

Source: AWS STS API Reference, "GetCallerIdentity"; IAM API Reference, "GetRole".
"""

from __future__ import annotations

from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from guardedbedrock.errors import SourceError
from guardedbedrock.forks import ForkSafeLock
from guardedbedrock.iam.matching.principals import identify

_IMPATIENT: Final = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 1})
"""Short timeouts: the first call waits for IAM, which many networks do not reach. Then the path of the role stays unknown."""
_NO_CREDENTIALS: Final = 'principal = "caller": the client has no credentials to call STS with; set the ARN of the principal'


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
        self._role: str | None = None
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
                self._arn = self._arn or self._ask_sts()
        return self._arn

    def role_arn(self) -> str:
        """
        Return the ARN of the role behind the session, with its path, which the ARN of a session does not contain.

        IAM is asked once: if the caller may not call `GetRole`, it will not be allowed a moment later.

        Returns:
            The ARN; ``""`` if the principal is not a role session, or if IAM did not answer.

        Raises:
            SourceError: STS did not answer.
        """
        arn = self()
        if self._role is None:
            with self._lock:
                if self._role is None:
                    self._role = self._ask_iam(arn)
        return self._role

    def _ask_sts(self) -> str:
        try:
            identity = self._make_client("sts").get_caller_identity()
        except (BotoCoreError, ClientError) as error:
            raise sts_failure(error) from error
        self.userid = str(identity.get("UserId", ""))
        return str(identity["Arn"])

    def _ask_iam(self, arn: str) -> str:
        session = identify(arn)
        if session.kind != "assumed-role":
            return ""
        try:
            found = str(self._make_client("iam", _IMPATIENT).get_role(RoleName=session.role_name)["Role"]["Arn"])
        except (BotoCoreError, ClientError, SourceError):
            return ""
        role = identify(found)
        # The credentials may have been replaced since STS was called.
        is_same = (role.kind, role.account, role.role_name) == ("role", session.account, session.role_name)
        return found if is_same else ""

    def is_outdated(self) -> bool:
        """Return whether the client signs with other credentials than those that STS was called with."""
        return bool(self._access_key) and _access_key(self._client) not in ("", self._access_key)

    def _make_client(self, service: str, config: Config | None = None) -> Any:
        if self._client is None:
            return boto3.client(service, config=config)
        frozen = credentials_of(self._client).get_frozen_credentials()
        if service == "sts":
            self._access_key = str(frozen.access_key)
        return client_with(frozen, service, self._client.meta.region_name, config)


def sts_failure(error: Exception) -> SourceError:
    """Describe why the ARN of the caller is unknown."""
    return SourceError(f'principal = "caller": STS did not return the caller identity: {error}')


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

    def _make_client(self, service: str, config: Config | None = None) -> Any:
        freeze = getattr(self._credentials, "get_frozen_credentials", None)
        return client_with(freeze() if freeze else self._credentials, service, self._region, config)


def _access_key(client: Any) -> str:
    """Return the access key that a client signs with now; ``""`` if its credentials cannot be read."""
    try:
        return str(credentials_of(client).access_key)
    except Exception:  # noqa: BLE001  # a credential provider may raise anything; signing reports it
        return ""


def credentials_of(client: Any, missing: str = _NO_CREDENTIALS) -> Any:
    """
    Return the credentials that a client signs with.

    Args:
        client: A client of boto3 or aiobotocore.
        missing: The error message if there are none.

    Raises:
        SourceError: The client has no credentials, for example because it signs with a Bedrock API key.
    """
    signs = client._get_credentials()  # noqa: SLF001  # botocore has no public way to a client's credentials
    if signs is None:
        raise SourceError(missing)
    return signs


def client_with(frozen: Any, service: str, region: str, config: Config | None = None) -> Any:
    """
    Create a client that signs with frozen credentials.

    Args:
        frozen: The credentials.
        service: The service.
        region: The Region.
        config: The configuration of the client.
    """
    return boto3.client(
        service,
        region_name=region,
        config=config,
        aws_access_key_id=frozen.access_key,
        aws_secret_access_key=frozen.secret_key,
        aws_session_token=frozen.token,
    )
