"""What a guardrail looks at, and how it reads: phrases, and the words of a text that tell what it is about."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal, TypeAlias

Source: TypeAlias = Literal["INPUT", "OUTPUT"]

_LITTLE: Final = frozenset(
    {"about", "also", "been", "could", "does", "from", "have", "here", "into", "just", "like", "more", "much", "only", "other"}
    | {"over", "should", "some", "such", "than", "that", "their", "them", "then", "there", "these", "they", "this", "those"}
    | {"very", "want", "were", "what", "when", "where", "which", "will", "with", "would", "your"}
)
_SHORTEST: Final = 4  # letters of a word that tells anything


@dataclass(frozen=True, slots=True)
class Scene:
    """
    Texts, and what is to be held against them.

    Args:
        texts: What is assessed.
        source: Whether somebody asks or the model answers.
        sources: What an answer has to be grounded in; empty where there is nothing to hold it against.
        queries: What an answer has to be relevant to.
        images: How many images there are beside them, which are only counted.
    """

    texts: tuple[str, ...]
    source: Source
    sources: tuple[str, ...] = ()
    queries: tuple[str, ...] = ()
    images: int = 0


def says(texts: Iterable[str], phrases: Iterable[str]) -> bool:
    """Say whether any of some phrases stands in any of some texts, as whole words, case ignored."""
    return any(_phrase(phrase).search(text) for phrase in phrases for text in texts)


@cache
def _phrase(phrase: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(phrase)}(?!\w)", re.IGNORECASE)


def telling(texts: Iterable[str]) -> frozenset[str]:
    """
    Gather the words that tell what texts are about.

    >>> sorted(telling(["Where would you invest the money?"]))
    ['invest', 'money']
    """
    words = (word for text in texts for word in re.findall(r"\w+", text.lower()))
    return frozenset(word for word in words if len(word) >= _SHORTEST and word not in _LITTLE)
