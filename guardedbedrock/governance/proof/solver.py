"""
The solver cvc5, behind one function. It is imported when the first question needs it (extra ``proof``).

Source: documentation of cvc5, "Theory Reference: Strings" and "Python API".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce
from importlib import import_module
from typing import Any, Final, Literal, TypeAlias

from guardedbedrock.errors import ConfigurationError
from guardedbedrock.governance.proof.encoding import Vocabulary
from guardedbedrock.governance.proof.formulas import (
    ACTION,
    RESOURCE,
    And,
    Choice,
    Formula,
    InCells,
    Matches,
    Not,
    Or,
    Present,
    Related,
    Repeat,
    Sequence,
    Shaped,
    Single,
    Text,
    Used,
)
from guardedbedrock.governance.proof.regions import Regions, regions_of
from guardedbedrock.iam.matching.patterns import ANY, ANY_BUT_COLON, ONE, ONE_BUT_COLON, Tokens, Wildcard

Status: TypeAlias = Literal["satisfiable", "unsatisfiable", "unknown"]

_QUICK: Final = 0.5  # s
"""Limit of the first attempt, with the solver's strings."""
_HIGHEST: Final = "\U0002ffff"
"""The highest character of cvc5's strings. Policies cannot tell higher characters apart from others that they do not name."""
_SAME_WHEN_LOWERED: Final = {"k": "\u212a"}
"""Characters outside ASCII that become an ASCII letter in lower case: the Kelvin sign."""


@dataclass(frozen=True, slots=True)
class Model:
    """
    Values that satisfy a formula.

    Args:
        action: The action; ``""`` if the formula does not depend on it.
        resource: The resource; ``""`` likewise.
        texts: Value of each key of texts that is present; several values as a tuple.
        cells: Cell of each key that is a number, date or address, and present.
    """

    action: str = ""
    resource: str = ""
    texts: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    cells: Mapping[str, int] = field(default_factory=dict)


def is_available() -> bool:
    """Return whether cvc5 is installed."""
    try:
        import_module("cvc5")
    except ImportError:
        return False
    return True


def solve(formula: Formula, vocabulary: Vocabulary, *, timeout: float) -> tuple[Status, Model | None, str]:
    """
    Find values that satisfy a formula.

    Args:
        formula: The formula.
        vocabulary: How its keys are modelled.
        timeout: Limit in seconds.

    Returns:
        The status; the values if it is satisfiable; the reason if it is unknown.

    Raises:
        ConfigurationError: cvc5 is not installed.
    """
    try:
        cvc5 = import_module("cvc5")
    except ImportError:
        raise ConfigurationError("this question needs a solver: install guardedbedrock[proof]") from None
    try:
        return _attempts(cvc5, formula, vocabulary, timeout)
    except UnicodeError as error:
        return "unknown", None, str(error)


def _attempts(cvc5: Any, formula: Formula, vocabulary: Vocabulary, timeout: float) -> tuple[Status, Model | None, str]:
    """Solve with the solver's strings first, then with texts as regions, then with strings until the time limit."""
    first = _Session(cvc5, vocabulary, min(timeout, _QUICK)).solve(formula)
    if first[0] != "unknown":
        return first
    regions = regions_of(formula)
    if regions:
        second = _Session(cvc5, vocabulary, timeout, regions).solve(formula)
        if second[0] != "unknown":
            return second
    return _Session(cvc5, vocabulary, timeout - _QUICK).solve(formula) if timeout > _QUICK else first


def _escaped(character: str) -> str:
    """Write a character as cvc5 reads it in a string with escapes."""
    if character > _HIGHEST:
        raise UnicodeError(f"a policy uses the character U+{ord(character):X}, which the solver does not know")
    return character if " " <= character <= "~" and character != "\\" else f"\\u{{{ord(character):x}}}"


