"""
The search for a request that satisfies a formula.

cvc5 chooses which facts of the formula are true, as if they were independent. Automata then look for strings that meet the facts,
see `guardedbedrock.governance.proof.logic.string_search`. If no string meets them, the few that exclude each other become a rule
for the next choice. cvc5 is imported when the first question needs it (extra ``proof``).

Source: documentation of cvc5, "Python API".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from time import monotonic
from typing import Any, Final, Literal, TypeAlias

from guardedbedrock.errors import ConfigurationError
from guardedbedrock.governance.proof.logic.compared_keys import ComparedKeys
from guardedbedrock.governance.proof.logic.containment import contained
from guardedbedrock.governance.proof.logic.formulas import (
    RESOURCE,
    And,
    Atom,
    Formula,
    Matches,
    Not,
    Or,
    Present,
    Shaped,
    Single,
    StringShape,
    UnknownString,
    Used,
)
from guardedbedrock.governance.proof.logic.string_search import Literals, SearchLimitError, shortest_beginning
from guardedbedrock.governance.proof.solving.facts import Conflict, Facts, Values, find_values

Status: TypeAlias = Literal["satisfiable", "unsatisfiable", "unknown"]

_TIMEOUT: Final = "the solver gave no answer: timeout"


@dataclass(frozen=True, slots=True)
class Solution:
    """
    Values that satisfy a formula.

    Args:
        resource: The resource; ``""`` if the formula does not depend on it.
        strings: Value of each present key whose values are strings; several values as a tuple.
        cells: Cell of each present key whose values are numbers, dates or addresses.
    """

    resource: str = ""
    strings: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    cells: Mapping[str, int] = field(default_factory=dict)


def is_available() -> bool:
    """Return whether cvc5 is installed."""
    try:
        import_module("cvc5")
    except ImportError:
        return False
    return True


class Solver:
    """
    The solver of one question. What it learns about strings serves every part of the question.

    Args:
        keys: How the keys of the question are modelled.
        timeout: Limit for each formula, in seconds.

    Raises:
        ConfigurationError: cvc5 is not installed.
    """

    def __init__(self, keys: ComparedKeys, timeout: float) -> None:
        try:
            self._cvc5: Any = import_module("cvc5")
        except ImportError:
            raise ConfigurationError("this question needs a solver: install guardedbedrock[proof]") from None
        self._keys = keys
        self._kind = self._cvc5.Kind
        self._terms = self._cvc5.TermManager()
        self._solver = self._cvc5.Solver(self._terms)
        self._timeout = timeout
        limit = str(max(1, round(timeout * 1000)))
        for option, value in {"incremental": "true", "produce-models": "true", "tlimit-per": limit}.items():
            self._solver.setOption(option, value)
        self._built: dict[Formula, Any] = {}

    def solve(
        self, formula: Formula, preferred: Mapping[UnknownString, StringShape] | None = None
    ) -> tuple[Status, Solution | None, str]:
        """
        Find values that satisfy a formula.

        Args:
            formula: The formula.
            preferred: Shapes of strings that are easy to read, where the formula leaves a choice.

        Returns:
            The status; the values if it is satisfiable; the reason if it is unknown.
        """
        deadline = monotonic() + self._timeout
        goal = self._term(formula)
        compared: set[UnknownString] = set()
        while (left := deadline - monotonic()) > 0:
            result = self._solver.checkSatAssuming(goal)
            if result.isUnsat():
                return "unsatisfiable", None, ""
            if not result.isSat():
                break
            facts = self._choose(formula)
            values = find_values(self._cvc5, self._keys, facts, preferred or {}, left)
            if not values.conflicts:
                return ("unknown", None, values.reason) if values.reason else ("satisfiable", self._model(facts, values), "")
            for conflict in values.conflicts:
                self._learn(conflict)
                self._learn_alike(formula, conflict, compared)
        return "unknown", None, _TIMEOUT

    # -- the Boolean part ---------------------------------------------------------------------------------------------

    def _term(self, formula: Formula) -> Any:
        term = self._built.get(formula)
        if term is None:
            term = self._built[formula] = self._build(formula)
        return term

    def _build(self, formula: Formula) -> Any:
        if isinstance(formula, bool):
            return self._terms.mkBoolean(formula)
        if isinstance(formula, Not):
            return self._terms.mkTerm(self._kind.NOT, self._term(formula.part))
        if isinstance(formula, And | Or):
            kind = self._kind.AND if isinstance(formula, And) else self._kind.OR
            return self._terms.mkTerm(kind, *map(self._term, formula.parts))
        return self._terms.mkConst(self._terms.getBooleanSort(), f"fact {len(self._built)}")

    def _learn(self, conflict: Conflict) -> None:
        """Exclude some values of atoms for the rest of the question."""
        parts = [self._term(Not(atom) if value else atom) for atom, value in conflict]
        self._solver.assertFormula(parts[0] if len(parts) == 1 else self._terms.mkTerm(self._kind.OR, *parts))

    def _learn_alike(self, formula: Formula, conflict: Conflict, compared: set[UnknownString]) -> None:
        """Learn conflicts of the same kind. Policies often have hundreds of them, and each would cost one round of the search."""
        patterns = [(atom, value) for atom, value in conflict if isinstance(atom, Matches) and not atom.fold]
        shapes = tuple((atom, value) for atom, value in conflict if isinstance(atom, Shaped))
        if len(patterns) != 2 or len(patterns) + len(shapes) != len(conflict):  # noqa: PLR2004  # a pair
            return
        (first, value), (second, other) = patterns
        if value and other:
            self._learn_apart(formula, first, second, shapes)
        elif value is not other and not shapes and first.string not in compared:
            compared.add(first.string)
            self._learn_contained(formula, first.string)

    def _learn_contained(self, formula: Formula, string: UnknownString) -> None:
        """Learn which patterns of a string lie in other patterns of it."""
        for inner, outer in contained(*(_patterns(formula, string, value=value) for value in (True, False))):
            self._learn(((inner, True), (outer, False)))

    def _learn_apart(self, formula: Formula, first: Matches, second: Matches, shapes: Literals) -> None:
        """Learn that no string of a shape matches two patterns, shortened to beginnings that other patterns often share."""
        try:
            wide = shortest_beginning(first, (*shapes, (second, True)))
            other = shortest_beginning(second, (*shapes, (wide, True)))
        except SearchLimitError:
            return
        self._learn((*shapes, (wide, True), (other, True)))
        for inner, outer in contained(_patterns(formula, first.string, value=True), (wide, other)):
            if inner != outer:
                self._learn(((inner, True), (outer, False)))

    def _choose(self, formula: Formula) -> dict[Atom, bool]:
        """Return few atoms that make the formula true, with the values that cvc5 found."""
        known: dict[Formula, bool] = {}
        chosen: dict[Atom, bool] = {}
        waiting = [(formula, True)]
        while waiting:
            one, value = waiting.pop()
            if isinstance(one, Not):
                waiting.append((one.part, not value))
            elif isinstance(one, And | Or):
                needs_all = isinstance(one, And) is value
                parts = one.parts if needs_all else (next(part for part in one.parts if self._holds(part, known) is value),)
                waiting += [(part, value) for part in parts]
            elif not isinstance(one, bool):
                chosen[one] = value
        return chosen

    def _holds(self, formula: Formula, known: dict[Formula, bool]) -> bool:
        """Return whether a formula is true for the values that cvc5 found; `known` keeps the answers."""
        if isinstance(formula, bool):
            return formula
        value = known.get(formula)
        if value is None:
            if isinstance(formula, Not):
                value = not self._holds(formula.part, known)
            elif isinstance(formula, And):
                value = all(self._holds(part, known) for part in formula.parts)
            elif isinstance(formula, Or):
                value = any(self._holds(part, known) for part in formula.parts)
            else:
                value = bool(self._solver.getValue(self._term(formula)).getBooleanValue())
            known[formula] = value
        return value

    # -- the model ----------------------------------------------------------------------------------------------------

    def _model(self, choice: Facts, values: Values) -> Solution:
        slots = self._keys.slots
        present = [atom.key for atom, value in choice.items() if value and isinstance(atom, Present)]
        strings: dict[str, str | tuple[str, ...]] = {}
        for key in present:
            if key not in slots:
                continue
            if slots[key] == 1 or choice.get(Single(key)):
                strings[key] = values.string(UnknownString(key))
            else:
                used = [0, *(slot for slot in range(1, slots[key]) if choice.get(Used(key, slot)))]
                strings[key] = tuple(values.string(UnknownString(key, slot)) for slot in used)
        cells = {key: values.cells.get(key, 0) for key in present if key in self._keys.cells}
        resource = values.strings.get(RESOURCE, "")
        return Solution(resource, strings, cells)


def _patterns(formula: Formula, string: UnknownString, *, value: bool) -> list[Matches]:
    """Return the patterns of a string that a formula needs to be true, or false."""
    found: dict[Matches, None] = {}
    waiting, seen = [(formula, True)], set()
    while waiting:
        one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        part, sign = one
        if isinstance(part, Not):
            waiting.append((part.part, not sign))
        elif isinstance(part, And | Or):
            waiting += [(inner, sign) for inner in part.parts]
        elif isinstance(part, Matches) and part.string == string and sign is value and not part.fold:
            found[part] = None
    return list(found)
