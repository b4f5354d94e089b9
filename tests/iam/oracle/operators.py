"""The condition operators that are not negated, and the negated ones as their opposites."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from iam.oracle.logic import Truth
from iam.oracle.questions import Asked
from iam.oracle.values import OPEN, address, block, instant, lies_in, number, octets
from iam.oracle.variables import fill
from iam.oracle.wildcards import SEGMENTS, STAR, fits, segments, wild

Compare: TypeAlias = Callable[[str, str, Asked], Truth]
"""Of a policy's value and a request's value."""
Reading: TypeAlias = Callable[[str], Any]
"""Reads a string; None if the string is invalid."""


def textual(read: Callable[[str], tuple[str, ...]], cover: Callable[[tuple[str, ...], str], Truth]) -> Compare:
    """Create the comparison of an operator that accepts variables."""

    def compare(policy: str, value: str, question: Asked) -> Truth:
        filled = fill(policy, read, question)
        if filled is None:
            return False
        answer = cover(filled.pattern, value)
        return None if filled.is_open and answer is not False else answer

    return compare


def ignoring_case(pattern: tuple[str, ...], value: str) -> bool:
    """Match a string in any case."""
    return fits(tuple(item if len(item) > 1 else item.lower() for item in pattern), value.lower())


def arn_like(pattern: tuple[str, ...], value: str) -> Truth:
    """Cover an ARN, segment by segment; AWS documents no rule for a pattern with fewer than six."""
    if not value.startswith("arn:") or value.count(":") < SEGMENTS - 1:
        return None
    if set(pattern) == {STAR}:
        return True
    wanted = segments(pattern)
    if len(wanted) < SEGMENTS:
        return None if fits(pattern, value) else False
    return all(fits(*pair) for pair in zip(wanted, value.split(":", 5), strict=True))


def read_as(of_value: Reading, of_policy: Reading, holds: Callable[[Any, Any], bool]) -> Compare:
    """Create the comparison of an operator that converts both sides; a value that cannot be converted matches nothing."""

    def compare(policy: str, value: str, _question: Asked) -> Truth:
        left, right = of_value(value), of_policy(policy)
        if OPEN in (left, right):
            return None if None not in (left, right) else False
        return left is not None and right is not None and holds(left, right)

    return compare


POSITIVE: Final[Mapping[str, Compare]] = {
    "StringEquals": textual(tuple, fits),
    "StringEqualsIgnoreCase": textual(tuple, ignoring_case),
    "StringLike": textual(wild, fits),
    "Bool": textual(tuple, ignoring_case),
    "ArnEquals": textual(wild, arn_like),
    "ArnLike": textual(wild, arn_like),
    "BinaryEquals": read_as(octets, octets, operator.eq),
    "IpAddress": read_as(address, block, lies_in),
    **{
        f"{kind}{name}": read_as(read, read, holds)
        for kind, read in (("Numeric", number), ("Date", instant))
        for name, holds in (
            ("Equals", operator.eq),
            ("LessThan", operator.lt),
            ("LessThanEquals", operator.le),
            ("GreaterThan", operator.gt),
            ("GreaterThanEquals", operator.ge),
        )
    },
}
READ: Final[Mapping[str, Reading]] = {"Numeric": number, "Date": instant, "Binary": octets, "IpAddress": block}
MEANS: Final[Mapping[str, Callable[[str, Asked], bool]]] = {
    name: next(
        (lambda policy, _, read=read: read(policy) is not None for kind, read in READ.items() if name.startswith(kind)),
        lambda policy, question: fill(policy, tuple, question) is not None,
    )
    for name in POSITIVE
}
"""Whether a value of a request could match a value of a policy."""
NEGATED: Final = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
    "NotIpAddress": "IpAddress",
}
