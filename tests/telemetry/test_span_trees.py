"""The span trees of calls are those of the golden file, with and without OpenTelemetry's instrumentor of botocore."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from harness import casefiles
from telemetry.trees import FILE, ORDERS, SCENARIOS, trees

from guardedbedrock.telemetry.names import ATTRIBUTES, SPAN_EVENTS

if TYPE_CHECKING:
    from collections.abc import Iterator

GOLDEN: Final = casefiles.load(FILE)


def spans(grown: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield every span of a tree."""
    for span in grown:
        yield span
        yield from spans(span.get("children", []))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_span_trees_are_those_of_the_golden_file(monkeypatch: pytest.MonkeyPatch, scenario: str, order: str) -> None:
    """It does not matter whether the instrumentor is installed before or after the client is created."""
    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK", raising=False)

    assert trees(scenario, order) == GOLDEN[scenario]["none" if order == "none" else "instrumented"]


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_each_attempt_has_at_most_one_client_span_and_it_names_the_guardrail(scenario: str) -> None:
    for way, grown in GOLDEN[scenario].items():
        (call,) = grown
        clients = [span for span in call.get("children", []) if span["kind"] == "CLIENT"]
        attempts = 2 if scenario.startswith("throttled") and way != "none" else 1
        assert len(clients) == (0 if scenario == "denied" else attempts)
        assert [span for one in clients for span in spans(one.get("children", []))] == []
        assert {span["attributes"]["aws.bedrock.guardrail.id"] for span in clients} <= {"abc123def456"}


def test_every_attribute_and_event_of_the_golden_file_is_in_the_tables() -> None:
    ours = [span for each in GOLDEN.values() for span in spans(each["none"])]
    known, events = {row.name for row in ATTRIBUTES}, {row.name for row in SPAN_EVENTS}

    assert {name for span in ours for name in span["attributes"]} <= known
    assert {event["name"] for span in ours for event in span.get("events", [])} <= events
