"""Wildcard patterns: every small pattern is compared with the second engine on every short value."""

from __future__ import annotations

import itertools
from typing import Final

import pytest
from iam import oracle

from guardedbedrock.iam.matching.arns import bounded
from guardedbedrock.iam.matching.patterns import (
    ANY,
    ANY_BUT_COLON,
    ONE,
    ONE_BUT_COLON,
    Automaton,
    Tokens,
    Wildcard,
    compile_tokens,
    join,
    match_partly_known,
    tokenize,
)

ORACLE_WILDCARDS: Final = {
    ANY: oracle.STAR,
    ONE: oracle.ONE,
    ANY_BUT_COLON: oracle.STAR_IN_SEGMENT,
    ONE_BUT_COLON: oracle.ONE_IN_SEGMENT,
}


def words(letters: str, longest: int) -> list[str]:
    """Return every string of these letters, up to a length."""
    return ["".join(word) for length in range(longest + 1) for word in itertools.product(letters, repeat=length)]


def patterns(tokens: tuple[str | Wildcard, ...], longest: int) -> set[Tokens]:
    """Return every pattern of these tokens, up to a length."""
    return {join(some) for length in range(longest + 1) for some in itertools.product(tokens, repeat=length)}


def oracle_pattern(pattern: Tokens) -> tuple[str, ...]:
    """Return a pattern as the second engine represents it."""
    return tuple(itertools.chain.from_iterable(t if isinstance(t, str) else (ORACLE_WILDCARDS[t],) for t in pattern))


@pytest.mark.parametrize(
    ("tokens", "pattern_length", "letters", "value_length"),
    [
        pytest.param(("a", "b", ANY), 5, "ab", 5, id="stars"),
        pytest.param(("a", ":", *ORACLE_WILDCARDS), 3, "a:b", 3, id="all wildcards"),
        pytest.param(("ab", "a", ONE, ANY_BUT_COLON), 4, "ab", 3, id="runs"),
    ],
)
def test_pattern_matches_the_same_values_as_the_second_engine(
    tokens: tuple[str | Wildcard, ...], pattern_length: int, letters: str, value_length: int
) -> None:
    """This holds for every pattern of few tokens and every short value."""
    values = words(letters, value_length)

    for pattern in patterns(tokens, pattern_length):
        matches, plain = compile_tokens(pattern), oracle_pattern(pattern)
        assert [value for value in values if oracle.fits(plain, value)] == [value for value in values if matches(value)]


@pytest.mark.parametrize(("piece", "letters"), [(ANY, "ax:"), (ANY_BUT_COLON, "ax")])
def test_pattern_may_match_if_some_value_of_the_unknown_piece_matches(piece: Wildcard, letters: str) -> None:
    """An unknown piece is any string, or any string without a colon; it can be empty."""
    unknown = words(letters, 3)

    for pattern in patterns(("a", ":", *ORACLE_WILDCARDS), 3):
        plain, automaton = oracle_pattern(pattern), Automaton(pattern)
        for before, after in itertools.product(["", "a", ":", "b:"], repeat=2):
            could = any(oracle.fits(plain, f"{before}{text}{after}") for text in unknown)
            assert could is automaton.may_match([before, piece, after])


@pytest.mark.parametrize(
    ("pattern", "could"),
    [
        ("arn:aws:bedrock:*:foundation-model/m:0", None),
        ("arn:aws:bedrock:*::foundation-model/m:0", None),
        ("arn:aws:bedrock:us-east-1::foundation-model/m:0", None),
        ("arn:aws:bedrock:*:foundation-model/m:1:2", None),
        ("arn:aws:bedrock:*:guardrail/m:0", False),
        ("arn:aws:bedrock:*:*:guardrail/m", False),
        ("arn:aws:bedrock:*:foundation-model/m:0:*", None),
    ],
)
def test_a_star_can_match_separators_before_an_unknown_name(pattern: str, *, could: bool | None) -> None:
    """The colon in ``m:0`` belongs to the name, although it is one of the first five colons of the pattern."""
    tokens = bounded(tokenize(pattern), segment_end_expands=True)

    assert match_partly_known(tokens, ["arn:aws:bedrock:", ANY_BUT_COLON, "::foundation-model/", ANY]) is could


@pytest.mark.parametrize(
    ("pattern", "could"),
    [
        ("arn:aws:bedrock:us-east-1::m", False),
        ("arn:aws:bedrock:us-east-1::m:0", False),
        ("*:aws:bedrock:us-east-1::m:0", True),  # the star can match the separators
        ("arn:aws:bedrock:m:0", True),  # too few colons for an ARN
    ],
)
def test_unknown_text_matches_no_separator_of_an_arn(pattern: str, *, could: bool) -> None:
    assert Automaton(tokenize(pattern)).may_match(["arn:", ANY]) is could


@pytest.mark.parametrize("pattern", ["*", "a*", "*b", "a?b", "ab", "*a*b"])
@pytest.mark.parametrize("text", ["", "a", "b", "ab", "aab", "acb", "abc"])
def test_string_that_is_read_in_steps_matches_as_a_whole(pattern: str, text: str) -> None:
    """An automaton accepts the state after the last step exactly if the pattern matches the whole string."""
    automaton = Automaton(tokenize(pattern))
    state = 1
    for character in text:
        state = automaton.step(state, character)

    assert automaton.accepts(state) == automaton.matches(text)
