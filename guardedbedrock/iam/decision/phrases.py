"""Requirements of a policy, and what a request has, as parts of an English sentence."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

_MAX_VALUES: Final = 3

_VERBS: Final = {
    "StringEquals": "is",
    "StringEqualsIgnoreCase": "is, ignoring case,",
    "StringLike": "matches",
    "ArnEquals": "matches",
    "ArnLike": "matches",
    "NumericEquals": "is",
    "NumericLessThan": "is less than",
    "NumericLessThanEquals": "is at most",
    "NumericGreaterThan": "is greater than",
    "NumericGreaterThanEquals": "is at least",
    "DateEquals": "is",
    "DateLessThan": "is before",
    "DateLessThanEquals": "is at or before",
    "DateGreaterThan": "is after",
    "DateGreaterThanEquals": "is at or after",
    "BinaryEquals": "is",
    "Bool": "is",
    "IpAddress": "is in",
}
_NEGATED: Final = {
    "is": "is not",
    "is, ignoring case,": "is not, ignoring case,",
    "matches": "does not match",
    "is in": "is not in",
}
_SUBJECTS: Final = {"ForAnyValue": "a value of ", "ForAllValues": "every value of ", "": ""}


def condition_phrase(operator: str, key: str, values: Sequence[str]) -> str:
    """
    Write what a condition line requires.

    >>> condition_phrase("StringNotEqualsIfExists", "aws:RequestedRegion", ["us-east-1", "us-west-2"])
    '`aws:RequestedRegion` is not one of `us-east-1`, `us-west-2` (or is absent)'
    """
    quantifier, _, name = operator.rpartition(":")
    base = name.removesuffix("IfExists")
    if base == "Null":
        return f"`{key}` is {'absent' if [value.lower() for value in values] == ['true'] else 'present'}"
    verb = _VERBS.get(base) or _NEGATED.get(_VERBS.get(base.replace("Not", "", 1), "")) or f"satisfies {base}"
    if not any("*" in value or "?" in value for value in values):
        verb = {"matches": "is", "does not match": "is not"}.get(verb, verb)
    otherwise = " (or is absent)" if name != base else ""
    return f"{_SUBJECTS[quantifier]}`{key}` {verb} {alternatives(values)}{otherwise}"


def alternatives(values: Sequence[str]) -> str:
    """
    Write the values of a policy, of which one has to match.

    >>> alternatives(["a", "b", "c", "d"])
    'one of `a`, `b`, `c` and 1 more'
    """
    return listing(values) if len(values) == 1 else f"one of {listing(values)}"


def listing(values: Sequence[str]) -> str:
    """List the values of a policy; only the first ones of many."""
    listed = ", ".join(f"`{value}`" for value in values[:_MAX_VALUES]) or "no value"
    return f"{listed} and {len(values) - _MAX_VALUES} more" if len(values) > _MAX_VALUES else listed


def joined(parts: Iterable[str]) -> str:
    """
    Join phrases with "and", each once.

    >>> joined(["a", "b", "b", "c"])
    'a, b and c'
    """
    *others, last = dict.fromkeys(parts)
    return f"{', '.join(others)} and {last}" if others else last
