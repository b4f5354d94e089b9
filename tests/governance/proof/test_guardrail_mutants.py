"""
Mutants of correct guardrail policies, each with its expected answer.

A mutant that allows an unguarded call is refuted. A mutant that only restricts more, or is equivalent, is proved.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import pytest

from guardedbedrock.governance.proof.policies import ProofPolicies
from guardedbedrock.governance.proof.questions import guardrail_required
from guardedbedrock.iam import PolicySet

ARN: Final = "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456"
APPROVED: Final = f"{ARN}:3"
KEY: Final = "bedrock:GuardrailIdentifier"
BOTH: Final = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]
ALLOW: Final = {"Sid": "Allow", "Effect": "Allow", "Action": BOTH, "Resource": "*"}
AMAZON: Final = "arn:aws:bedrock:*::foundation-model/amazon.*"
NOT_APPROVED: Final = {"StringNotEquals": {KEY: APPROVED}}
ALLOW_ALL_SCP: Final = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def deny(condition: Any = None, *, action: Any = BOTH, resource: Any = "*", **other: Any) -> dict[str, Any]:
    condition = {"StringNotEquals": {KEY: APPROVED}} if condition is None else condition
    element = {} if resource is None else {"Resource": resource}
    return {"Sid": "Deny", "Effect": "Deny", "Action": action, **element, "Condition": condition, **other}


def guarded(condition: Any = None, *, action: Any = BOTH, resource: Any = "*") -> dict[str, Any]:
    condition = {"StringEquals": {KEY: APPROVED}} if condition is None else condition
    return {"Sid": "Guarded", "Effect": "Allow", "Action": action, "Resource": resource, "Condition": condition}


class Mutant(NamedTuple):
    """A policy set with the expected answer."""

    name: str
    policies: dict[str, Any]
    answer: str


def identity(name: str, answer: str, *statements: dict[str, Any]) -> Mutant:
    return Mutant(name, {"identity": [document(*statements)]}, answer)


def with_deny(name: str, answer: str, condition: Any = None, **elements: Any) -> Mutant:
    return identity(name, answer, ALLOW, deny(condition, **elements))


def scp(name: str, answer: str, *levels: list[dict[str, Any]]) -> Mutant:
    return Mutant(name, {"identity": [document(ALLOW)], "scp": list(levels)}, answer)


def with_allow(name: str, answer: str, condition: Any) -> Mutant:
    return identity(name, answer, guarded(condition))


MUTANTS: Final = (
    # The correct policies, and the same in other words.
    with_deny("correct-deny", "proved"),
    identity("correct-allow", "proved", guarded()),
    identity("nothing-allowed", "proved", {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}),
    with_deny("order-of-actions", "proved", action=BOTH[::-1]),
    with_deny("wildcard-action", "proved", action="bedrock:InvokeModel*"),
    with_deny("every-action", "proved", action="bedrock:*"),
    with_deny("case-of-action", "proved", action=["BEDROCK:invokemodel", "bedrock:InvokeMODELWithResponseStream"]),
    with_deny("case-of-key", "proved", {"StringNotEquals": {KEY.upper(): APPROVED}}),
    with_deny("like-without-wildcard", "proved", {"StringNotLike": {KEY: APPROVED}}),
    with_deny("arn-operator", "proved", {"ArnNotEquals": {KEY: APPROVED}}),
    with_deny("arn-like-operator", "proved", {"ArnNotLike": {KEY: APPROVED}}),
    with_deny("not-equals-if-exists", "proved", {"StringNotEqualsIfExists": {KEY: APPROVED}}),
    with_deny("not-action", "proved", action=None, NotAction="bedrock:ApplyGuardrail"),
    with_deny("not-resource-that-covers-models", "proved", resource=None, NotResource=f"{ARN}*"),
    identity("deny-in-two-statements", "proved", ALLOW, deny(action=BOTH[0]), deny(action=BOTH[1], Sid="Stream")),
    identity("deny-twice", "proved", ALLOW, deny(), deny(Sid="Again")),
    identity("both-allow-and-deny", "proved", guarded(), deny()),
    identity("split-by-region", "proved", ALLOW, deny(resource="arn:aws:bedrock:us-*"), deny(resource="arn:*", Sid="Rest")),
    with_allow("allow-with-arn-operator", "proved", {"ArnEquals": {KEY: APPROVED}}),
    with_allow("allow-and-another-condition", "proved", {"StringEquals": {KEY: APPROVED, "aws:RequestedRegion": "us-east-1"}}),
    # Something is missing.
    identity("no-deny", "refuted", ALLOW),
    with_deny("stream-not-denied", "refuted", action=BOTH[0]),
    with_deny("only-stream-denied", "refuted", action=BOTH[1]),
    with_deny("misspelt-action", "refuted", action=["bedrock:InvokeModels", BOTH[1]]),
    with_deny("action-that-does-not-exist", "refuted", action="bedrock:Converse"),
    with_deny("articles-action", "refuted", action="bedrock:InvokeModelWithGuardrail"),
    with_deny("action-without-prefix-wildcard", "refuted", action="bedrock:Invoke?odel"),
    with_deny("one-model-only", "refuted", resource="arn:aws:bedrock:*::foundation-model/anthropic.*"),
    with_deny("one-region-only", "refuted", resource="arn:aws:bedrock:us-east-1::foundation-model/*"),
    with_deny("foundation-models-only", "refuted", resource="arn:aws:bedrock:*::foundation-model/*"),
    with_deny("account-in-model-arn", "refuted", resource="arn:aws:bedrock:*:123456789012:foundation-model/*"),
    with_deny("guardrail-as-resource", "refuted", resource=ARN),
    with_deny(
        "not-resource-spares-a-model", "refuted", resource=None, NotResource="arn:aws:bedrock:*::foundation-model/amazon.*"
    ),
    with_deny("not-action-spares-invoke", "refuted", action=None, NotAction="bedrock:Invoke*"),
    # The condition is wrong.
    with_deny("no-condition-operator-negation", "refuted", {"StringEquals": {KEY: APPROVED}}),
    with_deny("null-only", "refuted", {"Null": {KEY: "true"}}),
    with_deny("null-false", "refuted", {"Null": {KEY: "false"}}),
    with_deny("any-version", "refuted", {"StringNotLike": {KEY: f"{ARN}*"}}),
    with_deny("any-numbered-version", "refuted", {"StringNotLike": {KEY: f"{ARN}:*"}}),
    with_deny(
        "any-guardrail-of-the-account", "refuted", {"ArnNotLike": {KEY: "arn:aws:bedrock:us-east-1:123456789012:guardrail/*"}}
    ),
    with_deny("another-version", "refuted", {"StringNotEquals": {KEY: f"{ARN}:4"}}),
    with_deny("draft", "refuted", {"StringNotEquals": {KEY: ARN}}),
    with_deny("two-guardrails", "refuted", {"StringNotEquals": {KEY: [APPROVED, f"{ARN}:4"]}}),
    with_deny("bare-id", "proved", {"StringNotEquals": {KEY: "abc123def456"}}),
    with_deny("empty-value", "proved", {"StringNotEquals": {KEY: ""}}),
    with_deny("one-digit-version", "refuted", {"StringNotLike": {KEY: f"{ARN}:?"}}),
    with_deny("key-that-does-not-exist", "proved", {"StringNotEquals": {"bedrock:GuardrailArn": APPROVED}}),
    with_deny("exempt-by-tag", "refuted", {"StringNotEquals": {KEY: APPROVED, "aws:PrincipalTag/exempt": "yes"}}),
    with_deny("exempt-by-region", "refuted", {"StringNotEquals": {KEY: APPROVED, "aws:RequestedRegion": "eu-central-1"}}),
    with_deny("exempt-by-address", "refuted", {**NOT_APPROVED, "NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}),
    with_deny(
        "from-a-date-on",
        "refuted",
        {"StringNotEquals": {KEY: APPROVED}, "DateGreaterThan": {"aws:CurrentTime": "2030-01-01T00:00:00Z"}},
    ),
    with_deny("only-without-mfa", "refuted", {**NOT_APPROVED, "Bool": {"aws:MultiFactorAuthPresent": "false"}}),
    with_deny(
        "only-other-principals",
        "refuted",
        {**NOT_APPROVED, "ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/A*"}},
    ),
    with_deny("ignore-case", "proved", {"StringNotEqualsIgnoreCase": {KEY: APPROVED}}),
    with_deny("for-any-value", "refuted", {"ForAnyValue:StringNotEquals": {KEY: APPROVED}}),
    with_deny("for-all-values", "proved", {"ForAllValues:StringNotEquals": {KEY: APPROVED}}),
    with_allow("allow-if-exists", "refuted", {"StringEqualsIfExists": {KEY: APPROVED}}),
    with_allow("allow-any-version", "refuted", {"StringLike": {KEY: f"{ARN}:*"}}),
    with_allow("allow-for-all-values", "refuted", {"ForAllValues:StringEquals": {KEY: APPROVED}}),
    with_allow("allow-null-false", "refuted", {"Null": {KEY: "false"}}),
    with_allow("allow-two", "refuted", {"StringEquals": {KEY: [APPROVED, f"{ARN}:9"]}}),
    identity(
        "second-allow-without-condition",
        "refuted",
        guarded(),
        {**ALLOW, "Resource": "arn:aws:bedrock:*::foundation-model/meta.*"},
    ),
    # Other policy types.
    scp("scp-requires", "proved", [ALLOW_ALL_SCP, document(deny())]),
    Mutant(
        "scp-at-another-level",
        {"identity": [document(ALLOW)], "scp": [[ALLOW_ALL_SCP], [ALLOW_ALL_SCP, document(deny())]]},
        "proved",
    ),
    scp("scp-allows-nothing", "proved", [document(deny())]),
    Mutant(
        "scp-one-action", {"identity": [document(ALLOW)], "scp": [[ALLOW_ALL_SCP, document(deny(action=BOTH[0]))]]}, "refuted"
    ),
    Mutant("boundary-requires", {"identity": [document(ALLOW)], "boundary": [document(guarded())]}, "proved"),
    Mutant("boundary-too-wide", {"identity": [document(ALLOW)], "boundary": [document(ALLOW)]}, "refuted"),
    Mutant("session-requires", {"identity": [document(ALLOW)], "session": [document(guarded())]}, "proved"),
    Mutant(
        "endpoint-requires",
        {"identity": [document(ALLOW)], "endpoint": [document({**guarded(), "Principal": "*"})]},
        "proved",
    ),
    Mutant(
        "rcp-does-not-reach-bedrock",
        {"identity": [document(ALLOW)], "rcp": [[document({**deny(), "Principal": "*"})]]},
        "unknown",
    ),
)


def without_none(statement: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in statement.items() if value is not None}


def cleaned(value: Any) -> Any:
    """Remove elements that a mutant sets to None."""
    if isinstance(value, dict):
        return {key: cleaned(one) for key, one in without_none(value).items()}
    return [cleaned(one) for one in value] if isinstance(value, list) else value


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_gets_its_answer(mutant: Mutant) -> None:
    policies = ProofPolicies.of(PolicySet(**cleaned(mutant.policies)))

    answer = guardrail_required(policies, [APPROVED])

    assert answer.answer == mutant.answer, answer.as_data()
    if answer.answer == "refuted":
        assert answer.witness is not None
        assert policies.policy_set().evaluate(answer.witness).outcome == "allowed"
        assert APPROVED not in answer.witness.context.values()
        assert answer.statements


def test_there_are_sixty_mutants_and_more() -> None:
    assert len(MUTANTS) > 60
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
