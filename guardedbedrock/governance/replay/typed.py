"""
Typed decoding of CloudTrail files with msgspec (extra ``replay``).

A file with anything unusual is left to `read_records`, which counts and names it, so that both ways give the same report.
"""

from __future__ import annotations

import json
import re
import zlib
from types import NoneType
from typing import Final, TypeAlias

import msgspec

from guardedbedrock.governance.replay.events import SOURCES, TrailEvent, seconds_of
from guardedbedrock.governance.replay.files import GZIP_START, Bucket, TrailFile

LARGEST: Final = 64 << 20
"""Bytes of a file, decompressed. A larger one is read in pieces."""


_NULL: Final = b"null"
_SECOND: Final = len("2026-11-28T00:00:")
_SECONDS: Final = re.compile("[0-5][0-9]Z")


class _Attributes(msgspec.Struct, gc=False):
    mfa: str | None = msgspec.field(default=None, name="mfaAuthenticated")
    issued: str | None = msgspec.field(default=None, name="creationDate")


class _Issuer(msgspec.Struct, gc=False):
    type: str | None = None
    arn: str | None = None


class _Session(msgspec.Struct, gc=False):
    attributes: _Attributes | None = None
    issuer: _Issuer | None = msgspec.field(default=None, name="sessionIssuer")
    source_identity: str | None = msgspec.field(default=None, name="sourceIdentity")


class _Identity(msgspec.Struct, gc=False):
    type: str | None = None
    arn: str | None = None
    principal_id: str | None = msgspec.field(default=None, name="principalId")
    account: str | None = msgspec.field(default=None, name="accountId")
    invoked_by: str | None = msgspec.field(default=None, name="invokedBy")
    session: _Session | None = msgspec.field(default=None, name="sessionContext")


class _Tls(msgspec.Struct, gc=False):
    host: str | None = msgspec.field(default=None, name="clientProvidedHostHeader")


class _Additional(msgspec.Struct, gc=False):
    inference_region: str | None = msgspec.field(default=None, name="inferenceRegion")


class _Addendum(msgspec.Struct, gc=False):
    reason: str | None = None
    event: str | None = msgspec.field(default=None, name="originalEventID")
    request: str | None = msgspec.field(default=None, name="originalRequestID")


class TypedRecord(msgspec.Struct, gc=False):
    """A record as msgspec decodes it. A field of another type is a `ValidationError`."""

    source: str = msgspec.field(name="eventSource")
    event_id: str = msgspec.field(default="", name="eventID")
    name: str = msgspec.field(default="", name="eventName")
    region: str = msgspec.field(default="", name="awsRegion")
    event_time: str = msgspec.field(default="", name="eventTime")
    request_id: str | None = msgspec.field(default=None, name="requestID")
    kind: str | None = msgspec.field(default=None, name="eventType")
    error_code: str | None = msgspec.field(default=None, name="errorCode")
    error_message: str | None = msgspec.field(default=None, name="errorMessage")
    parameters: msgspec.Raw = msgspec.field(default=msgspec.Raw(_NULL), name="requestParameters")
    identity: _Identity | None = msgspec.field(default=None, name="userIdentity")
    owner: str | None = msgspec.field(default=None, name="recipientAccountId")
    address: str | None = msgspec.field(default=None, name="sourceIPAddress")
    endpoint: str | None = msgspec.field(default=None, name="vpcEndpointId")
    agent: str | None = msgspec.field(default=None, name="userAgent")
    tls: _Tls | None = msgspec.field(default=None, name="tlsDetails")
    additional: _Additional | None = msgspec.field(default=None, name="additionalEventData")
    addendum: _Addendum | None = None

    def similar(self, params: bytes) -> tuple[object, ...]:
        """
        Return what the tuple of a call depends on, if policies read no key that differs between calls of one principal.

        The ARN of a session differs between sessions of a role, so the ARN of the role takes its place.
        """
        identity = self.identity or _NO_IDENTITY
        session = identity.session
        issuer = session.issuer if session is not None else None
        return (
            self.name,
            self.source,
            self.region,
            params,
            issuer.arn if issuer is not None and issuer.type == "Role" and issuer.arn else identity.arn,
            identity.account,
            identity.type,
            identity.invoked_by is None,
            self.error_code,
            self.error_code and self.error_message,
            self.tls.host if self.tls is not None else None,
        )

    def event(self) -> TrailEvent:
        """Return the record in the form of the standard library's path."""
        identity = self.identity or _NO_IDENTITY
        session = identity.session or _NO_SESSION
        attributes, issuer = session.attributes or _NO_ATTRIBUTES, session.issuer or _NO_ISSUER
        addendum = self.addendum if self.addendum and self.addendum.reason == "UPDATED_DATA" else _NO_ADDENDUM
        params = bytes(self.parameters).decode()
        return TrailEvent(
            event_id=self.event_id,
            request_id=self.request_id or "",
            source=self.source,
            name=self.name,
            kind=self.kind or "",
            region=self.region,
            time=seconds_of(self.event_time),
            error_code=self.error_code or "",
            error_message=self.error_message or "",
            params="{}" if params == "null" else params,
            principal_type=identity.type or "",
            principal_arn=identity.arn or "",
            role_arn=(issuer.arn or "") if issuer.type == "Role" else "",
            principal_id=identity.principal_id or "",
            account=identity.account or "",
            owner=self.owner or "",
            invoked_by=identity.invoked_by or "",
            mfa=attributes.mfa or "",
            issued=attributes.issued or "",
            source_identity=session.source_identity or "",
            address=self.address or "",
            endpoint=self.endpoint or "",
            agent=self.agent or "",
            host=(self.tls and self.tls.host) or "",
            inference_region=(self.additional and self.additional.inference_region) or "",
            replaces=addendum.event or "",
            replaced_request=addendum.request or "",
        )


