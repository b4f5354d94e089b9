"""What the guard was told, changed behind its back."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from harness.bypass import METHODS, unguarded
from harness.clients import HR, WEAK, ask

from guardedbedrock import Guardrail, GuardrailTamperedError
from guardedbedrock.aws.client.call_context import current_call

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.clients import Make

    from guardedbedrock.aws.client.binding import ClientBinding

UNAPPROVED: Final = Guardrail(f"arn:aws:bedrock:us-east-1:123456789012:guardrail/{WEAK['guardrailIdentifier']}", version="1")
SWAPS: Final[dict[str, Callable[[ClientBinding], ClientBinding]]] = {
    "mode off": lambda watch: replace(watch, rules=replace(watch.rules, mode="off")),
    "mode report": lambda watch: replace(watch, rules=replace(watch.rules, mode="report", approved=())),
    "another list": lambda watch: replace(watch, rules=replace(watch.rules, approved=(UNAPPROVED,))),
    "another version": lambda watch: replace(watch, rules=replace(watch.rules, approved=(replace(HR, version="DRAFT"),))),
}


@pytest.mark.parametrize("swap", SWAPS.values(), ids=SWAPS)
def test_the_gate_keeps_to_what_it_was_told_first(house: Make, swap: Callable[[ClientBinding], ClientBinding]) -> None:
    """Mode and approved list are those with which the client was made."""
    made = house()
    made.client._guardedbedrock = swap(made.client._guardedbedrock)

    for method in METHODS:
        with pytest.raises(GuardrailTamperedError):
            getattr(made.client, method)(**ask(method))

    assert unguarded(made.fake) == made.fake.requests == []


def test_the_list_can_not_be_changed_in_place(house: Make) -> None:
    """What approves a guardrail is frozen, and read once."""
    made = house()
    rules = made.client._guardedbedrock.rules
    object.__setattr__(rules, "approved", (UNAPPROVED,))
    object.__setattr__(rules, "_by_region", {"us-east-1": (UNAPPROVED,)})

    with pytest.raises(GuardrailTamperedError):
        made.client.converse(**ask("converse"))

    assert unguarded(made.fake) == made.fake.requests == []


def test_another_clients_gate_opens_nothing(house: Make) -> None:
    """Not even that of a client which is told to let everything pass."""
    made, other = house(), house(mode="off")
    made.client._guardedbedrock_gate = other.client._guardedbedrock_gate
    other.client._guardedbedrock_gate.base = made.fake.url

    with pytest.raises(GuardrailTamperedError):
        made.client.converse(**ask("converse"))

    assert unguarded(made.fake) == made.fake.requests == []


def test_the_stages_patched_away_do_not_authorize(house: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A first stage that puts nothing in is found out at the gate."""
    made = house()

    def as_it_is(call: Any, rules: Any, observers: Any) -> Any:
        del rules, observers
        from guardedbedrock.stages.inject import _unchanged  # noqa: PLC0415

        return _unchanged(call)

    monkeypatch.setattr("guardedbedrock.aws.client.mixin.inject", as_it_is)
    for method in METHODS:
        with pytest.raises(GuardrailTamperedError):
            getattr(made.client, method)(**ask(method))

    assert unguarded(made.fake) == made.fake.requests == []


def test_an_open_gate_lets_only_that_call_through(house: Make) -> None:
    """Whoever opens it by hand still gets no request out that is another than the one it was opened for."""
    made = house()
    seen: list[Any] = []
    made.client.meta.events.register("before-send", lambda **_: seen.append(current_call.get()))
    made.client.converse(**ask("converse"))
    (passage,) = seen

    token = current_call.set(passage)
    try:
        with suppress(ClientError):
            BaseClient._make_api_call(made.client, "Converse", ask("converse"))
    finally:
        current_call.reset(token)

    assert len(made.fake.requests) == 1
    assert unguarded(made.fake) == []
