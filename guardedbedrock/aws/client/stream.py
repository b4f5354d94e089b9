"""
Replies that are read after the call has returned: event streams and bodies.

They keep botocore's classes, because callers and instrumentation test for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO, StringIO
from typing import Any, Final

import urllib3
from botocore.eventstream import EventStream
from botocore.exceptions import EventStreamError, HTTPClientError, ResponseStreamingError
from botocore.response import StreamingBody

from guardedbedrock.aws.gate.call_context import CallContext, open_call
from guardedbedrock.bedrock import Intervention
from guardedbedrock.core.observers import Observers
from guardedbedrock.core.records import Reply
from guardedbedrock.core.rules import Rules
from guardedbedrock.stages.stream import StreamMonitor, observe_stream

BROKEN: Final = (urllib3.exceptions.HTTPError,)
"""Errors of the HTTP library for a broken connection; botocore does not convert them while a stream is read."""

NO_EVENT: Final = object()


class ObservedStream:
    """
    The part of observed event streams that sync and async clients share.

    Args:
        inner: botocore's stream.
        events: The observed events of `inner`.
        monitor: The observation; it is closed with the stream if the end was not reached.
    """

    def __init__(self, inner: Any, events: Any, monitor: StreamMonitor) -> None:
        self._inner = inner
        self._events = events
        self._monitor = monitor

    @property
    def intervention(self) -> Intervention | None:
        """The intervention of the guardrail, as far as the stream was read; None if it did not intervene."""
        return self._monitor.intervention

    def get_initial_response(self) -> Any:
        """Read the initial response, as botocore does."""
        return self._inner.get_initial_response()

    def close(self) -> None:
        """Close the connection. Events that were not read are lost."""
        try:
            self._inner.close()
        finally:
            self._monitor.close(None)

    def __del__(self) -> None:
        with suppress(Exception):  # an error in a finalizer reaches no caller
            self.close()


class GuardedEventStream(ObservedStream, EventStream):  # type: ignore[misc]  # botocore has no types
    """An observed event stream."""

    def __iter__(self) -> Iterator[dict[str, Any]]:
        # A generator here keeps the stream alive while it is read, and lets a caller stop and continue later.
        for event in self._events:  # noqa: UP028
            yield event


def guarded_stream(inner: EventStream, reply: Reply, rules: Rules, observers: Observers) -> GuardedEventStream:
    """Observe the event stream of a reply."""
    monitor = StreamMonitor(without(reply, inner), rules, observers)
    source = inner if reply.again is None else RestartableStream(inner, reply, observers)
    return GuardedEventStream(source, observe_stream(source, source.close, monitor, broken=BROKEN), monitor)


class RestartableStream:
    """
    An event stream that is requested again if it breaks before its first event, when the caller has not seen any of it.

    Args:
        stream: The first stream.
        reply: Its reply, with the function that requests another.
        observers: The observers of the call.
    """

    def __init__(self, stream: Any, reply: Reply, observers: Observers) -> None:
        call = open_call()
        self._stream: Any = stream
        self._is_broken = self._is_closed = False
        self._gate = call.gate if call else None
        self._authorized, self._again, self._observers = reply.authorized, reply.again, observers

    def __iter__(self) -> Iterator[dict[str, Any]]:
        if self._is_closed:
            yield from self._stream  # botocore's behaviour for a closed stream; another request would cost the caller money
            return
        events, first = self._again.retry.run(self._begin, self._observers)
        if first is not NO_EVENT:
            yield first
            yield from events

    def _begin(self) -> tuple[Iterator[dict[str, Any]], Any]:
        if self._is_broken:
            if self._is_closed:  # by the caller, during the wait
                return self._stream, NO_EVENT
            with CallContext(self._authorized, self._observers, self._gate):
                self._take(self._again.attempt())
        self._is_broken = True  # until its first event has arrived
        with closing_if_broken(self._stream, BROKEN):
            events = iter(self._stream)
            first = next(events, NO_EVENT)
        self._is_broken = False
        return events, first

    def _take(self, response: dict[str, Any]) -> None:
        self._stream = response[str(stream_member(response))]
        if self._is_closed:  # the caller closed it during the request, in another thread
            self._stream.close()

    def close(self) -> None:
        """Close the connection. A closed stream is not requested again."""
        self._is_closed = True
        self._stream.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def closing_if_broken(stream: Any, broken: tuple[type[Exception], ...]) -> Iterator[None]:
    """Close a stream that breaks, and raise botocore's error for an error of the HTTP library."""
    try:
        yield
    except broken as error:
        stream.close()
        raise ResponseStreamingError(error=error) from error
    except (EventStreamError, HTTPClientError):
        stream.close()
        raise


def without(reply: Reply, stream: Any) -> Reply:
    """Return a reply without its stream, so that a stream to which the caller drops the last reference is closed immediately."""
    return Reply(reply.authorized, {name: value for name, value in reply.response.items() if value is not stream})


def stream_member(response: Any) -> str | None:
    """Return the name of the member that is the event stream of a response; None if it has none, such as a test double's."""
    if not isinstance(response, dict):
        return None
    return next((name for name, value in response.items() if isinstance(value, EventStream)), None)


class ReadBody(StreamingBody):  # type: ignore[misc]
    """
    A body that was read already, and that the caller can read again.

    Args:
        data: All of it, kept for `guardedbedrock.intervention`.
        source: The body that it was read from; None if that is unknown.
    """

    def __init__(self, data: bytes, source: StreamingBody | None = None) -> None:
        was = getattr(source, "_raw_stream", None)
        about: dict[str, Any] = {"headers": was.headers, "status": was.status} if isinstance(was, urllib3.HTTPResponse) else {}
        # The raw stream of botocore's body is public too: ``with body as raw:``.
        raw = urllib3.HTTPResponse(
            BytesIO(data), preload_content=False, decode_content=False, enforce_content_length=False, **about
        )
        super().__init__(raw, getattr(source, "_content_length", len(data)))
        self.data = data

    def set_socket_timeout(self, timeout: float | None) -> None:
        """Do nothing: the body has arrived."""


def read_body(response: dict[str, Any]) -> tuple[dict[str, Any], bytes | None]:
    """
    Read the body of an InvokeModel reply.

    Returns:
        A response whose body the caller can read, and the body. A body in memory, as of a test double, is looked at and not read.
        Any other body that is not botocore's is left alone: it may be a mock that counts how often it is read.
    """
    body = response.get("body")
    if not isinstance(body, StreamingBody) or is_in_memory(body):
        return response, peek(body)
    data: bytes = body.read()
    return {**response, "body": ReadBody(data, body)}, data


def is_in_memory(body: Any) -> bool:
    """Return whether a body is a `ReadBody`, or reads a `BytesIO` or a `StringIO`, or is one."""
    return isinstance(body, ReadBody) or isinstance(getattr(body, "_raw_stream", body), BytesIO | StringIO)


def peek(body: Any) -> bytes | None:
    """Return the rest of a body in memory without reading it; None for any other body."""
    if not is_in_memory(body):
        return None
    if isinstance(body, ReadBody):
        return body.data[body.tell() :]
    memory = getattr(body, "_raw_stream", body)
    try:
        if isinstance(memory, StringIO):
            return memory.getvalue()[memory.tell() :].encode()
        data: bytes = memory.getvalue()[memory.tell() :]
    except ValueError:  # it is closed
        return None
    return data
