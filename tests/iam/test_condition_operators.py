"""Every condition operator, compared with the second engine for every pair of policy values and context value."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Final

import pytest
from iam.oracle.conditions import holds
from iam.oracle.questions import asked

from guardedbedrock.iam.matching.conditions import Condition, compile_conditions, compile_line
from guardedbedrock.iam.matching.operators import OPERATORS
from guardedbedrock.iam.matching.requests import Request
from guardedbedrock.iam.matching.variables import Variable, variables_in

OPERATOR_NAMES: Final = [
    f"{prefix}{name}{suffix}"
    for name in OPERATORS
    for prefix in ("", "ForAllValues:", "ForAnyValue:")
    for suffix in ("", "IfExists")
    if name != "Null" or not (prefix or suffix)
]
ARN: Final = "arn:aws:acme:us-east-1:111122223333:thing/a"
POLICY_VALUES: Final = [
    ("a",),
    ("A", "b"),
    ("a*",),
    ("?", "*b"),
    ("${k:a}",),
    ("${k:open}",),
    ("A${k:open}",),
    ("a${k:open}", "5"),
    ("${k:gone}",),
    ("${k:gone, 'a'}", "${*}"),
    ("${k:gone, ''}",),
    ("${k:gone,'}",),
    ("${k:gone, 'a}",),
    ("${k:gone, a'}",),
    ("${k:a", "b}"),
    ("${k:set}",),
    ("true",),
    ("FALSE",),
    ("5", "7.500"),
    ("2026-01-02T00:00:00Z",),
    ("10.0.0.0/8", "2001:db8::/32"),
    ("YQ==",),
    (ARN, "x"),
    ("arn:aws:acme:*:*:thing/?",),
    ("arn:aws:acme:us-*:thing/a",),
    ("arn:aws:acme:us-east-1:111122223333:thing/${k:open}",),
    ("arn:aws:acme:us-east-1:111122223333:${k:open}/a",),
]
CONTEXT_VALUES: Final = [
    None,
    "",
    "a",
    "A",
    "ab",
    "*",
    "b",
    "true",
    "5",
    "7.5",
    "10.1.2.3",
    "2001:db8::1",
    "2026-01-02",
    "1767312000",
    "YQ==",
    ARN,
    "arn:aws:acme:us-east-1:111122223333:thing/ab",
    ["a"],
    ["a", "b"],
    ["A", "5"],
    [""],
    ["", "a"],
]


def requests_with(key: str) -> Iterator[Request]:
    """Yield requests with each value of a key, and with the key unknown."""
    others = {"k:a": "a", "k:set": ["a", "b"]}
    for value in CONTEXT_VALUES:
        yield Request("arn:aws:iam::111122223333:role/App", "acme:Get", "*", {**others, key: value}, ("k:open",))
    yield Request("arn:aws:iam::111122223333:role/App", "acme:Get", "*", others, ("k:open", key))
    if "/" in key:
        yield Request("arn:aws:iam::111122223333:role/App", "acme:Get", "*", others, ("k:open", "k:tag/*"))


@pytest.mark.parametrize("operator", OPERATOR_NAMES)
def test_condition_holds_as_in_the_second_engine(operator: str) -> None:
    """The key has each value, is absent, and is unknown."""
    for key, some in (("k:key", POLICY_VALUES), ("K:Tag/x", POLICY_VALUES[:2])):
        requests = list(requests_with(key))
        for values in some:
            line = compile_line(Condition(operator, key, values), variables=True)
            for request in requests:
                assert holds(operator, key, list(values), asked(request)) is line.test(request.facts), (values, request)


@pytest.mark.parametrize(
    ("text", "key", "default"),
    [
        ("${aws:username}", "aws:username", None),
        ("${aws:username, ''}", "aws:username", ""),
        ("${aws:username, 'a'}", "aws:username", "a"),
        ("${aws:username,}", "aws:username,", None),
        ("${aws:username, '}", "aws:username, '", None),
    ],
)
def test_a_variable_has_a_default_only_in_quotes(text: str, key: str, default: str | None) -> None:
    assert list(variables_in([text])) == [Variable(key, default, key)]


@pytest.mark.parametrize(
    ("operator", "value", "accepted"),
    [
        ("NumericEquals", "5", True),
        ("NumericEquals", "five", False),
        ("DateLessThan", "2026-12-01T00:00:00Z", True),
        ("DateLessThan", "tomorrow", False),
        ("IpAddress", "10.0.0.0/8", True),
        ("IpAddress", "10.0.0", False),
        ("StringEquals", "five", True),
    ],
)
def test_an_operator_accepts_the_values_of_its_kind(operator: str, value: str, *, accepted: bool) -> None:
    assert OPERATORS[operator].accepts(value) is accepted


@pytest.mark.parametrize("length", range(4))
def test_conditions_of_a_block_are_joined_with_and(length: int) -> None:
    """False decides before None, in any order. A block without conditions has no test."""
    texts = {True: "a", False: "b", None: "${k:open}"}
    request = Request("arn:aws:iam::111122223333:role/App", "acme:Get", "*", {"k:a": "a"}, ("k:open",))

    for answers in itertools.product(texts, repeat=length):
        block = compile_conditions((Condition("StringEquals", "k:a", (texts[answer],)) for answer in answers), variables=True)
        expected = False if False in answers else None if None in answers else True
        assert (block is None) is (length == 0)
        assert block is None or block(request.facts) is expected
