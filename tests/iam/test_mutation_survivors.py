"""
Small worlds, asked whole: what mutants of the engine got past the cases.

Each test holds a part of the engine to the second engine's answer on every combination of a few patterns, names and values.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, Final

import pytest
from iam import oracle
from iam.oracle.principals import left_out, named, who
from iam.oracle.questions import asked
from iam.oracle.resources import resource_fits

from guardedbedrock import iam
from guardedbedrock.iam.engine.requests import Request
from guardedbedrock.iam.matching.arns import account_of, split_tokens
from guardedbedrock.iam.matching.operators import OPERATORS
from guardedbedrock.iam.matching.patterns import (
    ANY,
    ANY_BUT_COLON,
    ONE,
    ONE_BUT_COLON,
    Automaton,
    Tokens,
    Wildcard,
    compile_tokens,
    join,
)
from guardedbedrock.iam.matching.principals import excepted, grant, identify
from guardedbedrock.iam.matching.resources import compile_resources
from guardedbedrock.iam.matching.variables import Variable

DEFINED: Final = {
    ANY: oracle.STAR,
    ONE: oracle.ONE,
    ANY_BUT_COLON: oracle.STAR_IN_SEGMENT,
    ONE_BUT_COLON: oracle.ONE_IN_SEGMENT,
}


def words(letters: str, longest: int) -> list[str]:
    """Write every text of some letters."""
    return ["".join(word) for length in range(longest + 1) for word in itertools.product(letters, repeat=length)]


def patterns(tokens: tuple[str | Wildcard, ...], longest: int) -> set[Tokens]:
    """Make every pattern of some tokens."""
    return {join(some) for length in range(longest + 1) for some in itertools.product(tokens, repeat=length)}


def defined(pattern: Tokens) -> tuple[str, ...]:
    """Write a pattern as the second engine does."""
    return tuple(itertools.chain.from_iterable(t if isinstance(t, str) else (DEFINED[t],) for t in pattern))


@pytest.mark.parametrize(
    ("tokens", "pattern_length", "letters", "value_length"),
    [
        pytest.param(("a", "b", ANY), 5, "ab", 5, id="stars"),
        pytest.param(("a", ":", *DEFINED), 3, "a:b", 3, id="all wildcards"),
        pytest.param(("ab", "a", ONE, ANY_BUT_COLON), 4, "ab", 3, id="runs"),
    ],
)
def test_every_small_pattern_covers_what_its_definition_covers(
    tokens: tuple[str | Wildcard, ...], pattern_length: int, letters: str, value_length: int
) -> None:
    """No pattern of few tokens and no short value is answered otherwise."""
    values = words(letters, value_length)

    for pattern in patterns(tokens, pattern_length):
        covers, plain = compile_tokens(pattern), defined(pattern)
        assert [value for value in values if oracle.fits(plain, value)] == [value for value in values if covers(value)]


@pytest.mark.parametrize(("piece", "letters"), [(ANY, "ax:"), (ANY_BUT_COLON, "ax")])
def test_every_small_pattern_may_match_what_some_text_makes_it_match(piece: Wildcard, letters: str) -> None:
    """A piece that is not known stands for any text, or for any without a colon; none is text too."""
    unknown = words(letters, 3)

    for pattern in patterns(("a", ":", *DEFINED), 3):
        plain, automaton = defined(pattern), Automaton(pattern)
        for before, after in itertools.product(["", "a", ":", "b:"], repeat=2):
            could = any(oracle.fits(plain, f"{before}{text}{after}") for text in unknown)
            assert could is automaton.may_match([before, piece, after])


MODEL: Final = "arn:aws:bedrock:us-east-1::foundation-model/acme.tiny-v1:0"
RESOURCES: Final = [
    MODEL,
    "arn:aws:bedrock:us-east-1:111122223333:guardrail/abc",
    "arn:aws:s3:::bucket/a/b:c",
    "arn:aws:s3:::*",
    "arn:aws:bedrock:*::foundation-model/*",
    "arn:aws:bedrock:*:*:guard*/a*c",
    "arn:aws:bedrock:eu-west-1:111122223333",
    "arn::::::",
    "abc:aws:bedrock:us-east-1:111122223333:guardrail/abc",
    "arn:aws:bedrock:us-x:y-1::foundation-model/m",
    "arn:aws:bedrock:us-east-1:1:3:guardrail/abc",
    "arn:ab:cs:r:a:b:x",
    "*",
    "",
]
RESOURCE_PATTERNS: Final = [
    *RESOURCES,
    "arn:*",
    "arn:aws:bedrock:*",
    "arn:aws:bedrock:*:*:*",
    "arn:aws:bedrock:*::*",
    "arn:aws:bedrock:us-*-1::foundation-model/*",
    "arn:aws:bedrock:us-*t-1::foundation-model/*",
    "arn:aws:bedrock:us-east-?::foundation-model/*",
    "arn:aws:bedrock:?*:*:*",
    "arn:aws:bedrock:*1:*:*",
    "arn:aws:*k:us-east-1::foundation-model/*",
    "arn:a*s:*:*:*:*",
    "a*n:aws:bedrock:us-east-1:111122223333:guardrail/*",
    "*n:aws:bedrock:us-east-1:111122223333:guardrail/abc",
    "?rn:aws:bedrock:us-east-1:111122223333:guardrail/abc",
    "arn:aws:bedrock:us-east-1:1*3:guardrail/abc",
    "arn:aws:bedrock:us-east-1:1*1:guardrail/abc",
    "arn:aws:bedrock:us-east-1:????????????:guardrail/abc",
    "arn:aws:bedrock:us-east-1:*3:guardrail/*c",
    "arn:aws:bedrock:us-east-1:*:guardrail/a?c",
    "arn:aws:bedrock:us-east-1::foundation-model/*:0",
    "arn:aws:bedrock:us-east-1::foundation-model/*:?",
    "arn:aws:bedrock:us-east-1::foundation-model/*:*:*",
    "arn:aws:s3:::*/*:c",
    "arn:aws:s3:::bucket/*b?c",
    "arn:*:0",
    "arn:*:guardrail/abc",
    "arn:aws:bedrock:*c",
    "*:guardrail/abc",
    "?*",
    "*:a*s:*:*:*:x",
    "arn:aws:bedrock:us-east-1:${aws:PrincipalAccount}:guardrail/abc",
    "arn:aws:bedrock:us-east-1:111122223333:guardrail/${k:name}",
    "arn:aws:bedrock:us-east-1:111122223333:${k:name}${k:name}",
    "arn:aws:bedrock:us-*-1:*:guardrail/${k:name}",
    "arn:aws:s3:::${k:bucket, 'bucket'}/a/*",
    "arn:aws:s3:::${*}",
    "arn:aws:s3:::bucket/${k:open}",
    "${k:open}",
    "${k:gone}*",
    "arn:aws:bedrock:${k:gone}",
]
CONTEXT: Final = {"aws:PrincipalAccount": "111122223333", "k:name": "abc"}
UNKNOWN_PARTS: Final = [
    (),
    ("resource:id",),
    ("resource:account",),
    ("resource:region",),
    ("resource:region", "resource:account"),
    ("resource:account", "resource:id"),
]


def asked_of_resources() -> Iterator[Request]:
    """Ask for every resource, whole and with parts unknown."""
    for resource, unknown in itertools.product(RESOURCES, UNKNOWN_PARTS):
        yield Request("arn:aws:iam::111122223333:role/App", "acme:Get", resource, CONTEXT, ("k:open", *unknown))


@pytest.mark.parametrize("pattern", RESOURCE_PATTERNS)
def test_a_resource_pattern_covers_what_the_second_engine_says(pattern: str) -> None:
    """Alone, beside one that covers nothing, and beside a plain one."""
    for request in asked_of_resources():
        expected = resource_fits(pattern, asked(request))
        for beside in ((), ("arn:aws:none:::x",), ("arn:aws:none:::x*", "arn:aws:none:::y")):
            assert expected is compile_resources((pattern, *beside), variables=True)(request)
            assert expected is compile_resources((*beside, pattern), variables=True)(request)


def test_a_pattern_is_split_at_its_first_five_colons() -> None:
    """However its tokens lie."""
    for text in ("a:b", "a:b:c:d:e:f", "a:b:c:d:e:f:g:h", ":::::::", "", "a"):
        for places in itertools.combinations(range(len(text) + 1), 2):
            first, second = places
            tokens = (text[:first], ANY, text[first:second], ONE, text[second:])
            whole = [item for token in tokens for item in (token if isinstance(token, str) else [token])]
            expected: list[list[Any]] = [[]]
            for item in whole:
                if item == ":" and len(expected) < 6:
                    expected.append([])
                else:
                    expected[-1].append(item)
            assert tuple(join(part) for part in expected) == split_tokens(tokens)


HOME, AWAY = "111122223333", "444455556666"
CALLERS: Final = [
    *(f"arn:aws:iam::{account}:{who_}" for account in (HOME, AWAY) for who_ in ("user/ann", "role/App", "role/path/App", "root")),
    f"arn:aws:iam::{HOME}:role/Other",
    f"arn:aws:iam::{HOME}:user/path/ann",
    f"arn:aws:iam::{HOME}:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX",
    *(
        f"arn:aws:sts::{account}:assumed-role/{name}"
        for account in (HOME, AWAY)
        for name in ("App/run", "App/other", "Other/run")
    ),
    f"arn:aws:sts::{HOME}:assumed-role/AWSServiceRoleForX/run",
    f"arn:aws:sts::{HOME}:federated-user/ann",
    f"arn:aws:sts::{AWAY}:federated-user/ann",
    "bedrock.amazonaws.com",
    "lambda.amazonaws.com",
]
NAMES: Final = [*CALLERS, "*", HOME, AWAY]
ELEMENTS: Final = [(kind, name) for kind in ("AWS", "Service", "Federated", "CanonicalUser") for name in NAMES]


@pytest.mark.parametrize("caller", CALLERS)
def test_principals_are_named_as_the_second_engine_says(caller: str) -> None:
    """How closely one name names a caller; whether one name, or up to three, leave a caller out."""
    asking, plain = identify(caller), who(caller)

    assert plain.is_service_linked is asking.is_service_linked
    for kind, name in ELEMENTS:
        assert named({kind: name}, plain) == grant(((kind, name),), asking)
        assert left_out({kind: name}, plain) is excepted(((kind, name),), asking)
    for names in itertools.combinations(NAMES, 2):
        element = tuple(("AWS", name) for name in names)
        assert named({"AWS": list(names)}, plain) == grant(element, asking)
    for role, session in itertools.combinations(CALLERS, 2):
        names = [HOME, role, session]
        assert left_out({"AWS": names}, plain) is excepted(tuple(("AWS", name) for name in names), asking)


def test_remembered_answers_are_those_of_the_request() -> None:
    """More requests than are remembered, each with the keys of its own."""
    condition = {"StringEquals": {"k:a": "x", "k:b": "y"}}
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition}
    policies = iam.PolicySet(identity={"Version": "2012-10-17", "Statement": [statement]})
    caller = "arn:aws:iam::111122223333:role/App"
    requests = [
        Request(caller, "acme:Get", "*", {} if open_ == ("k:a", "k:b") else {"k:b": "y"}, open_)
        for _ in range(300)
        for open_ in (("k:a", "k:b"), ("k:a",))
    ]

    decisions = [policies.evaluate(request) for request in requests]

    assert [set(decision.hangs_on) for decision in decisions] == [set(request.unknown) for request in requests]
    assert [set(decision.hangs_on) for decision in decisions] == [set(request.unknown) for request in requests]


@pytest.mark.parametrize(
    "record",
    [identify(CALLERS[0]), OPERATORS["Bool"], Variable("k:a")],
    ids=lambda record: type(record).__name__,
)
def test_what_is_shared_between_requests_cannot_change(record: Any) -> None:
    """Records that are remembered are frozen, and hold nothing but their fields."""
    for field in record._fields:
        with pytest.raises(AttributeError):
            setattr(record, field, None)
    assert not hasattr(record, "__dict__")


@pytest.mark.parametrize(("name", "expected"), [("a.example", 0), ("b.example", 5), ("c.example", 0), ("*", 0)])
@pytest.mark.parametrize("kind", ["Federated", "CanonicalUser"])
def test_a_principal_of_another_kind_is_named_by_its_very_text(kind: str, name: str, expected: int) -> None:
    """A text that is neither an ARN nor a service is nobody else's."""
    assert grant(((kind, name),), identify("b.example")) == expected


@pytest.mark.parametrize(
    ("arn", "account"),
    [("arn:a:b:c:111122223333:e:f", "111122223333"), ("arn:a:b:c::e", ""), ("arn:a:b:c", ""), ("arx:a:b:c:1:e", "")],
)
def test_the_account_is_the_fifth_part(arn: str, account: str) -> None:
    """What is no ARN has none."""
    assert account == account_of(arn)
