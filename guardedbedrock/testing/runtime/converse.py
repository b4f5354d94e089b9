"""Writes a turn as Converse and ConverseStream do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from guardedbedrock.testing.runtime.replies import words
from guardedbedrock.testing.runtime.turns import Turn, assessments

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardedbedrock.testing.wire import Params


def message(turn: Turn, params: Params) -> Params:
    """Write the response of Converse."""
    return {
        "output": {"message": {"role": "assistant", "content": [{"text": turn.text}]}},
        "stopReason": _stop_reason(turn),
        **_closing(turn, params),
    }


def events(turn: Turn, params: Params) -> Iterator[Params]:
    """Write the events of ConverseStream, one delta a word."""
    yield {"messageStart": {"role": "assistant"}}
    for word in words(turn.text):
        yield {"contentBlockDelta": {"delta": {"text": word}, "contentBlockIndex": 0}}
    yield {"contentBlockStop": {"contentBlockIndex": 0}}
    yield {"messageStop": {"stopReason": _stop_reason(turn)}}
    yield {"metadata": _closing(turn, params)}


def _stop_reason(turn: Turn) -> str:
    return "guardrail_intervened" if turn.intervened else "end_turn"


def _closing(turn: Turn, params: Params) -> dict[str, Any]:
    closing: dict[str, Any] = {"usage": turn.usage, "metrics": {"latencyMs": turn.latency}}
    if turn.guardrail and params["guardrailConfig"].get("trace", "disabled") != "disabled":
        closing["trace"] = {"guardrail": _trace(turn)}
    return closing


def _trace(turn: Turn) -> dict[str, Any]:
    said = {} if turn.said is None else {"modelOutput": [turn.said]}
    return {**said, **assessments(turn, "inputAssessment", "outputAssessments"), "actionReason": turn.reason}
