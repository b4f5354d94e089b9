"""
Compile condition blocks to three-valued tests of a context.

Source: IAM User Guide, "IAM JSON policy elements: Condition", "Condition operators" and "Multivalued context keys".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Final, Literal, NamedTuple, TypeAlias

from guardedbedrock.iam.matching.context import UNKNOWN, Context, PartlyKnown, Truth, family, lookup
from guardedbedrock.iam.matching.logic import either, negate
from guardedbedrock.iam.matching.operators import OPERATORS, Match, Operator, match_nothing
from guardedbedrock.iam.matching.variables import (
    Template,
    fixed,
    has_unknown_value,
    has_variables,
    parse_template,
    resolve,
    variables_of,
)

Quantifier: TypeAlias = Literal["", "ForAllValues", "ForAnyValue"]
ConditionTest: TypeAlias = Callable[[Context], Truth]

_IF_EXISTS: Final = "IfExists"
_EMPTY_SETS: Final = ("", ("",))
"""A set whose only value is the empty string counts as an empty set."""


class Condition(NamedTuple):
    """
    One line of a condition block: operator, key, values.

    Args:
        operator: As the policy spells it, with set prefix and ``IfExists``.
        key: As the policy spells it.
        values: Policy values as strings. A JSON Boolean or number is converted to a string.
    """

    operator: str
    key: str
    values: tuple[str, ...]


class Line(NamedTuple):
    """
    One compiled line of a condition block.

    Args:
        test: Tests a context.
        key: The tested key, as the policy spells it.
        reads: Every key that the test reads, in lower case: the tested key, and those of policy variables.
    """

    test: ConditionTest
    key: str
    reads: tuple[str, ...]


@lru_cache(maxsize=512)  # keyed by the operator as written: policies repeat few operators
def parse_operator(name: str) -> tuple[Quantifier, Operator, bool] | None:
    """
    Split an operator into set prefix, base operator, and whether it ends in ``IfExists``; return None if it is unknown.

    >>> parse_operator("ForAllValues:StringLikeIfExists")[1].name
    'StringLike'
    """
    prefix, colon, rest = name.rpartition(":")
    if colon and prefix not in ("ForAllValues", "ForAnyValue"):
        return None
    base = rest.removesuffix(_IF_EXISTS)
    operator = OPERATORS.get(base)
    if operator is None or (base == "Null" and base != name):
        return None
    return prefix, operator, base != rest  # type: ignore[return-value]  # the check above leaves only the three quantifiers


def compile_conditions(conditions: Iterable[Condition], *, variables: bool) -> ConditionTest | None:
    """
    Join all lines of a condition block with AND; return None if there is no line.

    Args:
        conditions: The lines. Their operators are known.
        variables: Whether the document's Version has policy variables.
    """
    return join_lines([compile_line(condition, variables=variables) for condition in conditions])


def join_lines(lines: Sequence[Line]) -> ConditionTest | None:
    """Join compiled lines with AND; return None if there is no line."""
    tests = tuple([line.test for line in lines])
    if not tests:
        return None
    if len(tests) == 1:
        return tests[0]

    def every(context: Context) -> Truth:
        answer: Truth = True
        for test in tests:
            one = test(context)
            if one is False:
                return False
            if one is None:
                answer = None
        return answer

    return every


def compile_line(condition: Condition, *, variables: bool) -> Line:
    """
    Compile one line of a condition block.

    Raises:
        LookupError: The operator is unknown.
    """
    parsed = parse_operator(condition.operator)
    if parsed is None:
        raise LookupError(condition.operator)
    quantifier, operator, if_exists = parsed
    key = condition.key.lower()
    with_variables = variables and operator.variables
    tokenizer = operator.tokenizer
    templates = [parse_template(value, tokenizer) if with_variables else tokenizer(value) for value in condition.values]
    reads = tuple(variable.key for template in templates for variable in variables_of(template))
    when_absent: Truth = if_exists or {"": operator.negated, "ForAllValues": True, "ForAnyValue": False}[quantifier]
    if if_exists and quantifier == "ForAnyValue":
        when_absent = None  # the rules of the set prefix and of the suffix contradict each other, and AWS names no precedence
    form = Form(quantifier, operator.negated, when_absent)
    if reads:
        return Line(_quantified(key, form, _with_variables(operator, templates)), condition.key, (key, *reads))
    patterns = [fixed(template) for template in templates]
    match = operator.compile(patterns)
    match_partly: PartlyKnownMatch = lambda value, _: operator.match_partly_known(patterns, value)  # noqa: E731
    if operator.name == "Null":
        test = _null(key, match)
    elif quantifier:
        matching = Matching(lambda value, _: match(value), match_partly, lambda _: match is match_nothing)
        test = _quantified(key, form, matching)
    else:
        test = _single(key, form, match, match_partly)
    return Line(test, condition.key, (key,))


class Form(NamedTuple):
    """
    How prefix, negation and suffix change an operator.

    Args:
        quantifier: The set prefix.
        negated: Whether the answer for each request value is negated.
        absent: The answer for an absent key; None where AWS documents no rule.
    """

    quantifier: Quantifier
    negated: bool
    absent: Truth

    def answer_for_unknown(self, *, unmatchable: bool) -> Truth:
        """
        Return the answer for an unknown key.

        INVARIANT: The answer is None unless every possible value of the key, absent included, has the same answer. That is
        only so where no policy value can match (`unmatchable`).
        """
        if not unmatchable:
            return None
        if self.negated:
            return True if self.quantifier == "ForAllValues" else None
        return False if self.absent is False else None

    def answer_for_list(self, *, unmatchable: bool) -> Truth:
        """Return the answer for a multivalued key without a set prefix. AWS does not document it, unless nothing can match."""
        return False if unmatchable and not self.negated else None


PartlyKnownMatch: TypeAlias = Callable[[PartlyKnown, Context], Truth]
"""Accepts a request value of which only a part is known, and returns whether it matches any of the policy values."""


class Matching(NamedTuple):
    """
    How the values of a key are matched in a context.

    Args:
        match: Matches a string.
        match_partly: Matches a value of which only a part is known.
        is_unmatchable: Returns whether no value can match.
    """

    match: Callable[[str, Context], Truth]
    match_partly: PartlyKnownMatch
    is_unmatchable: Callable[[Context], bool]


def _single(key: str, form: Form, match: Match, match_partly: PartlyKnownMatch) -> ConditionTest:
    """Test a key without a set prefix."""
    family_key, (_, negated, absent) = family(key), form
    when_unknown = form.answer_for_unknown(unmatchable=match is match_nothing)
    when_list = form.answer_for_list(unmatchable=match is match_nothing)

    def test(context: Context) -> Truth:
        value = context.get(key)
        if value.__class__ is str:
            answer = match(value)
            return answer if answer is None else answer is not negated
        if value is None:
            return absent if family_key is None or family_key not in context else when_unknown
        if value is UNKNOWN:
            return when_unknown
        if isinstance(value, PartlyKnown):
            answer = match_partly(value, context)
            return negate(answer) if negated else answer
        return when_list

    return test


def _null(key: str, match: Match) -> ConditionTest:
    def test(context: Context) -> Truth:
        value = lookup(context, key)
        return None if value is UNKNOWN else match("true" if value is None else "false")

    return test


def _quantified(key: str, form: Form, matching: Matching) -> ConditionTest:
    """Test a key with a set prefix, or with policy variables in the values."""
    quantifier, negated, absent = form

    def one(value: str | PartlyKnown, context: Context) -> Truth:
        answer = matching.match_partly(value, context) if isinstance(value, PartlyKnown) else matching.match(value, context)
        return negate(answer) if negated else answer

    def test(context: Context) -> Truth:
        value = lookup(context, key)
        if value is None:
            return absent
        if value is UNKNOWN:
            return form.answer_for_unknown(unmatchable=matching.is_unmatchable(context))
        if quantifier and value in _EMPTY_SETS:
            return True if quantifier == "ForAllValues" else absent
        if isinstance(value, str | PartlyKnown):
            return one(value, context)
        if not quantifier:
            return form.answer_for_list(unmatchable=matching.is_unmatchable(context))
        if quantifier == "ForAnyValue":
            return either(one(item, context) for item in value)
        return negate(either(negate(one(item, context)) for item in value))

    return test


def _with_variables(operator: Operator, templates: list[Template]) -> Matching:
    """
    Match against policy values of which some have variables.

    A variable without a value matches nothing. The negated operator therefore matches.
    """
    patterns = [fixed(template) for template in templates if not has_variables(template)]
    match_fixed = operator.compile(patterns)
    variable_templates = [template for template in templates if has_variables(template)]

    def match_template(template: Template, value: str, context: Context) -> Truth:
        tokens = resolve(template, context)
        if tokens is None:
            return False
        if has_unknown_value(template, context):
            return None if operator.may_match(tokens, value) else False
        return operator.compile([tokens])(value)

    def match(value: str, context: Context) -> Truth:
        return either((match_fixed(value), *(match_template(template, value, context) for template in variable_templates)))

    def match_partly_template(template: Template, value: PartlyKnown, context: Context) -> Truth:
        tokens = resolve(template, context)
        answer = False if tokens is None else operator.match_partly_known([tokens], value)
        return None if answer and has_unknown_value(template, context) else answer

    def match_partly(value: PartlyKnown, context: Context) -> Truth:
        templates = (match_partly_template(template, value, context) for template in variable_templates)
        return either((operator.match_partly_known(patterns, value), *templates))

    def is_unmatchable(context: Context) -> bool:
        return match_fixed is match_nothing and all(resolve(template, context) is None for template in variable_templates)

    return Matching(match, match_partly, is_unmatchable)
