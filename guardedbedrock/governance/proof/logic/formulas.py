"""
Formulas over the unknown parts of a request, and pairs of formulas for three-valued answers.

An atom is one fact about the request, such as "the value of this key matches this pattern". Equal facts are equal atoms, so that
a condition and its negation cancel without a solver.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias

from guardedbedrock.iam.matching.patterns import Tokens, Wildcard


class UnknownString(NamedTuple):
    """
    An unknown string: the resource, one value of a context key, or an action.

    Args:
        name: ``resource`` or a context key in lower case.
        slot: Number of the value, for a multivalued key.
    """

    name: str
    slot: int = 0


RESOURCE: Final = UnknownString("resource")


@dataclass(frozen=True, slots=True)
class Present:
    """The key is in the request."""

    key: str


@dataclass(frozen=True, slots=True)
class Single:
    """The key has one value rather than a list of values."""

    key: str


@dataclass(frozen=True, slots=True)
class Used:
    """A list of values has at least ``slot + 1`` values."""

    key: str
    slot: int


@dataclass(frozen=True, slots=True)
class Matches:
    """A string matches a pattern; `fold` ignores case, and such a pattern has no wildcard."""

    string: UnknownString
    pattern: Tokens
    fold: bool = False
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((self.string, self.pattern, self.fold)))

    def __hash__(self) -> int:
        return self._hash  # computed once: formulas are looked up far more often than they are built


@dataclass(frozen=True, slots=True)
class InCells:
    """A number, date or address lies in one of some cells; see `guardedbedrock.governance.proof.logic.cells`."""

    key: str
    cells: frozenset[int]


@dataclass(frozen=True, slots=True)
class Related:
    """
    A string matches a pattern that contains the values of keys.

    Args:
        string: The string to compare.
        pieces: Literal strings, wildcards, and the strings of keys.
    """

    string: UnknownString
    pieces: tuple[str | Wildcard | UnknownString, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """
    Characters of a class, repeated.

    Args:
        ranges: First and last character of each range of the class.
        least: Fewest repetitions.
        most: Most repetitions; None for no limit.
    """

    ranges: tuple[tuple[str, str], ...]
    least: int
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several sequences."""

    options: tuple[StringShape, ...]


StringShape: TypeAlias = "tuple[str | Repeat | Choice, ...]"


@dataclass(frozen=True, slots=True)
class Shaped:
    """A string has a shape: that of well-formed requests and actions, or one that a witness should have."""

    string: UnknownString
    shape: StringShape
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((self.string, self.shape)))

    def __hash__(self) -> int:
        return self._hash


StringFact: TypeAlias = Matches | Shaped | Related
SignedFacts: TypeAlias = Collection[tuple[StringFact, bool]]
"""Facts about strings, each with whether it is true."""


Atom: TypeAlias = Present | Single | Used | Matches | InCells | Related | Shaped


@dataclass(frozen=True, slots=True)
class Not:
    """Negation."""

    part: Formula


@dataclass(frozen=True, slots=True)
class And:
    """Conjunction of at least two formulas."""

    parts: tuple[Formula, ...]
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((And, self.parts)))

    def __hash__(self) -> int:
        return self._hash


@dataclass(frozen=True, slots=True)
class Or:
    """Disjunction of at least two formulas."""

    parts: tuple[Formula, ...]
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash((Or, self.parts)))

    def __hash__(self) -> int:
        return self._hash


Formula: TypeAlias = "bool | Atom | Not | And | Or"


def negate(formula: Formula) -> Formula:
    """Return the negation, simplified."""
    if isinstance(formula, bool):
        return not formula
    return formula.part if isinstance(formula, Not) else Not(formula)


def conjoin(formulas: Iterable[Formula]) -> Formula:
    """Join with AND, simplified."""
    return _join(formulas, And, absorbing=False)


def disjoin(formulas: Iterable[Formula]) -> Formula:
    """Join with OR, simplified."""
    return _join(formulas, Or, absorbing=True)


def implies(premise: Formula, conclusion: Formula) -> Formula:
    """Return the formula that the conclusion holds where the premise holds."""
    return disjoin((negate(premise), conclusion))


def _join(formulas: Iterable[Formula], kind: type[And | Or], *, absorbing: bool) -> Formula:
    parts: dict[Formula, None] = {}
    negated: set[Formula] = set()
    for formula in formulas:
        if isinstance(formula, bool):
            if formula is absorbing:
                return absorbing
            continue
        for part in formula.parts if isinstance(formula, kind) else (formula,):
            if part in negated or (isinstance(part, Not) and part.part in parts):
                return absorbing
            parts[part] = None
            if isinstance(part, Not):
                negated.add(part.part)
    if not parts:
        return not absorbing
    return next(iter(parts)) if len(parts) == 1 else kind(tuple(parts))


class Tri(NamedTuple):
    """
    A three-valued answer as two formulas.

    Args:
        must: Where the answer is certainly true.
        may: Where the answer is true, or AWS does not document it. `must` implies `may`.
    """

    must: Formula
    may: Formula


YES: Final = Tri(must=True, may=True)
NO: Final = Tri(must=False, may=False)
OPEN: Final = Tri(must=False, may=True)
"""AWS does not document the answer, or this encoding cannot express it."""


def sure(formula: Formula) -> Tri:
    """Return an answer that is always known."""
    return Tri(formula, formula)


def tri_not(answer: Tri) -> Tri:
    """Negate."""
    if answer.must is answer.may:
        return sure(negate(answer.must))
    return Tri(negate(answer.may), negate(answer.must))


def tri_and(answers: Iterable[Tri]) -> Tri:
    """Join with AND."""
    listed = tuple(answers)
    if all(one.must is one.may for one in listed):
        return sure(conjoin(one.must for one in listed))
    return Tri(conjoin(one.must for one in listed), conjoin(one.may for one in listed))


def tri_or(answers: Iterable[Tri]) -> Tri:
    """Join with OR."""
    listed = tuple(answers)
    if all(one.must is one.may for one in listed):
        return sure(disjoin(one.must for one in listed))
    return Tri(disjoin(one.must for one in listed), disjoin(one.may for one in listed))


def tri_if(condition: Formula, then: Tri, otherwise: Tri) -> Tri:
    """Choose by a condition that is always known."""
    no = negate(condition)
    if then.must is then.may and otherwise.must is otherwise.may:
        return sure(disjoin((conjoin((condition, then.must)), conjoin((no, otherwise.must)))))
    return Tri(
        disjoin((conjoin((condition, then.must)), conjoin((no, otherwise.must)))),
        disjoin((conjoin((condition, then.may)), conjoin((no, otherwise.may)))),
    )