class _Session:
    """One question to the solver."""

    def __init__(self, cvc5: Any, vocabulary: Vocabulary, timeout: float, regions: Mapping[Text, Regions] | None = None) -> None:
        self._kind = cvc5.Kind
        self._terms = cvc5.TermManager()
        self._solver = cvc5.Solver(self._terms)
        self._solver.setLogic("ALL")
        self._solver.setOption("strings-exp", "true")
        self._solver.setOption("produce-models", "true")
        self._solver.setOption("tlimit-per", str(max(1, round(timeout * 1000))))
        self._vocabulary = vocabulary
        self._regions = regions or {}
        self._constants: dict[tuple[str, ...], Any] = {}
        self._built: dict[Any, Any] = {}

    def solve(self, formula: Formula) -> tuple[Status, Model | None, str]:
        self._solver.assertFormula(self._formula(formula))
        for name, cells in self._vocabulary.cells.items():
            self._limit(("cell", name), len(cells.samples))
        for text, regions in self._regions.items():
            self._limit(("region", text.name, str(text.slot)), len(regions.samples))
        result = self._solver.checkSat()
        if result.isUnsat():
            return "unsatisfiable", None, ""
        if result.isSat():
            return "satisfiable", self._model(), ""
        return "unknown", None, f"the solver gave no answer: {str(result.getUnknownExplanation()).rpartition('.')[2].lower()}"

    def _limit(self, name: tuple[str, ...], limit: int) -> None:
        """Require a number from 0 up to a limit, exclusive."""
        if name in self._constants:
            number = self._constants[name]
            self._solver.assertFormula(self._make("GEQ", number, self._terms.mkInteger(0)))
            self._solver.assertFormula(self._make("LT", number, self._terms.mkInteger(limit)))

    def _formula(self, formula: Formula) -> Any:
        if isinstance(formula, bool):
            return self._terms.mkBoolean(formula)
        if formula not in self._built:
            self._built[formula] = self._build(formula)
        return self._built[formula]

    def _build(self, formula: Any) -> Any:  # noqa: C901  # one case for each kind of formula
        match formula:
            case Not(part):
                return self._make("NOT", self._formula(part))
            case And(parts):
                return self._make("AND", *map(self._formula, parts))
            case Or(parts):
                return self._make("OR", *map(self._formula, parts))
            case Present(key):
                return self._constant("has", key)
            case Single(key):
                return self._constant("single", key)
            case Used(key, slot):
                return self._constant("used", key, str(slot))
            case InCells(key, cells):
                return self._one_of(("cell", key), cells)
            case Matches(text) | Shaped(text) if text in self._regions:
                return self._one_of(("region", text.name, str(text.slot)), self._regions[text].where[formula])
            case Matches(text, pattern, fold):
                return self._matches(self._text(text), pattern, fold=fold)
            case Related():
                return self._related(formula)
            case Shaped(text, shape):
                return self._make("STRING_IN_REGEXP", self._text(text), self._shape(shape))
        raise TypeError(type(formula).__name__)

    def _one_of(self, name: tuple[str, ...], numbers: frozenset[int]) -> Any:
        number = self._constant(*name)
        same = [self._make("EQUAL", number, self._terms.mkInteger(one)) for one in sorted(numbers)]
        if not same:
            return self._terms.mkBoolean(False)  # noqa: FBT003  # the parameter has no name
        return same[0] if len(same) == 1 else self._make("OR", *same)

    def _matches(self, term: Any, pattern: Tokens, *, fold: bool) -> Any:
        if not fold and not any(isinstance(token, Wildcard) for token in pattern):
            return self._make("EQUAL", term, self._string("".join(str(token) for token in pattern)))
        parts = [self._regex(token, fold=fold) for token in pattern]
        return self._make("STRING_IN_REGEXP", term, self._joined(parts))

    def _regex(self, token: str | Wildcard, *, fold: bool) -> Any:
        if token is ANY:
            return self._make("REGEXP_ALL")
        if token is ONE:
            return self._make("REGEXP_ALLCHAR")
        if token in (ANY_BUT_COLON, ONE_BUT_COLON):
            below, above = self._range("\0", "9"), self._range(";", _HIGHEST)
            one = self._make("REGEXP_UNION", below, above)
            return self._make("REGEXP_STAR", one) if token is ANY_BUT_COLON else one
        text = str(token)
        if not fold:
            return self._literal(text)
        return self._joined([self._letter(letter) for letter in text])

    def _shape(self, shape: Sequence) -> Any:
        return self._joined([self._part(part) for part in shape])

    def _joined(self, parts: list[Any]) -> Any:
        if not parts:
            return self._literal("")
        return parts[0] if len(parts) == 1 else self._make("REGEXP_CONCAT", *parts)

    def _part(self, part: str | Repeat | Choice) -> Any:
        if isinstance(part, str):
            return self._literal(part)
        if isinstance(part, Choice):
            options = [self._shape(option) for option in part.options]
            return options[0] if len(options) == 1 else self._make("REGEXP_UNION", *options)
        ranges = [self._range(first, last) for first, last in part.ranges]
        one = ranges[0] if len(ranges) == 1 else self._make("REGEXP_UNION", *ranges)
        if part.most is None:
            return self._joined([*[one] * part.least, self._make("REGEXP_STAR", one)])
        return self._terms.mkTerm(self._terms.mkOp(self._kind.REGEXP_LOOP, part.least, part.most), one)

    def _letter(self, letter: str) -> Any:
        spellings = dict.fromkeys((letter, letter.upper(), _SAME_WHEN_LOWERED.get(letter, letter)))
        alternatives = [self._literal(one) for one in spellings if len(one) == 1]
        return alternatives[0] if len(alternatives) == 1 else self._make("REGEXP_UNION", *alternatives)

    def _range(self, first: str, last: str) -> Any:
        return self._make("REGEXP_RANGE", self._string(first), self._string(last))

    def _related(self, relation: Related) -> Any:
        text, pieces = self._text(relation.text), self._concatenated(relation.pieces)
        match relation.how:
            case "equals":
                return self._make("EQUAL", text, pieces)
            case "starts":
                return self._make("STRING_PREFIX", pieces, text)
            case "ends":
                return self._make("STRING_SUFFIX", pieces, text)
            case "contains":
                return self._make("STRING_CONTAINS", text, pieces)
        ending = self._concatenated(relation.ending)
        length = [self._make("STRING_LENGTH", one) for one in (text, pieces, ending)]
        return self._make(
            "AND",
            self._make("STRING_PREFIX", pieces, text),
            self._make("STRING_SUFFIX", ending, text),
            self._make("GEQ", length[0], self._make("ADD", length[1], length[2])),
        )

    def _concatenated(self, pieces: tuple[str | Text, ...]) -> Any:
        terms = [self._text(piece) if isinstance(piece, Text) else self._string(piece) for piece in pieces]
        if not terms:
            return self._string("")
        return reduce(lambda left, right: self._make("STRING_CONCAT", left, right), terms)

    def _text(self, text: Text) -> Any:
        return self._constant("text", text.name, str(text.slot))

    def _literal(self, text: str) -> Any:
        return self._make("STRING_TO_REGEXP", self._string(text))

    def _string(self, text: str) -> Any:
        return self._terms.mkString("".join(map(_escaped, text)), True)  # noqa: FBT003  # the parameter has no name: escapes

    def _constant(self, *name: str) -> Any:
        if name not in self._constants:
            integer = self._terms.getIntegerSort
            sorts = {"text": self._terms.getStringSort, "cell": integer, "region": integer}
            sort = sorts.get(name[0], self._terms.getBooleanSort)()
            self._constants[name] = self._terms.mkConst(sort, " ".join(name))
        return self._constants[name]

    def _make(self, kind: str, *parts: Any) -> Any:
        return self._terms.mkTerm(getattr(self._kind, kind), *parts)

    # -- the model ----------------------------------------------------------------------------------------------------

    def _model(self) -> Model:
        present = [key for key in (*self._vocabulary.cells, *self._vocabulary.slots) if self._is_true(("has", key))]
        texts = {key: self._values(key) for key in present if key in self._vocabulary.slots}
        cells = {key: self._cell(key) for key in present if key in self._vocabulary.cells}
        return Model(self._string_value(ACTION), self._string_value(RESOURCE), texts, cells)

    def _values(self, key: str) -> str | tuple[str, ...]:
        slots = self._vocabulary.slots[key]
        if slots == 1 or self._is_true(("single", key)):
            return self._string_value(Text(key))
        used = [0, *(slot for slot in range(1, slots) if self._is_true(("used", key, str(slot))))]
        return tuple(self._string_value(Text(key, slot)) for slot in used)

    def _cell(self, key: str) -> int:
        constant = self._constants.get(("cell", key))
        return self._number(constant) if constant is not None else 0

    def _number(self, constant: Any) -> int:
        return int(self._solver.getValue(constant).getIntegerValue())

    def _is_true(self, name: tuple[str, ...]) -> bool:
        constant = self._constants.get(name)
        return constant is not None and bool(self._solver.getValue(constant).getBooleanValue())

    def _string_value(self, text: Text) -> str:
        if text in self._regions:
            region = self._constants.get(("region", text.name, str(text.slot)))
            return self._regions[text].samples[self._number(region)] if region is not None else ""
        constant = self._constants.get(("text", text.name, str(text.slot)))
        return str(self._solver.getValue(constant).getStringValue()) if constant is not None else ""
