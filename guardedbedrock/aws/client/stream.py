"""Replies that are read later: they stay what botocore's callers and instrumentations test for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from typing import Any, Final

import urllib3
from botocore.eventstream import EventStream
from botocore.exceptions import EventStreamError, HTTPClientError, ResponseStreamingError
from botocore.response import StreamingBody

from guardedbedrock.aws.client.call_context import CallContext, open_gate
from guardedbedrock.bedrock import Intervention
from guardedbedrock.core.observers import Observers
from guardedbedrock.core.records import Reply
from guardedbedrock.core.rules import Rules
from guardedbedrock.stages.stream import StreamMonitor, observe_stream

BROKEN: Final = (urllib3.exceptions.HTTPError,)
"""What the HTTP library says of a connection that breaks: botocore hands the bytes of a stream on as it reads them."""

NO_EVENT: Final = object()


class ObservedStream:
    """
    What observed event streams share.

    Args:
        inner: botocore's own.
        events: The observed events of `inner`.
        passage: Closed with the stream, if its end was not reached.
    """

    def __init__(self, inner: Any, events: Any, passage: StreamMonitor) -> None:
        self._inner = inner
        self._events = events
        self._passage = passage

    @property
    def intervention(self) -> Intervention | None:
        """What the guardrail did, as far as the stream was read; None when it did nothing."""
        return self._passage.intervention

    def get_initial_response(self) -> Any:
        """Read the initial response, as botocore does."""
        return self._inner.get_initial_response()

    def close(self) -> None:
        """Close the connection; what was not read is lost."""
        try:
            self._inner.close()
        finally:
            self._passage.close(None)

    def __del__(self) -> None:
        with suppress(Exception):  # at this point there is nobody left to tell
            self.close()


class GuardedEventStream(ObservedStream, EventStream):  # type: ignore[misc]  # botocore has no types
    """An event stream that is observed."""

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for event in self._events:  # noqa: UP028  # whoever stops early may go on later, and the stream lives while it is read
            yield event


def guarded_stream(inner: EventStream, reply: Reply, rules: Rules, observers: Observers) -> GuardedEventStream:
    """Put the observation around the event stream of a reply."""
    passage = StreamMonitor(without(reply, inner), rules, observers)
    source = inner if reply.again is None else Beginning(inner, reply, observers)
    return GuardedEventStream(source, observe_stream(source, source.close, passage, broken=BROKEN), passage)


class Beginning:
    """
    An event stream that is asked for again when it breaks before its first event, which nobody has seen then.

    Args:
        stream: The first one.
        reply: With what asks for another.
        observers: Who is told of it.
    """

    def __init__(self, stream: Any, reply: Reply, observers: Observers) -> None:
        self._stream: Any = stream
        self._is_open, self._gate = True, open_gate()
        self._authorized, self._again, self._observers = reply.authorized, reply.again, observers

    def __iter__(self) -> Iterator[dict[str, Any]]:
        events, first = self._again.retry.run(self._begin, self._observers)
        if first is not NO_EVENT:
            yield first
            yield from events

    def _begin(self) -> tuple[Iterator[dict[str, Any]], Any]:
        if not self._is_open:
            with CallContext(self._authorized, self._observers, self._gate):
                self._take(self._again.attempt())
        with breaking(self, BROKEN):
            events = iter(self._stream)
            return events, next(events, NO_EVENT)

    def _take(self, response: dict[str, Any]) -> None:
        self._stream, self._is_open = response[str(stream_member(response))], True

    def close(self) -> None:
        """Close the connection."""
        self._is_open = False
        self._stream.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def breaking(beginning: Any, broken: tuple[type[Exception], ...]) -> Iterator[None]:
    """Give up a stream that breaks; what the HTTP library says of a connection, say as botocore does."""
    try:
        yield
    except broken as error:
        beginning.close()
        raise ResponseStreamingError(error=error) from error
    except (EventStreamError, HTTPClientError):
        beginning.close()
        raise


def without(reply: Reply, stream: Any) -> Reply:
    """Give a reply without its stream, so that a stream which nobody holds is closed at once."""
    return Reply(reply.authorized, {name: value for name, value in reply.response.items() if value is not stream})


def stream_member(response: dict[str, Any]) -> str | None:
    """Name the member of a response that is its event stream."""
    return next((name for name, value in response.items() if isinstance(value, EventStream)), None)


class ReadBody(StreamingBody):  # type: ignore[misc]
    """
    A body that was read already and reads as ever.

    Args:
        data: All of it, kept for `guardedbedrock.intervention`.
    """

    def __init__(self, data: bytes) -> None:
        super().__init__(BytesIO(data), len(data))
        self.data = data


def read_body(response: dict[str, Any]) -> bytes:
    """Read the body of an InvokeModel reply and put a fresh one in its place, so that the caller can read it too."""
    data: bytes = response["body"].read()
    response["body"] = ReadBody(data)
    return data
