"""Replies that are read later: they stay what botocore's callers and instrumentations test for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from typing import Any

import urllib3
from botocore.eventstream import EventStream
from botocore.response import StreamingBody

from guardedbedrock.calls import Reply, Rules
from guardedbedrock.events import Observers
from guardedbedrock.stages.stream import observed


class ObservedStream:
    """
    What observed event streams share.

    Args:
        inner: botocore's own.
        events: The observed events of `inner`.
        observers: Closed with the stream, if its end was not reached.
    """

    def __init__(self, inner: Any, events: Any, observers: Observers) -> None:
        self._inner = inner
        self._events = events
        self._observers = observers

    def get_initial_response(self) -> Any:
        """Read the initial response, as botocore does."""
        return self._inner.get_initial_response()

    def close(self) -> None:
        """Close the connection; what was not read is lost."""
        try:
            self._inner.close()
        finally:
            self._observers.close(None)

    def __del__(self) -> None:
        with suppress(Exception):  # at this point there is nobody left to tell
            self.close()


class GuardedEventStream(ObservedStream, EventStream):  # type: ignore[misc]  # botocore has no types
    """An event stream that is observed."""

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self._events)


def guarded_stream(inner: EventStream, reply: Reply, rules: Rules, observers: Observers) -> GuardedEventStream:
    """Put the observation around the event stream of a reply."""
    # botocore hands the bytes of an event stream on as urllib3 reads them, errors and all.
    events = observed(inner, inner.close, reply, rules, observers, broken=(urllib3.exceptions.HTTPError,))
    return GuardedEventStream(inner, events, observers)


def stream_member(response: dict[str, Any]) -> str | None:
    """Name the member of a response that is its event stream."""
    return next((name for name, value in response.items() if isinstance(value, EventStream)), None)


def read_body(response: dict[str, Any]) -> bytes:
    """Read the body of an InvokeModel reply and put a fresh one in its place, so that the caller can read it too."""
    data: bytes = response["body"].read()
    response["body"] = StreamingBody(BytesIO(data), len(data))
    return data
