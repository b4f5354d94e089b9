"""
Condition blocks, compiled: one test over a context, three-valued.

Source: IAM User Guide, "IAM JSON policy elements: Condition", "Condition operators" and "Multivalued context keys".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Final, Literal, NamedTuple, TypeAlias

from guardedbedrock.iam.engine.context import UNKNOWN, Context, Truth, family, lookup
from guardedbedrock.iam.matching.operators import OPERATORS, Match, Operator, either, never
from guardedbedrock.iam.matching.variables import Template, fixed, is_fixed, is_open, keys, resolve, template

Quantifier: TypeAlias = Literal["", "ForAllValues", "ForAnyValue"]
ConditionTest: TypeAlias = Callable[[Context], Truth]

_IF_EXISTS: Final = "IfExists"
_NOTHING: Final = ("", ("",))
"""A set that holds only the empty text counts as an empty set."""


class Condition(NamedTuple):
    """
    One line of a condition block: operator, key, values.

    Args:
        operator: As the policy spells it, prefix and suffix included.
        key: As the policy spells it.
        values: Policy values as texts; a JSON Boolean or number is written as text.
    """

    operator: str
    key: str
    values: tuple[str, ...]


class Line(NamedTuple):
    """A condition taken apart and compiled, with the keys that its answer may hang on."""

    test: ConditionTest
    key: str
    reads: tuple[str, ...]


@lru_cache(maxsize=512)
def parse_operator(name: str) -> tuple[Quantifier, Operator, bool] | None:
    """
    Take an operator apart: quantifier, operator, whether it ends in ``IfExists``; None when there is no such operator.

    >>> parse_operator("ForAllValues:StringLikeIfExists")[1].name
    'StringLike'
    """
    head, colon, rest = name.rpartition(":")
    if colon and head not in ("ForAllValues", "ForAnyValue"):
        return None
    base = rest.removesuffix(_IF_EXISTS)
    row = OPERATORS.get(base)
    if row is None or (base == "Null" and base != name):
        return None
    return head, row, base != rest  # type: ignore[return-value]  # the guard above left only the three quantifiers


def compile_conditions(conditions: Iterable[Condition], *, variables: bool) -> ConditionTest | None:
    """
    Join all lines of a block with AND; None when there is no line.

    Args:
        conditions: The lines; their operators are known.
        variables: Whether the document's Version has policy variables.
    """
    tests = tuple(compile_line(condition, variables=variables).test for condition in conditions)
    if not tests:
        return None
    first, *others = tests
    if not others:
        return first

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
    """Compile one line."""
    parsed = parse_operator(condition.operator)
    if parsed is None:
        raise LookupError(condition.operator)
    quantifier, row, if_exists = parsed
    key = condition.key.lower()
    with_variables = variables and row.variables
    templates = [template(v, row.reading) if with_variables else row.reading(v) for v in condition.values]
    reads = tuple(name for parts in templates for name in keys(parts))
    form = Form(quantifier, row.negated, if_exists or {"": row.negated, "ForAllValues": True, "ForAnyValue": False}[quantifier])
    if reads:
        return Line(_quantified(key, form, *_resolving(row, templates)), condition.key, (key, *reads))
    match = row.compile([fixed(parts) for parts in templates])
    if row.name == "Null":
        test = _null(key, match)
    elif quantifier:
        test = _quantified(key, form, lambda value, _: match(value), lambda _: match is never)
    else:
        test = _single(key, form, match)
    return Line(test, condition.key, (key,))


class Form(NamedTuple):
    """
    What prefix and suffix make of an operator.

    Args:
        quantifier: The prefix.
        negated: Whether matches are turned round.
        absent: What an absent key means.
    """

    quantifier: Quantifier
    negated: bool
    absent: bool

    def of_unknown(self, *, barren: bool) -> Truth:
        """Say what an unknown key means: it is open, unless no policy value can match and so no value of the key changes it."""
        if not barren:
            return None
        if self.negated:
            return True if self.quantifier == "ForAllValues" else None
        return None if self.absent else False


def _single(key: str, form: Form, match: Match) -> ConditionTest:
    """Compare a single-valued key; a multivalued one does not match without a set operator."""
    star, (_, negated, absent) = family(key), form
    unknown = form.of_unknown(barren=match is never)

    def test(context: Context) -> Truth:
        value = context.get(key)
        if value.__class__ is str:
            answer = match(value)
            return answer if answer is None else answer is not negated
        if value is None:
            return absent if star is None or star not in context else unknown
        return unknown if value is UNKNOWN else False

    return test


def _null(key: str, match: Match) -> ConditionTest:
    def test(context: Context) -> Truth:
        value = lookup(context, key)
        return None if value is UNKNOWN else match("true" if value is None else "false")

    return test


def _quantified(key: str, form: Form, match: Callable[[str, Context], Truth], barren: Callable[[Context], bool]) -> ConditionTest:
    quantifier, negated, absent = form

    def one(value: str, context: Context) -> Truth:
        answer = match(value, context)
        return answer if answer is None else answer is not negated

    def test(context: Context) -> Truth:
        value = lookup(context, key)
        if value is None:
            return absent
        if value is UNKNOWN:
            return form.of_unknown(barren=barren(context))
        if quantifier and value in _NOTHING:
            return quantifier == "ForAllValues"
        if isinstance(value, str):
            return one(value, context)
        if not quantifier:
            return False
        if quantifier == "ForAnyValue":
            return either(one(item, context) for item in value)
        return _not(either(_not(one(item, context)) for item in value))

    return test


def _not(answer: Truth) -> Truth:
    return None if answer is None else not answer


def _resolving(row: Operator, templates: list[Template]) -> tuple[Callable[[str, Context], Truth], Callable[[Context], bool]]:
    """
    Match against values that hold variables; one without a value matches nothing, so the negated operator matches.

    Returns:
        The matcher, and whether it matches nothing whatever the request has.
    """
    always = row.compile([fixed(parts) for parts in templates if is_fixed(parts)])
    moving = [parts for parts in templates if not is_fixed(parts)]

    def one(parts: Template, value: str, context: Context) -> Truth:
        tokens = resolve(parts, context)
        if tokens is None:
            return False
        if is_open(parts, context):
            return None if row.may_match(tokens, value) else False
        return row.compile([tokens])(value)

    def match(value: str, context: Context) -> Truth:
        return either((always(value), *(one(parts, value, context) for parts in moving)))

    def barren(context: Context) -> bool:
        return always is never and all(resolve(parts, context) is None for parts in moving)

    return match, barren
