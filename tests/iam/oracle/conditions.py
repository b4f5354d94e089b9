"""Condition blocks."""

from __future__ import annotations

from typing import Any, TypeAlias

from iam.oracle.logic import Truth, every, opposite, some
from iam.oracle.operators import MEANS, NEGATED, POSITIVE
from iam.oracle.questions import ABSENT, UNKNOWN, Asked, written

Json: TypeAlias = Any


def holds(operator: str, key: str, values: list[str], question: Asked) -> Truth:
    """Return whether one line of a condition block holds."""
    value = question.value(key)
    quantifier, _, name = operator.rpartition(":")
    base = name.removesuffix("IfExists")
    negated = base in NEGATED
    if operator == "Null" or value is UNKNOWN:
        if value is not UNKNOWN:
            return ("true" if value is ABSENT else "false") in [text.lower() for text in values]
        return None if operator == "Null" or meaningful(base, values, question) else unmatched(quantifier, name)
    if value is ABSENT:
        return absent(quantifier, name)
    if quantifier and value in ("", ("",)):
        return True if quantifier == "ForAllValues" else absent(quantifier, name)
    compare = POSITIVE[NEGATED.get(base, base)]

    def one(text: str) -> Truth:
        answer = some(compare(policy, text, question) for policy in values)
        return opposite(answer) if negated else answer

    if isinstance(value, str):
        return one(value)
    texts = value if isinstance(value, tuple) else ()
    if quantifier:
        return {"ForAllValues": every, "ForAnyValue": some}[quantifier](map(one, texts))
    return None if negated or meaningful(base, values, question) else False


def absent(quantifier: str, name: str) -> Truth:
    """Return what an absent key means; AWS does not document ForAnyValue with IfExists."""
    base = name.removesuffix("IfExists")
    if name != base:
        return None if quantifier == "ForAnyValue" else True
    return {"": base in NEGATED, "ForAllValues": True, "ForAnyValue": False}[quantifier]


def meaningful(base: str, values: list[str], question: Asked) -> bool:
    """Return whether there is a policy value that can match at all."""
    return any(MEANS[NEGATED.get(base, base)](policy, question) for policy in values)


def unmatched(quantifier: str, name: str) -> Truth:
    """Return the answer of a line that no value can match, for a key that may be absent, one string, or several."""
    negated = name.removesuffix("IfExists") in NEGATED
    if not name.endswith("IfExists") and not negated and quantifier != "ForAllValues":
        return False
    return True if negated and quantifier == "ForAllValues" else None


def conditions_hold(block: Json, question: Asked) -> Truth:
    """Return whether all lines of all condition blocks hold."""
    return every(
        holds(operator, key, [written(value) for value in listed(values)], question)
        for operator, lines in block.items()
        for key, values in lines.items()
    )


def listed(given: Json) -> list[Json]:
    """Take a single value as a list of one."""
    return list(given) if isinstance(given, list | tuple) else [given]
