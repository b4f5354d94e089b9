"""
Find models and guardrails that policies cannot tell apart, so that one evaluation is enough for all of them.

A policy sees a model or a guardrail only through ARNs, which it compares with the strings of its statements. If every string
matches two names in the same way, as a whole and in each part of the ARN, every operator decides both names in the same way.
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
    """Return every string that a policy compares with a request: resources and condition values, each once."""
    return tuple(dict.fromkeys(_texts(policies)))


def _texts(policies: PolicySet) -> Iterator[str]:
    for _, document in policies:
        for statement in document.statements:
            yield from statement.resources
            for condition in statement.conditions:
                yield from condition.values


class NameComparison:
    """
    Compares models or guardrails with the strings of many policy sets; each string is compared once.

    Args:
        names: The names of each model or guardrail.
    """

    def __init__(self, names: Sequence[Names]) -> None:
        self._names = names
        self._seen: dict[str, tuple[Hashable, ...]] = {}

    def signatures(self, texts: Sequence[str]) -> list[Hashable]:
        """Return a signature for each model or guardrail. The strings cannot tell those with equal signatures apart."""
        compared = [self._compare(text) for text in texts]
        return [tuple(one[index] for one in compared) for index in range(len(self._names))]

    def _compare(self, text: str) -> tuple[Hashable, ...]:
        if text not in self._seen:
            # A string with a policy variable may match any name, so all names count as different.
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
