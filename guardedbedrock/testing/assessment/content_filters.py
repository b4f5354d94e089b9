"""Content filters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.testing.assessment.assessed_content import AssessedContent, contains_phrase
from guardedbedrock.testing.resources.word_lists import CONTENT_WORDS, LEVELS, Level, strengths

if TYPE_CHECKING:
    from guardedbedrock.testing.resources.guardrail import FakeGuardrail

_MIN_CONFIDENCE: Final[Mapping[Level, int]] = {"HIGH": 1, "MEDIUM": 2, "LOW": 3, "NONE": 4}
"""Strength of a filter to the lowest confidence that it blocks, as an index of `LEVELS`. NONE never blocks."""


def assess_content(guardrail: FakeGuardrail, content: AssessedContent, *, full: bool) -> dict[str, Any]:
    """Report the filters that matched; with `full`, all filters. PROMPT_ATTACK applies to prompts only."""
    categories = [name for name in guardrail.content if content.source == "INPUT" or name != "PROMPT_ATTACK"]
    filters = [_filter(guardrail, name, content) for name in categories]
    return {"filters": [entry for entry in filters if entry["detected"] or full]}


def _filter(guardrail: FakeGuardrail, category: str, content: AssessedContent) -> dict[str, Any]:
    strength = strengths(guardrail.content[category])[content.source == "OUTPUT"]
    words = guardrail.content_words.get(category, CONTENT_WORDS[category])
    matching = (level for level in reversed(LEVELS) if contains_phrase(content.texts, words.get(level, ())))
    confidence: Level = next(matching, "NONE")
    detected = LEVELS.index(confidence) >= _MIN_CONFIDENCE[strength]
    return {
        "type": category,
        "confidence": confidence,
        "filterStrength": strength,
        "action": guardrail.action(category, detected=detected),
        "detected": detected,
    }
