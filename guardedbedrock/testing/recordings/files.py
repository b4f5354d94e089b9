"""
Reads recorded exchanges: cassettes of vcrpy (YAML or JSON), and the files that `Recorder` writes (JSON).

A cassette has ``interactions``. A file of `Recorder` has ``exchanges``, each with ``request`` (``method``, ``target``, ``body``)
and ``response`` (``status``, ``headers``, ``body``). A body is a JSON value; ``body_base64`` contains any other bytes.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from guardedbedrock.settings.reader import check_depth, parse_json, parse_yaml, read_text
from guardedbedrock.testing.cases.files import find
from guardedbedrock.testing.cases.shapes import Location
from guardedbedrock.testing.recordings.exchange import RecordedExchange

if TYPE_CHECKING:
    from collections.abc import Iterator

_LARGEST: Final = 10_000_000
_YAML: Final = (".yaml", ".yml")
_STATUSES: Final = range(200, 600)
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_METHOD: Final = re.compile(r"[A-Z]+")
_VALUE: Final = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_NOT_REPLAYED: Final = frozenset(
    {
        "connection",
        "content-length",
        "date",
        "keep-alive",
        "proxy-authenticate",
        "server",
        "set-cookie",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-amzn-requestid",
    }
)
"""Headers of one connection, or of the server that was recorded."""
_COMPRESSED: Final = ("content-encoding", "gzip")
_GZIP: Final = b"\x1f\x8b"
_GZIP_FORMAT: Final = 31  # of zlib


def read(folder: Path) -> list[RecordedExchange]:
    """
    Read all exchanges in the ``*.json``, ``*.yaml`` and ``*.yml`` files of a folder, in the order of the file names.

    Raises:
        ConfigurationError: A file cannot be read, or is not a recording. The message gives its location.
    """
    return [exchange for path in find([folder.absolute()]) for exchange in _exchanges(path)]


def _exchanges(path: Path) -> Iterator[RecordedExchange]:
    location, text = Location(str(path)), read_text(path, largest=_LARGEST)
    if path.suffix in _YAML:
        data = parse_yaml(text, str(path))
    else:
        parse_json(text, str(path))  # checks the bounds
        data = json.loads(text)
    check_depth(data, str(path))
    if isinstance(data, Mapping):
        for name, convert in (("interactions", _interaction), ("exchanges", _own)):
            if name in data:
                for index, each in enumerate(_list(data, name, location)):
                    yield convert(each, location / name / index)
                return
    location.fail("not a recording: it has neither `interactions` (a cassette of vcrpy) nor `exchanges`")


def _interaction(given: object, location: Location) -> RecordedExchange:
    request, response = _object(given, "request", location), _object(given, "response", location)
    at_request, at_response = location / "request", location / "response"
    uri = _text(request, "uri", at_request)
    try:
        parts = urlsplit(uri)
    except ValueError:
        (at_request / "uri").fail("not a URI")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    status = _object(response, "status", at_response)
    return _exchange(
        location,
        (_text(request, "method", at_request), target, _bytes(request.get("body"), at_request / "body")),
        (status.get("code"), response.get("headers") or {}, _bytes(response.get("body"), at_response / "body")),
    )


def _own(given: object, location: Location) -> RecordedExchange:
    request, response = _object(given, "request", location), _object(given, "response", location)
    at_request, at_response = location / "request", location / "response"
    return _exchange(
        location,
        (
            _text(request, "method", at_request),
            _text(request, "target", at_request),
            _own_body(request, at_request),
        ),
        (response.get("status"), response.get("headers", {}), _own_body(response, at_response)),
    )


def _exchange(location: Location, request: tuple[str, str, bytes], response: tuple[object, object, bytes]) -> RecordedExchange:
    method, target, request_body = request
    status, headers, body = response
    if not _METHOD.fullmatch(method.upper()):
        (location / "request" / "method").fail("not an HTTP method")
    if not isinstance(status, int) or isinstance(status, bool) or status not in _STATUSES:
        (location / "response").fail(f"the status must be a number from {_STATUSES[0]} to {_STATUSES[-1]}")
    every = _headers(headers, location / "response" / "headers")
    return RecordedExchange(
        method=method.upper(),
        target=target,
        request_body=request_body,
        status=status,
        headers={name: value for name, value in every.items() if (name.lower(), value.lower()) != _COMPRESSED},
        body=_decompressed(every, body, location / "response" / "body"),
        source=str(location),
    )


def _decompressed(headers: Mapping[str, str], body: bytes, location: Location) -> bytes:
    """
    Return a body without gzip, because boto3 does not read gzip, and other clients accept a body without it.

    vcrpy can store the decompressed body with the header of the compressed one.
    """
    is_compressed = any((name.lower(), value.lower()) == _COMPRESSED for name, value in headers.items())
    if not is_compressed or not body.startswith(_GZIP):
        return body
    decompressor = zlib.decompressobj(_GZIP_FORMAT)
    try:
        text = decompressor.decompress(body, _LARGEST)
    except zlib.error:
        location.fail("not gzip")
    if not decompressor.eof:
        location.fail(f"incomplete, or larger than {_LARGEST:,} bytes without compression")
    return text


def _headers(given: object, location: Location) -> dict[str, str]:
    if not isinstance(given, Mapping):
        location.fail("expected an object")
    headers = {}
    for name, value in given.items():
        values = value if isinstance(value, list) else [value]
        if not isinstance(name, str) or not _NAME.fullmatch(name) or not all(isinstance(each, str) for each in values):
            location.fail("expected names of headers with a string, or a list of strings")
        joined = ", ".join(values)
        if not _VALUE.fullmatch(joined):  # a line break would start another header
            (location / name).fail("a value contains a character that HTTP does not allow")
        if name.lower() not in _NOT_REPLAYED:
            headers[name] = joined
    return headers


def _bytes(given: object, location: Location) -> bytes:
    """Return the body of a cassette: a string, bytes, or an object with ``string`` or ``base64_string``."""
    if isinstance(given, Mapping) and "base64_string" in given:
        return _decoded(given["base64_string"], location / "base64_string")
    value = given.get("string") if isinstance(given, Mapping) else given
    if value is None:
        return b""
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        location.fail("expected a string, binary data, or an object with `string` or `base64_string`")
    return _encoded(value, location)


def _own_body(given: Mapping[str, Any], location: Location) -> bytes:
    if "body_base64" in given:
        return _decoded(given["body_base64"], location / "body_base64")
    return json.dumps(given["body"]).encode() if "body" in given else b""


def _decoded(given: object, location: Location) -> bytes:
    try:
        return base64.b64decode("".join(str(given).split()), validate=True)
    except (binascii.Error, ValueError):
        location.fail("not base64")


def _encoded(text: str, location: Location) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        location.fail("contains half of a surrogate pair")


def _object(given: object, name: str, location: Location) -> Mapping[str, Any]:
    value = given.get(name) if isinstance(given, Mapping) else None
    if not isinstance(value, Mapping):
        location.fail(f"expected an object with the object `{name}`")
    return value


def _list(given: Mapping[str, Any], name: str, location: Location) -> list[Any]:
    value = given[name]
    if not isinstance(value, list):
        (location / name).fail("expected an array")
    return value


def _text(given: Mapping[str, Any], name: str, location: Location) -> str:
    value = given.get(name)
    if not isinstance(value, str):
        location.fail(f"the string `{name}` is missing")
    return value
