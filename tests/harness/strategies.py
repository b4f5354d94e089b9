"""
Random policy sets and requests.

The alphabets are small, so that statements often match. A scenario is raw JSON and a request. Every statement has a different
Sid, so that tests can tell determining statements apart.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

from hypothesis import strategies as st

from guardedbedrock import iam

Json: TypeAlias = Any

FUZZ_EXAMPLES: Final = int(os.environ.get("FUZZ_EXAMPLES", "0"))
"""The number of examples of each property in a long run; 0 for an ordinary run."""


def examples(ordinary: int) -> int:
    """Return the number of examples of a property."""
    return FUZZ_EXAMPLES or ordinary


MINE, OTHER = "111122223333", "444455556666"
USER = f"arn:aws:iam::{MINE}:user/a"
ROLE = f"arn:aws:iam::{MINE}:role/r"
SESSION = f"arn:aws:sts::{MINE}:assumed-role/r/s"
FEDERATED = f"arn:aws:sts::{MINE}:federated-user/a"
ROOT = f"arn:aws:iam::{MINE}:root"
SERVICE_LINKED = f"arn:aws:sts::{MINE}:assumed-role/AWSServiceRoleForA/s"
CALLERS: Final = (SESSION, USER, ROLE, FEDERATED, ROOT, SERVICE_LINKED, "a.amazonaws.com")

MODEL = "arn:aws:bedrock:us-east-1::foundation-model/m:0"
GUARDRAIL = f"arn:aws:bedrock:us-east-1:{MINE}:guardrail/g"
FOREIGN = f"arn:aws:bedrock:us-east-1:{OTHER}:guardrail/g"
OBJECT = "arn:aws:s3:::b/a"
SOME_MODEL: Final = "arn:aws:bedrock:*::foundation-model/*"
RESOURCES: Final = (MODEL, GUARDRAIL, FOREIGN, OBJECT, SOME_MODEL, "*")
ACTIONS: Final = ("bedrock:InvokeModel", "bedrock:ApplyGuardrail", "s3:GetObject")

ACTION_ELEMENTS: Final[list[Json]] = [
    *({"Action": text} for text in ("*", "*", "*", "bedrock:*", "bedrock:InvokeModel", "BEDROCK:apply*", "s3:Get?bject", "*:*")),
    {"Action": ["iam:*", "bedrock:Invoke*"]},
    {"Action": []},
    *({"NotAction": text} for text in ("iam:*", "s3:*", "bedrock:InvokeModel", "*")),
]
RESOURCE_TEXTS: Final = (
    MODEL,
    "arn:*",
    "arn:aws:bedrock:*",
    "arn:aws:bedrock:us-*",
    "arn:aws:bedrock:us-east-1::foundation-model/*",
    "arn:aws:bedrock:us-east-?::foundation-model/?:0",
    "arn:aws:bedrock:*:foundation-model/m:0",
    "arn:aws:bedrock:u*1::foundation-model/m?0",
    "arn:aws:bedrock:u*:guardrail/*",
    "arn:aws:bedrock:u*3:guardrail/*",
    f"arn:aws:bedrock:*:{MINE}:guardrail/g",
    "arn:aws:s3:::b/${aws:username}",
    "arn:aws:s3:::b/${aws:PrincipalTag/x, 'a'}",
    "arn:aws:s3:::${aws:PrincipalTag/x}/${aws:username}*",
    "arn:aws:s3:::b/${*}",
    "arn:aws:bedrock:${aws:RequestedRegion}::foundation-model/m:0",
    "arn:aws:bedrock:us-east-1::foundation-model/${aws:username}",
)
RESOURCE_ELEMENTS: Final[list[Json]] = [
    *({"Resource": "*"} for _ in range(6)),
    *({"Resource": text} for text in RESOURCE_TEXTS),
    {"Resource": ["arn:aws:iam::*:*", "arn:aws:bedrock:*:*:*", OBJECT]},
    {"Resource": []},
    *({"NotResource": text} for text in ("*", "arn:aws:iam:::*", *RESOURCE_TEXTS[::3])),
]
PRINCIPAL_ELEMENTS: Final[list[Json]] = [
    "*",
    *({"AWS": name} for name in ("*", MINE, ROOT, USER, ROLE, SESSION, FEDERATED, OTHER, SERVICE_LINKED)),
    {"AWS": [f"arn:aws:iam::{MINE}:role/p/r", SESSION]},
    {"AWS": [SESSION, ROLE, MINE]},
    {"AWS": [USER, ROOT]},
    {"Service": "a.amazonaws.com"},
    {"AWS": f"arn:aws:iam::{OTHER}:user/a", "Service": ["b.amazonaws.com"]},
]

TEXTS: Final = ("a", "A", "ab", "b", "*", "", "${aws:username}")
NUMBERS: Final = ("1", "1.0", "2", "-1", "9007199254740993", "x", "")
DATES: Final = ("2026-01-01T00:00:00Z", "2026-01-01", "2026", "1767225600", "2026-01-01T01:00:00.5+01:00", "2027-06", "x")
ADDRESSES: Final = ("10.0.0.1", "10.0.1.1", "11.0.0.1", "2001:db8::1", "x")
ARNS: Final = ("arn:aws:sns:us-east-1:1:t", "arn:aws:sns:us-east-1:1:t:u", "arn:aws:sns:eu-west-1:2:t", "x")
BYTES: Final = ("AAAA", "AAA=", "x")
FLAGS: Final = ("true", "false", "TRUE")

TEXT_KEYS: Final = ("k:text", "aws:PrincipalTag/x", "aws:ResourceTag/x")
VALUES_OF: Final[Mapping[str, tuple[str, ...]]] = {
    "k:text": TEXTS,
    "aws:PrincipalTag/x": TEXTS,
    "aws:ResourceTag/x": TEXTS,
    "aws:username": ("a", "A", "b"),
    "aws:RequestedRegion": ("us-east-1", "eu-west-1"),
    "k:number": NUMBERS,
    "k:date": DATES,
    "k:address": ADDRESSES,
    "k:arn": ARNS,
    "k:bytes": BYTES,
    "k:flag": FLAGS,
}
"""Every context key, with the values that a request may have."""

PATTERNS: Final = (
    *TEXTS,
    "a*",
    "?",
    "*b",
    "A${aws:username}",
    "${aws:PrincipalTag/y, 'a'}",
    "${aws:ResourceTag/x}",
    "${*}",
    "?${",
)
ARN_PATTERNS: Final = (
    *ARNS,
    "arn:aws:sns:*:*:t",
    "arn:aws:sns:*",
    "*",
    "arn:aws:*:t",
    "arn:aws:sns:us-*-1:?:t*",
    "${k:arn}",
    "arn:aws:sns:us-east-1:1:${k:text}",
)
FAMILIES: Final[Mapping[str, tuple[str, tuple[Json, ...]]]] = {
    "String": ("k:text", PATTERNS),
    "Numeric": ("k:number", (*NUMBERS, 1, 1.5)),
    "Date": ("k:date", DATES),
    "Bool": ("k:flag", (*FLAGS, True, "${k:flag}")),
    "Binary": ("k:bytes", BYTES),
    "Ip": ("k:address", ("10.0.0.0/24", "10.0.0.1", "0.0.0.0/0", "2001:db8::/32", "10.0.0.9/23", "x")),
    "Arn": ("k:arn", ARN_PATTERNS),
    "Null": ("k:text", ("true", "false", True, "x")),
}
"""The start of an operator's name, with the key that it mostly tests and the values that a policy may have."""


