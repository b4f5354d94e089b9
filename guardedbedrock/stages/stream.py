"""The last stage of an event stream: pass events on unchanged, report interventions, raise typed errors, close observations."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.eventstream import ParserError
from botocore.exceptions import EventStreamError, HTTPClientError

from guardedbedrock.bedrock import Intervention
from guardedbedrock.bedrock.guardrail.intervention import NO_TRACE, GuardrailTrace, read_intervention
from guardedbedrock.bedrock.guardrail.reply_metadata import EVENT_METADATA, NO_METADATA
from guardedbedrock.bedrock.guardrail.trace import EVENT_TRACES, can_show_guardrail
from guardedbedrock.bedrock.parameters import as_mapping
from guardedbedrock.core.events import ContentReceived, StreamInterrupted, StreamStarted
from guardedbedrock.core.observers import Observers
from guardedbedrock.core.records import Reply
from guardedbedrock.core.rules import Rules
from guardedbedrock.errors import StreamInterruptedError
from guardedbedrock.stages.reply import ReplyCheck, response_received
from guardedbedrock.stages.retry.failure_classes import code_of


class StreamMonitor:
    """
    The facts that the events of one stream have shown so far.

    What the guardrail did is reported once, at the end, with all that the stream says about it: an agent traces the guardrail
    several times, and a finding that is only detected may come before one that blocks. If interventions are raised, the first
    trace that shows one ends the stream. The stop reason comes before the trace; no event passes between the two.

    Args:
        reply: The reply that the stream belongs to.
        rules: For `on_intervention` and `on_unguarded_reply`.
        observers: Closed at the end of the stream, however it ends.

    Attributes:
        is_closed: Whether the stream has ended, or the caller closed it.
    """

    __slots__ = (
        "_check",
        "_is_reported",
        "_last",
        "_metadata",
        "_observers",
        "_read",
        "_request_id",
        "_shown",
        "is_closed",
        "name",
    )

    def __init__(self, reply: Reply, rules: Rules, observers: Observers) -> None:
        operation = reply.authorized.guarded.call.operation
        self.name = operation.name
        self._read = EVENT_TRACES[operation.reply]
        self._check = ReplyCheck(reply, rules, observers)
        self._observers = observers
        self._request_id = str(as_mapping(reply.response.get("ResponseMetadata")).get("RequestId", ""))
        self._shown = NO_TRACE
        self._last: dict[str, Any] = {}
        self._is_reported = self.is_closed = False
        self._metadata = _StreamMetadata(reply, observers) if observers.wants_routine or observers.wants_content else None

    @property
    def intervention(self) -> Intervention | None:
        """The intervention of the guardrail, as far as the stream was read."""
        return self._check.intervention or self._check.read_intervention(self._shown)

    def passes(self, event: Any) -> bool:
        """
        Look at an event, and say whether the caller gets it.

        Raises:
            GuardrailInterventionError: The guardrail intervened, and `on_intervention` is ``raise``.
        """
        if not isinstance(event, dict):  # of a test double
            return True
        self._last = event
        if self._metadata is not None:
            self._metadata.note(event)
        shown = self._read(event)
        if shown is not NO_TRACE:
            self._shown |= shown
            if shown.trace is not None and self._must_raise(shown):
                self._settle()
        return not (self._shown.intervened and self._check.raises_intervention)

    def end(self) -> None:
        """
        Settle the whole stream: every event has passed.

        Raises:
            GuardrailInterventionError: As in `passes`.
            UnguardedReplyError: The stream shows that no guardrail ran, and `on_unguarded_reply` is ``raise``.
        """
        if self._shown != NO_TRACE or can_show_guardrail(self._last):
            self._settle()

    def close(self, error: BaseException | None) -> None:
        """Report an error, and what was seen of the guardrail if the stream ended early; close the observations."""
        self.is_closed = True
        if isinstance(error, StreamInterruptedError):
            self._observers.emit(StreamInterrupted(code_of(error), self._request_id))
        if self._shown != NO_TRACE and not self._is_reported:
            self._is_reported = True
            self._check.report(self._shown)
        if self._metadata is not None:
            self._metadata.end()
        self._observers.close(error)

    def _must_raise(self, shown: GuardrailTrace) -> bool:
        """Return whether an event shows an intervention that is raised."""
        if not self._check.raises_intervention:
            return False
        found = read_intervention(self.name, GuardrailTrace(self._shown.intervened, shown.trace))
        return found is not None and not found.is_detect_only

    def _settle(self) -> None:
        if not self._is_reported:
            self._is_reported = True
            self._check.settle(self._shown)


class _StreamMetadata:
    """Reports when a stream began, its words, and at its end its tokens, model and finish reason."""

    __slots__ = ("_answer", "_has_ended", "_has_started", "_observers", "_read", "_reply")

    def __init__(self, reply: Reply, observers: Observers) -> None:
        self._reply, self._observers = reply, observers
        self._read = EVENT_METADATA[reply.authorized.guarded.call.operation.reply]
        self._answer = NO_METADATA
        self._has_started = self._has_ended = False

    def note(self, event: dict[str, Any]) -> None:
        if not self._has_started:
            self._has_started = True
            self._observers.emit(StreamStarted())
        found = self._read(event)
        if found is not NO_METADATA:
            self._answer |= found
        if self._observers.wants_content:
            self._observers.emit(ContentReceived(event))

    def end(self) -> None:
        if not self._has_ended:
            self._has_ended = True
            self._observers.emit(response_received(self._reply, self._answer))


def observe_stream(
    events: Iterable[dict[str, Any]],
    close: Callable[[], None],
    monitor: StreamMonitor,
    *,
    broken: tuple[type[Exception], ...] = (),
) -> Iterator[dict[str, Any]]:
    """
    Pass the events of a stream on, and close the connection if they end early.

    Args:
        events: The events as botocore parses them.
        close: Closes the connection.
        monitor: Looks at each event.
        broken: The exceptions of the HTTP library for a connection that breaks.

    Raises:
        StreamInterruptedError: The service sent an error event, or the connection broke.
        GuardrailInterventionError: The guardrail intervened, and `on_intervention` is ``raise``.
        UnguardedReplyError: No guardrail ran, and `on_unguarded_reply` is ``raise``.
    """
    with _closing(close, monitor, broken):
        for event in events:
            if monitor.passes(event):
                yield event
        monitor.end()


async def observe_stream_async(
    events: AsyncIterable[dict[str, Any]],
    close: Callable[[], None],
    monitor: StreamMonitor,
    *,
    broken: tuple[type[Exception], ...] = (),
) -> AsyncIterator[dict[str, Any]]:
    """Pass the events of a stream on as `observe_stream` does, for async clients."""
    with _closing(close, monitor, broken):
        async for event in events:
            if monitor.passes(event):
                yield event
        monitor.end()


@contextmanager
def _closing(close: Callable[[], None], monitor: StreamMonitor, broken: tuple[type[Exception], ...]) -> Iterator[None]:
    """Close the monitor with the error that the stream ends with."""
    error: BaseException | None = None
    try:
        yield
    except (EventStreamError, HTTPClientError, ParserError, *broken) as failure:
        if monitor.is_closed:  # the caller closed the stream and reads on, which botocore reports in its own way
            raise
        error = interrupted(failure, monitor.name)
        close()
        raise error from failure
    except BaseException as other:
        error = None if isinstance(other, GeneratorExit) else other
        close()
        raise
    finally:
        monitor.close(error)


def interrupted(broken: Exception, operation_name: str) -> StreamInterruptedError:
    """Convert the error of a broken stream; an error event keeps its code and message."""
    response = getattr(broken, "response", None)
    problem = "a damaged frame arrived" if isinstance(broken, ParserError) else "the connection broke"
    message = as_mapping(response.get("Error")).get("Message", "") if response else f"{problem} in the middle of the stream"
    return StreamInterruptedError(message=message, operation_name=operation_name, response=response)
