"""The content that a guardrail assesses, and how it matches phrases and compares texts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from guardedbedrock.testing.resources.guardrail import AssessmentSource

_STOP_WORDS: Final = frozenset(
    {"about", "also", "been", "could", "does", "from", "have", "here", "into", "just", "like", "more", "much", "only", "other"}
    | {"over", "should", "some", "such", "than", "that", "their", "them", "then", "there", "these", "they", "this", "those"}
    | {"very", "want", "were", "what", "when", "where", "which", "will", "with", "would", "your"}
)
_MIN_LETTERS: Final = 4


@dataclass(frozen=True, slots=True)
class AssessedContent:
    """
    The content of one assessment.

    Args:
        texts: The texts to assess.
        source: ``INPUT`` for a prompt, ``OUTPUT`` for a response.
        sources: Grounding sources; empty if there are none.
        queries: Queries that a response must be relevant to.
        images: Number of images. Images are counted and not assessed.
    """

    texts: tuple[str, ...]
    source: AssessmentSource
    sources: tuple[str, ...] = ()
    queries: tuple[str, ...] = ()
    images: int = 0


def contains_phrase(texts: Iterable[str], phrases: Iterable[str]) -> bool:
    """Return whether a text contains a phrase as whole words; case is ignored."""
    return any(_phrase(phrase).search(text) for phrase in phrases for text in texts)


@cache  # keyed by the phrase: a guardrail assesses every prompt with the same phrases
def _phrase(phrase: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(phrase)}(?!\w)", re.IGNORECASE)


def significant_words(texts: Iterable[str]) -> frozenset[str]:
    """
    Return the words that distinguish one text from another: no stop words and no word under four letters.

    >>> sorted(significant_words(["Where would you invest the money?"]))
    ['invest', 'money']
    """
    words = (word for text in texts for word in re.findall(r"\w+", text.lower()))
    return frozenset(word for word in words if len(word) >= _MIN_LETTERS and word not in _STOP_WORDS)