def _lines() -> Iterable[tuple[str, str, Json]]:
    for name in iam.OPERATORS:
        key, values = next(row for first, row in FAMILIES.items() if name.removeprefix("Not").startswith(first))
        keys = (*TEXT_KEYS, "K:TEXT") if key == "k:text" else (key,)
        forms = (
            ["Null"]
            if name == "Null"
            else [
                f"{quantifier}{name}{suffix}"
                for quantifier in ("", "ForAllValues:", "ForAnyValue:")
                for suffix in ("", "IfExists")
            ]
        )
        choices: list[Json] = [*values, *(list(pair) for pair in itertools.pairwise(values)), []]
        yield from itertools.product(forms, keys, choices)


LINES: Final = sorted(_lines(), key=repr)
"""Every condition line of the alphabets: operator, key, values."""

BODIES: Final[list[Json]] = [
    {"Effect": effect, **action, **resource}
    for effect, action, resource in itertools.product(("Allow", "Allow", "Deny"), ACTION_ELEMENTS, RESOURCE_ELEMENTS)
]
VERSIONS: Final[tuple[Json, ...]] = (
    {"Version": "2012-10-17"},
    {"Version": "2012-10-17"},
    {"Version": "2012-10-17"},
    {"Version": "2008-10-17"},
    {},
)
IN_PLAY: Final = (
    ("identity",),
    ("identity", "resource"),
    ("identity", "boundary"),
    ("identity", "session", "resource"),
    ("identity", "boundary", "session", "resource"),
    ("identity", "scp"),
    ("identity", "scp", "rcp"),
    ("identity", "endpoint"),
    ("identity", "endpoint", "resource"),
    ("resource",),
    iam.POLICY_TYPES,
    iam.POLICY_TYPES,
)
WITH_PRINCIPAL: Final = ("resource", "rcp", "endpoint")
LEVELS: Final = ("scp", "rcp")


