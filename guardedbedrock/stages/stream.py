"""What passes through an event stream: events unchanged, interventions told, errors typed, the observation closed at its end."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.eventstream import ParserError
from botocore.exceptions import EventStreamError, HTTPClientError

from guardedbedrock.bedrock import Intervention
from guardedbedrock.bedrock.guardrail.intervention import NOTHING, Shown, conclude
from guardedbedrock.bedrock.guardrail.trace import IN_EVENT, is_last
from guardedbedrock.core.observers import Observers
from guardedbedrock.core.records import Reply
from guardedbedrock.core.rules import Rules
from guardedbedrock.errors import StreamInterruptedError
from guardedbedrock.stages.listening import Listening
from guardedbedrock.stages.reply import Outcome


class Passage:
    """
    What is known of a stream while its events pass.

    An intervention is told once, with all that the stream says of it: the word for it comes first and the trace after, so it is
    told with the trace or, without one, at the end. Where it is to be an error no event passes between the two.

    Args:
        reply: What the events belong to.
        rules: For `on_intervention` and `on_unguarded_reply`.
        observers: Who is told; the observation closes at the end, whatever it is.
    """

    __slots__ = ("_last", "_listening", "_observers", "_outcome", "_read", "_shown", "_told", "name")

    def __init__(self, reply: Reply, rules: Rules, observers: Observers) -> None:
        operation = reply.authorized.call.operation
        self.name = operation.name
        self._read = IN_EVENT[operation.reply]
        self._outcome = Outcome(reply, rules, observers)
        self._observers = observers
        self._shown = NOTHING
        self._last: dict[str, Any] = {}
        self._told = False
        self._listening = Listening(reply, observers) if observers.wants_routine else None

    @property
    def intervention(self) -> Intervention | None:
        """What the guardrail did, as far as the stream was read."""
        return self._outcome.intervention or conclude(self.name, self._shown)

    def passes(self, event: dict[str, Any]) -> bool:
        """
        Look at an event, and say whether it may pass.

        Raises:
            GuardrailInterventionError: The guardrail stepped in, and that is to be an error.
        """
        self._last = event
        if self._listening is not None:
            self._listening.note(event)
        shown = self._read(event)
        if shown is NOTHING:
            return not self._held
        self._shown |= shown
        if shown.trace is not None and conclude(self.name, self._shown) is not None:
            self._tell(self._shown)
        return not self._held

    @property
    def _held(self) -> bool:
        return bool(self._shown.stepped_in) and self._outcome.raises_intervention

    def end(self) -> None:
        """
        Every event has passed.

        Raises:
            GuardrailInterventionError: As above.
            UnguardedReplyError: Nothing showed that the guardrail ran, and that is to be an error.
        """
        if self._shown != NOTHING or is_last(self._last):
            self._tell(self._shown)

    def close(self, error: BaseException | None) -> None:
        """The stream ended before its last event, or after it: tell what was seen of an intervention, and no more."""
        if self._shown.stepped_in and not self._told:
            self._told = True
            self._outcome.tell(self._shown)
        if self._listening is not None:
            self._listening.end()
        self._observers.close(error)

    def _tell(self, shown: Shown) -> None:
        if not self._told:
            self._told = True
            self._outcome.settle(shown)


def observed(
    events: Iterable[dict[str, Any]],
    close: Callable[[], None],
    passage: Passage,
    *,
    broken: tuple[type[Exception], ...] = (),
) -> Iterator[dict[str, Any]]:
    """
    Pass events on; give the connection up when they end early.

    Args:
        events: What the connection brings.
        close: Gives the connection up.
        passage: What is known of the stream.
        broken: What the HTTP library in use raises when a connection breaks.

    Raises:
        StreamInterruptedError: The service broke the stream off with an error event, or the connection broke.
        GuardrailInterventionError: The guardrail stepped in and `on_intervention` is ``raise``.
        UnguardedReplyError: It did not run, and `on_unguarded_reply` is ``raise``.
    """
    with _until_the_end(close, passage, broken):
        for event in events:
            if passage.passes(event):
                yield event
        passage.end()


async def observed_async(
    events: AsyncIterable[dict[str, Any]],
    close: Callable[[], None],
    passage: Passage,
    *,
    broken: tuple[type[Exception], ...] = (),
) -> AsyncIterator[dict[str, Any]]:
    """Pass events on as `observed` does, for whoever awaits them."""
    with _until_the_end(close, passage, broken):
        async for event in events:
            if passage.passes(event):
                yield event
        passage.end()


@contextmanager
def _until_the_end(close: Callable[[], None], passage: Passage, broken: tuple[type[Exception], ...]) -> Iterator[None]:
    """Close the observation with whatever the events end with."""
    error: BaseException | None = None
    try:
        yield
    except (EventStreamError, HTTPClientError, ParserError, *broken) as failure:
        error = interrupted(failure, passage.name)
        close()
        raise error from failure
    except BaseException as other:
        error = None if isinstance(other, GeneratorExit) else other
        close()
        raise
    finally:
        passage.close(error)


def interrupted(broken: Exception, operation_name: str) -> StreamInterruptedError:
    """Type the error of a broken stream; an error event keeps its code and message."""
    response = getattr(broken, "response", None)
    damaged = "a damaged frame came" if isinstance(broken, ParserError) else "the connection broke"
    message = response["Error"].get("Message", "") if response else f"{damaged} in the middle of the stream"
    return StreamInterruptedError(message=message, operation_name=operation_name, response=response)
