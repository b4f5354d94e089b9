"""The context keys that the statements of a question compare, and how each key is modelled."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from guardedbedrock.governance.proof.logic.cells import CellKind, Cells, cells_for
from guardedbedrock.governance.proof.logic.keys import TIME, TIMES, TYPED, is_multivalued
from guardedbedrock.governance.proof.policies import PlacedStatement
from guardedbedrock.iam.language.documents import VARIABLES_SINCE
from guardedbedrock.iam.matching.conditions import parse_operator
from guardedbedrock.iam.matching.variables import variables_in

MOST_SLOTS: Final = 64
"""The largest number of modelled values of one key. A policy set that needs more gets open answers for that key."""

_TYPES: Final[Mapping[str, CellKind]] = {"Numeric": "number", "Date": "date", "IpAddress": "address", "NotIpAddress": "address"}


@dataclass(slots=True)
class ComparedKeys:
    """
    The context keys of a question, and how each key is modelled.

    Args:
        cells: The keys whose values are numbers, dates or addresses, with their cells.
        slots: The keys whose values are strings, with the number of modelled values. `MOST_SLOTS` + 1 means that a key needs
            more, so answers about it stay open.
        spelling: Each key as a policy spells it.
    """

    cells: dict[str, Cells] = field(default_factory=dict)
    slots: dict[str, int] = field(default_factory=dict)
    spelling: dict[str, str] = field(default_factory=dict)


def canonical_key(key: str) -> str:
    """Return the name under which a key is modelled: lower case, and one name for both spellings of the time."""
    lower = key.lower()
    return TIME if lower in TIMES else lower


def collect_keys(placed: Iterable[PlacedStatement], also: Iterable[tuple[str, str | None]] = ()) -> ComparedKeys:
    """
    Collect the keys that statements read.

    Args:
        placed: The statements.
        also: Further keys that a question fixes, with their values.
    """
    usage = _Usage()
    for one in placed:
        usage.add(one)
    for name, value in also:
        usage.fix(name, value)
    return usage.compared_keys()


@dataclass(slots=True)
class _Usage:
    """How statements use keys."""

    spelling: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, set[CellKind | None]] = field(default_factory=dict)
    bounds: dict[str, list[str]] = field(default_factory=dict)
    quantified: dict[str, set[tuple[str, tuple[str, ...]]]] = field(default_factory=dict)

    def add(self, placed: PlacedStatement) -> None:
        strings = list(placed.statement.resources)
        for condition in placed.statement.conditions:
            parsed = parse_operator(condition.operator)
            if parsed is None:
                continue
            quantifier, operator, _ = parsed
            key = self._note(condition.key)
            if operator.name != "Null":
                kind = kind_of(operator.name)
                self.kinds.setdefault(key, set()).add(kind)
                self.bounds.setdefault(key, []).extend(condition.values if kind else ())
            if quantifier:
                # Each different condition may need a value that no other one needs.
                self.quantified.setdefault(key, set()).add((condition.operator, condition.values))
            strings += condition.values if operator.variables else ()
        if placed.document.version == VARIABLES_SINCE:
            for variable in variables_in(strings):
                self.kinds.setdefault(self._note(variable.spelling), set()).add(None)

    def fix(self, name: str, value: str | None) -> None:
        key = self._note(name)
        if value is not None:
            self.bounds.setdefault(key, []).append(value)

    def _note(self, spelling: str) -> str:
        key = canonical_key(spelling)
        self.spelling.setdefault(key, spelling)
        return key

    def compared_keys(self) -> ComparedKeys:
        found = ComparedKeys(spelling=self.spelling)
        for key in self.spelling:
            kinds = self.kinds.get(key, set())
            kind = next(iter(kinds)) if len(kinds) == 1 else None
            if kind is not None:
                found.cells[key] = cells_for(kind, self.bounds.get(key, ()), typed=key in TYPED)
            else:
                slots = min(len(self.quantified.get(key, ())) + 1, MOST_SLOTS + 1)
                found.slots[key] = slots if is_multivalued(key) else 1
        return found


def kind_of(operator: str) -> CellKind | None:
    """Return the kind of cells that an operator compares; None if it compares strings."""
    return next((kind for start, kind in _TYPES.items() if operator.startswith(start)), None)
