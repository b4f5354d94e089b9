"""Which events an observation receives, and when it is closed."""

from __future__ import annotations

from typing import Any, Final

import pytest

from guardedbedrock import Guardrail, Observation, events
from guardedbedrock.core.observers import Observers
from guardedbedrock.core.records import Call, Verdict

CALL: Final = Call.of("Converse", {"modelId": "amazon.nova-lite-v1:0"}, "us-east-1")
GUARDRAIL: Final = Guardrail("arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456", "3")
ROUTINE: Final = events.GuardrailInjected(GUARDRAIL, was_there=False)
RARE: Final = events.Retried(1, "ThrottlingException", 0.5)
CONTENT: Final = events.ContentReceived(b"{}")


def decided(decision: Any) -> events.PreflightDecided:
    return events.PreflightDecided(Verdict(decision, (), {}), 0.001)


class Notes(Observation):
    """A listener that stores what it receives."""

    def __init__(self, **wants: bool) -> None:
        self.events: list[Any] = []
        self.closed: list[Any] = []
        vars(self).update(wants)

    def open(self, _: Call) -> Notes:
        """Follow the call."""
        return self

    def on_event(self, event: Any) -> None:
        """Keep an event."""
        self.events.append(event)

    def close(self, error: BaseException | None) -> None:
        """Keep an error."""
        self.closed.append(error)


ALL: Final[list[events.Event]] = [ROUTINE, decided("allowed"), decided("implicitDeny"), decided("indeterminate"), RARE, CONTENT]


@pytest.mark.parametrize(
    ("wants", "received"),
    [
        ({}, ALL[:-1]),
        ({"wants_content": True}, ALL),
        ({"wants_routine": False}, [*ALL[2:5]]),
        ({"wants_routine": False, "wants_content": True}, ALL[2:]),
    ],
    ids=["default", "content", "rare only", "rare and content"],
)
def test_an_observation_receives_the_events_that_it_wants(wants: dict[str, bool], received: list[Any]) -> None:
    ours, other = Notes(**wants), Notes(wants_content=True)
    observers = Observers([ours, other], CALL)

    for event in ALL:
        observers.emit(event)

    assert ours.events == received
    assert other.events == ALL


@pytest.mark.parametrize("name", ["wants_routine", "wants_content"])
def test_observers_want_what_any_observation_wants(name: str) -> None:
    one, other = Notes(**{name: True}), Notes(wants_routine=False)

    assert getattr(Observers([one, other], CALL), name) is True
    assert getattr(Observers([other], CALL), name) is False
    assert getattr(Observers([], CALL), name) is False


def test_every_observation_is_closed_once_with_the_first_error() -> None:
    notes, error = Notes(), ValueError("first")
    observers = Observers([notes], CALL)

    observers.close(error)
    observers.close(None)

    assert notes.closed == [error]


def test_a_derived_observation_needs_no_method() -> None:
    class Nothing(Observation):
        """An observation that implements no method."""

    class Opener:
        def open(self, _: Call) -> Observation:
            """Follow the call."""
            return Nothing()

    with Observers([Opener()], CALL) as observers:
        observers.emit(RARE)
    observers.close(None)

    assert observers.wants_routine is True


def test_an_observation_that_cannot_enter_is_dropped() -> None:
    """Its `leave` is not called."""

    class Failing(Notes):
        left = False

        def enter(self) -> None:
            raise ValueError

        def leave(self) -> None:
            self.left = True

    failing, notes = Failing(), Notes()
    with Observers([failing, notes], CALL) as observers:
        observers.emit(RARE)
    observers.close(None)

    assert (failing.left, failing.events, failing.closed) == (False, [], [])
    assert (notes.events, notes.closed) == ([RARE], [None])


def test_a_listener_can_ignore_a_call() -> None:
    class Ignoring:
        def open(self, _: Call) -> None:
            """Ignore the call."""

    assert Observers([Ignoring()], CALL).wants_routine is False
