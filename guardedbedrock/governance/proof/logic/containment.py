"""Find patterns that contain each other, without a search: the engine matches one pattern as if it were a string."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Final

from guardedbedrock.governance.proof.logic.formulas import Matches
from guardedbedrock.iam.matching.patterns import ANY, Matcher, Tokens, Wildcard, compile_tokens

_PLACEHOLDER: Final = "\0"
"""Replaces each wildcard of a pattern that is read as a string."""


def is_within(inner: Tokens, outer: Tokens) -> bool:
    """Return whether every string that matches one pattern matches another. False if only a search can tell."""
    return inner == outer or _surrounds(outer)(_as_string(inner))


def contained(inner: Sequence[Matches], outer: Sequence[Matches]) -> Iterator[tuple[Matches, Matches]]:
    """
    Yield the pairs of patterns of which the first lies in the second. Pairs that need a search are left out.

    Only patterns that contain the longest literal string of the outer pattern are compared with it. Few patterns do.
    """
    strings = [_as_string(one.pattern) for one in inner]
    joined = _PLACEHOLDER.join(strings)
    ends = list(accumulate(len(string) + 1 for string in strings))
    for around in outer if strings else ():
        contains = _surrounds(around.pattern)
        longest = max((token for token in around.pattern if isinstance(token, str)), key=len, default="")
        position = joined.find(longest)
        while position >= 0:
            number = bisect_right(ends, position)
            if contains(strings[number]):
                yield inner[number], around
            position = joined.find(longest, ends[number])


@lru_cache(maxsize=16384)  # keyed by pattern: many patterns are compared with the same one
def _surrounds(outer: Tokens) -> Matcher:
    """Return a function that decides whether `outer` surely contains a pattern, which it accepts in the form of `_as_string`."""
    # INVARIANT: Only a star of the outer pattern can match the placeholder, and a star matches any string there.
    if any(token is not ANY and (isinstance(token, Wildcard) or _PLACEHOLDER in token) for token in outer):
        return _matches_nothing
    return compile_tokens(outer)


def _as_string(pattern: Tokens) -> str:
    """Return a pattern as a string, with a placeholder for each wildcard."""
    return "".join(token if isinstance(token, str) else _PLACEHOLDER for token in pattern)


def _matches_nothing(_: str) -> bool:
    return False
