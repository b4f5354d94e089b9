"""Replies that are read later: they stay what botocore's callers and instrumentations test for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from typing import Any

import urllib3
from botocore.eventstream import EventStream
from botocore.response import StreamingBody

from guardedbedrock.bedrock import Intervention
from guardedbedrock.calls import Reply, Rules
from guardedbedrock.events import Observers
from guardedbedrock.stages.stream import Passage, observed


class ObservedStream:
    """
    What observed event streams share.

    Args:
        inner: botocore's own.
        events: The observed events of `inner`.
        passage: Closed with the stream, if its end was not reached.
    """

    def __init__(self, inner: Any, events: Any, passage: Passage) -> None:
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
    passage = Passage(without(reply, inner), rules, observers)
    # botocore hands the bytes of an event stream on as urllib3 reads them, errors and all.
    events = observed(inner, inner.close, passage, broken=(urllib3.exceptions.HTTPError,))
    return GuardedEventStream(inner, events, passage)


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
