"""Patterns as tuples of characters and wildcards, matched by definition."""

from __future__ import annotations

from typing import Final

STAR, ONE, STAR_IN_SEGMENT, ONE_IN_SEGMENT = "<*>", "<?>", "<* no colon>", "<? no colon>"
STARS: Final = (STAR, STAR_IN_SEGMENT)
SOME_CHARACTERS, SOME_TEXT = "<any characters>", "<any characters, colons too>"
NOT_KNOWN: Final = (SOME_CHARACTERS, SOME_TEXT)
COLON_OF_ARN: Final = "<:>"
"""A colon of a pattern that separates segments, so that it is not part of a name."""
SEGMENTS: Final = 6
"""Number of segments of an ARN; the last may contain colons."""
NO_PATTERN_NAMES_THIS: Final = "\x07"


def wild(text: str) -> tuple[str, ...]:
    """Parse a string with wildcards."""
    return tuple({"*": STAR, "?": ONE}.get(character, character) for character in text)


def takes(item: str, character: str) -> bool:
    """Return whether one item of a pattern matches one character."""
    if item in (STAR, ONE):
        return True
    if item in (STAR_IN_SEGMENT, ONE_IN_SEGMENT):
        return character != ":"
    if item == COLON_OF_ARN:
        return character == ":"
    return character in (item, SOME_TEXT) or (character == SOME_CHARACTERS and item != ":")


def fits(pattern: tuple[str, ...], text: tuple[str, ...] | str) -> bool:
    """Return whether a pattern matches a whole string. An item of ``NOT_KNOWN`` in it is any number of characters."""
    known: dict[tuple[int, int], bool] = {}

    def from_here(i: int, j: int) -> bool:
        if (i, j) not in known:
            known[i, j] = answer(i, j)
        return known[i, j]

    def answer(i: int, j: int) -> bool:
        if j < len(text) and text[j] in NOT_KNOWN and from_here(i, j + 1):
            return True
        if i == len(pattern):
            return j == len(text)
        if pattern[i] in STARS and from_here(i + 1, j):
            return True
        if j == len(text) or not takes(pattern[i], text[j]):
            return False
        if text[j] in NOT_KNOWN:
            return pattern[i] not in STARS and from_here(i + 1, j)
        return from_here(i if pattern[i] in STARS else i + 1, j + 1)

    return from_here(0, 0)


def segments(pattern: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Split at the first five colons."""
    found: list[list[str]] = [[]]
    for item in pattern:
        if item == ":" and len(found) < SEGMENTS:
            found.append([])
        else:
            found[-1].append(item)
    return [tuple(segment) for segment in found]