_BODIES: Final = st.sampled_from(BODIES)
_RCP_BODIES: Final = st.sampled_from(
    [
        *(body for body in BODIES if body["Effect"] == "Deny" and "Action" in body),
    ]
)
"""A resource control policy only denies."""
_BLOCKS: Final[st.SearchStrategy[list[tuple[str, str, Json]]]] = st.just([]) | st.lists(
    st.sampled_from(LINES), min_size=1, max_size=2
)
_PRINCIPALS: Final = st.sampled_from(
    [{key: names} for key in ("Principal", "Principal", "NotPrincipal") for names in PRINCIPAL_ELEMENTS]
)


def _statement(body: Json, lines: list[tuple[str, str, Json]], principal: Json) -> Json:
    block: dict[str, dict[str, Json]] = {}
    for operator, name, values in lines:
        block.setdefault(operator, {})[name] = values
    return {**body, **principal, **({"Condition": block} if block else {})}


def _principals(policy_type: str) -> st.SearchStrategy[Json]:
    if policy_type == "rcp":
        return st.just({"Principal": "*"})
    return _PRINCIPALS if policy_type in WITH_PRINCIPAL else st.just({})


STATEMENTS: Final[Mapping[str, st.SearchStrategy[Json]]] = {
    t: st.builds(_statement, _RCP_BODIES if t == "rcp" else _BODIES, _BLOCKS, _principals(t)) for t in iam.POLICY_TYPES
}
"""Statements without Sids, by policy type."""
DOCUMENTS: Final[Mapping[str, st.SearchStrategy[Json]]] = {
    t: st.builds(
        lambda version, given: {**version, "Statement": given}, st.sampled_from(VERSIONS), st.lists(s, min_size=1, max_size=2)
    )
    for t, s in STATEMENTS.items()
}
LISTS: Final = {
    t: st.lists(st.lists(d, max_size=2), max_size=2) if t in LEVELS else st.lists(d, max_size=2) for t, d in DOCUMENTS.items()
}
"""The value of a policy type: documents or, for organizations, levels of documents."""


def named(policies: Json) -> Json:
    """Give every statement a different Sid."""
    numbers = itertools.count()

    def with_sids(given: Json) -> Json:
        if isinstance(given, list):
            return [with_sids(one) for one in given]
        return {**given, "Statement": [{"Sid": f"S{next(numbers)}", **one} for one in given["Statement"]]}

    return {policy_type: with_sids(given) for policy_type, given in policies.items()}


POLICY_SETS: Final = st.one_of([st.fixed_dictionaries({t: LISTS[t] for t in types}) for types in IN_PLAY]).map(named)
"""The policies of every type, as raw JSON."""

