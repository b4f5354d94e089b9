"""Correct policies have no error and no warning: those that the project generates, and forms that AWS's examples use."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from guardedbedrock.bedrock import Guardrail
from guardedbedrock.bedrock.guardrail.backstop import backstop
from guardedbedrock.governance.lint.finding import LintFinding
from guardedbedrock.governance.lint.run import LintOptions, lint

GUARDRAIL = "arn:aws:bedrock:us-west-2:123456789012:guardrail/h7x2k9q4m1zz"
KEY = "bedrock:GuardrailIdentifier"
INVOKE = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]
MODEL = "arn:aws:bedrock:us-west-2::foundation-model/*"


def statement(effect: str, action: Any, resource: Any, condition: dict[str, Any] | None = None) -> dict[str, Any]:
    made = {"Effect": effect, "Action": action, "Resource": resource}
    return {**made, "Condition": condition} if condition else made


def guarded(operator: str, value: str) -> dict[str, Any]:
    """Return a policy in the shape of AWS's examples: an Allow, a Deny with the opposite condition, and ApplyGuardrail."""
    opposite = operator.replace("String", "StringNot")
    return {
        "Version": "2012-10-17",
        "Statement": [
            statement("Allow", INVOKE, MODEL, {operator: {KEY: value}}),
            statement("Deny", INVOKE, MODEL, {opposite: {KEY: value}}),
            statement("Allow", "bedrock:ApplyGuardrail", GUARDRAIL),
            statement("Allow", "bedrock:ListGuardrails", "*"),
        ],
    }


AWS_FORMS: dict[str, dict[str, Any]] = {
    "a version": guarded("StringEquals", f"{GUARDRAIL}:3"),
    "the DRAFT": guarded("StringEquals", GUARDRAIL),
    "every version": guarded("StringLike", f"{GUARDRAIL}:*"),
    "every version and the DRAFT": guarded("StringLike", f"{GUARDRAIL}*"),
    "two versions": {
        "Version": "2012-10-17",
        "Statement": [
            statement("Allow", INVOKE, MODEL, {"StringEquals": {KEY: [f"{GUARDRAIL}:1", f"{GUARDRAIL}:2"]}}),
            statement("Deny", INVOKE, MODEL, {"StringNotEquals": {KEY: [f"{GUARDRAIL}:1", f"{GUARDRAIL}:2"]}}),
            statement("Allow", "bedrock:ApplyGuardrail", GUARDRAIL),
        ],
    },
    "embeddings need no guardrail": {
        "Version": "2012-10-17",
        "Statement": [
            statement("Allow", "bedrock:InvokeModel", "arn:aws:bedrock:*::foundation-model/amazon.titan-embed-text-v2:0")
        ],
    },
    "guardrail management": {
        "Version": "2012-10-17",
        "Statement": [
            statement("Allow", ["bedrock:CreateGuardrail", "bedrock:ListGuardrails"], "*"),
            statement(
                "Allow",
                ["bedrock:UpdateGuardrail", "bedrock:DeleteGuardrail", "bedrock:GetGuardrail", "bedrock:CreateGuardrailVersion"],
                GUARDRAIL,
                {"StringEquals": {"aws:ResourceTag/Team": "${aws:PrincipalTag/Team}"}},
            ),
        ],
    },
    "a geographic profile": {
        "Version": "2012-10-17",
        "Statement": [
            statement(
                "Allow",
                INVOKE,
                [
                    "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.amazon.nova-lite-v1:0",
                    "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0",
                    "arn:aws:bedrock:us-east-2::foundation-model/amazon.nova-lite-v1:0",
                    "arn:aws:bedrock:us-west-2::foundation-model/amazon.nova-lite-v1:0",
                ],
                {"StringEquals": {KEY: f"{GUARDRAIL}:3"}},
            ),
            statement("Allow", "bedrock:ApplyGuardrail", GUARDRAIL),
        ],
    },
    "a session tag": {
        "Version": "2012-10-17",
        "Statement": [
            statement("Allow", INVOKE, "*", {"StringEquals": {KEY: f"{GUARDRAIL}:3", "aws:PrincipalTag/Team": "hr"}}),
            statement("Allow", "bedrock:ApplyGuardrail", GUARDRAIL, {"Bool": {"aws:SecureTransport": "true"}}),
        ],
    },
}


