"""A recorded request with its response, and the form in which requests are compared."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, unquote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


_SIGNATURE: Final = "x-amz-"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedExchange:
    """
    A recorded request with its response.

    Args:
        method: HTTP method, in capital letters.
        target: Path and query, percent-encoded.
        request_body: Empty if the request has no body.
        status: HTTP status.
        headers: The headers of the response that describe its body or its error.
        body: The body of the response; the bytes of the frames for an event stream.
        source: File and number of the exchange, for messages.
    """

    method: str
    target: str
    request_body: bytes
    status: int
    headers: Mapping[str, str]
    body: bytes
    source: str


def without_signature(target: str) -> str:
    """Return path and query without the parameters of a presigned URL, which contain credentials."""
    path, _, query = target.partition("?")
    kept = [part for part in query.split("&") if part and not part.lower().startswith(_SIGNATURE)]
    return "?".join([path, "&".join(kept)]) if kept else path


def path_of(target: str) -> str:
    """Return path and query, percent-decoded and without the slash at the end. The order of the query does not matter."""
    path, _, query = without_signature(target).partition("?")
    pairs = sorted(parse_qsl(query, keep_blank_values=True))
    return unquote(path).rstrip("/") + ("?" + "&".join(f"{name}={value}" for name, value in pairs) if pairs else "")


def body_of(body: bytes) -> object:
    """Return the JSON value of a body, with ``1.0`` as ``1``; bytes if it is not JSON, None if it is empty."""
    try:
        return json.loads(body, parse_float=_number) if body else None
    except (ValueError, RecursionError):
        return body


def _number(text: str) -> float:
    number = float(text)
    return int(number) if number.is_integer() else number


def canonical(body: object) -> str | bytes:
    """Return a string that is equal for equal JSON values; bytes are returned unchanged."""
    return body if isinstance(body, bytes) else json.dumps(body, sort_keys=True)


def leaves(value: Any, pointer: str = "") -> Iterator[tuple[str, str]]:
    """Yield the JSON pointer and the `repr` of each value that contains no other values."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if not items:
        yield pointer or "/", repr(value)
    for key, item in items:
        yield from leaves(item, f"{pointer}/{key}")
