"""
Strings that meet several facts at once: patterns that they match or do not match, and shapes that they have.

Every pattern and shape is an automaton. The automata read a string in parallel, character by character, so that finitely many
combinations of states represent all strings. The patterns are read by the engine's own automaton.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache, partial
from typing import Any, Final, Literal, TypeAlias

from guardedbedrock.governance.proof.logic.containment import is_within
from guardedbedrock.governance.proof.logic.formulas import Matches, Shaped
from guardedbedrock.governance.proof.logic.shapes import shape_automaton
from guardedbedrock.iam.matching.patterns import ANY, Automaton, Matcher, Tokens, Wildcard, compile_tokens, join

Fact: TypeAlias = Matches | Shaped
Literals: TypeAlias = tuple[tuple[Fact, bool], ...]
"""Facts about one string, each with whether it is true."""
Relation: TypeAlias = Literal["all", "none", "some"]

_MOST_STEPS: Final = 400_000
"""Steps of single automata after which a search gives up; about half a second."""
_USUAL: Final = "abcdefghijklmnopqrstuvwxyz0123456789-/ABCDEFGHIJKLMNOPQRSTUVWXYZ.:_ "
"""The characters of a string if the facts leave a choice, in order of preference."""
_KELVIN: Final = "\u212a"
"""The only character outside ASCII that is an ASCII letter in lower case."""
_SIGMAS: Final = frozenset("\u03c3\u03c2")
"""The small sigmas. Which one a capital sigma becomes in lower case depends on its neighbours."""
_SURROGATES: Final = range(0xD800, 0xE000)
_CHARACTERS: Final = 0x110000


class SearchLimitError(Exception):
    """The automata have too many combinations of states, or a comparison that ignores case depends on the whole string."""


# -- one string -------------------------------------------------------------------------------------------------------


def find_string(literals: Literals) -> str | None:
    """
    Find a string for which some facts are true and others are false. Short strings of usual characters are preferred.

    Returns:
        None if there is no such string.

    Raises:
        SearchLimitError: The search is too large.
    """
    only = next((string for fact, wanted in literals if wanted and (string := _only_string(fact)) is not None), None)
    if only is not None:
        return only if all(holds(fact, only) is wanted for fact, wanted in literals) else None
    positive = tuple(one for one in literals if one[1])
    sample = _search(positive)
    if sample is None or all(holds(fact, sample) is wanted for fact, wanted in literals):
        return sample
    return _search(literals)


def find_conflict(literals: Literals) -> Literals:
    """
    Reduce facts that no string meets together to a few facts that still exclude each other.

    Raises:
        SearchLimitError: A search is too large.
    """
    for fact, wanted in literals:
        if not wanted:
            continue
        only = _only_string(fact)
        for other in literals:
            if holds(other[0], only) is not other[1] if only is not None else _surely_conflict(fact, other):
                return (fact, True), other
    return _smallest(literals)


def _smallest(literals: Literals) -> Literals:
    """Keep the facts without which some string meets the rest. Each round finds one of them by bisection."""
    needed: Literals = ()
    others = literals
    while find_string(needed) is not None:
        fails = partial(_fails, needed, others)
        first = bisect_left(range(len(others)), True, key=fails)  # noqa: FBT003  # the first value that is true
        needed = (*needed, others[first])
        others = others[:first]
    return needed


def _fails(needed: Literals, others: Literals, last: int) -> bool:
    return find_string((*needed, *others[: last + 1])) is None


def shortest_beginning(fact: Matches, others: Literals) -> Matches:
    """
    Return the shortest beginning of a pattern, followed by a star, that no string matches together with other facts.

    Args:
        fact: The pattern. No string matches it together with the other facts.
        others: The other facts.

    Raises:
        SearchLimitError: A search is too large.
    """
    units = [unit for token in fact.pattern for unit in (token if isinstance(token, str) else (token,))]

    def excludes(length: int) -> bool:
        return find_string(((Matches(fact.string, join((*units[:length], ANY))), True), *others)) is None

    length = bisect_left(range(len(units)), True, key=excludes)  # noqa: FBT003  # the first value that is true
    return Matches(fact.string, join((*units[:length], ANY))) if length < len(units) else fact


def _surely_conflict(fact: Fact, other: tuple[Fact, bool]) -> bool:
    """Return whether a true fact excludes another one. False if only a search can tell."""
    against, wanted = other
    if isinstance(fact, Matches) and isinstance(against, Matches):
        return not wanted and not fact.fold and not against.fold and is_within(fact.pattern, against.pattern)
    if not wanted or not isinstance(fact, Shaped) or not isinstance(against, Matches):
        return False
    return not against.fold and not shape_automaton(fact.shape).may_match(against.pattern)


def holds(fact: Fact, string: str) -> bool:
    """Return whether a fact is true for a string."""
    if isinstance(fact, Shaped):
        automaton = shape_automaton(fact.shape)
        return automaton.accepts(automaton.read(string))
    return _matcher(fact.pattern)(string.lower() if fact.fold else string)


def _only_string(fact: Fact) -> str | None:
    """Return the only string for which a fact is true; None if there are several."""
    if isinstance(fact, Matches) and not fact.fold and not any(isinstance(token, Wildcard) for token in fact.pattern):
        return "".join(str(token) for token in fact.pattern)
    return None


@lru_cache(maxsize=16384)  # keyed by pattern: a question compares many strings with the same patterns
def _matcher(pattern: Tokens) -> Matcher:
    return compile_tokens(pattern)


@lru_cache(maxsize=32768)  # keyed by shape and pattern: a proof repeats these pairs in many classes of requests
def relate(shaped: Shaped, pattern: Tokens) -> Relation:
    """Compare the strings of a shape with a pattern: all match it, none does, or some do."""
    automaton = shape_automaton(shaped.shape)
    if not automaton.may_match(pattern):
        return "none"
    if not _matcher(pattern)(_sample(shaped)):
        return "some"
    try:
        outside = find_string(((shaped, True), (Matches(shaped.string, pattern), False)))
    except SearchLimitError:
        return "some"
    return "all" if outside is None else "some"


@lru_cache(maxsize=1024)  # keyed by shape: many patterns are compared with the same one
def _sample(shaped: Shaped) -> str:
    """Return a short string of a shape."""
    return find_string(((shaped, True),)) or ""


# -- the search -------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1024)  # keyed by facts: the parts of a question need a string for the same patterns
def _search(literals: Literals) -> str | None:
    alphabet = _alphabet([fact for fact, _ in literals])
    sides = [_Side(fact, wanted) for fact, wanted in sorted(literals, key=lambda one: not one[1])]
    start = tuple(side.start for side in sides)
    seen, waiting, steps = {start}, deque([(start, "")]), 0
    while waiting:
        states, string = waiting.popleft()
        if all(side.is_met(state) for side, state in zip(sides, states, strict=True)):
            return string
        for character in alphabet:
            after: list[Any] = []
            for side, state in zip(sides, states, strict=True):
                following = side.step(state, character)
                if following is None:
                    break
                after.append(following)
            else:
                reached = tuple(after)
                if reached not in seen:
                    seen.add(reached)
                    waiting.append((reached, string + character))
            steps += len(after) + 1
        if steps > _MOST_STEPS:
            raise SearchLimitError("the patterns of one string have too many combinations")
    return None


@dataclass(slots=True)
class _Side:
    """One of the automata that read a string in parallel, with whether it must accept the string."""

    fact: Fact
    wanted: bool
    start: Any = field(init=False)
    _automaton: Any = field(init=False)
    _fold: bool = False
    _is_endless: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.fact, Matches):
            self._automaton, self.start, self._fold = Automaton(self.fact.pattern), 1, self.fact.fold
            self._is_endless = self.fact.pattern[-1:] == (ANY,)
        else:
            self._automaton = shape_automaton(self.fact.shape)
            self.start = self._automaton.start

    def is_met(self, state: Any) -> bool:
        return self._automaton.accepts(state) is self.wanted

    def step(self, state: Any, character: str) -> Any:
        """Return the next state; None if no continuation meets the fact."""
        after = self._automaton.step(state, character.lower() if self._fold else character)
        if self.wanted:
            return after or None
        return None if self._is_endless and self._automaton.accepts(after) else after


def _alphabet(facts: Sequence[Fact]) -> tuple[str, ...]:
    """Return one character of each class of characters that the facts cannot tell apart."""
    borders = {0}
    for first, last in _divisions(facts):
        borders |= {ord(first), ord(last) + 1}
    starts = sorted(borders)
    chosen = (_character(start, end) for start, end in zip(starts, [*starts[1:], _CHARACTERS], strict=True))
    order = {character: rank for rank, character in enumerate(_USUAL)}
    return tuple(sorted((one for one in chosen if one), key=lambda one: (order.get(one, len(order)), one)))


def _divisions(facts: Sequence[Fact]) -> Iterator[tuple[str, str]]:
    yield ":", ":"
    for fact in facts:
        if isinstance(fact, Shaped):
            yield from shape_automaton(fact.shape).ranges()
            continue
        characters = {character for token in fact.pattern if isinstance(token, str) for character in token}
        if fact.fold:
            characters |= _capitals(characters)
        yield from ((character, character) for character in characters)


def _capitals(characters: set[str]) -> set[str]:
    """Return the characters whose lower case is one of `characters`."""
    if not _SIGMAS.isdisjoint(characters):
        raise SearchLimitError("a comparison that ignores case has a Greek sigma, whose lower case depends on its neighbours")
    if all(character.isascii() for character in characters):
        return {character.upper() for character in characters} | ({_KELVIN} if "k" in characters else set())
    return {capital for capital, lower in _lower_cases().items() if not characters.isdisjoint(lower)}


@cache  # computed once: most questions compare ASCII alone, and reading every character takes 0.2 s
def _lower_cases() -> dict[str, str]:
    """Return each character that differs from its lower case, with its lower case."""
    every = (chr(number) for number in range(_CHARACTERS))
    return {character: character.lower() for character in every if character.lower() != character}


def _character(start: int, end: int) -> str:
    """Return a character from `start` up to `end`, exclusive; ``""`` if there are only surrogates."""
    usual = next((one for one in _USUAL if start <= ord(one) < end), "")
    if usual or start >= end:
        return usual
    if start in _SURROGATES:
        return chr(_SURROGATES.stop) if _SURROGATES.stop < end else ""
    return chr(start)
