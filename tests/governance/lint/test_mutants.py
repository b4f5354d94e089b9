"""Forty changes of a correct guardrail policy: a finding catches each one, or the engine shows that it is harmless."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from guardedbedrock.governance.lint.run import lint
from guardedbedrock.iam import PolicySet, Request

GUARDRAIL = "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456"
KEY = "bedrock:GuardrailIdentifier"
INVOKE, STREAM = "bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"
ROLE = "arn:aws:iam::123456789012:role/Application"
MODELS = [
    "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0",
    "arn:aws:bedrock:eu-central-1::foundation-model/acme.other-v1:0",
    "arn:aws:bedrock:us-east-1:123456789012:imported-model/abc123def456",
    "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abc123def456",
    "arn:aws:bedrock:us-east-1:123456789012:custom-model-deployment/abc123def456",
]
VALUES = [
    None,
    f"{GUARDRAIL}:1",
    f"{GUARDRAIL}:2",
    GUARDRAIL,
    f"{GUARDRAIL}7:1",
    "arn:aws:bedrock:us-east-1:123456789012:guardrail/zzz123def456:1",
    "arn:aws:bedrock:us-east-1:999999999999:guardrail/abc123def456:1",
]


def correct() -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "Invoke", "Effect": "Allow", "Action": [INVOKE, STREAM], "Resource": "arn:aws:bedrock:*:*:*"},
            {"Sid": "Apply", "Effect": "Allow", "Action": "bedrock:ApplyGuardrail", "Resource": GUARDRAIL},
            {
                "Sid": "Require",
                "Effect": "Deny",
                "Action": [INVOKE, STREAM],
                "Resource": "*",
                "Condition": {"StringNotEquals": {KEY: [f"{GUARDRAIL}:1"]}},
            },
        ],
    }


def deny(**elements: Any) -> Callable[[dict[str, Any]], None]:
    """Replace elements of the Deny."""
    return lambda policy: policy["Statement"][2].update(elements)


def condition(operator: str, value: Any, key: str = KEY) -> Callable[[dict[str, Any]], None]:
    """Replace the condition of the Deny."""
    return deny(Condition={operator: {key: value}})


def without(element: str) -> Callable[[dict[str, Any]], None]:
    return lambda policy: policy["Statement"][2].pop(element)


def removed(index: int) -> Callable[[dict[str, Any]], None]:
    return lambda policy: policy["Statement"].pop(index)


def allow(index: int, **elements: Any) -> Callable[[dict[str, Any]], None]:
    return lambda policy: policy["Statement"][index].update(elements)


def added(**statement: Any) -> Callable[[dict[str, Any]], None]:
    return lambda policy: policy["Statement"].append({"Effect": "Allow", "Resource": "*", **statement})


ONE = f"{GUARDRAIL}:1"
MUTANTS: dict[str, Callable[[dict[str, Any]], None]] = {
    "the Deny is dropped": removed(2),
    "the Deny lacks the streaming action": deny(Action=[INVOKE]),
    "the Deny lacks InvokeModel": deny(Action=[STREAM]),
    "the Deny names Converse": deny(Action=["bedrock:Converse", "bedrock:ConverseStream"]),
    "the Deny names InvokeModelWithGuardrail": deny(Action=["bedrock:InvokeModelWithGuardrail"]),
    "the streaming action is misspelt": deny(Action=[INVOKE, "bedrock:InvokeModelWithResponseStreams"]),
    "the prefix is that of the endpoint": deny(
        Action=["bedrock-runtime:InvokeModel", "bedrock-runtime:InvokeModelWithResponseStream"]
    ),
    "the actions are a wildcard": deny(Action="bedrock:InvokeModel*"),
    "the actions are in lower case": deny(Action=[INVOKE.lower(), STREAM.lower()]),
    "the Deny is an Allow": deny(Effect="Allow"),
    "the Deny is limited to foundation models": deny(Resource="arn:aws:bedrock:*::foundation-model/*"),
    "the Deny is limited to one model": deny(Resource=MODELS[0]),
    "the Deny is limited to one region": deny(Resource="arn:aws:bedrock:us-east-1:*:*"),
    "the resource has an account": deny(Resource="arn:aws:bedrock:*:123456789012:foundation-model/*"),
    "the resource is a guardrail": deny(Resource=GUARDRAIL),
    "the resource type is misspelt": deny(Resource="arn:aws:bedrock:*::foundation-models/*"),
    "the condition is dropped": without("Condition"),
    "the operator is positive": condition("StringEquals", [ONE]),
    "the operator compares patterns": condition("StringNotLike", [ONE]),
    "the operator compares ARNs": condition("ArnNotEquals", [ONE]),
    "the operator has IfExists": condition("StringNotEqualsIfExists", [ONE]),
    "the operator has ForAnyValue": condition("ForAnyValue:StringNotEquals", [ONE]),
    "the operator has ForAllValues": condition("ForAllValues:StringNotEquals", [ONE]),
    "the operator is for numbers": condition("NumericNotEquals", [ONE]),
    "the operator ignores case": condition("StringNotEqualsIgnoreCase", [ONE]),
    "the condition asks whether the key is present": condition("Null", "true"),
    "the condition asks whether the key is absent": condition("Null", "false"),
    "the key is misspelt": condition("StringNotEquals", [ONE], "bedrock:GuardrailId"),
    "the key is written in lower case": condition("StringNotEquals", [ONE], "bedrock:guardrailidentifier"),
    "the value is a bare ID": condition("StringNotEquals", ["abc123def456"]),
    "the value has no version": condition("StringNotEquals", [GUARDRAIL]),
    "the value has the version DRAFT": condition("StringNotEquals", [f"{GUARDRAIL}:DRAFT"]),
    "the value has the version v1": condition("StringNotEquals", [f"{GUARDRAIL}:v1"]),
    "the value has a wildcard that is literal": condition("StringNotEquals", [f"{GUARDRAIL}:*"]),
    "the value covers every version": condition("StringNotLike", [f"{GUARDRAIL}:*"]),
    "the value covers the DRAFT": condition("StringNotLike", [f"{GUARDRAIL}*"]),
    "the value covers other guardrails": condition("StringNotLike", ["arn:aws:bedrock:us-east-1:123456789012:guardrail/*"]),
    "the value covers other accounts": condition("StringNotLike", ["arn:aws:bedrock:us-east-1:*:guardrail/abc123def456:1"]),
    "a second condition exempts callers": deny(
        Condition={"StringNotEquals": {KEY: [ONE]}, "StringEquals": {"aws:PrincipalTag/Team": "research"}}
    ),
    "ApplyGuardrail is dropped": removed(1),
    "ApplyGuardrail is granted on the version": allow(1, Resource=f"{GUARDRAIL}:1"),
    "ApplyGuardrail is granted on models": allow(1, Resource="arn:aws:bedrock:*::foundation-model/*"),
    "the Allow also covers management": allow(0, Action="bedrock:*", Resource="*"),
    "a second statement allows updates": added(Action="bedrock:UpdateGuardrail"),
    "a second statement allows API keys": added(Action="bedrock:CallWithBearerToken"),
    "a second statement allows bedrock-mantle": added(Action="bedrock-mantle:*"),
    "the Allow has a wildcard that covers the same actions": allow(0, Action="bedrock:InvokeModel*"),
}
CAUGHT = {
    "the Deny is dropped": "GB201",
    "the Deny lacks the streaming action": "GB201 GB204",
    "the Deny lacks InvokeModel": "GB201 GB204",
    "the Deny names Converse": "GB201 INVALID_ACTION",
    "the Deny names InvokeModelWithGuardrail": "GB201 INVALID_ACTION",
    "the streaming action is misspelt": "GB201 GB204 INVALID_ACTION",
    "the prefix is that of the endpoint": "GB201 INVALID_SERVICE_IN_ACTION",
    "the Deny is an Allow": "GB201",
    "the Deny is limited to foundation models": "GB201 GB205",
    "the Deny is limited to one model": "GB201 GB205",
    "the Deny is limited to one region": "GB201",
    "the resource has an account": "ARN_ACCOUNT_NOT_ALLOWED GB201 GB205",
    "the resource is a guardrail": "GB102 GB201 GB205",
    "the resource type is misspelt": "GB201 GB205 INVALID_ARN_RESOURCE",
    "the condition is dropped": "GB216",
    "the operator is positive": "GB201 GB203",
    "the operator has ForAnyValue": "FORALLVALUES_WITH_SINGLE_VALUED_KEY GB201 GB203",
    "the operator has ForAllValues": "FORALLVALUES_WITH_SINGLE_VALUED_KEY",
    "the operator is for numbers": "GB216 TYPE_MISMATCH TYPE_MISMATCH_NUMBER",
    "the condition asks whether the key is present": "GB202",
    "the condition asks whether the key is absent": "GB201 GB203",
    "the key is misspelt": "INVALID_SERVICE_CONDITION_KEY",
    "the value is a bare ID": "GB206 GB216",
    "the value has no version": "GB208",
    "the value has the version DRAFT": "GB207",
    "the value has the version v1": "GB207",
    "the value has a wildcard that is literal": "GB210 GB216",
    "the value covers every version": "GB209",
    "the value covers the DRAFT": "GB208 GB209",
    "the value covers other guardrails": "GB202 GB208 GB209",
    "the value covers other accounts": "GB209",
    "a second condition exempts callers": "GB201 GB205",
    "ApplyGuardrail is dropped": "GB211",
    "ApplyGuardrail is granted on the version": "GB211",
    "ApplyGuardrail is granted on models": "GB102 GB211",
    "the Allow also covers management": "GB301 GB302 GB304",
    "a second statement allows updates": "GB301",
    "a second statement allows API keys": "GB304",
    "a second statement allows bedrock-mantle": "GB305",
}
"""Mutant to the rules that report it."""
HARMLESS = sorted(set(MUTANTS) - set(CAUGHT))
"""Mutants without a finding; the engine decides about them as about the correct policy."""


def decisions(policy: dict[str, Any]) -> list[str]:
    """Decide calls with every value of the guardrail key, on every type of model."""
    policies = PolicySet(identity=policy)
    found: list[str] = []
    for action in (INVOKE, STREAM):
        for model in MODELS:
            for value in VALUES:
                context = {} if value is None else {KEY: value}
                found.append(policies.evaluate(Request(ROLE, action, model, context)).outcome)
    others = [
        ("bedrock:ApplyGuardrail", GUARDRAIL),
        ("bedrock:UpdateGuardrail", GUARDRAIL),
        ("bedrock-mantle:CreateInference", "*"),
    ]
    return found + [policies.evaluate(Request(ROLE, action, resource)).outcome for action, resource in others]


def rules_of(tmp_path: Path, policy: dict[str, Any]) -> set[str]:
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(policy), "utf-8")
    return {finding.rule for finding in lint([file])}


def test_the_correct_policy_has_no_finding(tmp_path: Path) -> None:
    assert rules_of(tmp_path, correct()) == set()


def test_there_are_forty_distinct_mutants() -> None:
    policies = []
    for change in MUTANTS.values():
        policy = correct()
        change(policy)
        policies.append(json.dumps(policy, sort_keys=True))
    assert len(set(policies)) == len(MUTANTS) >= 40
    assert json.dumps(correct(), sort_keys=True) not in policies
    assert set(CAUGHT) <= set(MUTANTS)


@pytest.mark.parametrize("name", CAUGHT)
def test_a_finding_catches_the_mutant(tmp_path: Path, name: str) -> None:
    policy = correct()
    MUTANTS[name](policy)
    assert rules_of(tmp_path, policy) == set(CAUGHT[name].split())


@pytest.mark.parametrize("name", HARMLESS)
def test_the_engine_shows_that_the_mutant_is_harmless(tmp_path: Path, name: str) -> None:
    policy = correct()
    MUTANTS[name](policy)
    assert decisions(policy) == decisions(correct())
    assert rules_of(tmp_path, policy) == set()
