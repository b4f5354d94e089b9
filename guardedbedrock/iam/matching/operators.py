"""
The condition operators, one row each.

A row says how policy values become a matcher; whether an answer is turned round for the negated form, what an absent key means
and how sets are read is the same for all of them and lives in `guardedbedrock.iam.matching.conditions`.
Source: IAM User Guide, "IAM JSON policy elements: Condition operators".
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from guardedbedrock.iam.engine.context import Truth
from guardedbedrock.iam.matching.arns import compile_arn, split
from guardedbedrock.iam.matching.patterns import Tokens, compile_tokens, tokenize
from guardedbedrock.iam.matching.variables import Reading, plain

Match = Callable[[str], Truth]
"""Of one request value: does it match any of the policy's values?"""
Kind: TypeAlias = Literal["number", "instant", "octets"]
"""A reader of `guardedbedrock.iam.matching.values`, which is slow to load and loaded when a policy first has such a condition."""


class Operator(NamedTuple):
    """
    One condition operator without prefix and suffix.

    Args:
        name: As the documentation spells it.
        compile: From the policy's values, as tokens, to the matcher.
        negated: The matcher's answer is turned round; an absent key then matches.
        variables: Whether ``${...}`` is a variable in its values.
        reading: Whether ``*`` and ``?`` are wildcards in its values.
    """

    name: str
    compile: Callable[[Sequence[Tokens]], Match]
    negated: bool = False
    variables: bool = False
    reading: Reading = plain

    def may_match(self, pattern: Tokens, value: str) -> bool:
        """Say whether a value could match once the wildcards that stand for unknown values are filled in."""
        if self.compile is _equals:
            return compile_tokens(pattern)(value)
        if self.compile is _equals_ignoring_case:
            return compile_tokens(_lower(pattern))(value.lower())
        return self.compile([pattern])(value) is not False


def _lower(pattern: Tokens) -> Tokens:
    return tuple(token.lower() if isinstance(token, str) else token for token in pattern)


def _texts(patterns: Sequence[Tokens]) -> list[str]:
    return ["".join(token for token in pattern if isinstance(token, str)) for pattern in patterns]


def never(_: str) -> bool:
    """Match nothing: what policy values come to of which none can be read."""
    return False


def _equals(patterns: Sequence[Tokens]) -> Match:
    texts = frozenset(_texts(patterns))
    return texts.__contains__ if texts else never


def _equals_ignoring_case(patterns: Sequence[Tokens]) -> Match:
    texts = frozenset(text.lower() for text in _texts(patterns))
    return (lambda value: value.lower() in texts) if texts else never


def _like(patterns: Sequence[Tokens]) -> Match:
    matchers = [compile_tokens(pattern) for pattern in patterns]
    if not matchers:
        return never
    first, *others = matchers
    return (lambda value: any(matches(value) for matches in matchers)) if others else first


def _arn_like(patterns: Sequence[Tokens]) -> Match:
    tests = [compile_arn(pattern) for pattern in patterns]

    def match(value: str) -> Truth:
        parts = split(value)
        if parts is None:
            return False
        return either(test(value, parts) for test in tests)

    return match if tests else never


def either(answers: Iterable[Truth]) -> Truth:
    """Join answers with Kleene's OR."""
    joined: Truth = False
    for answer in answers:
        if answer:
            return True
        if answer is None:
            joined = None
    return joined


def both(left: Truth, right: Truth) -> Truth:
    """Join two answers with Kleene's AND."""
    if left is False or right is False:
        return False
    return None if left is None or right is None else True


def _comparing(kind: Kind, compare: Callable[[Any, Any], bool]) -> Callable[[Sequence[Tokens]], Match]:
    """Compare request value (left) with policy value (right), both read the same way."""

    def compiled(patterns: Sequence[Tokens]) -> Match:
        from guardedbedrock.iam.matching import values  # noqa: PLC0415  # see Kind

        read: Callable[[str], Any] = getattr(values, kind)
        bounds = [bound for bound in map(read, _texts(patterns)) if bound is not None]

        def match(text: str) -> Truth:
            value = read(text)
            return value is not None and any(compare(value, bound) for bound in bounds)

        return match if bounds else never

    return compiled


def _in_network(patterns: Sequence[Tokens]) -> Match:
    from guardedbedrock.iam.matching.values import address, network  # noqa: PLC0415  # see Kind

    networks = [block for block in map(network, _texts(patterns)) if block is not None]

    def match(text: str) -> Truth:
        value = address(text)
        return value is not None and any(value in block for block in networks)

    return match if networks else never


def _rows() -> list[Operator]:
    rows = [
        Operator("Bool", _equals_ignoring_case, variables=True),
        Operator("BinaryEquals", _comparing("octets", operator.eq)),
        Operator("IpAddress", _in_network),
        Operator("NotIpAddress", _in_network, negated=True),
        Operator("Null", _equals_ignoring_case),
    ]
    text: list[tuple[str, Callable[[Sequence[Tokens]], Match], Reading]] = [
        ("String{}Equals", _equals, plain),
        ("String{}EqualsIgnoreCase", _equals_ignoring_case, plain),
        ("String{}Like", _like, tokenize),
        ("Arn{}Equals", _arn_like, tokenize),
        ("Arn{}Like", _arn_like, tokenize),
    ]
    for name, compiled, reading in text:
        rows += [Operator(name.format(no), compiled, bool(no), variables=True, reading=reading) for no in ("", "Not")]
    kinds: tuple[tuple[str, Kind], ...] = ("Numeric", "number"), ("Date", "instant")
    for start, kind in kinds:
        rows += [Operator(f"{start}{name}", _comparing(kind, compare)) for name, compare in _COMPARISONS.items()]
        rows.append(Operator(f"{start}NotEquals", _comparing(kind, operator.eq), negated=True))
    return rows


_COMPARISONS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "LessThanEquals": operator.le,
    "GreaterThan": operator.gt,
    "GreaterThanEquals": operator.ge,
}

OPERATORS: Final[Mapping[str, Operator]] = MappingProxyType({row.name: row for row in _rows()})
"""Every operator by its name, 27 of them; names keep their case."""
