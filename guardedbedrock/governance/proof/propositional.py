"""
A decision without a solver: every atom is a free Boolean.

If no assignment of the atoms satisfies a formula, no request does. Identical and negated conditions are decided this way. A
formula that has a satisfying assignment may still have no request, so this never finds a witness.
"""

from __future__ import annotations

from typing import Final

from guardedbedrock.governance.proof.formulas import And, Formula, Not, Or, conjoin, disjoin, negate

_MOST_STEPS: Final = 2000
"""Branches after which the search gives up; the solver then decides."""


def is_unsatisfiable(formula: Formula, *, splits: bool = True) -> bool:
    """
    Return True if no assignment of the atoms satisfies a formula; False if one may.

    Args:
        formula: The formula.
        splits: Whether both values of an atom are tried; otherwise only atoms whose value is forced are set.
    """
    return not _Search(splits=splits).may_hold(formula)


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