UNKNOWN: Final = "unknown"
PARTS: Final = ("arn", "partition", "service", "region", "account", "id")
PART_TEXTS: Final = ("us-east-1", "eu-west-1", "111122223333", "444455556666", "x", "")
LAST_PART_TEXTS: Final = ("guardrail/g", "acme.tiny-v1:0", "foundation-model/acme.tiny-v1:0", "x", "a-v1:0:300k", "")
FACTS: Final = [
    (key, value)
    for key, values in VALUES_OF.items()
    for value in (*((UNKNOWN,) * 4), *values, *map(list, itertools.combinations([v for v in values if v], 2)))
]
"""Every fact of a context: a key with a value, with a list of values, or unknown."""
UNKNOWN_PARTS: Final = (
    (),
    (),
    (),
    (),
    ("aws:ResourceTag/*",),
    ("resource:region",),
    ("resource:account",),
    ("resource:id", "resource:region"),
)


def _request(facts: list[tuple[str, Json]], unknown_parts: tuple[str, ...], **asked: Any) -> iam.Request:
    latest = dict(facts)
    return iam.Request(
        context={key: value for key, value in latest.items() if value != UNKNOWN},
        unknown=frozenset((*unknown_parts, *(key for key, value in latest.items() if value == UNKNOWN))),
        **asked,
    )


def _requests(facts: list[tuple[str, Json]], unknown_parts: tuple[tuple[str, ...], ...]) -> st.SearchStrategy[iam.Request]:
    return st.builds(
        _request,
        st.lists(st.sampled_from(facts), max_size=6),
        st.sampled_from(unknown_parts),
        principal=st.sampled_from(CALLERS),
        action=st.sampled_from(ACTIONS),
        resource=st.sampled_from(RESOURCES),
        resource_account=st.sampled_from((None, None, None, MINE, OTHER)),
    )


REQUESTS: Final = _requests(FACTS, UNKNOWN_PARTS)
"""Requests. A key that is not in the context is absent or unknown."""
UNKNOWN_REQUESTS: Final = _requests([*FACTS, *((key, UNKNOWN) for key in VALUES_OF for _ in range(15))], UNKNOWN_PARTS[3:])
"""Requests with many unknown keys."""


@dataclass(frozen=True)
class Scenario:
    """Raw policies and a request."""

    policies: Json
    request: iam.Request

    def decide(self) -> iam.Decision:
        """Decide the request by the engine."""
        return iam.PolicySet(**self.policies).evaluate(self.request)

    def having(self, policies: Json) -> Scenario:
        """Return the same request with other policies."""
        return replace(self, policies=policies)

    def asking(self, request: iam.Request) -> Scenario:
        """Return another request with the same policies."""
        return replace(self, request=request)


SCENARIOS: Final = st.builds(Scenario, POLICY_SETS, REQUESTS)
"""Policies and a request."""
UNKNOWN_SCENARIOS: Final = st.builds(Scenario, POLICY_SETS, UNKNOWN_REQUESTS)
"""Policies and a request with many unknown keys."""


def with_values(scenario: Scenario, data: st.DataObject) -> Scenario:
    """Draw a value, several values or none for every unknown key, and a string for every unknown part of the resource."""
    request = scenario.request
    context, parts = dict(request.context), request.resource.split(":", 5)
    for name in sorted(request.unknown):
        if name.startswith("resource:"):
            position = PARTS.index(name.removeprefix("resource:"))
            if len(parts) == len(PARTS):
                texts = LAST_PART_TEXTS if position == len(PARTS) - 1 else PART_TEXTS
                text = data.draw(st.sampled_from(texts))
                parts[position] = parts[position].replace("*", text) if "*" in parts[position] else text
        else:
            key = name.replace("*", "x")
            if key not in context:
                values = VALUES_OF[key]
                context[key] = data.draw(st.sampled_from((None, *values, [*values[:1]], [*values[:2]])))
    return scenario.asking(
        iam.Request(request.principal, request.action, ":".join(parts), context, resource_account=request.resource_account)
    )
