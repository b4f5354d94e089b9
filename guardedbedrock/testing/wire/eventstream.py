"""
Writes ``application/vnd.amazon.eventstream`` frames. botocore can only read them.

A frame consists of: total length, headers length, CRC-32 of these two (4 bytes each, big-endian), the headers, the payload,
CRC-32 of everything before it.
"""

from __future__ import annotations

import json
import struct
import zlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CONTENT_TYPE: Final = "application/vnd.amazon.eventstream"

_SMALLEST: Final = 16  # bytes of a frame without headers and payload
_STRING: Final = 7  # the type number of a header whose value is a string


def frame(headers: Mapping[str, str], payload: bytes) -> bytes:
    """
    Write one frame.

    Args:
        headers: Name (at most 255 bytes) to value (at most 32,767 bytes), in the order in which they are sent.
        payload: At most 24 MiB, the limit of botocore's reader.
    """
    head = b"".join(_header(name.encode(), value.encode()) for name, value in headers.items())
    prelude = struct.pack("!II", len(head) + len(payload) + 16, len(head))
    message = prelude + struct.pack("!I", zlib.crc32(prelude)) + head + payload
    return message + struct.pack("!I", zlib.crc32(message))


def _header(name: bytes, value: bytes) -> bytes:
    return struct.pack("!B", len(name)) + name + struct.pack("!BH", _STRING, len(value)) + value


def event(name: str, payload: Mapping[str, Any]) -> bytes:
    """Write an event, such as ``contentBlockDelta``, with a JSON payload."""
    return frame(
        {":event-type": name, ":content-type": "application/json", ":message-type": "event"},
        json.dumps(payload).encode(),
    )


def exception(name: str, payload: Mapping[str, Any]) -> bytes:
    """
    Write an exception of the service model, such as ``throttlingException``.

    Args:
        name: Member of the event stream, in lower camel case. botocore uses it as the error code.
        payload: ``{"message": ...}`` and the other members of the shape.
    """
    return frame(
        {":exception-type": name, ":content-type": "application/json", ":message-type": "exception"},
        json.dumps(payload).encode(),
    )


def error(code: str, message: str) -> bytes:
    """Write an error that is not in the service model. It has no payload."""
    return frame({":error-code": code, ":error-message": message, ":message-type": "error"}, b"")


def split(stream: bytes) -> Iterator[bytes]:
    """Yield the frames of a recorded stream. Bytes that are not a frame are yielded in one piece."""
    start = 0
    while start < len(stream):
        length = int.from_bytes(stream[start : start + 4], "big")
        end = start + length if length >= _SMALLEST else len(stream)
        yield stream[start:end]
        start = end
