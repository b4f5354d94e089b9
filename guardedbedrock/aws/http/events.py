"""
Read the events in the bytes of a streamed response, as botocore would parse them. The bytes are not changed.

Source: WHATWG HTML Standard, "Server-sent events"; Bedrock API Reference, "ConverseStream", "InvokeModelWithResponseStream".
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, Protocol

from botocore.eventstream import EventStreamBuffer, ParserError

from guardedbedrock.bedrock.parameters import parse_object

SERVER_SENT: Final = "text/event-stream"
EVENT_STREAM: Final = "application/vnd.amazon.eventstream"

_COMPRESSIONS: Final = ("gzip", "deflate")
_ANY_HEADER: Final = 32 + zlib.MAX_WBITS
_DONE: Final = b"[DONE]"


class StreamErrorEvent(Exception):  # noqa: N818  # it is an event, which the stream's reader gets as well
    """
    An error event of the service, which ends the stream.

    Args:
        response: The code and the message, as botocore parses them.
    """

    def __init__(self, response: dict[str, Any]) -> None:
        super().__init__(response["Error"]["Code"])
        self.response = response


READ_ERRORS: Final = (StreamErrorEvent, ParserError, ValueError, KeyError, TypeError, AttributeError, zlib.error)
"""Errors that a reader raises for an error event, or for bytes that it cannot read."""


class EventReader(Protocol):
    """Reads events from chunks of bytes, which can end anywhere."""

    def feed(self, chunk: bytes) -> Iterator[dict[str, Any]]:
        """
        Yield the events that a chunk completes.

        Raises:
            StreamErrorEvent: The service sent an error; any other of `READ_ERRORS`: the bytes cannot be read.
        """


def event_reader(content_type: str) -> EventReader | None:
    """Return a reader for a content type; None if it is not that of a stream."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == SERVER_SENT:
        return ServerSentEvents()
    return EventStreamFrames() if kind == EVENT_STREAM else None


class ServerSentEvents:
    """Reads server-sent events; each is a chunk like those of InvokeModelWithResponseStream."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []

    def feed(self, chunk: bytes) -> Iterator[dict[str, Any]]:
        """Yield the events that a chunk completes."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            text = line.removesuffix(b"\r")
            if text.startswith(b"data:"):
                self._data.append(text.removeprefix(b"data:").removeprefix(b" "))
            elif not text and self._data:
                data, self._data = b"\n".join(self._data), []
                if data != _DONE:
                    yield _chunk(data)


def _chunk(data: bytes) -> dict[str, Any]:
    if b'"error"' in data and isinstance(error := parse_object(data).get("error"), Mapping):
        code = error.get("code") or error.get("type") or "error"
        raise StreamErrorEvent({"Error": {"Code": str(code), "Message": str(error.get("message", ""))}})
    return {"chunk": {"bytes": data}}


class EventStreamFrames:
    """Reads the frames of AWS's event streams."""

    def __init__(self) -> None:
        self._buffer = EventStreamBuffer()

    def feed(self, chunk: bytes) -> Iterator[dict[str, Any]]:
        """Yield the events that a chunk completes."""
        self._buffer.add_data(chunk)
        for message in self._buffer:
            headers = message.headers
            if headers.get(":message-type") == "event":
                yield _event(headers[":event-type"], json.loads(message.payload))
                continue
            code = headers.get(":exception-type") or headers.get(":error-code") or "error"
            text = headers.get(":error-message") or parse_object(message.payload).get("message", "")
            raise StreamErrorEvent({"Error": {"Code": code, "Message": text}})


def _event(name: str, payload: dict[str, Any]) -> dict[str, Any]:
    return {name: {"bytes": base64.b64decode(payload["bytes"])} if name == "chunk" else payload}


def decompressor(encoding: str) -> Callable[[bytes], bytes]:
    """Return a function that decompresses the chunks of a response; it returns nothing for an unknown encoding."""
    if encoding.lower() in ("", "identity"):
        return bytes
    return zlib.decompressobj(_ANY_HEADER).decompress if encoding.lower() in _COMPRESSIONS else lambda _: b""
