"""The wildcard matcher, compared with its definition, and its cost."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, Final, Self, SupportsIndex

import pytest
from harness.strategies import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from iam import oracle

from guardedbedrock.iam.matching.patterns import (
    ANY,
    ANY_BUT_COLON,
    ONE,
    ONE_BUT_COLON,
    Tokens,
    Wildcard,
    compile_pattern,
    compile_tokens,
    join,
)

DEFINED: Final = {
    ANY: oracle.STAR,
    ONE: oracle.ONE,
    ANY_BUT_COLON: oracle.STAR_IN_SEGMENT,
    ONE_BUT_COLON: oracle.ONE_IN_SEGMENT,
}
"""Wildcards of the engine to those of the definition."""
TOKENS: Final[list[str | Wildcard]] = ["a", "b", "ab", ":", *DEFINED]
LENGTHS: Final = (256, 512, 1024, 2048)
"""Characters of a value; 2,048 is the longest identifier of a model or guardrail."""


def covers(pattern: Tokens, value: str) -> bool:
    """Match by the definition."""
    items = (token if isinstance(token, str) else (DEFINED[token],) for token in pattern)
    return oracle.fits(tuple(itertools.chain.from_iterable(items)), value)


@settings(max_examples=examples(1500))
@given(st.lists(st.sampled_from(TOKENS), max_size=8).map(join), st.text("ab:", max_size=10))
def test_a_pattern_matches_like_its_definition(pattern: Tokens, value: str) -> None:
    """A star matches any string, a question mark one character, and any other character itself."""
    assert covers(pattern, value) is compile_tokens(pattern)(value)


@settings(max_examples=examples(800))
@given(st.data(), st.text("a?*b\n[", max_size=10))
def test_a_pattern_matches_strings_that_are_made_from_it(data: st.DataObject, pattern: str) -> None:
    """If strings replace the wildcards of a pattern, the pattern matches the result."""
    run, one = st.text(max_size=5), st.characters()

    value = "".join(data.draw({"*": run, "?": one}[c]) if c in "*?" else c for c in pattern)

    assert compile_pattern(pattern)(value)


class Counted(str):
    """A string that counts how often a matcher reads it."""

    __slots__ = ("reads",)
    reads: int

    def __new__(cls, text: str) -> Self:
        """Create a string that was not read."""
        made = super().__new__(cls, text)
        made.reads = 0
        return made

    def __iter__(self) -> Iterator[str]:
        for character in super().__iter__():
            self.reads += 1
            yield character

    def __getitem__(self, key: SupportsIndex | slice) -> str:
        self.reads += 1
        return super().__getitem__(key)

    def find(self, *args: Any) -> int:
        """Find a string: counted once, because the interpreter does it."""
        self.reads += 1
        return super().find(*args)


HOSTILE: Final = {
    "stars": "*a" * 64,
    "stars and a miss": "a*" * 64 + "b",
    "question marks": "?" * 64 + "*b",
    "stars and question marks": "*?" * 64 + "b",
    "question marks between stars": "*?a" * 40 + "b",
    "long literal": "*" + "a" * 1000 + "b*",
    "long literals": ("*" + "a" * 200 + "b") * 10,
    "nested": "*a*aa*aaa*aaaa*aaaaa*b",
}


@pytest.mark.parametrize("pattern", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_pattern_reads_a_value_once(pattern: str) -> None:
    """The number of reads is linear: one for each character, or one for each run of text in the pattern."""
    matches = compile_pattern(pattern)
    runs = len([run for run in pattern.split("*") if run])

    for length in LENGTHS:
        value = Counted("a" * length)
        matches(value)

        assert value.reads <= max(length, runs)


@pytest.mark.parametrize("pattern", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("value", ["a" * 300, "a" * 299 + "b", "ab" * 150, "a" * 50 + "b" + "a" * 249])
def test_a_hostile_pattern_matches_like_its_definition(pattern: str, value: str) -> None:
    """The fast matcher is correct for hostile patterns too."""
    assert oracle.fits(oracle.wild(pattern), value) is compile_pattern(pattern)(value)
