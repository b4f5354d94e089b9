"""Content filters: the words that give a category away, and how sure they make a filter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from guardedbedrock.testing.assessment.scene import Scene, says

if TYPE_CHECKING:
    from guardedbedrock.testing.guardrails import FakeGuardrail

Level: TypeAlias = Literal["NONE", "LOW", "MEDIUM", "HIGH"]
"""How sure a filter is, or how strict."""

LEVELS: Final[tuple[Level, ...]] = ("NONE", "LOW", "MEDIUM", "HIGH")

CONTENT_WORDS: Final[Mapping[str, Mapping[Level, tuple[str, ...]]]] = {
    "HATE": {
        "HIGH": ("subhuman", "vermin"),
        "MEDIUM": ("inferior race", "go back where you came from"),
        "LOW": ("hate", "despise"),
    },
    "INSULTS": {"HIGH": ("moron", "you idiot"), "MEDIUM": ("idiot", "stupid"), "LOW": ("dumb", "silly")},
    "MISCONDUCT": {
        "HIGH": ("launder money", "steal credit cards", "counterfeit"),
        "MEDIUM": ("hack", "forge", "phishing"),
        "LOW": ("cheat", "sneak"),
    },
    "PROMPT_ATTACK": {
        "HIGH": ("ignore all previous instructions", "ignore your instructions", "ignore previous instructions", "jailbreak"),
        "MEDIUM": ("reveal your system prompt", "pretend you have no rules", "developer mode"),
        "LOW": ("disregard the above", "system prompt"),
    },
    "SEXUAL": {"HIGH": ("porn", "pornographic"), "MEDIUM": ("nude", "erotic"), "LOW": ("sexy", "sex")},
    "VIOLENCE": {"HIGH": ("kill", "murder", "bomb"), "MEDIUM": ("weapon", "stab", "shoot"), "LOW": ("fight", "punch")},
}
"""Category to how sure a word of it makes the filter; enough to test with, and nothing like what Bedrock finds."""

_BLOCKS_FROM: Final[Mapping[Level, int]] = {"HIGH": 1, "MEDIUM": 2, "LOW": 3, "NONE": 4}
"""Strength of a filter to the lowest confidence that it blocks at: the stronger the filter, the less sure it has to be."""


def strengths(given: Level | tuple[Level, Level]) -> tuple[Level, Level]:
    """Write the strength for the prompt and the one for the answer; one alone is both."""
    return (given, given) if isinstance(given, str) else given


def content(guardrail: FakeGuardrail, scene: Scene, *, full: bool) -> dict[str, Any]:
    """Report the filters that found something, or all; attacks on the prompt are looked for in prompts only."""
    categories = [name for name in guardrail.content if scene.source == "INPUT" or name != "PROMPT_ATTACK"]
    filters = [_filter(guardrail, name, scene) for name in categories]
    return {"filters": [entry for entry in filters if entry["detected"] or full]}


def _filter(guardrail: FakeGuardrail, category: str, scene: Scene) -> dict[str, Any]:
    strength = strengths(guardrail.content[category])[scene.source == "OUTPUT"]
    words = guardrail.content_words.get(category, CONTENT_WORDS[category])
    confidence: Level = next((level for level in reversed(LEVELS) if says(scene.texts, words.get(level, ()))), "NONE")
    detected = LEVELS.index(confidence) >= _BLOCKS_FROM[strength]
    return {
        "type": category,
        "confidence": confidence,
        "filterStrength": strength,
        "action": guardrail.action(category, detected=detected),
        "detected": detected,
    }
