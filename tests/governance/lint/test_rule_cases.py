"""Policies that differ in one detail, each with the rules that must report it, and no others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from guardedbedrock.governance.lint.run import LintOptions, lint

OWN = "arn:aws:bedrock:us-east-1:123456789012"
GUARDRAIL = f"{OWN}:guardrail/abc123def456"
APPROVED = f"{GUARDRAIL}:1"
KEY = "bedrock:GuardrailIdentifier"
INVOKE, STREAM = "bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"
BOTH = [INVOKE, STREAM]
MODELS = "arn:aws:bedrock:*::foundation-model/*"
NOVA = "amazon.nova-lite-v1:0"
NOVA_ANYWHERE = f"arn:aws:bedrock:*::foundation-model/{NOVA}"
PROFILE = f"{OWN}:inference-profile/us.{NOVA}"
GLOBAL = "anthropic.claude-sonnet-4-20250514-v1:0"
EQUALS = {"StringEquals": {KEY: APPROVED}}
TEAM = "${aws:PrincipalTag/Team}"

Statement = dict[str, Any]


def allow(action: Any, resource: Any = "*", condition: Any = None, **more: Any) -> Statement:
    made = {"Effect": "Allow", "Action": action, "Resource": resource, **more}
    return {**made, "Condition": condition} if condition else made


def deny(action: Any, resource: Any = "*", condition: Any = None, **more: Any) -> Statement:
    return {**allow(action, resource, condition, **more), "Effect": "Deny"}


APPLY = allow("bedrock:ApplyGuardrail", GUARDRAIL)
APPLY_ANY = allow("bedrock:ApplyGuardrail")
GUARDED = allow(BOTH, MODELS, EQUALS)
OPEN = allow(BOTH, MODELS)
REQUIRED = deny(BOTH, "*", {"StringNotEquals": {KEY: APPROVED}})
UPDATE_OWN = allow("bedrock:UpdateGuardrail", GUARDRAIL, {"StringEquals": {"aws:ResourceTag/Team": TEAM}})


def guarded(resource: Any, **condition: Any) -> Statement:
    return allow(BOTH, resource, {**EQUALS, **condition})


def valued(operator: str, value: str) -> list[Statement]:
    """Return an Allow of guarded calls whose condition has an operator and a value."""
    return [allow(BOTH, MODELS, {operator: {KEY: value}}), APPLY_ANY]


def read(condition: Any) -> list[Statement]:
    return [allow("bedrock:GetGuardrail", GUARDRAIL, condition)]


def untag(condition: Any) -> list[Statement]:
    return [UPDATE_OWN, allow("bedrock:UntagResource", GUARDRAIL, condition)]


CASES: dict[str, tuple[list[Statement], str]] = {
    "a guarded policy": ([GUARDED, APPLY, REQUIRED], ""),
    # -- actions
    "Converse": ([allow("bedrock:Converse", MODELS)], "INVALID_ACTION"),
    "ConverseStream": ([allow("bedrock:ConverseStream", MODELS)], "INVALID_ACTION"),
    "a wildcard that covers operations, but no action": ([allow("bedrock:Converse*", MODELS)], "INVALID_ACTION"),
    "the action of the article": ([allow("bedrock:InvokeModelWithGuardrail", GUARDRAIL)], "INVALID_ACTION"),
    "a misspelt action": ([allow("bedrock:InvokeModl", MODELS)], "INVALID_ACTION"),
    "a misspelt action in NotAction": (
        [{"Effect": "Deny", "NotAction": "bedrock:GetGuardrails", "Resource": "*"}],
        "INVALID_ACTION",
    ),
    "an action in lower case": ([allow("bedrock:getguardrail", GUARDRAIL)], ""),
    "a misspelt action of bedrock-mantle": ([deny("bedrock-mantle:CreateInferences")], "INVALID_ACTION"),
    "an action of bedrock-mantle in lower case": ([deny("bedrock-mantle:createinference")], ""),
    "an action of bedrock-agentcore": ([allow("bedrock-agentcore:InvokeAgentRuntime")], ""),
    "the prefix of an endpoint": ([allow("bedrock-runtime:InvokeModel", MODELS)], "INVALID_SERVICE_IN_ACTION"),
    "a misspelt prefix": ([deny("bedrok:InvokeModel")], "INVALID_SERVICE_IN_ACTION"),
    "another service": ([allow("s3:GetObject")], ""),
    # -- condition keys
    "a key of Bedrock that does not exist": (
        [GUARDED, APPLY, deny(BOTH, "*", {"StringNotEquals": {"bedrock:GuardrailArn": GUARDRAIL}})],
        "INVALID_SERVICE_CONDITION_KEY",
    ),
    "a global key that does not exist": (read({"StringEquals": {"aws:PrincipalOrg": "o-1"}}), "INVALID_GLOBAL_CONDITION_KEY"),
    "a guardrail condition on ApplyGuardrail": (
        [allow("bedrock:ApplyGuardrail", GUARDRAIL, EQUALS)],
        "UNSUPPORTED_ACTION_FOR_CONDITION_KEY",
    ),
    "a guardrail condition on a batch job": (
        [allow("bedrock:CreateModelInvocationJob", "*", EQUALS)],
        "UNSUPPORTED_ACTION_FOR_CONDITION_KEY",
    ),
    "a Deny of ApplyGuardrail without a guardrail": (
        [deny("bedrock:ApplyGuardrail", "*", {"Null": {KEY: "true"}})],
        "UNSUPPORTED_ACTION_FOR_CONDITION_KEY",
    ),
    "request tags on CreateGuardrail": (
        [allow("bedrock:CreateGuardrail", "*", {"StringEquals": {"aws:RequestTag/Team": "hr"}})],
        "",
    ),
    "request tags on UpdateGuardrail": (
        [allow("bedrock:UpdateGuardrail", GUARDRAIL, {"StringEquals": {"aws:RequestTag/Team": "hr"}})],
        "UNSUPPORTED_ACTION_FOR_CONDITION_KEY",
    ),
    "a Deny of DeleteGuardrail without request tags": (
        [deny("bedrock:DeleteGuardrail", GUARDRAIL, {"Null": {"aws:RequestTag/Team": "true"}})],
        "UNSUPPORTED_ACTION_FOR_CONDITION_KEY",
    ),
    "request tags on a wildcard that covers no carrier": (
        [deny("bedrock:Delete*", GUARDRAIL, {"StringEquals": {"aws:RequestTag/Team": "hr"}})],
        "UNSUPPORTED_ACTION_FOR_CONDITION_KEY",
    ),
    "request tags on a wildcard that covers a carrier": (
        [deny("bedrock:Create*", "*", {"StringEquals": {"aws:RequestTag/Team": "hr"}})],
        "",
    ),
    "resource tags on UpdateGuardrail": ([UPDATE_OWN], ""),
    "tag keys without a set operator": (
        [allow("bedrock:CreateGuardrail", "*", {"StringEquals": {"aws:TagKeys": ["Team"]}})],
        "MISSING_QUALIFIER",
    ),
    "tag keys with a set operator": (
        [allow("bedrock:CreateGuardrail", "*", {"ForAllValues:StringEquals": {"aws:TagKeys": ["Team"]}})],
        "",
    ),
    "paths of the organization without a set operator": (
        read({"StringLike": {"aws:PrincipalOrgPaths": "o-1/*"}}),
        "MISSING_QUALIFIER",
    ),
    "a set operator on a key with one value": (
        read({"ForAllValues:StringEquals": {"aws:PrincipalOrgID": "o-1"}}),
        "FORALLVALUES_WITH_SINGLE_VALUED_KEY",
    ),
    "Bool on a string": (read({"Bool": {"aws:PrincipalOrgID": "true"}}), "TYPE_MISMATCH"),
    "a number on an ARN": (read({"NumericEquals": {"aws:PrincipalArn": "1"}}), "TYPE_MISMATCH"),
    "a string on an address": (read({"StringEquals": {"aws:SourceIp": "203.0.113.0/24"}}), "TYPE_MISMATCH"),
    "an address on an address": (read({"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}), ""),
    "an ARN operator on a string": (read({"ArnLike": {"aws:RequestedRegion": "us-*"}}), "TYPE_MISMATCH"),
    "a date on a date": (read({"DateLessThan": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}}), ""),
    "an address that does not exist": (read({"NotIpAddress": {"aws:SourceIp": "999.1.1.1/99"}}), "TYPE_MISMATCH_IP_RANGE"),
    "a second range that does not exist": (
        read({"IpAddress": {"aws:SourceIp": ["203.0.113.0/24", "2001:db8::/129"]}}),
        "TYPE_MISMATCH_IP_RANGE",
    ),
    "a misspelt Boolean": (read({"Bool": {"aws:SecureTransport": "flase"}}), "TYPE_MISMATCH_BOOLEAN"),
    "a Boolean in capitals": (read({"BoolIfExists": {"aws:SecureTransport": "False"}}), ""),
    "a Boolean of JSON": (read({"Bool": {"aws:SecureTransport": False}}), ""),
    "a variable for a Boolean": (read({"Bool": {"aws:SecureTransport": "${aws:PrincipalTag/Secure}"}}), ""),
    "a presence that is not a Boolean": (read({"Null": {"aws:PrincipalOrgID": "maybe"}}), "TYPE_MISMATCH_BOOLEAN"),
    "a date in a local format": (read({"DateGreaterThan": {"aws:CurrentTime": "31.12.2026"}}), "TYPE_MISMATCH_DATE"),
    "a date in seconds": (read({"DateGreaterThan": {"aws:EpochTime": 1798675200}}), ""),
    "a time without a zone, which is not documented": (
        read({"DateGreaterThan": {"aws:CurrentTime": "2026-12-31T00:00:00"}}),
        "",
    ),
    "a number with a unit": (read({"NumericGreaterThan": {"aws:MultiFactorAuthAge": "1h"}}), "TYPE_MISMATCH_NUMBER"),
    "no values": (read({"StringEquals": {"aws:PrincipalOrgID": []}}), "EMPTY_ARRAY_CONDITION"),
    "an operator that does not exist": (read({"StringLess": {"aws:CurrentTime": "2026-01-01T00:00:00Z"}}), "GB101"),
    # -- resources
    "an account in a foundation model": (
        [guarded(f"{OWN}:foundation-model/{NOVA}"), APPLY],
        "ARN_ACCOUNT_NOT_ALLOWED",
    ),
    "a guardrail without an account": (
        [allow("bedrock:ApplyGuardrail", "arn:aws:bedrock:us-east-1::guardrail/abc123def456")],
        "MISSING_ARN_ACCOUNT",
    ),
    "a misspelt resource type": ([allow("bedrock:ApplyGuardrail", f"{OWN}:guardrails/abc123def456")], "INVALID_ARN_RESOURCE"),
    "ApplyGuardrail on models": ([allow("bedrock:ApplyGuardrail", MODELS)], "GB102"),
    "inference on a guardrail": ([guarded(GUARDRAIL), APPLY], "GB102"),
    "CreateGuardrail on a guardrail": ([allow("bedrock:CreateGuardrail", GUARDRAIL)], "GB102"),
    "CreateGuardrail on a guardrail profile": (
        [allow("bedrock:CreateGuardrail", f"{OWN}:guardrail-profile/us.guardrail.v1:0")],
        "",
    ),
    # -- calls without an approved guardrail
    "no condition": ([OPEN], "GB201"),
    "no condition on the streaming action": ([allow(STREAM, MODELS)], "GB201"),
    "a condition with IfExists": ([allow(BOTH, MODELS, {"StringEqualsIfExists": {KEY: APPROVED}}), APPLY], "GB201"),
    "a negated condition": ([allow(BOTH, MODELS, {"StringNotEquals": {KEY: APPROVED}}), APPLY], "GB201"),
    "calls without a guardrail alone": ([allow(BOTH, MODELS, {"Null": {KEY: "true"}})], "GB201"),
    "an embedding model": ([allow(INVOKE, "arn:aws:bedrock:us-east-1::foundation-model/amazon.titan-embed-text-v2:0")], ""),
    "calls with any guardrail": ([allow(BOTH, MODELS, {"Null": {KEY: "false"}}), APPLY_ANY], "GB202"),
    "a Deny without the streaming action": (
        [OPEN, APPLY, deny(INVOKE, "*", {"StringNotEquals": {KEY: APPROVED}})],
        "GB201 GB204",
    ),
    "a Deny that does not apply to an absent key": (
        [OPEN, APPLY, deny(BOTH, "*", {"StringNotEquals": {KEY: APPROVED}, "Null": {KEY: "false"}})],
        "GB201 GB203",
    ),
    "a Deny of two conditions that an absent key meets": (
        [OPEN, APPLY, deny(BOTH, "*", {"StringNotEquals": {KEY: APPROVED}, "StringNotLike": {KEY: APPROVED}})],
        "",
    ),
    # -- values
    "a bare ID": (valued("StringEquals", "abc123def456"), "GB206 GB216"),
    "a guardrail profile as a value": (valued("StringEquals", f"{OWN}:guardrail-profile/us.guardrail.v1:0"), "GB206"),
    "no version": (valued("StringEquals", GUARDRAIL), "GB208"),
    "no version in production": (
        [allow(BOTH, MODELS, {"StringEquals": {KEY: GUARDRAIL}}, Sid="ProductionCalls"), APPLY],
        "GB208",
    ),
    "the version DRAFT": (valued("StringEquals", f"{GUARDRAIL}:DRAFT"), "GB207"),
    "the version 0": (valued("StringEquals", f"{GUARDRAIL}:0"), "GB207"),
    "the version latest": (valued("StringEquals", f"{GUARDRAIL}:latest"), "GB207"),
    "a version as an ARN pattern": (valued("ArnLike", APPROVED), ""),
    "every version": (valued("StringLike", f"{GUARDRAIL}:*"), "GB209"),
    "every version and the DRAFT": (valued("StringLike", f"{GUARDRAIL}*"), "GB208 GB209"),
    "every guardrail": (valued("StringLike", f"{OWN}:guardrail/*"), "GB202 GB208 GB209"),
    "a pattern of IDs": (valued("StringLike", f"{OWN}:guardrail/abc?????????:1"), "GB209"),
    "a wildcard that is literal": (valued("StringEquals", f"{GUARDRAIL}:*"), "GB210 GB216"),
    # -- ApplyGuardrail
    "no ApplyGuardrail": ([GUARDED], "GB211"),
    "ApplyGuardrail on the version": ([GUARDED, allow("bedrock:ApplyGuardrail", APPROVED)], "GB211"),
    "no ApplyGuardrail where any guardrail will do": ([OPEN, deny(BOTH, "*", {"Null": {KEY: "true"}})], "GB202 GB211"),
    "no ApplyGuardrail for a pattern": ([allow(BOTH, MODELS, {"StringLike": {KEY: f"{OWN}:guardrail/a*:1"}})], "GB209 GB211"),
    # -- profiles
    "a profile without its model": ([guarded(PROFILE), APPLY], "GB213"),
    "a profile with its model in one region": (
        [guarded([PROFILE, NOVA_ANYWHERE.replace("*", "us-east-1", 1)]), APPLY],
        "GB213",
    ),
    "a profile with its model": ([guarded([PROFILE, NOVA_ANYWHERE]), APPLY], ""),
    "a profile with its model under a condition on the region": (
        [
            guarded([PROFILE, MODELS]) | {"Condition": {"StringEquals": {KEY: APPROVED, "aws:RequestedRegion": "us-east-1"}}},
            APPLY,
        ],
        "GB213",
    ),
    "a model through the profile alone": (
        [guarded(PROFILE), guarded(NOVA_ANYWHERE, ArnLike={"bedrock:InferenceProfileArn": PROFILE}), APPLY],
        "",
    ),
    "a model through another profile": (
        [
            guarded(PROFILE),
            guarded(NOVA_ANYWHERE, ArnLike={"bedrock:InferenceProfileArn": PROFILE.replace("us.", "eu.")}),
            APPLY,
        ],
        "GB213 GB214",
    ),
    "a model through a profile that is not granted": (
        [guarded(NOVA_ANYWHERE, ArnLike={"bedrock:InferenceProfileArn": PROFILE}), APPLY],
        "GB214",
    ),
    "a global profile without the global model": (
        [guarded([f"{OWN}:inference-profile/global.{GLOBAL}", f"arn:aws:bedrock:us-east-1::foundation-model/{GLOBAL}"]), APPLY],
        "GB213",
    ),
    "a global profile with the global model": (
        [
            guarded(
                [
                    f"{OWN}:inference-profile/global.{GLOBAL}",
                    f"arn:aws:bedrock:us-east-1::foundation-model/{GLOBAL}",
                    f"arn:aws:bedrock:::foundation-model/{GLOBAL}",
                ]
            ),
            APPLY,
        ],
        "",
    ),
    "an application profile without a model": ([guarded(f"{OWN}:application-inference-profile/abc"), APPLY], "GB213"),
    "an application profile with models": ([guarded([f"{OWN}:application-inference-profile/abc", MODELS]), APPLY], ""),
    "profiles without a model": ([guarded(f"{OWN}:inference-profile/*"), APPLY], "GB213"),
    "profiles with models of one region": (
        [guarded([f"{OWN}:inference-profile/us.*", "arn:aws:bedrock:us-east-1::foundation-model/*"]), APPLY],
        "GB213",
    ),
    "every profile with models of one region": (
        [guarded([f"{OWN}:inference-profile/*", "arn:aws:bedrock:us-east-1::foundation-model/*"]), APPLY],
        "",
    ),
    "profiles with one model": ([guarded([f"{OWN}:inference-profile/us.*", NOVA_ANYWHERE]), APPLY], ""),
    # -- separation of duties
    "inference and UpdateGuardrail": ([GUARDED, APPLY, allow("bedrock:UpdateGuardrail", GUARDRAIL)], "GB301"),
    "inference and DeleteGuardrail of another guardrail": (
        [GUARDED, APPLY, allow("bedrock:DeleteGuardrail", f"{OWN}:guardrail/zzz123def456")],
        "GB301",
    ),
    "inference and GetGuardrail": ([GUARDED, APPLY, allow("bedrock:GetGuardrail", GUARDRAIL)], ""),
    "every action of Bedrock": ([allow("bedrock:*")], "GB201 GB301 GB302 GB304"),
    "every action": ([allow("*")], "GB201 GB301 GB302 GB304 GB305"),
    "every action but those of IAM": (
        [{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}],
        "GB201 GB301 GB302 GB304 GB305",
    ),
    "a wildcard on the verb": ([allow("bedrock:*Guardrail", GUARDRAIL)], "GB302"),
    "a wildcard that reads": ([allow("bedrock:Get*")], ""),
    # -- tags
    "removal of every tag": (untag(None), "GB303"),
    "removal of the required tag": (untag({"ForAllValues:StringEquals": {"aws:TagKeys": ["Team"]}}), "GB303"),
    "removal of another tag": (untag({"ForAllValues:StringEquals": {"aws:TagKeys": ["Cost"]}}), ""),
    "removal of every tag but the required one": (untag({"ForAllValues:StringNotEquals": {"aws:TagKeys": ["Team"]}}), ""),
    "removal that a Deny stops": (
        [*untag(None), deny("bedrock:UntagResource", "*", {"ForAnyValue:StringEquals": {"aws:TagKeys": ["Team"]}})],
        "",
    ),
    "tags for guardrails of other teams": (
        [UPDATE_OWN, allow("bedrock:TagResource", GUARDRAIL, {"StringEquals": {"aws:RequestTag/Team": TEAM}})],
        "GB303",
    ),
    "tags for guardrails of the team": (
        [
            UPDATE_OWN,
            allow(
                "bedrock:TagResource",
                GUARDRAIL,
                {"StringEquals": {"aws:RequestTag/Team": TEAM, "aws:ResourceTag/Team": TEAM}},
            ),
        ],
        "",
    ),
    "a wildcard that removes tags": ([UPDATE_OWN, allow("bedrock:*Resource")], "GB303"),
    "tags without a condition on tags": ([allow("bedrock:*Resource")], ""),
    # -- API keys and bedrock-mantle
    "calls with API keys": ([allow("bedrock:CallWithBearerToken")], "GB304"),
    "calls with short-term API keys": (
        [allow("bedrock:CallWithBearerToken", "*", {"StringEquals": {"bedrock:BearerTokenType": "SHORT_TERM"}})],
        "",
    ),
    "creation of API keys": ([allow("iam:CreateServiceSpecificCredential", "arn:aws:iam::123456789012:user/a")], "GB304"),
    "a Deny of the creation of API keys": ([deny("iam:CreateServiceSpecificCredential")], ""),
    "every action of bedrock-mantle": ([allow("bedrock-mantle:*")], "GB305"),
    "inference with bedrock-mantle": ([allow("bedrock-mantle:CreateInference")], "GB305"),
    "reads of bedrock-mantle": ([allow("bedrock-mantle:GetProject")], ""),
}
TYPED: dict[str, tuple[Any, Statement, str]] = {
    "an SCP that denies other regions": (
        "scp",
        {
            "Effect": "Deny",
            "NotAction": ["iam:*", "sts:*"],
            "Resource": "*",
            "Condition": {"StringNotEquals": {"aws:RequestedRegion": ["us-east-1"]}},
        },
        "GB215",
    ),
    "an SCP that denies a destination": (
        "scp",
        deny("bedrock:*", "*", {"StringEquals": {"aws:RequestedRegion": "us-east-2"}}),
        "GB215",
    ),
    "an SCP that denies global profiles": (
        "scp",
        deny("bedrock:*", "*", {"StringEquals": {"aws:RequestedRegion": "unspecified"}}),
        "GB215",
    ),
    "an SCP that allows one region": (
        "scp",
        allow("*", "*", {"StringEquals": {"aws:RequestedRegion": "us-east-1"}}),
        "GB215",
    ),
    "a boundary that allows all but a destination": (
        "boundary",
        allow("*", "*", {"StringNotEquals": {"aws:RequestedRegion": "us-east-2"}}),
        "GB215",
    ),
    "an SCP that exempts profiles": (
        "scp",
        deny(
            "bedrock:*",
            "*",
            {
                "StringNotEquals": {"aws:RequestedRegion": ["us-east-1"]},
                "ArnNotLike": {"bedrock:InferenceProfileArn": "arn:aws:bedrock:*:*:inference-profile/*"},
            },
        ),
        "",
    ),
    "an SCP that denies regions to another service": (
        "scp",
        deny("s3:*", "*", {"StringNotEquals": {"aws:RequestedRegion": ["us-east-1"]}}),
        "",
    ),
    "the SCP that allows everything": ("scp", allow("*"), ""),
    "an SCP with a principal": ("scp", deny("bedrock:*", Principal="*"), "GB101"),
    "an RCP that allows": ("rcp", allow("bedrock:*", Principal="*"), "GB101"),
    "a boundary that allows everything": ("boundary", allow("*"), ""),
    "a session policy": ("session", allow(BOTH, MODELS), ""),
    "an endpoint policy": ("endpoint", allow(INVOKE, Principal="*"), ""),
    "a resource-based policy": (
        "resource",
        allow("bedrock:ApplyGuardrail", GUARDRAIL, Principal={"AWS": "arn:aws:iam::999999999999:root"}),
        "",
    ),
}


def rules_of(folder: Path, statements: list[Statement], policy_type: Any = None) -> set[str]:
    file = folder / "policy.json"
    file.write_text(json.dumps({"Version": "2012-10-17", "Statement": statements}), "utf-8")
    return {finding.rule for finding in lint([file], LintOptions(policy_type=policy_type))}


@pytest.mark.parametrize("name", CASES)
def test_identity_based_policy(tmp_path: Path, name: str) -> None:
    statements, expected = CASES[name]
    assert rules_of(tmp_path, statements) == set(expected.split())


@pytest.mark.parametrize("name", TYPED)
def test_policy_of_another_type(tmp_path: Path, name: str) -> None:
    policy_type, statement, expected = TYPED[name]
    assert rules_of(tmp_path, [statement], policy_type) == set(expected.split())


def test_a_region_allow_beside_another_allow_is_no_limit(tmp_path: Path) -> None:
    regional = allow("bedrock:*", "*", {"StringEquals": {"aws:RequestedRegion": "us-east-1"}})
    assert rules_of(tmp_path, [regional], "scp") == {"GB215"}
    assert rules_of(tmp_path, [regional, allow("*")], "scp") == set()


@pytest.mark.parametrize(("condition", "rule"), [(None, "GB201"), ({"Null": {KEY: "false"}}, "GB202")])
def test_the_statement_that_lets_the_call_through_is_reported(tmp_path: Path, condition: Any, rule: str) -> None:
    statements = [GUARDED, APPLY_ANY, allow(BOTH, MODELS, condition)]
    (tmp_path / "policy.json").write_text(json.dumps({"Version": "2012-10-17", "Statement": statements}), "utf-8")
    (finding,) = lint([tmp_path / "policy.json"])
    assert (finding.rule, finding.pointer[:12]) == (rule, "/Statement/2")


@pytest.mark.parametrize(
    ("sid", "severity"),
    [
        ("ProductionCalls", "warning"),
        ("HrProd", "warning"),
        ("prod", "warning"),
        ("PROD2", "warning"),
        ("Calls", "note"),
        ("ProductCalls", "note"),
        ("NonProdCalls", "note"),
        ("Preprod", "note"),
    ],
)
def test_the_draft_is_a_warning_in_production(tmp_path: Path, sid: str, severity: str) -> None:
    document = {"Version": "2012-10-17", "Statement": [allow(BOTH, MODELS, {"StringEquals": {KEY: GUARDRAIL}}, Sid=sid)]}
    (tmp_path / "policy.json").write_text(json.dumps(document), "utf-8")
    (finding,) = lint([tmp_path / "policy.json"], LintOptions(select=("GB208",)))
    assert finding.severity == severity


@pytest.mark.parametrize(
    ("action", "fix"),
    [
        ("bedrock:Converse", "`bedrock:InvokeModel`"),
        ("bedrock:ConverseStream", "`bedrock:InvokeModelWithResponseStream`"),
        ("bedrock:InvokeModelWithGuardrail", "`bedrock:ApplyGuardrail`"),
        ("bedrock:InvokeModl", "`bedrock:InvokeModel`"),
        ("bedrock-mantle:CreateInferences", "`bedrock-mantle:CreateInference`"),
        ("bedrok:InvokeModel", "`bedrock:InvokeModel`"),
        ("bedrock-runtime:InvokeModel", "`bedrock:InvokeModel`"),
    ],
)
def test_the_fix_names_the_action(tmp_path: Path, action: str, fix: str) -> None:
    document = {"Version": "2012-10-17", "Statement": [deny(action)]}
    (tmp_path / "policy.json").write_text(json.dumps(document), "utf-8")
    (finding,) = lint([tmp_path / "policy.json"])
    assert fix in finding.fix


@pytest.mark.parametrize(
    ("statements", "sentence"),
    [
        (
            [allow("bedrock:ApplyGuardrail", GUARDRAIL, EQUALS)],
            "never carries the condition key `{}`, so the statement grants nothing for it.",
        ),
        (
            [allow(["bedrock:ApplyGuardrail", "bedrock:GetGuardrail"], GUARDRAIL, EQUALS)],
            "never carry the condition key `{}`, so the statement grants nothing for them.",
        ),
    ],
)
def test_a_message_counts_the_actions(tmp_path: Path, statements: list[dict[str, Any]], sentence: str) -> None:
    (tmp_path / "p.json").write_text(json.dumps({"Version": "2012-10-17", "Statement": statements}), "utf-8")
    (finding,) = lint([tmp_path / "p.json"], LintOptions(select=("UNSUPPORTED_ACTION",)))
    assert finding.message.endswith(sentence.format(KEY))
