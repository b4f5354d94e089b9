"""Contextual grounding: scores a response against its source and its query."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from guardedbedrock.testing.assessment.assessed_content import AssessedContent, significant_words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from guardedbedrock.testing.resources.guardrail import FakeGuardrail


def assess_grounding(guardrail: FakeGuardrail, content: AssessedContent, *, full: bool) -> dict[str, Any]:
    """
    Report the filters with a score below their threshold; with `full`, all filters.

    Only responses are scored, and only if the request marks a grounding source or a query.
    """
    compared = {"GROUNDING": (content.texts, content.sources), "RELEVANCE": (content.queries, content.texts)}
    filters = [
        _filter(guardrail, name, threshold, _shared_words(*compared[name]))
        for name, threshold in guardrail.grounding.items()
        if content.source == "OUTPUT" and all(compared[name])
    ]
    return {"filters": [entry for entry in filters if entry["detected"] or full]}


def _filter(guardrail: FakeGuardrail, name: str, threshold: float, score: float) -> dict[str, Any]:
    detected = score < threshold
    action = guardrail.action(name, detected=detected)
    return {"type": name, "threshold": threshold, "score": score, "action": action, "detected": detected}


def _shared_words(texts: Iterable[str], others: Iterable[str]) -> float:
    """Return the share (0 to 1) of the significant words in `texts` that `others` contain; 1 if `texts` has none."""
    words = significant_words(texts)
    return round(len(words & significant_words(others)) / len(words), 2) if words else 1.0
