"""The article's vocabulary becomes AWS's, and both policies decide alike."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from guardedbedrock.cli.app import run
from guardedbedrock.governance.translate import translate
from guardedbedrock.iam import PolicySet, PolicyType, Request

HR = "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456"
MODEL = "arn:aws:bedrock:us-east-1::foundation-model/acme.sample-v1:0"
GUARDED = "bedrock:InvokeModelWithGuardrail"
KEY = "bedrock:GuardrailIdentifier"


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def statement(effect: str, action: Any, resource: Any, condition: dict[str, Any] | None = None) -> dict[str, Any]:
    made = {"Effect": effect, "Action": action, "Resource": resource}
    return {**made, "Condition": condition} if condition else made


ALIKE: dict[str, dict[str, Any]] = {
    "an Allow on a guardrail": policy(statement("Allow", GUARDED, HR)),
    "an Allow on every guardrail": policy(statement("Allow", GUARDED, "*")),
    "the article's pair": policy(statement("Allow", GUARDED, HR), statement("Deny", "bedrock:InvokeModel", "*")),
    "a Deny of a guardrail": policy(statement("Allow", GUARDED, "*"), statement("Deny", GUARDED, HR)),
    "a Deny of every guarded call": policy(statement("Allow", "bedrock:InvokeModel", "*"), statement("Deny", GUARDED, "*")),
    "an Allow of unguarded calls": policy(statement("Allow", ["bedrock:InvokeModel", "bedrock:ListGuardrails"], "*")),
    "both in one statement": policy(statement("Allow", [GUARDED, "bedrock:InvokeModel"], "*")),
    "a Deny of every other guardrail": policy(
        statement("Allow", GUARDED, "*"), {"Effect": "Deny", "Action": GUARDED, "NotResource": HR}
    ),
    "an Allow of every other guardrail": policy({"Effect": "Allow", "Action": GUARDED, "NotResource": HR}),
    "a version": policy(statement("Allow", GUARDED, "*", {"StringEquals": {KEY: f"{HR}:3"}})),
    "a tag of the principal": policy(statement("Allow", GUARDED, HR, {"StringEquals": {"aws:PrincipalTag/team": "hr"}})),
    "a tag of the guardrail": policy(statement("Allow", GUARDED, HR, {"StringEquals": {"aws:ResourceTag/team": "hr"}})),
    "a pattern of guardrails": policy(statement("Allow", GUARDED, "arn:aws:bedrock:*:123456789012:guardrail/*")),
    "a wildcard": policy(statement("Allow", "bedrock:*", "*")),
    "a wildcard on a guardrail": policy(statement("Allow", "bedrock:*", HR)),
    "an Allow of all but guarded calls": policy({"Effect": "Allow", "NotAction": GUARDED, "Resource": "*"}),
    "a Deny of all but guarded calls": policy(
        statement("Allow", "*", "*"), {"Effect": "Deny", "NotAction": GUARDED, "Resource": "*"}
    ),
    "an Allow of all but unguarded calls": policy(
        {"Effect": "Allow", "NotAction": ["bedrock:InvokeModel", "iam:*"], "Resource": "*"}
    ),
    "an Allow of all but calls": policy({"Effect": "Allow", "NotAction": "bedrock:InvokeModel*", "Resource": "*"}),
    "a Deny of all but calls": policy(
        statement("Allow", "*", "*"), {"Effect": "Deny", "NotAction": "bedrock:InvokeModel*", "Resource": "*"}
    ),
    "an Allow of all but another service": policy({"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}),
    "a wildcard that covers every call": policy(statement("Allow", "bedrock:InvokeModel*", "*")),
    "a wildcard that covers guarded calls and streams": policy(statement("Allow", "bedrock:InvokeModelWith*", "*")),
    "a Deny with a wildcard": policy(statement("Allow", "*", "*"), statement("Deny", "bedrock:InvokeModel*", "*")),
    "a list of guardrails and models": policy(statement("Allow", [GUARDED, "s3:GetObject"], [HR, MODEL])),
    "guarded and unguarded calls of a guardrail and a model": policy(
        statement("Allow", [GUARDED, "bedrock:InvokeModel"], [HR, MODEL])
    ),
    "two guardrails": policy(statement("Allow", GUARDED, [HR, HR.replace("abc", "xyz")])),
    "a condition on the region": policy(statement("Allow", GUARDED, HR, {"StringEquals": {"aws:RequestedRegion": "us-east-1"}})),
    "a model with a condition": policy(statement("Allow", GUARDED, MODEL, {"StringEquals": {KEY: f"{HR}:3"}})),
}


@pytest.mark.parametrize("name", ALIKE)
def test_both_policies_decide_alike(name: str) -> None:
    translation = translate(ALIKE[name])
    assert translation.differences == ()
    assert GUARDED not in json.dumps(dict(translation.policy))


NOT_THIS_VERSION = statement("Deny", GUARDED, "*", {"StringNotEquals": {KEY: f"{HR}:1"}})


@pytest.mark.parametrize("policy_type", ["identity", "boundary", "session", "scp"])
@pytest.mark.parametrize(
    "others",
    [(), (statement("Allow", "*", "*"),), (statement("Allow", GUARDED, HR),), (statement("Allow", "s3:*", "*"),)],
    ids=["none", "an Allow for everything", "an Allow of a guardrail", "an Allow of another service"],
)
def test_a_deny_is_compared_whatever_other_policies_allow(others: tuple[dict[str, Any], ...], policy_type: PolicyType) -> None:
    """AWS's action is also that of calls without a guardrail, which the Deny now reaches."""
    differences = translate(policy(*others, NOT_THIS_VERSION), policy_type=policy_type).differences

    assert f"Converse without a guardrail on `{MODEL}`: allowed before, denied after" in differences


