"""
The condition operators, one row each.

A row defines how policy values are compiled to a matcher. Negation, absent keys and set prefixes work the same way for all
operators; `guardedbedrock.iam.matching.conditions` implements them.
Source: IAM User Guide, "IAM JSON policy elements: Condition operators".
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from guardedbedrock.iam.matching.arns import compile_arn, match_partly_known_arn, split
from guardedbedrock.iam.matching.context import PartlyKnown, Truth
from guardedbedrock.iam.matching.logic import either
from guardedbedrock.iam.matching.patterns import Tokens, compile_tokens, match_partly_known, tokenize
from guardedbedrock.iam.matching.variables import Tokenizer, plain

Match = Callable[[str], Truth]
"""Accepts one request value, and returns whether it matches any of the policy values."""
ValueKind: TypeAlias = Literal["boolean", "number", "instant", "network", "octets"]
"""A function of `guardedbedrock.iam.matching.values`. That module imports slowly, so it is loaded by the first such condition."""


class Operator(NamedTuple):
    """
    One condition operator without set prefix and ``IfExists``.

    Args:
        name: As the documentation spells it.
        compile: Compiles the policy values, as tokens, to a matcher.
        negated: Whether the matcher's answer is negated. An absent key then matches.
        variables: Whether ``${...}`` is a variable in its values.
        tokenizer: Reads its values: `tokenize` if ``*`` and ``?`` are wildcards, else `plain`.
        kind: The kind of its values; None if every string is a value.
    """

    name: str
    compile: Callable[[Sequence[Tokens]], Match]
    negated: bool = False
    variables: bool = False
    tokenizer: Tokenizer = plain
    kind: ValueKind | None = None

    def accepts(self, value: str) -> bool:
        """Return whether a policy value, without variables, is of the operator's kind, or whether AWS does not document it."""
        if self.kind is None:
            return True
        from guardedbedrock.iam.matching import values  # noqa: PLC0415  # imports slowly, see ValueKind

        return getattr(values, self.kind)(value) is not None or values.is_undocumented(self.kind, value)

    def may_match(self, pattern: Tokens, value: str) -> bool:
        """Return whether a value could match if each wildcard, which replaces an unknown value, became some string."""
        if self.compile is _equals:
            return compile_tokens(pattern)(value)
        if self.compile is _equals_ignoring_case:
            return compile_tokens(_lower(pattern))(value.lower())
        return self.compile([pattern])(value) is not False

    def match_partly_known(self, patterns: Sequence[Tokens], value: PartlyKnown) -> Truth:
        """Match a value of which only a part is known: a sure answer is the same for every value that is possible."""
        answers = {either(self._match_pattern(tokens, pattern) for tokens in patterns) for pattern in value.patterns}
        return answers.pop() if len(answers) == 1 else None

    def _match_pattern(self, tokens: Tokens, pattern: str) -> Truth:
        if self.compile is _arn_like:
            return match_partly_known_arn(tokens, pattern)
        if self.compile is _equals_ignoring_case:
            return match_partly_known(_lower(tokens), tokenize(pattern.lower()))
        if self.compile in (_equals, _like):
            return match_partly_known(tokens, tokenize(pattern))
        return None


def _lower(pattern: Tokens) -> Tokens:
    return tuple(token.lower() if isinstance(token, str) else token for token in pattern)


def _strings(patterns: Sequence[Tokens]) -> list[str]:
    return ["".join(token for token in pattern if isinstance(token, str)) for pattern in patterns]


def match_nothing(_: str) -> bool:
    """Match no value: the matcher of a condition that has no valid policy value."""
    return False


def _equals(patterns: Sequence[Tokens]) -> Match:
    strings = frozenset(_strings(patterns))
    return strings.__contains__ if strings else match_nothing


def _equals_ignoring_case(patterns: Sequence[Tokens]) -> Match:
    strings = frozenset(text.lower() for text in _strings(patterns))
    return (lambda value: value.lower() in strings) if strings else match_nothing


def _like(patterns: Sequence[Tokens]) -> Match:
    matchers = [compile_tokens(pattern) for pattern in patterns]
    if not matchers:
        return match_nothing
    first, *others = matchers
    return (lambda value: any(matches(value) for matches in matchers)) if others else first


def _arn_like(patterns: Sequence[Tokens]) -> Match:
    tests = [compile_arn(pattern) for pattern in patterns]

    def match(value: str) -> Truth:
        parts = split(value)
        if parts is None:
            return None  # AWS does not document an ARN operator on a value that is not an ARN
        return either(test(value, parts) for test in tests)

    return match if tests else match_nothing


def _comparing(kind: ValueKind, compare: Callable[[Any, Any], bool]) -> Callable[[Sequence[Tokens]], Match]:
    """Compare the request value (left) with each policy value (right), both parsed as the same kind."""

    def compiled(patterns: Sequence[Tokens]) -> Match:
        from guardedbedrock.iam.matching import values  # noqa: PLC0415  # imports slowly, see ValueKind

        read: Callable[[str], Any] = getattr(values, kind)
        strings = _strings(patterns)
        bounds = [bound for bound in map(read, strings) if bound is not None]
        has_undocumented = any(values.is_undocumented(kind, text) for text in strings)

        def match(text: str) -> Truth:
            value = read(text)
            if value is None:
                return None if values.is_undocumented(kind, text) else False
            if any(compare(value, bound) for bound in bounds):
                return True
            return None if has_undocumented else False

        return match if bounds or has_undocumented else match_nothing

    return compiled


def _in_network(patterns: Sequence[Tokens]) -> Match:
    from guardedbedrock.iam.matching.values import address, network  # noqa: PLC0415  # imports slowly, see ValueKind

    networks = [block for block in map(network, _strings(patterns)) if block is not None]

    def match(text: str) -> Truth:
        value = address(text)
        return value is not None and any(value in block for block in networks)

    return match if networks else match_nothing


def _rows() -> list[Operator]:
    rows = [
        Operator("Bool", _equals_ignoring_case, variables=True, kind="boolean"),
        Operator("BinaryEquals", _comparing("octets", operator.eq), kind="octets"),
        Operator("IpAddress", _in_network, kind="network"),
        Operator("NotIpAddress", _in_network, negated=True, kind="network"),
        Operator("Null", _equals_ignoring_case, kind="boolean"),
    ]
    strings: list[tuple[str, Callable[[Sequence[Tokens]], Match], Tokenizer]] = [
        ("String{}Equals", _equals, plain),
        ("String{}EqualsIgnoreCase", _equals_ignoring_case, plain),
        ("String{}Like", _like, tokenize),
        ("Arn{}Equals", _arn_like, tokenize),
        ("Arn{}Like", _arn_like, tokenize),
    ]
    for name, compiled, tokenizer in strings:
        rows += [Operator(name.format(no), compiled, bool(no), variables=True, tokenizer=tokenizer) for no in ("", "Not")]
    kinds: tuple[tuple[str, ValueKind], ...] = ("Numeric", "number"), ("Date", "instant")
    for start, kind in kinds:
        rows += [Operator(f"{start}{name}", _comparing(kind, compare), kind=kind) for name, compare in _COMPARISONS.items()]
        rows.append(Operator(f"{start}NotEquals", _comparing(kind, operator.eq), negated=True, kind=kind))
    return rows


_COMPARISONS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "LessThanEquals": operator.le,
    "GreaterThan": operator.gt,
    "GreaterThanEquals": operator.ge,
}

OPERATORS: Final[Mapping[str, Operator]] = MappingProxyType({row.name: row for row in _rows()})
"""The 27 operators by name. Names are case-sensitive."""
