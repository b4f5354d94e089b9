"""
Strings that are compared with other strings, such as a resource with ``${aws:username}`` in it.

The string theory of cvc5 decides about them. It gets only the few facts that one attempt of the search needs, so it stays fast.
Source: documentation of cvc5, "Theory Reference: Strings" and "Python API".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, Final

from guardedbedrock.governance.proof.logic.formulas import (
    Choice,
    Related,
    Repeat,
    Shaped,
    SignedFacts,
    StringFact,
    StringShape,
    UnknownString,
)
from guardedbedrock.iam.matching.patterns import ANY, ANY_BUT_COLON, ONE, ONE_BUT_COLON, Tokens, Wildcard

_HIGHEST: Final = "\U0002ffff"
"""The highest character of cvc5's strings. Policies cannot tell higher characters apart from others that they do not name."""
_SAME_WHEN_LOWERED: Final = {"k": "\u212a"}
"""Characters outside ASCII that become an ASCII letter in lower case: the Kelvin sign."""


@dataclass(frozen=True, slots=True)
class StringAnswer:
    """
    The values of some strings, or the reason why there are none.

    Args:
        values: A value of each string, if there are values that meet the facts.
        conflict: Facts that no values meet, if there are no values.
        reason: Why neither is known.
    """

    values: Mapping[UnknownString, str] = field(default_factory=dict)
    conflict: SignedFacts = ()
    reason: str = ""


def solve_strings(cvc5: Any, literals: SignedFacts, timeout: float) -> StringAnswer:
    """
    Find values of strings for which some facts are true and others false.

    Args:
        cvc5: The module.
        literals: The facts, each with whether it is true.
        timeout: Limit in seconds.
    """
    try:
        return _Strings(cvc5, timeout).find(literals)
    except UnicodeError as error:
        return StringAnswer(reason=str(error))


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
        self._constants: dict[UnknownString, Any] = {}

    def find(self, literals: SignedFacts) -> StringAnswer:
        """
        Find values that meet some facts. Facts that cannot be expressed are left out.

        INVARIANT: A conflict of the other facts is also a conflict of all facts. Values may violate a fact that is left out. Only
        `Related` facts can be left out, and the caller compares the values with these.
        """
        terms = {term: one for one in literals if (term := self._literal(*one)) is not None}
        result = self._solver.checkSatAssuming(*terms)
        if result.isSat():
            values = {string: str(self._solver.getValue(term).getStringValue()) for string, term in self._constants.items()}
            return StringAnswer(values=values)
        if result.isUnsat():
            return StringAnswer(conflict=[terms[term] for term in self._solver.getUnsatAssumptions()])
        return StringAnswer(reason=f"the solver gave no answer: {str(result.getUnknownExplanation()).rpartition('.')[2].lower()}")

    def _literal(self, fact: StringFact, wanted: bool) -> Any:  # noqa: FBT001
        if isinstance(fact, Related):
            for string in (fact.string, *fact.pieces):
                if isinstance(string, UnknownString):
                    self._constant(string)  # each string gets a value, even if the fact is left out
            return self._related(fact, wanted=wanted)
        if isinstance(fact, Shaped):
            term = self._make("STRING_IN_REGEXP", self._constant(fact.string), self._shape(fact.shape))
        else:
            term = self._matches(self._constant(fact.string), fact.pattern, fold=fact.fold)
        return term if wanted else self._make("NOT", term)

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
        string = str(token)
        if not fold:
            return self._plain(string)
        return self._joined([self._letter(letter) for letter in string])

    def _shape(self, shape: StringShape) -> Any:
        return self._joined([self._part(part) for part in shape])

    def _joined(self, parts: list[Any]) -> Any:
        if not parts:
            return self._plain("")
        return parts[0] if len(parts) == 1 else self._make("REGEXP_CONCAT", *parts)

    def _part(self, part: str | Repeat | Choice) -> Any:
        if isinstance(part, str):
            return self._plain(part)
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
        alternatives = [self._plain(one) for one in spellings]
        return alternatives[0] if len(alternatives) == 1 else self._make("REGEXP_UNION", *alternatives)

    def _range(self, first: str, last: str) -> Any:
        return self._make("REGEXP_RANGE", self._string(first), self._string(last))

    def _related(self, relation: Related, *, wanted: bool) -> Any:
        """
        Compare a string with a pattern that contains other strings.

        A string that matches consists of the pieces, with some string for each wildcard. The opposite can only be expressed if
        the pattern has no wildcard, one star, or a star at both ends.

        Returns:
            None if it cannot be expressed.
        """
        string = self._constant(relation.string)
        if wanted:
            limits: list[Any] = []
            pieces = [self._any(piece, limits) if isinstance(piece, Wildcard) else piece for piece in relation.pieces]
            same = self._make("EQUAL", string, self._concatenated(pieces))
            return self._make("AND", same, *limits) if limits else same
        solid = [piece for piece in relation.pieces if not isinstance(piece, Wildcard)]
        positions = [position for position, piece in enumerate(relation.pieces) if piece is ANY]
        if len(solid) + len(positions) < len(relation.pieces):
            return None
        match = self._stars(string, solid, positions, len(relation.pieces) - 1)
        return None if match is None else self._make("NOT", match)

    def _stars(self, string: Any, solid: list[str | UnknownString], positions: list[int], last: int) -> Any:
        whole = self._concatenated(solid)
        if not positions:
            return self._make("EQUAL", string, whole)
        if positions == [0, last]:
            return self._make("STRING_CONTAINS", string, whole)
        if len(positions) > 1:
            return None
        start, end = self._concatenated(solid[: positions[0]]), self._concatenated(solid[positions[0] :])
        length = [self._make("STRING_LENGTH", one) for one in (string, start, end)]
        return self._make(
            "AND",
            self._make("STRING_PREFIX", start, string),
            self._make("STRING_SUFFIX", end, string),
            self._make("GEQ", length[0], self._make("ADD", length[1], length[2])),
        )

    def _any(self, wildcard: Wildcard, limits: list[Any]) -> Any:
        """Return a new string for a wildcard, and add its limits to `limits`."""
        term = self._terms.mkConst(self._terms.getStringSort(), "wildcard")
        if wildcard is not ANY:
            limits.append(self._make("STRING_IN_REGEXP", term, self._regex(wildcard, fold=False)))
        return term

    def _concatenated(self, pieces: Iterable[Any]) -> Any:
        """Join pieces: strings of keys, literal strings, and terms."""
        terms = [
            self._constant(piece)
            if isinstance(piece, UnknownString)
            else self._string(piece)
            if isinstance(piece, str)
            else piece
            for piece in pieces
        ]
        if not terms:
            return self._string("")
        return reduce(lambda left, right: self._make("STRING_CONCAT", left, right), terms)

    def _constant(self, string: UnknownString) -> Any:
        if string not in self._constants:
            self._constants[string] = self._terms.mkConst(self._terms.getStringSort(), f"{string.name} {string.slot}")
        return self._constants[string]

    def _plain(self, string: str) -> Any:
        return self._make("STRING_TO_REGEXP", self._string(string))

    def _string(self, string: str) -> Any:
        return self._terms.mkString("".join(map(_escaped, string)), True)  # noqa: FBT003  # the parameter has no name: escapes

    def _make(self, kind: str, *parts: Any) -> Any:
        return self._terms.mkTerm(getattr(self._kind, kind), *parts)
