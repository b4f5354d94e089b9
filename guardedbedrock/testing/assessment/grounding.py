"""Contextual grounding: how much of an answer stands in its source, and how much of the query in the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from guardedbedrock.testing.assessment.scene import Scene, telling

if TYPE_CHECKING:
    from collections.abc import Iterable

    from guardedbedrock.testing.guardrails import FakeGuardrail


def grounding(guardrail: FakeGuardrail, scene: Scene, *, full: bool) -> dict[str, Any]:
    """
    Report the filters whose score is below their threshold, or all.

    Only an answer is scored, and only where the request names what it is to be held against.
    """
    held = {"GROUNDING": (scene.texts, scene.sources), "RELEVANCE": (scene.queries, scene.texts)}
    filters = [
        _filter(guardrail, name, threshold, _share(*held[name]))
        for name, threshold in guardrail.grounding.items()
        if scene.source == "OUTPUT" and all(held[name])
    ]
    return {"filters": [entry for entry in filters if entry["detected"] or full]}


def _filter(guardrail: FakeGuardrail, name: str, threshold: float, score: float) -> dict[str, Any]:
    detected = score < threshold
    action = guardrail.action(name, detected=detected)
    return {"type": name, "threshold": threshold, "score": score, "action": action, "detected": detected}


def _share(of: Iterable[str], inside: Iterable[str]) -> float:
    """Score 0 to 1: the share of the telling words of some texts that stand in others; 1 when there are none."""
    words = telling(of)
    return round(len(words & telling(inside)) / len(words), 2) if words else 1.0
