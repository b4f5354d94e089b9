"""Condition blocks."""

from __future__ import annotations

from typing import Any, TypeAlias

from iam.oracle.logic import Truth, every, opposite, some
from iam.oracle.operators import NEGATED, POSITIVE
from iam.oracle.questions import ABSENT, UNKNOWN, Asked, written

Json: TypeAlias = Any


def holds(operator: str, key: str, values: list[str], question: Asked) -> Truth:
    """Say whether one line of a condition block holds."""
    value = question.value(key)
    if value is UNKNOWN:
        return None
    if operator == "Null":
        return ("true" if value is ABSENT else "false") in [text.lower() for text in values]
    quantifier, _, name = operator.rpartition(":")
    base = name.removesuffix("IfExists")
    negated = base in NEGATED
    if value is ABSENT:
        return name != base or {"": negated, "ForAllValues": True, "ForAnyValue": False}[quantifier]
    if quantifier and value in ("", ("",)):
        return quantifier == "ForAllValues"
    compare = POSITIVE[NEGATED.get(base, base)]

    def one(text: str) -> Truth:
        answer = some(compare(policy, text, question) for policy in values)
        return opposite(answer) if negated else answer

    if isinstance(value, str):
        return one(value)
    texts = value if isinstance(value, tuple) else ()
    return {"ForAllValues": every, "ForAnyValue": some}[quantifier](map(one, texts)) if quantifier else False


def conditions_hold(block: Json, question: Asked) -> Truth:
    """Say whether all lines of all condition blocks hold."""
    return every(
        holds(operator, key, [written(value) for value in listed(values)], question)
        for operator, lines in block.items()
        for key, values in lines.items()
    )


def listed(given: Json) -> list[Json]:
    """Take a single value as a list of one."""
    return list(given) if isinstance(given, list | tuple) else [given]
