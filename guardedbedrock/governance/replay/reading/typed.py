"""
Typed decoding of CloudTrail files with msgspec (extra ``replay``).

A record with anything unusual is left to `events.event_of`, and a file to `records.read_records`, which count and name the fault.
So both decoders produce the same report.
"""

from __future__ import annotations

import codecs
import zlib
from typing import Annotated, Final, TypeAlias

import msgspec

from guardedbedrock.governance.replay.reading.events import TrailEvent
from guardedbedrock.governance.replay.reading.files import Bucket, TrailFile
from guardedbedrock.governance.replay.reading.records import GZIP_START

LARGEST: Final = 64 << 20
"""Bytes of a file, decompressed. A larger one is read in pieces."""

_PIECE: Final = 1 << 20
_NULL: Final = b"null"
_OBJECT_OR_NULL: Final = (b"{", _NULL)


_Required: TypeAlias = Annotated[str, msgspec.Meta(min_length=1)]


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


class _Addendum(msgspec.Struct, gc=False):
    reason: str | None = None
    event: str | None = msgspec.field(default=None, name="originalEventID")
    request: str | None = msgspec.field(default=None, name="originalRequestID")


class TypedRecord(msgspec.Struct, gc=False):
    """A record as msgspec decodes it."""

    source: _Required = msgspec.field(name="eventSource")
    event_id: _Required = msgspec.field(name="eventID")
    name: _Required = msgspec.field(name="eventName")
    region: _Required = msgspec.field(name="awsRegion")
    event_time: _Required = msgspec.field(name="eventTime")
    request_id: str | None = msgspec.field(default=None, name="requestID")
    kind: str | None = msgspec.field(default=None, name="eventType")
    error_code: str | None = msgspec.field(default=None, name="errorCode")
    error_message: str | None = msgspec.field(default=None, name="errorMessage")
    parameters: msgspec.Raw = msgspec.field(default=msgspec.Raw(_NULL), name="requestParameters")
    identity: _Identity | None = msgspec.field(default=None, name="userIdentity")
    address: str | None = msgspec.field(default=None, name="sourceIPAddress")
    endpoint: str | None = msgspec.field(default=None, name="vpcEndpointId")
    agent: str | None = msgspec.field(default=None, name="userAgent")
    tls: _Tls | None = msgspec.field(default=None, name="tlsDetails")
    addendum: _Addendum | None = None

    def similar(self, params: bytes) -> tuple[tuple[object, ...], tuple[object, ...]]:
        """
        Return the recorded values that the tuple of a call depends on: those of the principal, and those of the call.

        They suffice if policies read no key that differs between calls of one principal. The ARN of a session differs between
        sessions of a role, so the ARN of the role is used instead.
        """
        identity = self.identity or _NO_IDENTITY
        issuer = (identity.session and identity.session.issuer) or _NO_ISSUER
        role = issuer.arn if issuer.type == "Role" else None
        return (
            (role or identity.arn, identity.account, identity.type),
            (
                self.name,
                self.source,
                self.region,
                params,
                self.error_code,
                self.error_code and self.error_message,
                self.tls.host if self.tls is not None else None,
            ),
        )

    def event(self, time: int) -> TrailEvent:
        """Convert the record to what `events.event_of` returns. The time is in seconds since 1970."""
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
            time=time,
            error_code=self.error_code or "",
            error_message=self.error_message or "",
            params="{}" if params == "null" else params,
            principal_type=identity.type or "",
            principal_arn=identity.arn or "",
            role_arn=(issuer.arn or "") if issuer.type == "Role" else "",
            principal_id=identity.principal_id or "",
            account=identity.account or "",
            invoked_by=identity.invoked_by or "",
            mfa=attributes.mfa or "",
            issued=attributes.issued or "",
            source_identity=session.source_identity or "",
            address=self.address or "",
            endpoint=self.endpoint or "",
            agent=self.agent or "",
            host=(self.tls and self.tls.host) or "",
            replaces=addendum.event or "",
            replaced_request=addendum.request or "",
        )


_NO_IDENTITY: Final = _Identity()
_NO_SESSION: Final = _Session()
_NO_ATTRIBUTES: Final = _Attributes()
_NO_ISSUER: Final = _Issuer()
_NO_ADDENDUM: Final = _Addendum()


class _File(msgspec.Struct, gc=False):
    records: list[msgspec.Raw] = msgspec.field(name="Records")


_FILES: Final = msgspec.json.Decoder(_File)
_RECORDS: Final = msgspec.json.Decoder(TypedRecord)


def decode_file(file: TrailFile, bucket: Bucket | None = None) -> list[msgspec.Raw] | None:
    """
    Read the records of a whole CloudTrail file; each is valid JSON.

    Returns:
        The records. None if the file is large, is of another form, or is broken.
    """
    try:
        with file.open(bucket) as raw:
            data = raw.read(LARGEST + 1)
        if data.startswith(GZIP_START):
            data = _decompress(data)
        if len(data) > LARGEST:
            return None
        if not data.isascii():  # msgspec does not check the strings in raw values
            _ensure_utf8(data)
        return _FILES.decode(data).records
    except (OSError, EOFError, zlib.error, ValueError, RecursionError):
        return None


def decode_record(raw: msgspec.Raw) -> TypedRecord | None:
    """
    Decode one record.

    Records are decoded one after the other: a whole file of them does not fit into the cache of a processor.

    Returns:
        The record; None if it lacks a field that a call has, or a field has another type.
    """
    try:
        record = _RECORDS.decode(raw)
    except (msgspec.ValidationError, RecursionError):
        return None
    return record if bytes(record.parameters).startswith(_OBJECT_OR_NULL) else None


def _ensure_utf8(data: bytes) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, len(data), _PIECE):  # the text of a whole file can be four times as long
        decoder.decode(data[start : start + _PIECE])


def _decompress(data: bytes) -> bytes:
    """Decompress a file of one gzip member, which is quicker than `gzip.GzipFile`; others are left to it."""
    stream = zlib.decompressobj(wbits=31)
    text = stream.decompress(data, LARGEST + 1)
    if not stream.eof or stream.unused_data:
        raise EOFError
    return text
