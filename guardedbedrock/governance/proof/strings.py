"""
Texts that are compared with other texts, such as a resource with ``${aws:username}`` in it.

The solver's own strings decide these. They get only the few facts that one attempt of the search needs, so that they stay quick.
Source: documentation of cvc5, "Theory Reference: Strings" and "Python API".
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, Final, TypeAlias

from guardedbedrock.governance.proof.formulas import Choice, Matches, Related, Repeat, Shaped, Text
from guardedbedrock.governance.proof.formulas import Sequence as Shape
from guardedbedrock.iam.matching.patterns import ANY, ANY_BUT_COLON, ONE, ONE_BUT_COLON, Tokens, Wildcard

TextLiterals: TypeAlias = "Collection[tuple[Matches | Shaped | Related, bool]]"

_HIGHEST: Final = "\U0002ffff"
"""The highest character of cvc5's strings. Policies cannot tell higher characters apart from others that they do not name."""
_SAME_WHEN_LOWERED: Final = {"k": "\u212a"}
"""Characters outside ASCII that become an ASCII letter in lower case: the Kelvin sign."""


@dataclass(frozen=True, slots=True)
class Found:
    """
    The answer about some texts.

    Args:
        values: A value of each text, if there are values that meet the facts.
        conflict: Facts that no values meet, if there are none.
        reason: Why neither is known.
    """

    values: Mapping[Text, str] = field(default_factory=dict)
    conflict: TextLiterals = ()
    reason: str = ""


def find_texts(cvc5: Any, literals: TextLiterals, timeout: float) -> Found:
    """
    Find values of texts for which some facts are true and others false.

    Args:
        cvc5: The module.
        literals: The facts, each with whether it is true.
        timeout: Limit in seconds.
    """
    try:
        return _Strings(cvc5, timeout).find(literals)
    except UnicodeError as error:
        return Found(reason=str(error))


def _escaped(character: str) -> str:
    """Write a character as cvc5 reads it in a string with escapes."""
    if character > _HIGHEST:
        raise UnicodeError(f"a policy uses the character U+{ord(character):X}, which the solver does not know")
    return character if " " <= character <= "~" and character != "\\" else f"\\u{{{ord(character):x}}}"


class _Strings:
    """One question to the solver."""

    def __init__(self, cvc5: Any, timeout: float) -> None:
        self._kind = cvc5.Kind
        self._terms = cvc5.TermManager()
        self._solver = cvc5.Solver(self._terms)
        self._solver.setLogic("ALL")
        for option, value in {
            "strings-exp": "true",
            "produce-models": "true",
            "produce-unsat-assumptions": "true",
            "tlimit-per": str(max(1, round(timeout * 1000))),
        }.items():
            self._solver.setOption(option, value)
        self._constants: dict[Text, Any] = {}

    def find(self, literals: TextLiterals) -> Found:
        terms = [self._fact(fact) if wanted else self._make("NOT", self._fact(fact)) for fact, wanted in literals]
        result = self._solver.checkSatAssuming(*terms)
        if result.isSat():
            values = {text: str(self._solver.getValue(term).getStringValue()) for text, term in self._constants.items()}
            return Found(values=values)
        if result.isUnsat():
            needed = set(self._solver.getUnsatAssumptions())
            return Found(conflict=[one for one, term in zip(literals, terms, strict=True) if term in needed])
        return Found(reason=f"the solver gave no answer: {str(result.getUnknownExplanation()).rpartition('.')[2].lower()}")

    def _fact(self, fact: Matches | Shaped | Related) -> Any:
        if isinstance(fact, Related):
            return self._related(fact)
        if isinstance(fact, Shaped):
            return self._make("STRING_IN_REGEXP", self._text(fact.text), self._shape(fact.shape))
        return self._matches(self._text(fact.text), fact.pattern, fold=fact.fold)

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

    def _shape(self, shape: Shape) -> Any:
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
        if not letter.isascii():
            raise UnicodeError(f"a comparison that ignores case has the character U+{ord(letter):X}")
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
        if text not in self._constants:
            self._constants[text] = self._terms.mkConst(self._terms.getStringSort(), f"{text.name} {text.slot}")
        return self._constants[text]

    def _literal(self, text: str) -> Any:
        return self._make("STRING_TO_REGEXP", self._string(text))

    def _string(self, text: str) -> Any:
        return self._terms.mkString("".join(map(_escaped, text)), True)  # noqa: FBT003  # the parameter has no name: escapes

    def _make(self, kind: str, *parts: Any) -> Any:
        return self._terms.mkTerm(getattr(self._kind, kind), *parts)
