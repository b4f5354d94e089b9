"""Words that are denied, one by one or by the list, and topics, by what people say who mean them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.testing.assessment.scene import Scene, says, telling

if TYPE_CHECKING:
    from guardedbedrock.testing.guardrails import FakeGuardrail

MANAGED_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "PROFANITY": ("bastard", "bloody hell", "bollocks", "bugger", "crap", "damn", "goddamn"),
}
"""Managed list to the words on it."""

_LIKE: Final = 0.75  # the share of an example's telling words that makes a text like it
_FEWEST: Final = 3  # telling words, below which an example has to be said as it is


def words(guardrail: FakeGuardrail, scene: Scene, *, full: bool) -> dict[str, Any]:  # noqa: ARG001 - AWS lists no word it did not find
    """Report the words that were found."""
    custom = [word for word in guardrail.denied_words if says(scene.texts, [word])]
    managed = [(word, name) for name in guardrail.managed_words for word in MANAGED_WORDS[name] if says(scene.texts, [word])]
    return {
        "customWords": [_found(guardrail, word, word) for word in custom],
        "managedWordLists": [{**_found(guardrail, word, name), "type": name} for word, name in managed],
    }


def _found(guardrail: FakeGuardrail, match: str, name: str) -> dict[str, Any]:
    return {"match": match, "action": guardrail.action(name, detected=True), "detected": True}


def topics(guardrail: FakeGuardrail, scene: Scene, *, full: bool) -> dict[str, Any]:
    """Report the topics that were found, or all."""
    found = {name: _is_about(scene, phrases) for name, phrases in guardrail.denied_topics.items()}
    return {
        "topics": [
            {"name": name, "type": "DENY", "action": guardrail.action(name, detected=detected), "detected": detected}
            for name, detected in found.items()
            if detected or full
        ]
    }


def _is_about(scene: Scene, phrases: tuple[str, ...]) -> bool:
    return says(scene.texts, phrases) or any(_is_like(text, phrase) for text in scene.texts for phrase in phrases)


def _is_like(text: str, example: str) -> bool:
    meant = telling([example])
    return len(meant) >= _FEWEST and len(meant & telling([text])) >= _LIKE * len(meant)
