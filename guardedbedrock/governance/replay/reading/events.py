"""
One CloudTrail record, reduced to what a replay reads.

Source: AWS CloudTrail User Guide, "CloudTrail record contents" and "CloudTrail userIdentity element"; Amazon Bedrock User
Guide, "Monitor Amazon Bedrock API calls using CloudTrail".
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

SOURCES: Final = frozenset({"bedrock.amazonaws.com", "bedrock-mantle.amazonaws.com"})
MANTLE_SOURCE: Final = "bedrock-mantle.amazonaws.com"
SERVICE_EVENT: Final = "AwsServiceEvent"
"""The `eventType` of records that no principal requested."""

DENIAL_CODES: Final = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "UnauthorizedOperation",
        "Client.UnauthorizedOperation",
        "Client.AccessDenied",
        "VpceAccessDenied",
    }
)
_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_MINUTE: Final = slice(len("2026-11-28T00:00:"))
_SECOND: Final = slice(len("2026-11-28T00:00:"), None)
_SECONDS: Final = {f"{second:02}Z": second for second in range(60)}
_MINUTES_KEPT: Final = 100_000
_DENIAL_TEXTS: Final = ("is not authorized to perform", "denied due to a VPC endpoint policy")


class RecordError(ValueError):
    """A record is not a CloudTrail record; the message gives the reason."""


@dataclass(slots=True)  # not frozen: one is created for each record, and creating a frozen one takes three times as long
class TrailEvent:
    """
    A record of an API call.

    Args:
        event_id: ``eventID``.
        request_id: ``requestID``; ``""`` if the record has none.
        source: ``eventSource``.
        name: ``eventName``.
        kind: ``eventType``.
        region: ``awsRegion``.
        time: ``eventTime`` in seconds since 1970.
        error_code: ``errorCode``; ``""`` for a call that succeeded.
        error_message: ``errorMessage``.
        params: ``requestParameters`` as JSON text.
        principal_type: ``userIdentity.type``.
        principal_arn: ARN of the user or session.
        role_arn: ARN of the role behind a session, with its path.
        principal_id: ``userIdentity.principalId``, which is ``aws:userid``.
        account: ``userIdentity.accountId``.
        invoked_by: The AWS service that called on behalf of the principal.
        mfa: ``sessionContext.attributes.mfaAuthenticated``.
        issued: ``sessionContext.attributes.creationDate``.
        source_identity: ``sessionContext.sourceIdentity``.
        address: ``sourceIPAddress``.
        endpoint: ``vpcEndpointId``.
        agent: ``userAgent``.
        host: ``tlsDetails.clientProvidedHostHeader``.
        replaces: Event ID of the record that an UPDATED_DATA addendum replaces.
        replaced_request: Request ID of that record.
    """

    event_id: str
    request_id: str
    source: str
    name: str
    kind: str
    region: str
    time: int
    error_code: str = ""
    error_message: str = ""
    params: str = "{}"
    principal_type: str = ""
    principal_arn: str = ""
    role_arn: str = ""
    principal_id: str = ""
    account: str = ""
    invoked_by: str = ""
    mfa: str = ""
    issued: str = ""
    source_identity: str = ""
    address: str = ""
    endpoint: str = ""
    agent: str = ""
    host: str = ""
    replaces: str = ""
    replaced_request: str = ""

    @property
    def is_denied(self) -> bool:
        """Whether a policy denied the call. Bedrock also sends these codes for legacy models, with another message."""
        if self.error_code not in DENIAL_CODES:
            return False
        return not self.error_message or any(text in self.error_message for text in _DENIAL_TEXTS)


def event_of(record: object) -> TrailEvent:
    """
    Reduce a CloudTrail record.

    Raises:
        RecordError: The value is not a CloudTrail record.
    """
    if not isinstance(record, Mapping):
        raise RecordError("the record is not a JSON object")
    try:
        identity = _object(record.get("userIdentity"))
        session = _object(identity.get("sessionContext"))
        attributes, issuer = _object(session.get("attributes")), _object(session.get("sessionIssuer"))
        addendum = _object(record.get("addendum"))
        updates = addendum.get("reason") == "UPDATED_DATA"
        params = _object(record.get("requestParameters"))
        return TrailEvent(
            event_id=_required(record, "eventID"),
            request_id=_text(record.get("requestID")),
            source=_required(record, "eventSource"),
            name=_required(record, "eventName"),
            kind=_text(record.get("eventType")),
            region=_required(record, "awsRegion"),
            time=seconds_of(_required(record, "eventTime")),
            error_code=_text(record.get("errorCode")),
            error_message=_text(record.get("errorMessage")),
            params=canonical(params) if params else "{}",
            principal_type=_text(identity.get("type")),
            principal_arn=_text(identity.get("arn")),
            role_arn=_text(issuer.get("arn")) if issuer.get("type") == "Role" else "",
            principal_id=_text(identity.get("principalId")),
            account=_text(identity.get("accountId")),
            invoked_by=_text(identity.get("invokedBy")),
            mfa=_text(attributes.get("mfaAuthenticated")),
            issued=_text(attributes.get("creationDate")),
            source_identity=_text(session.get("sourceIdentity")),
            address=_text(record.get("sourceIPAddress")),
            endpoint=_text(record.get("vpcEndpointId")),
            agent=_text(record.get("userAgent")),
            host=_text(_object(record.get("tlsDetails")).get("clientProvidedHostHeader")),
            replaces=_text(addendum.get("originalEventID")) if updates else "",
            replaced_request=_text(addendum.get("originalRequestID")) if updates else "",
        )
    except RecordError:
        raise
    except (TypeError, ValueError, OverflowError) as error:
        raise RecordError(unreadable(error)) from None


def unreadable(error: Exception) -> str:
    """Return the reason why a record is not replayed."""
    return str(error) if isinstance(error, RecordError) else f"the record cannot be read: {error}"


def canonical(value: Any) -> str:
    """Serialize a JSON value with sorted keys, so that equal values become equal strings."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)


