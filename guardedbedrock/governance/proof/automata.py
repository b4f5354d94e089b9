"""
How a pattern relates to a shape: whether every text of the shape matches it, none does, or some do.

Most patterns are decided here, which leaves the solver little to do. The pattern is read by the engine's own automaton.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Final, Literal, TypeAlias

from guardedbedrock.governance.proof.formulas import Choice, Repeat, Sequence
from guardedbedrock.iam.matching.patterns import Automaton, Tokens

Relation: TypeAlias = Literal["all", "none", "some"]
Ranges: TypeAlias = tuple[tuple[str, str], ...]

_MOST_STATES: Final = 20_000
"""States after which the search gives up; ``some`` is then a safe answer."""


@lru_cache(maxsize=4096)  # keyed by shape and pattern: a proof compares the same pattern with the same shape in many situations
def relate(shape: Sequence, pattern: Tokens, *, fold: bool = False) -> Relation:
    """
    Compare a shape with a pattern.

    Args:
        shape: The texts that can occur.
        pattern: The pattern.
        fold: Whether case is ignored; such a pattern is only compared in lower case.
    """
    if fold:
        return "some"
    automaton, texts = Automaton(pattern), ShapeAutomaton(shape)
    alphabet = _alphabet(texts, pattern)
    start = texts.start, 1
    seen, waiting = {start}, [start]
    found_match = found_other = False
    while waiting:
        states, matched = waiting.pop()
        if texts.accepts(states):
            is_match = automaton.accepts(matched)
            found_match, found_other = found_match or is_match, found_other or not is_match
            if found_match and found_other:
                return "some"
        for character in alphabet:
            after = texts.step(states, character)
            if not after:
                continue
            following = after, automaton.step(matched, character)
            if following not in seen:
                seen.add(following)
                waiting.append(following)
        if len(seen) > _MOST_STATES:
            return "some"
    return "all" if found_match or not found_other else "none"


class ShapeAutomaton:
    """A nondeterministic automaton for a shape; `start` has its first states."""

    def __init__(self, shape: Sequence) -> None:
        self.edges: list[list[tuple[Ranges, int]]] = [[]]
        self._silent: list[list[int]] = [[]]
        self._end = self._sequence(0, shape)
        self.start = self._closed({0})

    def accepts(self, states: frozenset[int]) -> bool:
        """Return whether the text that led to some states has the shape."""
        return self._end in states

    def step(self, states: frozenset[int], character: str) -> frozenset[int]:
        """Return the states after one more character; none if no text that goes on has the shape."""
        after = {
            end
            for state in states
            for ranges, end in self.edges[state]
            if any(first <= character <= last for first, last in ranges)
        }
        return self._closed(after) if after else frozenset()

    def _new(self) -> int:
        self.edges.append([])
        self._silent.append([])
        return len(self.edges) - 1

    def _sequence(self, state: int, shape: Sequence) -> int:
        for part in shape:
            state = self._part(state, part)
        return state

    def _part(self, state: int, part: str | Repeat | Choice) -> int:
        if isinstance(part, str):
            for character in part:
                state = self._edge(state, ((character, character),))
            return state
        if isinstance(part, Choice):
            end = self._new()
            for option in part.options:
                self._silent[self._sequence(state, option)].append(end)
            return end
        for _ in range(part.least):
            state = self._edge(state, part.ranges)
        if part.most is None:
            loop = self._new()
            self._silent[state].append(loop)
            self.edges[loop].append((part.ranges, loop))
            return loop
        end = self._new()
        self._silent[state].append(end)
        for _ in range(part.most - part.least):
            state = self._edge(state, part.ranges)
            self._silent[state].append(end)
        return end

    def _edge(self, state: int, ranges: Ranges) -> int:
        end = self._new()
        self.edges[state].append((ranges, end))
        return end

    def _closed(self, states: set[int]) -> frozenset[int]:
        waiting = list(states)
        while waiting:
            for end in self._silent[waiting.pop()]:
                if end not in states:
                    states.add(end)
                    waiting.append(end)
        return frozenset(states)


def _alphabet(texts: ShapeAutomaton, pattern: Tokens) -> tuple[str, ...]:
    """Return one character for each class that neither the shape nor the pattern divides."""
    borders = {0}
    for first, last in _ranges(texts):
        borders |= {ord(first), ord(last) + 1}
    for character in {character for token in pattern if isinstance(token, str) for character in token} | {":"}:
        borders |= {ord(character), ord(character) + 1}
    return tuple(chr(border) for border in sorted(borders))


def _ranges(texts: ShapeAutomaton) -> Iterator[tuple[str, str]]:
    return (pair for edges in texts.edges for ranges, _ in edges for pair in ranges)
