"""Policies of the size that organizations have: every question is answered in time, with the right answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest

from guardedbedrock.governance.proof.answers import Answer
from guardedbedrock.governance.proof.options import Options
from guardedbedrock.governance.proof.policies import ProofPolicies
from guardedbedrock.governance.proof.questions import (
    always_allowed,
    equivalent,
    guardrail_required,
    never,
    no_new_access,
    unreachable,
)
from guardedbedrock.iam import PolicySet, Request

STATEMENTS: Final = 50
RESOURCES: Final = 20
INVOKE: Final = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]
APPROVED: Final = tuple(f"arn:aws:bedrock:us-east-1:123456789012:guardrail/abc{number}:3" for number in range(5))
UNAPPROVED: Final = {"StringNotEquals": {"bedrock:GuardrailIdentifier": list(APPROVED)}}
DENY: Final = {"Effect": "Deny", "Action": INVOKE, "Resource": "*", "Condition": UNAPPROVED}
DENY_ELSEWHERE: Final = {**DENY, "Condition": {**UNAPPROVED, "StringNotEquals": {"aws:RequestedRegion": "us-west-2"}}}
TEAM: Final = "aws:PrincipalTag/team"
LEVEL: Final = [
    {"Effect": "Allow", "Action": "*", "Resource": "*"},
    {"Effect": "Deny", "Action": "bedrock:Delete*", "Resource": "*"},
]


def allow(number: int, family: str = "acme", ending: str = "*") -> dict[str, Any]:
    return {
        "Effect": "Allow",
        "Action": INVOKE,
        "Resource": [f"arn:aws:bedrock:*::foundation-model/{family}.m{number}-{index}-{ending}" for index in range(RESOURCES)],
        "Condition": {
            "StringEquals": {TEAM: [f"t{number}", f"u{number}"]},
            "IpAddress": {"aws:SourceIp": f"10.{number}.0.0/16"},
        },
    }


def policies(*statements: dict[str, Any], **others: Any) -> ProofPolicies:
    scp = [[{"Version": "2012-10-17", "Statement": LEVEL}] for _ in range(4)]
    identity = [{"Version": "2012-10-17", "Statement": list(statements)}]
    return ProofPolicies.of(PolicySet(identity=identity, scp=scp, **others))


ALLOWS: Final = [allow(number) for number in range(STATEMENTS)]
STRICT: Final = policies(*ALLOWS, DENY)
LEAKY: Final = policies(*ALLOWS, {**DENY, "Condition": DENY_ELSEWHERE["Condition"]})
NARROW: Final = policies(*(allow(number, ending="v1*") for number in range(STATEMENTS)), DENY)
DOUBLED: Final = policies(*ALLOWS, *(allow(number, ending="v1*") for number in reversed(range(STATEMENTS))), DENY)
OTHER_MODELS: Final = {"Version": "2012-10-17", "Statement": [allow(number, "other") for number in range(STATEMENTS)]}
MODEL: Final = "arn:aws:bedrock:us-east-1::foundation-model/acme.m0-0-v1"
CONTEXT: Final = {"bedrock:GuardrailIdentifier": APPROVED[0], "aws:RequestedRegion": "us-east-1", TEAM: "t0"}
CALL: Final = Request(STRICT.principal, INVOKE[0], MODEL, CONTEXT, ["aws:SourceIp"])
OPTIONS: Final = Options(timeout=20)
"""Much more time than needed, because the machine may be busy."""

QUESTIONS: Final[dict[str, tuple[Callable[[], Answer], str]]] = {
    "each call carries a guardrail": (lambda: guardrail_required(STRICT, APPROVED, OPTIONS), "proved"),
    "a region without the Deny": (lambda: guardrail_required(LEAKY, APPROVED, OPTIONS), "refuted"),
    "one guardrail less": (lambda: guardrail_required(STRICT, APPROVED[1:], OPTIONS), "refuted"),
    "narrower patterns": (lambda: no_new_access(STRICT, NARROW, OPTIONS), "proved"),
    "wider patterns": (lambda: no_new_access(NARROW, STRICT, OPTIONS), "refuted"),
    "statements that others contain": (lambda: equivalent(STRICT, DOUBLED, OPTIONS), "proved"),
    "a version with a leak": (lambda: equivalent(STRICT, LEAKY, OPTIONS), "refuted"),
    "an action that every level denies": (lambda: never(STRICT, "bedrock:DeleteGuardrail", options=OPTIONS), "proved"),
    "an action that is allowed": (lambda: never(STRICT, INVOKE[1], options=OPTIONS), "refuted"),
    "a boundary of other models": (
        lambda: never(policies(*ALLOWS, boundary=OTHER_MODELS), "bedrock:InvokeModel", options=OPTIONS),
        "proved",
    ),
    "a call from any network": (lambda: always_allowed(STRICT, [CALL], OPTIONS), "refuted"),
    "every statement": (lambda: unreachable(STRICT, OPTIONS), "proved"),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_about_large_policies_is_answered(name: str) -> None:
    ask, expected = QUESTIONS[name]

    answer = ask()

    assert (answer.answer, "defect" in answer.reason) == (expected, False)


def test_a_variable_between_wildcards_is_decided() -> None:
    team = "arn:aws:bedrock:*::foundation-model/${aws:PrincipalTag/team}-*"
    own = {"Effect": "Allow", "Action": INVOKE, "Resource": team}
    some = {"Effect": "Deny", "Action": INVOKE, "Resource": "arn:aws:bedrock:*::foundation-model/a*"}
    every = {**some, "Resource": "arn:aws:bedrock:*::foundation-model/*"}

    refuted = never(policies(own, some), INVOKE[0], options=OPTIONS)

    assert refuted.witness is not None
    assert refuted.witness.resource.partition("/")[2].startswith(f"{refuted.witness.context[TEAM]}-")
    assert never(policies(own, every), INVOKE[0], options=OPTIONS).answer == "proved"


def test_many_conditions_on_the_values_of_one_key_are_decided() -> None:
    """Each condition may need a value that no other one needs."""
    statements = [
        {
            "Effect": "Allow",
            "Action": "bedrock:TagResource",
            "Resource": "*",
            "Condition": {
                "ForAnyValue:StringLike": {"aws:TagKeys": f"a{number}-*"},
                "ForAnyValue:StringEquals": {"aws:TagKeys": f"b{number}"},
            },
        }
        for number in range(20)
    ]

    answer = never(policies(*statements), "bedrock:TagResource", options=OPTIONS)

    assert answer.witness is not None
    keys = answer.witness.context["aws:TagKeys"]
    assert isinstance(keys, list)
    numbers = {key[0]: key[1:].partition("-")[0] for key in keys}
    assert numbers["a"] == numbers["b"]