ACCOUNT = "arn:aws:bedrock:us-west-2:123456789012"
HAIKU = "anthropic.claude-3-haiku-20240307-v1:0"
ORGANIZATION = {"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}
LONG_TERM = {"StringEquals": {"bedrock:BearerTokenType": "LONG_TERM"}}
EXACT_FORMS: dict[str, tuple[Any, dict[str, Any]]] = {
    "management of guardrails": (
        "identity",
        statement("Allow", [f"bedrock:{verb}Guardrail" for verb in ("Create", "Delete", "Get", "Update")], "*"),
    ),
    "management of guardrails across regions": (
        "identity",
        statement(
            "Allow",
            [f"bedrock:{verb}Guardrail" for verb in ("Create", "Delete", "Get", "Update")],
            [f"{ACCOUNT}:guardrail/*", f"{ACCOUNT}:guardrail-profile/us.guardrail.v1:0"],
        ),
    ),
    "a guardrail and its profile in each region": (
        "identity",
        statement(
            "Allow",
            "bedrock:ApplyGuardrail",
            [
                GUARDRAIL,
                *(
                    f"{ACCOUNT}:guardrail-profile/us.guardrail.v1:0".replace("us-west-2", region)
                    for region in ("us-east-1", "us-east-2", "us-west-2")
                ),
            ],
        ),
    ),
    "a guardrail that another account may use": (
        "resource",
        {
            **statement("Allow", ["bedrock:ApplyGuardrail", "bedrock:GetGuardrail"], GUARDRAIL),
            "Principal": {"AWS": "arn:aws:iam::999999999999:root"},
        },
    ),
    "a guardrail that the organization may use": (
        "resource",
        {**statement("Allow", "bedrock:ApplyGuardrail", GUARDRAIL, ORGANIZATION), "Principal": "*"},
    ),
    "no long-term API keys": ("scp", statement("Deny", "bedrock:CallWithBearerToken", "*", LONG_TERM)),
    "no long-lived API keys": (
        "scp",
        statement(
            "Deny",
            "iam:CreateServiceSpecificCredential",
            "*",
            {"NumericGreaterThanEquals": {"iam:ServiceSpecificCredentialAgeDays": "30"}},
        ),
    ),
    "enforcement": (
        "identity",
        statement("Allow", ["bedrock:PutEnforcedGuardrailConfiguration", "bedrock:ListEnforcedGuardrailsConfiguration"], "*"),
    ),
}


def findings_of(tmp_path: Path, policy: Any, **options: Any) -> list[LintFinding]:
    file = tmp_path / "policy.json"
    file.write_text(json.dumps(policy), "utf-8")
    return list(lint([file], LintOptions(**options)))


@pytest.mark.parametrize("name", AWS_FORMS)
def test_forms_of_aws_examples_have_notes_at_most(tmp_path: Path, name: str) -> None:
    assert [finding for finding in findings_of(tmp_path, AWS_FORMS[name]) if finding.severity != "note"] == []


@pytest.mark.parametrize("name", EXACT_FORMS)
def test_statements_of_aws_examples_have_no_finding(tmp_path: Path, name: str) -> None:
    policy_type, one = EXACT_FORMS[name]
    assert findings_of(tmp_path, {"Version": "2012-10-17", "Statement": [one]}, policy_type=policy_type) == []


def test_models_that_are_granted_through_their_profile_have_no_finding(tmp_path: Path) -> None:
    profile = f"{ACCOUNT}:inference-profile/us.{HAIKU}"
    models = [f"arn:aws:bedrock:{region}::foundation-model/{HAIKU}" for region in ("us-east-1", "us-west-2")]
    guarded_by = {"StringEquals": {KEY: f"{GUARDRAIL}:3"}}
    through = {**guarded_by, "StringLike": {"bedrock:InferenceProfileArn": profile}}
    statements = [
        statement("Allow", "bedrock:InvokeModel*", profile, guarded_by),
        statement("Allow", "bedrock:InvokeModel*", models, through),
        statement("Allow", "bedrock:ApplyGuardrail", GUARDRAIL),
    ]
    assert findings_of(tmp_path, {"Version": "2012-10-17", "Statement": statements}) == []


@pytest.mark.parametrize("name", ["the DRAFT", "every version", "every version and the DRAFT"])
def test_loose_forms_of_aws_examples_have_a_note(tmp_path: Path, name: str) -> None:
    assert {finding.severity for finding in findings_of(tmp_path, AWS_FORMS[name])} == {"note"}


@pytest.mark.parametrize("policy_type", ["identity", "scp"])
@pytest.mark.parametrize("api_keys", ["allow", "short-term", "deny"])
@pytest.mark.parametrize("deny_indirect", [False, True])
def test_the_backstop_policy_has_no_finding(tmp_path: Path, policy_type: Any, api_keys: Any, *, deny_indirect: bool) -> None:
    approved = [Guardrail(GUARDRAIL, "3"), Guardrail(GUARDRAIL.replace("us-west-2", "eu-central-1"), "1")]
    policy = backstop(approved, api_keys=api_keys, deny_indirect=deny_indirect, unguarded_models=("amazon.titan-embed-*",))
    assert findings_of(tmp_path, policy, policy_type=policy_type) == []


def test_the_backstop_policy_closes_an_open_allow(tmp_path: Path) -> None:
    policy = backstop([Guardrail(GUARDRAIL, "3")], unguarded_models=("amazon.titan-embed-*",))
    allow = statement("Allow", [*INVOKE, "bedrock:ApplyGuardrail"], "*")
    assert [one.rule for one in findings_of(tmp_path, {"Version": "2012-10-17", "Statement": [allow]})] == ["GB201"]
    assert findings_of(tmp_path, {"Version": "2012-10-17", "Statement": [allow, *policy["Statement"]]}) == []
