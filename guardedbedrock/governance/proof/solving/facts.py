"""Decide whether chosen facts can be true of one request: each string, number, date and address needs a value that fits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from guardedbedrock.governance.proof.logic.compared_keys import ComparedKeys
from guardedbedrock.governance.proof.logic.formulas import (
    Atom,
    InCells,
    Matches,
    Related,
    Repeat,
    Shaped,
    SignedFacts,
    StringFact,
    StringShape,
    UnknownString,
)
from guardedbedrock.governance.proof.logic.string_search import Fact, SearchLimitError, find_conflict, find_string, holds
from guardedbedrock.governance.proof.logic.string_theory import solve_strings
from guardedbedrock.iam.matching.patterns import join

Facts: TypeAlias = Mapping[Atom, bool]
"""Atoms with whether they are true."""
Conflict: TypeAlias = tuple[tuple[Atom, bool], ...]
"""Facts that exclude each other."""
INEXPRESSIBLE: Final = "the answer depends on a pattern with variables and wildcards that the proof cannot express"
_NAME: Final[StringShape] = (Repeat((("a", "z"),), 1),)
"""What a string looks like if the facts leave a choice."""


@dataclass(slots=True)
class Values:
    """
    The values that meet some facts.

    Args:
        strings: Value of each string that has a fact.
        cells: Cell of each number, date or address that has a fact.
        conflicts: Facts that exclude each other, if there are no values.
        reason: Why neither is known.
    """

    strings: dict[UnknownString, str] = field(default_factory=dict)
    cells: dict[str, int] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)
    reason: str = ""

    def string(self, string: UnknownString) -> str:
        """Return the value of a string; a usual value if the string has no fact."""
        return self.strings.get(string, "a")


def find_values(
    cvc5: Any, keys: ComparedKeys, facts: Facts, preferred: Mapping[UnknownString, StringShape], timeout: float
) -> Values:
    """
    Find values that meet some facts.

    Args:
        cvc5: The module.
        keys: How the keys are modelled.
        facts: The facts.
        preferred: Shapes of strings that are easy to read, where the facts leave a choice.
        timeout: Limit for strings that are compared with other strings, in seconds.
    """
    found = Values()
    _find_cells(found, keys, facts)
    for group in _groups(facts):
        if not _find_by_automata(found, group, preferred):
            answer = solve_strings(cvc5, group, timeout)
            found.strings |= answer.values
            found.conflicts += [tuple(answer.conflict)] if answer.conflict else []
            fits = not answer.values or _fit(group, answer.values)
            found.reason = found.reason or answer.reason or ("" if fits else INEXPRESSIBLE)
    return found


def _find_by_automata(found: Values, group: SignedFacts, preferred: Mapping[UnknownString, StringShape]) -> bool:
    """
    Find the values of strings, or facts that exclude each other. Return whether either was found.

    Of strings that are compared with each other, those that are parts of other strings get a value first. This often finds
    values, but cannot show that there are none.
    """
    own: dict[UnknownString, list[tuple[Fact, bool]]] = {}
    related = [(atom, wanted) for atom, wanted in group if isinstance(atom, Related)]
    for atom, wanted in group:
        if not isinstance(atom, Related):
            own.setdefault(atom.string, []).append((atom, wanted))
    values: dict[UnknownString, str] = {}
    try:
        for string in _pieces_first(own, related):
            facts = own.get(string, [])
            given = [(_with_values(atom, values), wanted) for atom, wanted in related if atom.string == string]
            value = _value((*facts, *given), preferred.get(string, _NAME), string)
            if value is not None:
                values[string] = value
            elif given and find_string(tuple(facts)) is not None:
                return False
            else:
                found.conflicts.append(find_conflict(tuple(facts)))
                return True
    except SearchLimitError:
        return False
    if not _fit(group, values):
        return False
    found.strings |= values
    return True


def _fit(group: SignedFacts, values: Mapping[UnknownString, str]) -> bool:
    """Return whether values of all strings meet the facts that compare them with each other."""
    related = ((atom, wanted) for atom, wanted in group if isinstance(atom, Related))
    return all(holds(_with_values(atom, values), values[atom.string]) is wanted for atom, wanted in related)


def _value(facts: tuple[tuple[Fact, bool], ...], usual: StringShape, string: UnknownString) -> str | None:
    value = find_string(((Shaped(string, usual), True), *facts))
    return find_string(facts) if value is None else value


def _pieces_first(own: Mapping[UnknownString, object], related: Iterable[tuple[Related, bool]]) -> list[UnknownString]:
    """Return the strings of a group; those that are parts of other strings come first."""
    pieces = {piece: None for atom, _ in related for piece in atom.pieces if isinstance(piece, UnknownString)}
    return list(dict.fromkeys((*pieces, *own, *(atom.string for atom, _ in related))))


def _with_values(related: Related, values: Mapping[UnknownString, str]) -> Matches:
    """Return the pattern that a string is compared with, for values of the pieces. A piece without a value is empty."""
    return Matches(
        related.string, join(values.get(piece, "") if isinstance(piece, UnknownString) else piece for piece in related.pieces)
    )


def _find_cells(found: Values, keys: ComparedKeys, facts: Facts) -> None:
    limits: dict[str, dict[InCells, frozenset[int]]] = {}
    for atom, value in facts.items():
        if isinstance(atom, InCells):
            every = frozenset(range(len(keys.cells[atom.key].samples)))
            limits.setdefault(atom.key, {})[atom] = atom.cells if value else every - atom.cells
    for key, allowed in limits.items():
        left = frozenset.intersection(*allowed.values())
        if left:
            found.cells[key] = min(left)
            continue
        needed = dict(allowed)
        for atom in allowed:
            rest = [cells for one, cells in needed.items() if one != atom]
            if rest and not frozenset.intersection(*rest):
                del needed[atom]
        found.conflicts.append(tuple((atom, facts[atom]) for atom in needed))


def _groups(facts: Facts) -> Iterator[SignedFacts]:
    """Yield the facts about each string; strings that a fact compares with each other are one group."""
    leader: dict[UnknownString, UnknownString] = {}

    def first_of(string: UnknownString) -> UnknownString:
        while (other := leader.setdefault(string, string)) != string:
            string = other
        return string

    about = [(atom, value) for atom, value in facts.items() if isinstance(atom, Matches | Shaped | Related)]
    for atom, _ in about:
        for piece in atom.pieces if isinstance(atom, Related) else ():
            if isinstance(piece, UnknownString):
                leader[first_of(piece)] = first_of(atom.string)
    groups: dict[UnknownString, list[tuple[StringFact, bool]]] = {}
    for atom, value in about:
        groups.setdefault(first_of(atom.string), []).append((atom, value))
    yield from groups.values()
