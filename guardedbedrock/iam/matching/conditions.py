"""
Compile condition blocks to three-valued tests of a context.

Source: IAM User Guide, "IAM JSON policy elements: Condition", "Condition operators" and "Multivalued context keys".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Final, Literal, NamedTuple, TypeAlias

from guardedbedrock.iam.engine.context import UNKNOWN, Context, Truth, family, lookup
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
"""A set whose only value is the empty text counts as an empty set."""


class Condition(NamedTuple):
    """
    One line of a condition block: operator, key, values.

    Args:
        operator: As the policy spells it, with set prefix and ``IfExists``.
        key: As the policy spells it.
        values: Policy values as text. A JSON Boolean or number is converted to text.
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


@lru_cache(maxsize=512)
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
    when_absent = if_exists or {"": operator.negated, "ForAllValues": True, "ForAnyValue": False}[quantifier]
    form = Form(quantifier, operator.negated, when_absent)
    if reads:
        match_resolved, is_unmatchable = _with_variables(operator, templates)
        return Line(_quantified(key, form, match_resolved, is_unmatchable), condition.key, (key, *reads))
    match = operator.compile([fixed(template) for template in templates])
    if operator.name == "Null":
        test = _null(key, match)
    elif quantifier:
        test = _quantified(key, form, lambda value, _: match(value), lambda _: match is match_nothing)
    else:
        test = _single(key, form, match)
    return Line(test, condition.key, (key,))


class Form(NamedTuple):
    """
    How prefix, negation and suffix change an operator.

    Args:
        quantifier: The set prefix.
        negated: Whether the answer for each request value is negated.
        absent: The answer for an absent key.
    """

    quantifier: Quantifier
    negated: bool
    absent: bool

    def answer_for_unknown(self, *, unmatchable: bool) -> Truth:
        """
        Return the answer for an unknown key.

        INVARIANT: The answer is None unless every possible value of the key, absent included, gives the same answer. That is
        only so where no policy value can match (`unmatchable`).
        """
        if not unmatchable:
            return None
        if self.negated:
            return True if self.quantifier == "ForAllValues" else None
        return None if self.absent else False


def _single(key: str, form: Form, match: Match) -> ConditionTest:
    """Test a key without a set prefix; a multivalued key does not match without one."""
    family_key, (_, negated, absent) = family(key), form
    when_unknown = form.answer_for_unknown(unmatchable=match is match_nothing)

    def test(context: Context) -> Truth:
        value = context.get(key)
        if value.__class__ is str:
            answer = match(value)
            return answer if answer is None else answer is not negated
        if value is None:
            return absent if family_key is None or family_key not in context else when_unknown
        return when_unknown if value is UNKNOWN else False

    return test


def _null(key: str, match: Match) -> ConditionTest:
    def test(context: Context) -> Truth:
        value = lookup(context, key)
        return None if value is UNKNOWN else match("true" if value is None else "false")

    return test


def _quantified(
    key: str, form: Form, match: Callable[[str, Context], Truth], is_unmatchable: Callable[[Context], bool]
) -> ConditionTest:
    """Test a key with a set prefix, or with policy variables in the values."""
    quantifier, negated, absent = form

    def one(value: str, context: Context) -> Truth:
        answer = match(value, context)
        return negate(answer) if negated else answer

    def test(context: Context) -> Truth:
        value = lookup(context, key)
        if value is None:
            return absent
        if value is UNKNOWN:
            return form.answer_for_unknown(unmatchable=is_unmatchable(context))
        if quantifier and value in _EMPTY_SETS:
            return quantifier == "ForAllValues"
        if isinstance(value, str):
            return one(value, context)
        if not quantifier:
            return False
        if quantifier == "ForAnyValue":
            return either(one(item, context) for item in value)
        return negate(either(negate(one(item, context)) for item in value))

    return test


def _with_variables(
    operator: Operator, templates: list[Template]
) -> tuple[Callable[[str, Context], Truth], Callable[[Context], bool]]:
    """
    Match against policy values of which some have variables.

    A variable without a value matches nothing. The negated operator therefore matches.

    Returns:
        The matcher, and a function that tells whether no value of the tested key can match in a context.
    """
    match_fixed = operator.compile([fixed(template) for template in templates if not has_variables(template)])
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

    def is_unmatchable(context: Context) -> bool:
        return match_fixed is match_nothing and all(resolve(template, context) is None for template in variable_templates)

    return match, is_unmatchable
