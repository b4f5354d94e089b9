"""Listeners that raise."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from bypass.tampering import drop_body, strip_prepared
from harness.bypass import METHODS, try_all, unguarded
from harness.clients import DENIED_MODEL, WEAK, ask, read

from guardedbedrock.errors import AccessDeniedError

if TYPE_CHECKING:
    from harness.clients import Make

MOMENTS = ("open", "enter", "hear", "leave", "close")


class Failing:
    """A listener and observation that raises in one method of every call."""

    def __init__(self, moment: str, error: BaseException) -> None:
        self._moment = moment
        self._error = error

    def _at(self, moment: str) -> None:
        if moment == self._moment:
            raise self._error

    def open(self, _: Any) -> Failing:
        """Follow a call."""
        self._at("open")
        return self

    def enter(self) -> None:
        """Enter."""
        self._at("enter")

    def leave(self) -> None:
        """Leave."""
        self._at("leave")

    def on_event(self, _: Any) -> None:
        """Receive an event."""
        self._at("hear")

    def close(self, _: Any) -> None:
        """Close."""
        self._at("close")


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(1), KeyboardInterrupt(), GeneratorExit()], ids=repr)
@pytest.mark.parametrize("moment", MOMENTS)
def test_failing_listener_lets_nothing_pass_unguarded(harness: Make, moment: str, error: BaseException) -> None:
    env = harness(listeners=[Failing(moment, error)])
    env.client.meta.events.register("before-call", drop_body)
    env.client.meta.events.register("before-send", strip_prepared)

    for method in METHODS:
        for params in (ask(method), {**ask(method), "modelId": DENIED_MODEL}):
            with suppress(AccessDeniedError, type(error)):
                read(getattr(env.client, method)(**params))
    with suppress(AccessDeniedError, type(error)):
        env.client.converse(**ask("converse"), guardrailConfig=WEAK)

    assert unguarded(env.fake) == []


@pytest.mark.parametrize("moment", MOMENTS)
def test_calls_continue_with_a_failing_listener(harness: Make, moment: str) -> None:
    env = harness(listeners=[Failing(moment, ValueError("no"))])

    assert try_all(env) == 0
    assert len(env.fake.requests) == len(METHODS)
    assert unguarded(env.fake) == []