def test_a_deny_alone_is_alike_in_both_vocabularies() -> None:
    assert translate(policy(statement("Deny", GUARDED, HR)), policy_type="scp").differences == ()


def test_a_version_becomes_a_condition() -> None:
    """ApplyGuardrail cannot be limited to a version, which is reported; the calls are decided alike."""
    translation = translate(policy(statement("Allow", GUARDED, f"{HR}:3")))
    assert translation.differences == ()
    assert "has a version, but AWS's guardrail ARNs have none" in translation.lost[0]


def test_no_statement_of_a_translation_has_a_resource_of_another_action() -> None:
    translation = translate(policy(statement("Allow", [GUARDED, "bedrock:InvokeModel"], [HR, MODEL])))
    assert [(one["Action"], one["Resource"]) for one in translation.policy["Statement"]] == [
        ("bedrock:InvokeModel", MODEL),
        (["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"], MODEL),
        ("bedrock:ApplyGuardrail", HR),
    ]


def test_the_changes_name_what_was_written() -> None:
    translation = translate(policy(statement("Deny", GUARDED, HR)))
    became = "`bedrock:InvokeModel` and `bedrock:InvokeModelWithResponseStream`"
    assert translation.changes == (f"statement 0: `{GUARDED}` became {became}",)


def test_a_guarded_call_needs_the_guardrail_of_the_policy() -> None:
    policies = PolicySet(identity=dict(translate(ALIKE["the article's pair"]).policy))

    def decide(action: str, resource: str, **context: str) -> str:
        request = Request("arn:aws:iam::123456789012:role/App", action, resource, {KEY: context["key"]} if context else {})
        return policies.evaluate(request).outcome

    assert decide("bedrock:InvokeModel", MODEL, key=f"{HR}:1") == "allowed"
    assert decide("bedrock:InvokeModelWithResponseStream", MODEL, key=HR) == "allowed"
    assert decide("bedrock:ApplyGuardrail", HR) == "allowed"
    assert decide("bedrock:InvokeModel", MODEL) == "explicitDeny"
    assert decide("bedrock:InvokeModel", MODEL, key=HR.replace("abc", "xyz")) == "implicitDeny"


def test_ids_of_the_article_are_reported_and_mapped() -> None:
    article = policy(statement("Allow", GUARDED, "arn:aws:bedrock:us-east-1:123456789012:guardrail/G-HR-Compliance"))
    (lost,) = translate(article).lost
    assert "`arn:aws:bedrock:us-east-1:123456789012:guardrail/G-HR-Compliance` is not valid" in lost
    mapped = translate(article, {"G-HR-Compliance": "abc123def456"})
    assert (mapped.lost, mapped.differences) == ((), ())
    assert f"{HR}:*" in json.dumps(dict(mapped.policy))


@pytest.mark.parametrize(
    "lossy",
    [
        {"Effect": "Deny", "Action": GUARDED, "NotResource": MODEL},
        statement("Allow", GUARDED, f"{HR}:3"),
        statement("Deny", GUARDED, HR, {"StringEquals": {"aws:ResourceTag/team": "hr"}}),
    ],
)
def test_what_cannot_be_kept_is_reported(lossy: dict[str, Any]) -> None:
    assert len(translate(policy(lossy)).lost) == 1


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(ALIKE["the article's pair"]), "utf-8")
    assert run(["translate", str(file)]) == 0
    output = capsys.readouterr()
    assert PolicySet(identity=json.loads(output.out))
    assert "became `bedrock:InvokeModel`" in output.err
    file.write_text(json.dumps(policy(statement("Allow", GUARDED, HR.replace("abc123def456", "G-HR")))), "utf-8")
    assert run(["translate", str(file), "--format", "json"]) == 1
    assert json.loads(capsys.readouterr().out)["lost"] != []
    assert run(["translate", str(file), "--map", "G-HR=abc123def456"]) == 0
    assert run(["translate", str(file), "--map", "G-HR"]) == 2
    assert run(["translate", str(tmp_path / "missing.json")]) == 2
    file.write_text(json.dumps(policy(NOT_THIS_VERSION)), "utf-8")
    assert run(["translate", str(file), "--type", "scp"]) == 1
