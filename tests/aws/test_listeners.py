"""Listeners cannot change a call."""

from __future__ import annotations

import pickle
from copy import copy, deepcopy
from typing import TYPE_CHECKING

import pytest
from harness.clients import DENIED_MODEL, Recorder, ask, denial

from guardedbedrock.core.events import CallRefused

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.clients import Make

    from guardedbedrock.core.records import Call


class Broken:
    """A listener that raises in one of its methods."""

    def __init__(self, duty: str) -> None:
        self.duty = duty

    def open(self, _: Call) -> Broken:
        """Raise if this is the method."""
        return self._do("open")

    def enter(self) -> None:
        """Raise if this is the method."""
        self._do("enter")

    def leave(self) -> None:
        """Raise if this is the method."""
        self._do("leave")

    def on_event(self, _: object) -> None:
        """Raise if this is the method."""
        self._do("hear")

    def close(self, _: object) -> None:
        """Raise if this is the method."""
        self._do("close")

    def _do(self, duty: str) -> Broken:
        if duty == self.duty:
            raise RuntimeError(f"{duty} of {ask('converse')['messages']}")
        return self


@pytest.mark.parametrize("duty", ["open", "enter", "leave", "hear", "close"])
def test_failing_listener_does_not_break_calls(harness: Make, duty: str, caplog: pytest.LogCaptureFixture) -> None:
    recorder = Recorder()
    env = harness(listeners=[Broken(duty), recorder])

    said = env.client.converse(**ask("converse"))["output"]["message"]["content"][0]["text"]
    streamed = list(env.client.converse_stream(**ask("converse_stream"))["stream"])
    error = denial(env, modelId=DENIED_MODEL)

    assert said == "You said: hello there"
    assert "messageStop" in {next(iter(event)) for event in streamed}
    assert [heard.closed for heard in recorder.calls] == [[None], [None], [error]]
    assert len(recorder.last.of(CallRefused)) == 1
    assert "listener Broken failed with RuntimeError" in caplog.text
    assert "hello there" not in caplog.text


@pytest.mark.parametrize(
    "copied",
    [copy, deepcopy, lambda call: pickle.loads(pickle.dumps(call))],  # noqa: S301
    ids=["copy", "deep", "pickle"],
)
def test_call_record_can_be_copied(harness: Make, copied: Callable[[Call], Call]) -> None:
    recorder = Recorder()
    harness(listeners=[recorder]).client.converse(**ask("converse"))
    call = recorder.last.call

    assert copied(call) == call
    assert type(copied(call)) is type(call)
