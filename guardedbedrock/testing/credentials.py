"""Who may knock: credentials and Bedrock API keys that a fake knows, and what it answers to all others."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, TypeAlias

from guardedbedrock.bedrock.caller import api_key_kind
from guardedbedrock.testing import signatures
from guardedbedrock.testing.denials import denial
from guardedbedrock.testing.signatures import STAMP, Signature, UnreadableError
from guardedbedrock.testing.wire import ServiceError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from guardedbedrock.bedrock import Caller
    from guardedbedrock.testing.wire import Incoming

_LEEWAY: Final = timedelta(minutes=5)
_WEEK: Final = 7 * 24 * 3600  # s, the longest that a presigned URL can be good
_BEARER: Final = "Bearer "
_MISMATCH: Final = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing"
    " method. Consult the service documentation for details."
)


@dataclass(frozen=True, slots=True)
class FakeCredentials:
    """
    Credentials that a fake knows.

    Args:
        access_key: Access key ID.
        secret_key: Secret access key.
        token: Session token, which requests then have to carry.
        principal: Whose they are to IAM; None is the fake's own principal.
        expires: When they do; None is never.
    """

    access_key: str
    secret_key: str
    token: str = ""
    principal: str | None = None
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class FakeApiKey:
    """
    A Bedrock API key that a fake knows.

    Args:
        key: What goes into ``AWS_BEARER_TOKEN_BEDROCK``: ``ABSK...`` for a long term, ``bedrock-api-key-...`` for a short one.
        principal: Whose it is to IAM; None is the fake's own principal.
        expires: When it does; None is never.
    """

    key: str
    principal: str | None = None
    expires: datetime | None = None


Known: TypeAlias = FakeCredentials | FakeApiKey


class Authenticator:
    """
    Finds out who sends a request.

    Args:
        caller: Who all callers are, unless the credentials say otherwise.
        known: Credentials and keys that are good; None lets everybody in, signed or not.
        region: Where signatures have to be scoped to.
    """

    def __init__(self, caller: Caller, known: Iterable[Known] | None, region: str) -> None:
        self._caller, self._region, self._open = caller, region, known is None
        entries = tuple(known or ())
        self._credentials = {entry.access_key: entry for entry in entries if isinstance(entry, FakeCredentials)}
        self._keys = {entry.key: entry for entry in entries if isinstance(entry, FakeApiKey)}

    def identify(self, incoming: Incoming, service: str, skew: float = 0) -> Caller:
        """
        Say who sends a request.

        Args:
            incoming: The request.
            service: What signatures have to be scoped to, such as ``bedrock``.
            skew: How far the server's clock is ahead, in s.

        Raises:
            ServiceError: As AWS answers to a signature or a key that is not good.
        """
        header, now = incoming.headers.get("authorization", ""), datetime.now(UTC) + timedelta(seconds=skew)
        if header.startswith(_BEARER):
            key = header.removeprefix(_BEARER)
            return replace(self._owner(self._key(key, now)), bearer=api_key_kind(key))
        return self._caller if self._open else self._owner(self._signer(incoming, service, now))

    def _owner(self, entry: Known | None) -> Caller:
        if entry is None or entry.principal is None:
            return self._caller
        return replace(self._caller, principal=entry.principal, account="")

    def _key(self, key: str, now: datetime) -> Known | None:
        found = self._keys.get(key)
        if not self._open and (found is None or _is_past(found, now)):
            raise denial("api-key").error("", "", "")
        return found

    def _signer(self, incoming: Incoming, service: str, now: datetime) -> Known:
        signature = _read(incoming)
        credentials = self._credentials.get(signature.access_key)
        if credentials is None or credentials.token != signature.token:
            raise denial("unknown-token").error("", "", "")
        if _is_past(credentials, now):
            raise denial("expired-token").error("", "", "")
        self._check_scope(signature, service)
        _check_time(signature, now)
        if not hmac.compare_digest(signature.value, signatures.compute(signature, credentials.secret_key, incoming)):
            raise _invalid(_MISMATCH)
        return credentials

    def _check_scope(self, signature: Signature, service: str) -> None:
        _, region, signed_for, _ = signature.scope
        if region != self._region:
            raise _invalid("Credential should be scoped to a valid region.")
        if signed_for != service:
            raise _invalid(f"Credential should be scoped to correct service: '{service}'.")


def _read(incoming: Incoming) -> Signature:
    try:
        found = signatures.read(incoming)
    except (UnreadableError, ValueError) as error:
        raise ServiceError(400, "IncompleteSignatureException", str(error), by_iam=True) from error
    if found is None:
        raise ServiceError(403, "MissingAuthenticationTokenException", "Missing Authentication Token", by_iam=True)
    return found


def _check_time(signature: Signature, now: datetime) -> None:
    presigned = signature.lifetime is not None
    good_for = timedelta(seconds=min(signature.lifetime or 0, _WEEK)) if presigned else _LEEWAY
    if signature.time < now - good_for:
        margin = f"{now - good_for:{STAMP}} ({now:{STAMP}} - {good_for.total_seconds() / 60:g} min.)"
        raise _invalid(f"Signature expired: {signature.stamp} is now earlier than {margin}")
    if signature.time > now + _LEEWAY:
        margin = f"{now + _LEEWAY:{STAMP}} ({now:{STAMP}} + 5 min.)"
        raise _invalid(f"Signature not yet current: {signature.stamp} is still later than {margin}")


def _is_past(entry: Known, now: datetime) -> bool:
    return entry.expires is not None and entry.expires <= now


def _invalid(message: str) -> ServiceError:
    return ServiceError(403, "InvalidSignatureException", message, by_iam=True)
