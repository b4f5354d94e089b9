"""Replies that are awaited later: they stay what aiobotocore's callers and instrumentations test for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any, Final, Self

import aiohttp
from aiobotocore.eventstream import AioEventStream
from aiobotocore.response import AioStreamingBody
from botocore.exceptions import ResponseStreamingError

from guardedbedrock.aws.client.call_context import CallContext
from guardedbedrock.aws.client.stream import NO_EVENT, Beginning, ObservedStream, breaking, without
from guardedbedrock.core.observers import Observers
from guardedbedrock.core.records import Reply
from guardedbedrock.core.rules import Rules
from guardedbedrock.stages.stream import StreamMonitor, observe_stream_async

BROKEN: Final = (aiohttp.ClientError, TimeoutError)


class AsyncGuardedEventStream(ObservedStream, AioEventStream):  # type: ignore[misc]  # aiobotocore has no types
    """
    An event stream that is observed.

    ``async with`` closes it at the end of the block, whatever the block ends with; aiobotocore's own has only ``close()``.
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


class ReadBody(AioStreamingBody):  # type: ignore[misc]
    """
    A body that was read already and reads as ever.

    Args:
        raw_stream: The response that it came from.
        data: All of it, kept for `guardedbedrock.intervention`.
    """

    def __init__(self, raw_stream: Any, data: bytes) -> None:
        super().__init__(raw_stream, len(data))
        self.data = data
        self._data = BytesIO(data)

    def readable(self) -> bool:
        """Say whether anything is left."""
        return self._data.tell() < len(self._data.getbuffer())

    async def read(self, amt: int | None = None) -> bytes:
        """Read at most `amt` bytes, or all that is left."""
        chunk = self._data.read(amt)
        self._amount_read += len(chunk)
        return chunk

    async def readinto(self, b: bytearray) -> int:
        """Read into `b`, and say how many bytes."""
        amount = self._data.readinto(b)
        self._amount_read += amount
        return amount

    def close(self) -> None:
        """Let go of what was read; the connection was given back before."""
        self._data.close()


def guarded_stream(inner: AioEventStream, reply: Reply, rules: Rules, observers: Observers) -> AsyncGuardedEventStream:
    """Put the observation around the event stream of a reply."""
    passage = StreamMonitor(without(reply, inner), rules, observers)
    source = inner if reply.again is None else AsyncBeginning(inner, reply, observers)
    return AsyncGuardedEventStream(source, observe_stream_async(source, source.close, passage, broken=BROKEN), passage)


class AsyncBeginning(Beginning):
    """An event stream that is asked for again when it breaks before its first event, as `Beginning` does, awaited."""

    async def __aiter__(self) -> AsyncIterator[dict[str, Any]]:
        events, first = await self._again.retry.run_async(self._begin_async, self._observers)
        if first is not NO_EVENT:
            yield first
            async for event in events:
                yield event

    async def _begin_async(self) -> tuple[AsyncIterator[dict[str, Any]], Any]:
        if not self._is_open:
            with CallContext(self._authorized, self._observers, self._gate):
                self._take(await self._again.attempt())
        with breaking(self, BROKEN):
            events = aiter(self._stream)
            return events, await anext(events, NO_EVENT)


async def read_body(response: dict[str, Any]) -> bytes:
    """Read the body of an InvokeModel reply and put a fresh one in its place, so that the caller can read it too."""
    body = response["body"]
    try:
        data: bytes = await body.read()
    except aiohttp.ClientPayloadError as error:
        body.close()
        raise ResponseStreamingError(error=error) from error  # as botocore says it, and some versions of aiobotocore
    except BaseException:
        body.close()
        raise
    response["body"] = ReadBody(body.raw_stream, data)
    return data