_NO_IDENTITY: Final = _Identity()
_NO_SESSION: Final = _Session()
_NO_ATTRIBUTES: Final = _Attributes()
_NO_ISSUER: Final = _Issuer()
_NO_ADDENDUM: Final = _Addendum()


class _TypedFile(msgspec.Struct, gc=False):
    records: list[TypedRecord] = msgspec.field(name="Records")


Typed: TypeAlias = tuple[TypedRecord, int, bytes]
"""A record, its time in seconds since 1970, and its parameters as JSON."""

_DECODER: Final = msgspec.json.Decoder(_TypedFile)


def decode(file: TrailFile, bucket: Bucket | None = None) -> tuple[int, list[Typed]] | None:
    """
    Decode a whole CloudTrail file.

    Returns:
        The number of records, and those of Bedrock. None if the file is large, is of another form, or holds
        anything unusual.
    """
    try:
        with file.open(bucket) as raw:
            data = raw.read(LARGEST + 1)
        if data.startswith(GZIP_START):
            data = _decompress(data)
        if len(data) > LARGEST:
            return None
        records = _DECODER.decode(data).records
        calls = _parse(records)
    except (OSError, EOFError, zlib.error, ValueError, RecursionError):
        return None
    return None if calls is None else (len(records), calls)


def _decompress(data: bytes) -> bytes:
    """Decompress a file of one gzip member, which is quicker than `gzip.GzipFile`; others are left to it."""
    stream = zlib.decompressobj(wbits=31)
    text = stream.decompress(data, LARGEST + 1)
    if not stream.eof or stream.unused_data:
        raise EOFError
    return text


def _parse(records: list[TypedRecord]) -> list[Typed] | None:
    found: list[Typed] = []
    seen: set[bytes] = set()
    minutes: dict[str, int] = {}
    for record in records:
        if record.source not in SOURCES:
            if not record.source:
                return None
            continue
        if not (record.event_id and record.name and record.region):
            return None
        params = bytes(record.parameters)
        if params not in seen:
            # msgspec does not look into raw parameters.
            if not isinstance(json.loads(params), dict | NoneType):
                return None
            seen.add(params)
        time = record.event_time
        # Parsing a time costs more than decoding a record; many times of a file share their minute.
        minute = minutes.get(time[:_SECOND])
        if minute is None or not _SECONDS.fullmatch(time, _SECOND):
            second = seconds_of(time)
            if _SECONDS.fullmatch(time, _SECOND):
                minutes[time[:_SECOND]] = second - int(time[_SECOND:-1])
        else:
            second = minute + int(time[_SECOND:-1])
        found.append((record, second, params))
    return found
