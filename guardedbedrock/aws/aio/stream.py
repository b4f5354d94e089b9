"""Replies that are read after the call has returned, for aiobotocore; the counterpart of `guardedbedrock.aws.client.stream`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any, Final, Self

import aiohttp
from aiobotocore.eventstream import AioEventStream
from aiobotocore.response import AioStreamingBody
from botocore.exceptions import ResponseStreamingError

from guardedbedrock.aws.client.stream import (
    NO_EVENT,
    ObservedStream,
    RestartableStream,
    closing_if_broken,
    is_in_memory,
    peek,
    without,
)
from guardedbedrock.aws.gate.call_context import CallContext
from guardedbedrock.core.observers import Observers
from guardedbedrock.core.records import Reply
from guardedbedrock.core.rules import Rules
from guardedbedrock.stages.stream import StreamMonitor, observe_stream_async

BROKEN: Final = (aiohttp.ClientError, TimeoutError)


class AsyncGuardedEventStream(ObservedStream, AioEventStream):  # type: ignore[misc]  # aiobotocore has no types
    """
    An observed event stream.

    ``async with`` closes it at the end of the block. aiobotocore's own stream has only ``close()``.
    """

    def __aiter__(self) -> AsyncIterator[dict[str, Any]]:
        return self

    async def __anext__(self) -> dict[str, Any]:
        event: dict[str, Any] = await anext(self._events)
        return event

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()


class AsyncReadBody(AioStreamingBody):  # type: ignore[misc]
    """
    A body that was read already, and that the caller can read again.

    Args:
        raw_stream: The HTTP response of the body.
        data: All of it, kept for `guardedbedrock.intervention`.
    """

    def __init__(self, raw_stream: Any, data: bytes) -> None:
        super().__init__(raw_stream, len(data))
        self.data = data
        self._data = BytesIO(data)

    def readable(self) -> bool:
        """Return whether there is more to read."""
        return self._data.tell() < len(self._data.getbuffer())

    async def read(self, amt: int | None = None) -> bytes:
        """Read at most `amt` bytes, or the rest."""
        chunk = self._data.read(amt)
        self._amount_read += len(chunk)
        return chunk

    async def readinto(self, b: bytearray) -> int:
        """Read into `b`, and return the number of bytes."""
        amount = self._data.readinto(b)
        self._amount_read += amount
        return amount

    def close(self) -> None:
        """Release the data. The connection was released when the body was read."""
        self._data.close()


def guarded_stream(inner: AioEventStream, reply: Reply, rules: Rules, observers: Observers) -> AsyncGuardedEventStream:
    """Observe the event stream of a reply."""
    monitor = StreamMonitor(without(reply, inner), rules, observers)
    source = inner if reply.again is None else AsyncRestartableStream(inner, reply, observers)
    return AsyncGuardedEventStream(source, observe_stream_async(source, source.close, monitor, broken=BROKEN), monitor)


class AsyncRestartableStream(RestartableStream):
    """An event stream that is requested again if it breaks before its first event."""

    async def __aiter__(self) -> AsyncIterator[dict[str, Any]]:
        if self._is_closed:
            async for event in self._stream:  # as in `RestartableStream`
                yield event
            return
        events, first = await self._again.retry.run_async(self._begin_async, self._observers)
        if first is not NO_EVENT:
            yield first
            async for event in events:
                yield event

    async def _begin_async(self) -> tuple[AsyncIterator[dict[str, Any]], Any]:
        if self._is_broken:
            if self._is_closed:  # by the caller, during the wait
                return self._stream, NO_EVENT
            with CallContext(self._authorized, self._observers, self._gate):
                self._take(await self._again.attempt())
        self._is_broken = True  # until its first event has arrived
        with closing_if_broken(self._stream, BROKEN):
            events = aiter(self._stream)
            first = await anext(events, NO_EVENT)
        self._is_broken = False
        return events, first


async def read_body(response: dict[str, Any]) -> tuple[dict[str, Any], bytes | None]:
    """Read the body of an InvokeModel reply, as `guardedbedrock.aws.client.stream.read_body` does."""
    body = response.get("body")
    if not isinstance(body, AioStreamingBody) or is_in_memory(body):
        return response, peek(body)
    try:
        data: bytes = await body.read()
    except aiohttp.ClientPayloadError as error:
        body.close()
        raise ResponseStreamingError(error=error) from error  # some versions of aiobotocore do not convert it
    except BaseException:
        body.close()
        raise
    return {**response, "body": AsyncReadBody(body.raw_stream, data)}, data
