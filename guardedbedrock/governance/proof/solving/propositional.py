"""
A decision without a solver: every atom is a Boolean.

If no assignment of the atoms satisfies a formula, no request does. Identical and negated conditions are decided this way, and
patterns that contain or exclude each other. A formula that has a satisfying assignment may still have no request, so this
never finds a witness.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, islice, permutations
from typing import Final

from guardedbedrock.governance.proof.logic.formulas import And, Formula, Matches, Not, Or, conjoin, disjoin, negate
from guardedbedrock.governance.proof.logic.string_search import Literals, SearchLimitError, find_string

_MOST_STEPS: Final = 2000
"""Branches after which the search gives up; the solver then decides."""
_MOST_PAIRS: Final = 2000
"""Pairs of patterns that are compared."""


def is_unsatisfiable(formula: Formula, *, has_solver: bool = False) -> bool:
    """
    Return True if no assignment of the atoms satisfies a formula; False if one may.

    Args:
        formula: The formula.
        has_solver: Whether a solver decides what this function leaves open. Then only atoms whose value is forced are set.
            Otherwise both values of an atom are tried, and patterns are compared.
    """
    if has_solver:
        return not _Search(splits=False).may_hold(formula)
    if not _Search(splits=True).may_hold(formula):
        return True
    return not _Search(splits=True).may_hold(conjoin((formula, *comparisons(formula))))


def comparisons(formula: Formula) -> Iterator[Formula]:
    """Yield what is true of the patterns of a formula for every string: one contains another, or no string matches both."""
    patterns = [atom for atom in _atoms(formula) if isinstance(atom, Matches)]
    pairs = ((first, second) for first, second in combinations(patterns, 2) if first.string == second.string)
    for first, second in islice(pairs, _MOST_PAIRS):
        if _is_impossible(((first, True), (second, True))):
            yield disjoin((negate(first), negate(second)))
        for inner, outer in permutations((first, second)):
            if _is_impossible(((inner, True), (outer, False))):
                yield disjoin((negate(inner), outer))


def _atoms(formula: Formula) -> list[Formula]:
    found: dict[Formula, None] = {}
    waiting = [formula]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Not):
            waiting.append(one.part)
        elif isinstance(one, And | Or):
            waiting += one.parts
        else:
            found[one] = None
    return list(found)


def _is_impossible(literals: Literals) -> bool:
    try:
        return find_string(literals) is None
    except SearchLimitError:
        return False


class _Search:
    def __init__(self, *, splits: bool) -> None:
        self._splits = splits
        self._steps = 0

    def may_hold(self, formula: Formula) -> bool:
        self._steps += 1
        if isinstance(formula, bool):
            return formula
        if self._steps > _MOST_STEPS:
            return True
        forced = _forced(formula)
        if forced:
            return self.may_hold(_assign(formula, forced))
        if not self._splits:
            return True
        atom = _first_atom(formula)
        return any(self.may_hold(_assign(formula, {atom: value})) for value in (True, False))


def _forced(formula: Formula) -> dict[Formula, bool]:
    """Return the atoms that a conjunction fixes."""
    parts = formula.parts if isinstance(formula, And) else (formula,)
    found: dict[Formula, bool] = {}
    for part in parts:
        if isinstance(part, Not) and not isinstance(part.part, And | Or | Not):
            found[part.part] = False
        elif not isinstance(part, Not | And | Or):
            found[part] = True
    return found


def _first_atom(formula: Formula) -> Formula:
    while isinstance(formula, Not | And | Or):
        formula = formula.part if isinstance(formula, Not) else formula.parts[0]
    return formula


def _assign(formula: Formula, values: dict[Formula, bool]) -> Formula:
    if isinstance(formula, bool):
        return formula
    if isinstance(formula, Not):
        return negate(_assign(formula.part, values))
    if isinstance(formula, And):
        return conjoin(_assign(part, values) for part in formula.parts)
    if isinstance(formula, Or):
        return disjoin(_assign(part, values) for part in formula.parts)
    return values.get(formula, formula)
