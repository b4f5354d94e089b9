"""Shapes as automata: the strings that AWS can give a resource or a key, read character by character."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Final, TypeAlias

from guardedbedrock.governance.proof.logic.formulas import Choice, Repeat, StringShape
from guardedbedrock.iam.matching.patterns import ANY, ANY_BUT_COLON, ONE, Tokens, Wildcard

Ranges: TypeAlias = tuple[tuple[str, str], ...]

_MOST_KEPT: Final = 20_000
"""Steps, and beginnings of patterns, whose states a shape caches."""


@lru_cache(maxsize=1024)  # keyed by shape: there is one for each resource type and account
def shape_automaton(shape: StringShape) -> ShapeAutomaton:
    """Return the automaton of a shape."""
    return ShapeAutomaton(shape)


class ShapeAutomaton:
    """A nondeterministic automaton for a shape. A state is a set of numbers; `start` is the first state."""

    def __init__(self, shape: StringShape) -> None:
        self._edges: list[list[tuple[Ranges, int]]] = [[]]
        self._silent: list[list[int]] = [[]]
        self._end = self._sequence(0, shape)
        self.start = self._closed({0})
        self._steps: dict[tuple[frozenset[int], str], frozenset[int]] = {}
        self._after: dict[Tokens, frozenset[int]] = {(): self.start}

    def accepts(self, state: frozenset[int]) -> bool:
        """Return whether the string that led to a state has the shape."""
        return self._end in state

    def read(self, string: str) -> frozenset[int]:
        """Return the state after a string."""
        state = self.start
        for character in string:
            state = self.step(state, character)
        return state

    def step(self, state: frozenset[int], character: str) -> frozenset[int]:
        """Return the state after one more character; an empty set if no continuation has the shape."""
        known = self._steps.get((state, character))
        if known is None:
            known = self._moved(state, lambda ranges: any(first <= character <= last for first, last in ranges))
            if len(self._steps) > _MOST_KEPT:
                self._steps.clear()
            self._steps[state, character] = known
        return known

    def ranges(self) -> Iterator[tuple[str, str]]:
        """Yield the first and the last character of each range of characters."""
        return (pair for edges in self._edges for ranges, _ in edges for pair in ranges)

    def may_match(self, pattern: Tokens) -> bool:
        """Return whether a string of the shape matches a pattern."""
        return self.accepts(self._after_pattern(pattern))

    def _after_pattern(self, pattern: Tokens) -> frozenset[int]:
        """Return the states after all strings that match a pattern. Each part is cached, because patterns often begin alike."""
        known = self._after.get(pattern)
        if known is None:
            before, token = self._after_pattern(pattern[:-1]), pattern[-1]
            if isinstance(token, str):
                known = before
                for character in token:
                    if not known:
                        break
                    known = self.step(known, character)
            else:
                known = self._after_wildcard(before, token)
            if len(self._after) > _MOST_KEPT:
                self._after.clear()
                self._after[()] = self.start
            self._after[pattern] = known
        return known

    def _after_wildcard(self, state: frozenset[int], token: Wildcard) -> frozenset[int]:
        colons = token in (ANY, ONE)

        def fits(ranges: Ranges) -> bool:
            return colons or any(first != ":" or last != ":" for first, last in ranges)

        if token not in (ANY, ANY_BUT_COLON):
            return self._moved(state, fits)
        while not (more := self._moved(state, fits)) <= state:
            state |= more
        return state

    def _moved(self, state: frozenset[int], fits: Callable[[Ranges], bool]) -> frozenset[int]:
        after = {end for number in state for ranges, end in self._edges[number] if fits(ranges)}
        return self._closed(after) if after else frozenset()

    def _new(self) -> int:
        self._edges.append([])
        self._silent.append([])
        return len(self._edges) - 1

    def _sequence(self, state: int, shape: StringShape) -> int:
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
            self._edges[loop].append((part.ranges, loop))
            return loop
        end = self._new()
        self._silent[state].append(end)
        for _ in range(part.most - part.least):
            state = self._edge(state, part.ranges)
            self._silent[state].append(end)
        return end

    def _edge(self, state: int, ranges: Ranges) -> int:
        end = self._new()
        self._edges[state].append((ranges, end))
        return end

    def _closed(self, states: Iterable[int]) -> frozenset[int]:
        found = set(states)
        waiting = list(found)
        while waiting:
            for end in self._silent[waiting.pop()]:
                if end not in found:
                    found.add(end)
                    waiting.append(end)
        return frozenset(found)