def seconds_of(time: str) -> int:
    """
    Convert ``eventTime`` to seconds since 1970. A time without a zone is UTC.

    Raises:
        RecordError: The time is not ISO 8601.
    """
    try:
        moment = datetime.fromisoformat(time)
    except ValueError:
        raise RecordError(f"the record has the `eventTime` `{time}`; it must be a time such as 2026-11-01T00:00:00Z") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


class Clock:
    """Converts times as `seconds_of` does. Many records share a minute, so each minute is parsed once."""

    def __init__(self) -> None:
        self._minutes: dict[str, int] = {}

    def seconds_of(self, time: str) -> int:
        """Convert ``eventTime`` to seconds since 1970."""
        minute, second = self._minutes.get(time[_MINUTE]), _SECONDS.get(time[_SECOND])
        if minute is not None and second is not None:
            return minute + second
        moment = seconds_of(time)
        if second is not None:
            if len(self._minutes) >= _MINUTES_KEPT:
                self._minutes.clear()
            self._minutes[time[_MINUTE]] = moment - second
        return moment


def key_of(identifier: str) -> bytes:
    """
    Return 16 bytes that identify an event or a request.

    CloudTrail uses UUIDs, which have 16 bytes and can be restored from them. Other strings are hashed.
    """
    return uuid_of(identifier) or hashlib.blake2b(identifier.encode(), digest_size=16).digest()


def uuid_of(identifier: str) -> bytes | None:
    """Return the bytes of a UUID as CloudTrail writes it; None for any other string."""
    return bytes.fromhex(identifier.replace("-", "")) if _UUID.fullmatch(identifier) else None


def text_of_uuid(key: bytes) -> str:
    """Format a UUID. `str(UUID(bytes=key))` returns the same, but takes four times as long."""
    text = key.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _object(value: object) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise TypeError(f"expected a JSON object, got {type(value).__name__}")
    return value


def _required(record: Mapping[str, Any], name: str) -> str:
    text = _text(record.get(name))
    if not text:
        raise RecordError(f"the record has no `{name}`")
    return text


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        # JSON can escape half of a surrogate pair, which cannot be written to a file or a terminal.
        return value if value.isascii() else value.encode(errors="replace").decode()
    if isinstance(value, bool):
        return "true" if value else "false"
    raise TypeError(f"expected a string, got {type(value).__name__}")
