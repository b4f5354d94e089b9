"""
IAM wildcards, compiled: ``*`` is any run of characters, ``?`` exactly one, nothing else is special.

A pattern is a tuple of tokens, so that text which only looks like a wildcard (``${*}``, the value of a variable) stays text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from typing import Final, TypeAlias


class Wildcard(Enum):
    """The two tokens of a pattern that are not text."""

    ANY = "*"
    ONE = "?"


ANY: Final = Wildcard.ANY
ONE: Final = Wildcard.ONE

Tokens: TypeAlias = tuple[str | Wildcard, ...]
Matcher: TypeAlias = Callable[[str], bool]


def tokenize(text: str) -> Tokens:
    """Read policy text as a pattern."""
    return join(_WILDCARDS.get(character, character) for character in text)


def join(tokens: Iterable[str | Wildcard]) -> Tokens:
    """Bring tokens into normal form: no empty text, no text beside text, no ``*`` beside ``*``."""
    normal: list[str | Wildcard] = []
    for token in tokens:
        last = normal[-1] if normal else None
        if isinstance(token, str) and isinstance(last, str):
            normal[-1] = last + token
        elif token and not (token is ANY and last is ANY):
            normal.append(token)
    return tuple(normal)


def compile_tokens(tokens: Tokens) -> Matcher:
    """
    Make the function that says whether a pattern covers the whole of a value.

    Cost: linear in the value for every pattern, however hostile; no regex.
    Source: IAM User Guide, "IAM JSON policy elements: Resource" and "Condition operators: String".
    """
    if ONE in tokens:
        return _automaton(tokens)
    if ANY not in tokens:
        return "".join(token for token in tokens if isinstance(token, str)).__eq__
    if tokens == (ANY,):
        return _everything
    return _runs(tokens)


def compile_pattern(text: str) -> Matcher:
    """
    Compile policy text.

    >>> compile_pattern("bedrock:Invoke*")("bedrock:InvokeModel")
    True
    """
    return compile_tokens(tokenize(text))


def _everything(_: str) -> bool:
    return True


def _runs(tokens: Tokens) -> Matcher:
    """Match text runs between stars, leftmost first: with no ``?`` the leftmost place is never a worse one."""
    head = tokens[0] if isinstance(tokens[0], str) else ""
    tail = tokens[-1] if isinstance(tokens[-1], str) else ""
    if len(tokens) == 2 and head:
        return lambda value: value.startswith(head)
    if len(tokens) == 2:
        return lambda value: value.endswith(tail)
    inner = tuple(t for t in tokens[1 if head else 0 : -1 if tail else None] if isinstance(t, str))
    shortest = len(head) + len(tail)

    def match(value: str) -> bool:
        end = len(value) - len(tail)
        if len(value) < shortest or not value.startswith(head) or not value.endswith(tail):
            return False
        position = len(head)
        for run in inner:
            position = value.find(run, position, end)
            if position < 0:
                return False
            position += len(run)
        return True

    return match


def _automaton(tokens: Tokens) -> Matcher:
    """
    Run all positions of the pattern at once, one bit for each.

    Bit ``i`` stands for "the first ``i`` characters of the pattern are matched"; a star is a loop on its bit.
    """
    steps: dict[str, int] = {}
    loops = wild = length = 0
    for token in tokens:
        if token is ANY:
            loops |= 1 << length
            continue
        for character in token if isinstance(token, str) else "?":
            length += 1
            if token is ONE:
                wild |= 1 << length
            else:
                steps[character] = steps.get(character, 0) | 1 << length
    steps = {character: bits | wild for character, bits in steps.items()}
    accept = 1 << length

    def match(value: str) -> bool:
        state = 1
        for character in value:
            state = ((state << 1) & steps.get(character, wild)) | (state & loops)
            if not state:
                return False
        return bool(state & accept)

    return match


_WILDCARDS: Final = {"*": ANY, "?": ONE}
