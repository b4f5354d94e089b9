"""
Compile IAM wildcard patterns: ``*`` matches any run of characters, ``?`` exactly one; nothing else is special.

A pattern is a tuple of tokens. Text that only looks like a wildcard (``${*}``, or the value of a variable) stays text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum
from typing import Final, TypeAlias


class Wildcard(Enum):
    """The tokens of a pattern that are not literal text. The last two are ``*`` and ``?`` that cannot match a colon."""

    ANY = "*"
    ONE = "?"
    ANY_BUT_COLON = "* within a segment"
    ONE_BUT_COLON = "? within a segment"


ANY: Final = Wildcard.ANY
ONE: Final = Wildcard.ONE
ANY_BUT_COLON: Final = Wildcard.ANY_BUT_COLON
ONE_BUT_COLON: Final = Wildcard.ONE_BUT_COLON

Tokens: TypeAlias = tuple[str | Wildcard, ...]
Matcher: TypeAlias = Callable[[str], bool]


def tokenize(text: str) -> Tokens:
    """Split a policy string into literal text and wildcards."""
    if "*" not in text and "?" not in text:
        return (text,) if text else ()
    tokens: list[str | Wildcard] = []
    for index, run in enumerate(text.split("*")):
        tokens += [ANY] if index else []
        for position, piece in enumerate(run.split("?")):
            tokens += [ONE] if position else []
            tokens += [piece] if piece else []
    return join(tokens) if "**" in text else tuple(tokens)


def join(tokens: Iterable[str | Wildcard]) -> Tokens:
    """Normalize tokens: no empty string, no two adjacent strings, no two adjacent ``*``."""
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
    Return a function that returns whether the pattern matches a whole value.

    Cost: linear in the length of the value for every pattern. No regular expression is used, because its cost could be
    exponential for a hostile pattern.
    Source: IAM User Guide, "IAM JSON policy elements: Resource" and "Condition operators: String".
    """
    if not _ONE_BY_ONE.isdisjoint(tokens):
        return Automaton(tokens).matches
    if ANY not in tokens:
        return "".join(token for token in tokens if isinstance(token, str)).__eq__
    if tokens == (ANY,):
        return _everything
    return _runs(tokens)


def compile_pattern(text: str) -> Matcher:
    """
    Compile a pattern that is given as a string.

    >>> compile_pattern("bedrock:Invoke*")("bedrock:InvokeModel")
    True
    """
    return compile_tokens(tokenize(text))


def _everything(_: str) -> bool:
    return True


def _runs(tokens: Tokens) -> Matcher:
    """Find the text runs between stars from left to right; without ``?`` the leftmost occurrence is always sufficient."""
    head = tokens[0] if isinstance(tokens[0], str) else ""
    tail = tokens[-1] if isinstance(tokens[-1], str) else ""
    if tokens == (head, ANY):
        return lambda value: value.startswith(head)
    if tokens == (ANY, tail):
        return lambda value: value.endswith(tail)
    inner = tuple(t for t in tokens[1 if head else 0 : -1 if tail else None] if isinstance(t, str))
    if len(inner) == 1 and not tail:
        run, start = inner[0], len(head)
        return lambda value: value.startswith(head) and value.find(run, start) >= 0
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


class Automaton:
    """
    A nondeterministic automaton for one pattern, with all of its states in one integer.

    Bit ``i`` is set when the first ``i`` characters of the pattern are matched. A star lets its bit stay set.
    """

    __slots__ = ("_accept", "_free", "_loops", "_moves", "_name_colons", "_steps")

    def __init__(self, tokens: Tokens) -> None:
        self._steps: dict[str, int] = {}
        self._moves = self._free = 0
        self._loops = [0, 0]
        length = 0
        for token in tokens:
            if token in (ANY, ANY_BUT_COLON):
                self._loops[0] |= 1 << length
                self._loops[1] |= (token is ANY) << length
                continue
            for character in token if isinstance(token, str) else (token,):
                length += 1
                self._add(character, 1 << length)
        self._accept = 1 << length
        self._name_colons = self._colons_within_name(tokens)

    def _add(self, character: str | Wildcard, bit: int) -> None:
        if isinstance(character, str):
            self._steps[character] = self._steps.get(character, 0) | bit
        else:
            self._moves |= bit
            self._free |= bit if character is ONE else 0

    def step(self, state: int, text: str) -> int:
        """Return the state after more text; the first state is 1."""
        return self._read(state, text)

    def accepts(self, state: int) -> bool:
        """Return whether the pattern matches the string that led to a state."""
        return bool(state & self._accept)

    def matches(self, value: str) -> bool:
        """Return whether the pattern matches the whole value."""
        return bool(self._read(1, value) & self._accept)

    def may_match(self, pieces: Iterable[str | Wildcard]) -> bool:
        """
        Return whether the pattern could match a value that is only partly known.

        The first five colons of a pattern that has at least five are taken as the separators of an ARN. Unknown text does not
        match them. A ``*`` can match separators too: then colons after the one that ends it may be a part of the name.

        Args:
            pieces: Known text, `ANY` for unknown text, and `ANY_BUT_COLON` for unknown text without a colon.
        """
        state = 1
        for piece in pieces:
            state = self._read(state, piece) if isinstance(piece, str) else self._guess(state, piece)
        return bool(state & self._accept)

    def _read(self, state: int, value: str) -> int:
        steps, moves, free, (loops, spans) = self._steps, self._moves, self._free, self._loops
        for character in value:
            if character == ":":
                state = ((state << 1) & (steps.get(":", 0) | free)) | (state & spans)
            else:
                state = ((state << 1) & (steps.get(character, 0) | moves)) | (state & loops)
            if not state:
                break
        return state

    def _guess(self, state: int, unknown: Wildcard) -> int:
        anything = self._moves | (self._name_colons if unknown is ANY else 0)
        for character, bits in self._steps.items():
            anything |= bits if character != ":" else 0
        while (grown := state | ((state << 1) & anything)) != state:
            state = grown
        return state

    def _colons_within_name(self, tokens: Tokens) -> int:
        """Return the bits of the colons that can be in the name of a resource, after the separators of an ARN."""
        colons = self._steps.get(":", 0)
        if colons.bit_count() < _COLONS_OF_AN_ARN:
            return colons
        within = length = count = 0
        has_star = ends_star = False
        for token in tokens:
            if token is ANY:
                has_star = ends_star = True
            for character in token if isinstance(token, str) else ():
                length += 1
                if character == ":":
                    within |= (count >= _COLONS_OF_AN_ARN or (has_star and not ends_star)) << length
                    ends_star, count = False, count + 1
            length += token in (ONE, ONE_BUT_COLON)
        return within


def match_partly_known(pattern: Tokens, value: Iterable[str | Wildcard]) -> bool | None:
    """
    Match a value that is only partly known.

    INVARIANT: The answer is True or False only if no value of the unknown parts can change it.

    Args:
        pattern: The pattern.
        value: Known text, `ANY` for unknown text, and `ANY_BUT_COLON` for unknown text without a colon.
    """
    pieces = tuple(value)
    automaton = Automaton(pattern)
    if all(automaton.matches("".join(p if isinstance(p, str) else filling for p in pieces)) for filling in _FILLINGS):
        return True
    return None if automaton.may_match(pieces) else False


_FILLINGS: Final = ("", "\0", "\0" * 12)
"""The empty string, a short one and a long one that no pattern names. A pattern that matches all three matches any string."""
_COLONS_OF_AN_ARN: Final = 5
_ONE_BY_ONE: Final = frozenset({ONE, ANY_BUT_COLON, ONE_BUT_COLON})
