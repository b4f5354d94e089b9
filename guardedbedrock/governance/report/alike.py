"""
Find models and guardrails that policies cannot tell apart, so that one evaluation is enough for all of them.

A policy sees a model or a guardrail only through ARNs, which it compares with the texts of its statements. Names that every text
matches alike, as a whole and in each part of the ARN, are decided alike by every operator.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import TypeAlias

from guardedbedrock.iam import PolicySet
from guardedbedrock.iam.matching.patterns import compile_pattern

Names: TypeAlias = Sequence[str]
"""The ARNs of one model or guardrail, in a fixed order."""

_PARTS = 5


def texts_of(policies: PolicySet) -> tuple[str, ...]:
    """Return every text that a policy compares with a request: resources and condition values, each once."""
    return tuple(dict.fromkeys(_texts(policies)))


def _texts(policies: PolicySet) -> Iterator[str]:
    for _, document in policies:
        for statement in document.statements:
            yield from statement.resources
            for condition in statement.conditions:
                yield from condition.values


class Alike:
    """
    Compares names with the texts of many policy sets; each text is compared once.

    Args:
        names: The ARNs of each thing to tell apart.
    """

    def __init__(self, names: Sequence[Names]) -> None:
        self._names = names
        self._seen: dict[str, tuple[Hashable, ...]] = {}

    def signatures(self, texts: Sequence[str]) -> list[Hashable]:
        """Return a signature for each thing: those with equal signatures cannot be told apart by the texts."""
        compared = [self._compare(text) for text in texts]
        return [tuple(one[index] for one in compared) for index in range(len(self._names))]

    def _compare(self, text: str) -> tuple[Hashable, ...]:
        if text not in self._seen:
            # A text with a policy variable may match any name, so all names count as different.
            compare = _itself if "${" in text else _matches
            self._seen[text] = tuple(tuple(compare(text, name) for name in names) for names in self._names)
        return self._seen[text]


def _itself(_text: str, name: str) -> Hashable:
    return name


def _matches(text: str, name: str) -> Hashable:
    parts = zip(text.split(":", _PARTS), name.split(":", _PARTS), strict=False)
    return (
        text == name,
        compile_pattern(text)(name),
        compile_pattern(text.lower())(name.lower()),
        *(compile_pattern(pattern)(part) for pattern, part in parts),
    )
