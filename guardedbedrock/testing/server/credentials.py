"""Authentication: the credentials and Bedrock API keys that a fake accepts, and AWS's errors for all others."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, TypeAlias

from guardedbedrock.bedrock.caller import api_key_kind
from guardedbedrock.testing.denials.catalogue import denial
from guardedbedrock.testing.server import signatures
from guardedbedrock.testing.server.signatures import STAMP, IncompleteSignatureError, Signature
from guardedbedrock.testing.wire import ServiceError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from guardedbedrock.bedrock import Caller
    from guardedbedrock.testing.wire import HttpRequest

_CLOCK_TOLERANCE: Final = timedelta(minutes=5)
_WEEK: Final = 7 * 24 * 3600  # s, maximum validity of a presigned URL
_BEARER: Final = "Bearer "
_MISMATCH: Final = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing"
    " method. Consult the service documentation for details."
)


@dataclass(frozen=True, slots=True)
class FakeCredentials:
    """
    Credentials that a fake accepts.

    Args:
        access_key: Access key ID.
        secret_key: Secret access key.
        token: Session token. If set, requests must carry it.
        principal: ARN of the principal; None is the principal of the fake.
        expires: Time of expiry; None never expires.
    """

    access_key: str
    secret_key: str = field(repr=False)
    token: str = field(default="", repr=False)
    principal: str | None = None
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class FakeApiKey:
    """
    A Bedrock API key that a fake accepts.

    Args:
        key: Value of ``AWS_BEARER_TOKEN_BEDROCK``: ``ABSK...`` for a long-term key, ``bedrock-api-key-...`` for a short-term key.
        principal: ARN of the principal; None is the principal of the fake.
        expires: Time of expiry; None never expires.
    """

    key: str = field(repr=False)
    principal: str | None = None
    expires: datetime | None = None


KnownCredential: TypeAlias = FakeCredentials | FakeApiKey


class Authenticator:
    """
    Identifies the caller of a request.

    Args:
        caller: The caller, if the credentials name no other principal.
        known: Accepted credentials and keys; None accepts every request, signed or not.
        region: The region that signatures must be scoped to.
    """

    def __init__(self, caller: Caller, known: Iterable[KnownCredential] | None, region: str) -> None:
        self._caller, self._region, self._open = caller, region, known is None
        entries = tuple(known or ())
        self._credentials = {entry.access_key: entry for entry in entries if isinstance(entry, FakeCredentials)}
        self._keys = {entry.key: entry for entry in entries if isinstance(entry, FakeApiKey)}

    def identify(self, http_request: HttpRequest, service: str, skew: float = 0) -> Caller:
        """
        Return the caller of a request.

        Args:
            http_request: The request.
            service: Signing name of the service, such as ``bedrock``.
            skew: Seconds that the clock of the server is ahead.

        Raises:
            ServiceError: AWS's error for an invalid signature or key.
        """
        header, now = http_request.headers.get("authorization", ""), datetime.now(UTC) + timedelta(seconds=skew)
        if header.startswith(_BEARER):
            key = header.removeprefix(_BEARER)
            return replace(self._owner(self._key(key, now)), bearer=api_key_kind(key))
        return self._caller if self._open else self._owner(self._signer(http_request, service, now))

    def _owner(self, entry: KnownCredential | None) -> Caller:
        if entry is None or entry.principal is None:
            return self._caller
        return replace(self._caller, principal=entry.principal, account="")

    def _key(self, key: str, now: datetime) -> KnownCredential | None:
        found = self._keys.get(key)
        if not self._open and (found is None or _is_past(found, now)):
            raise denial("api-key").error("", "", "")
        return found

    def _signer(self, http_request: HttpRequest, service: str, now: datetime) -> KnownCredential:
        signature = _read(http_request)
        credentials = self._credentials.get(signature.access_key)
        if credentials is None or credentials.token != signature.token:
            raise denial("unknown-token").error("", "", "")
        if _is_past(credentials, now):
            raise denial("expired-token").error("", "", "")
        self._check_scope(signature, service)
        _check_time(signature, now)
        if not hmac.compare_digest(signature.value, signatures.compute(signature, credentials.secret_key, http_request)):
            raise _invalid(_MISMATCH)
        return credentials

    def _check_scope(self, signature: Signature, service: str) -> None:
        _, region, signed_for, _ = signature.scope
        if region != self._region:
            raise _invalid("Credential should be scoped to a valid region.")
        if signed_for != service:
            raise _invalid(f"Credential should be scoped to correct service: '{service}'.")


def _read(http_request: HttpRequest) -> Signature:
    try:
        found = signatures.read(http_request)
    except (IncompleteSignatureError, ValueError) as error:
        raise ServiceError(400, "IncompleteSignatureException", str(error), by_iam=True) from error
    if found is None:
        raise ServiceError(403, "MissingAuthenticationTokenException", "Missing Authentication Token", by_iam=True)
    return found


def _check_time(signature: Signature, now: datetime) -> None:
    presigned = signature.lifetime is not None
    good_for = timedelta(seconds=min(signature.lifetime or 0, _WEEK)) if presigned else _CLOCK_TOLERANCE
    if signature.time < now - good_for:
        margin = f"{now - good_for:{STAMP}} ({now:{STAMP}} - {good_for.total_seconds() / 60:g} min.)"
        raise _invalid(f"Signature expired: {signature.stamp} is now earlier than {margin}")
    if signature.time > now + _CLOCK_TOLERANCE:
        margin = f"{now + _CLOCK_TOLERANCE:{STAMP}} ({now:{STAMP}} + 5 min.)"
        raise _invalid(f"Signature not yet current: {signature.stamp} is still later than {margin}")


def _is_past(entry: KnownCredential, now: datetime) -> bool:
    return entry.expires is not None and entry.expires <= now


def _invalid(message: str) -> ServiceError:
    return ServiceError(403, "InvalidSignatureException", message, by_iam=True)
