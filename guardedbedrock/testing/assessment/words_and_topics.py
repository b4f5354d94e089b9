"""Word filters and denied topics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.testing.assessment.assessed_content import AssessedContent, contains_phrase, significant_words
from guardedbedrock.testing.resources.word_lists import MANAGED_WORDS

if TYPE_CHECKING:
    from guardedbedrock.testing.resources.guardrail import FakeGuardrail

_MIN_SHARE: Final = 0.75  # of the significant words of an example that a text must contain to match it
_MIN_WORDS: Final = 3  # significant words of an example; a shorter one matches only as a phrase


def assess_words(guardrail: FakeGuardrail, content: AssessedContent, *, full: bool) -> dict[str, Any]:  # noqa: ARG001 - see below
    """Report the words that were found. AWS never reports a word that was not found, so `full` has no effect."""
    texts = content.texts
    custom = [word for word in guardrail.denied_words if contains_phrase(texts, [word])]
    managed = [(word, name) for name in guardrail.managed_words for word in MANAGED_WORDS[name] if contains_phrase(texts, [word])]
    return {
        "customWords": [_found(guardrail, word, word) for word in custom],
        "managedWordLists": [{**_found(guardrail, word, name), "type": name} for word, name in managed],
    }


def _found(guardrail: FakeGuardrail, match: str, name: str) -> dict[str, Any]:
    return {"match": match, "action": guardrail.action(name, detected=True), "detected": True}


def assess_topics(guardrail: FakeGuardrail, content: AssessedContent, *, full: bool) -> dict[str, Any]:
    """Report the topics that were found; with `full`, all topics."""
    found = {name: _is_about(content, phrases) for name, phrases in guardrail.denied_topics.items()}
    return {
        "topics": [
            {"name": name, "type": "DENY", "action": guardrail.action(name, detected=detected), "detected": detected}
            for name, detected in found.items()
            if detected or full
        ]
    }


def _is_about(content: AssessedContent, phrases: tuple[str, ...]) -> bool:
    if contains_phrase(content.texts, phrases):
        return True
    return any(_resembles(text, phrase) for text in content.texts for phrase in phrases)


def _resembles(text: str, example: str) -> bool:
    words = significant_words([example])
    return len(words) >= _MIN_WORDS and len(words & significant_words([text])) >= _MIN_SHARE * len(words)
