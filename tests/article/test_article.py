"""
The governance half of the article, with the commands of this project: least privilege, ABAC, SCPs, separation of duties, audit,
alarms, the AWS Config rule, and policies as code. The files are those of `examples/governance`.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import boto3
import pytest

from guardedbedrock.cli.app import run
from guardedbedrock.governance.config_rule import handler
from guardedbedrock.governance.generate import monitoring
from guardedbedrock.iam import PolicySet, Request
from guardedbedrock.iam.account.snapshot import write_snapshot
from guardedbedrock.testing import FilterPattern

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "governance.md").read_text("utf-8")
COMMANDS = re.findall(r"^\s*\$ guardedbedrock (.+)$", PAGE, re.MULTILINE)
ACCOUNT = "123456789012"
GUARDRAIL = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:guardrail/abc123def456"
MODEL = "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-3-haiku-20240307-v1:0"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/HRBotServiceRole"
INVOKE, STREAM = "bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"
KEY = "bedrock:GuardrailIdentifier"
FULL = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
CHANGED = {
    "eventSource": "bedrock.amazonaws.com",
    "eventName": "UpdateGuardrail",
    "requestParameters": {"guardrailIdentifier": "abc123def456", "name": "HIDDEN_DUE_TO_SECURITY_REASONS"},
}


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Copy the example into a folder, with a snapshot of an account and a trail beside it."""
    folder = tmp_path / "repository"
    shutil.copytree(ROOT / "examples" / "governance", folder)
    monkeypatch.chdir(folder)
    policy = json.loads(Path("policies/application.json").read_text("utf-8"))
    role = {"kind": "role", "name": "HRBotServiceRole", "id": "A", "inline": {"p": policy}, "managed": [], "tags": {}}
    base = {"schema": "guardedbedrock.snapshot", "version": 1, "account": ACCOUNT, "time": "2026-11-01T00:00:00Z"}
    write_snapshot({**base, "principals": {ROLE: role}}, "snapshot.json")
    identity = {
        "type": "AssumedRole",
        "arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/HRBotServiceRole/bot",
        "accountId": ACCOUNT,
        "principalId": "A:bot",
        "sessionContext": {"sessionIssuer": {"arn": ROLE}},
    }
    records = [
        {
            "eventVersion": "1.11",
            "eventID": name,
            "eventSource": "bedrock.amazonaws.com",
            "eventName": name,
            "eventType": "AwsApiCall",
            "awsRegion": "us-east-1",
            "eventTime": "2026-10-01T00:00:00Z",
            "userIdentity": identity,
            "recipientAccountId": ACCOUNT,
        }
        for name in ("Converse", "ConverseStream")
    ]
    Path("trail").mkdir()
    Path("trail/1.json").write_text(json.dumps({"Records": records}), "utf-8")
    return folder


def generated(what: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    capsys.readouterr()
    assert run(["generate", what, "--config", "guardedbedrock.toml"]) == 0
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def client(service: str, url: str) -> Any:
    return boto3.client(
        service, region_name="us-east-1", endpoint_url=url, aws_access_key_id="testing", aws_secret_access_key="testing"
    )


def decide(policies: PolicySet, action: str, resource: str, context: dict[str, Any] | None = None) -> str:
    return policies.evaluate(Request(ROLE, action, resource, context or {})).outcome


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_page_succeeds(repository: Path, command: str) -> None:  # noqa: ARG001  # the working directory
    assert run(shlex.split(command)) == 0


def test_the_page_has_every_command_and_every_generator() -> None:
    assert {command.split()[0] for command in COMMANDS} >= {"check", "generate", "translate", "lint", "test", "audit"}


def test_the_policy_of_the_article_is_reported_and_translated(
    repository: Path,  # noqa: ARG001  # the working directory
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["lint", "article/application.json"]) == 1
    assert "INVALID_ACTION" in capsys.readouterr().out
    assert run(["translate", "article/application.json", "--map", "G-HR-Compliance=abc123def456"]) == 0
    translated = capsys.readouterr().out
    Path("translated.json").write_text(translated, "utf-8")
    capsys.readouterr()
    run(["lint", "translated.json", "--format", "json"])
    left = {finding["rule"] for finding in json.loads(capsys.readouterr().out) if finding["severity"] != "note"}
    assert left == {"GB204"}  # the article's Deny forgets streaming, and the translation keeps what it says
    policies = PolicySet(identity=json.loads(translated))
    assert decide(policies, INVOKE, MODEL, {KEY: f"{GUARDRAIL}:3"}) == "allowed"
    assert decide(policies, INVOKE, MODEL) == "explicitDeny"


ARTICLE: dict[str, tuple[str, set[str], set[str]]] = {
    "application": ("identity", {"INVALID_ACTION"}, {"GB204"}),
    "team-tags": (
        "identity",
        {"INVALID_ACTION", "UNSUPPORTED_ACTION_FOR_CONDITION_KEY"},
        {"UNSUPPORTED_ACTION_FOR_CONDITION_KEY"},
    ),
    "organization": ("scp", set(), {"GB204"}),
    "administrator": ("identity", {"INVALID_ACTION"}, set()),
}
"""Policy of the article to its type, the rules that report it, and the rules that report its translation."""


@pytest.mark.parametrize("name", ARTICLE)
def test_every_policy_of_the_article_is_linted_and_translated(
    repository: Path,  # noqa: ARG001  # the working directory
    name: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The translation has the mistakes of the original, and every action exists."""
    policy_type, before, after = ARTICLE[name]

    def reported(file: str) -> set[str]:
        capsys.readouterr()
        run(["lint", file, "--type", policy_type, "--format", "json"])
        return {finding["rule"] for finding in json.loads(capsys.readouterr().out) if finding["severity"] != "note"}

    assert reported(f"article/{name}.json") == before
    assert run(["translate", f"article/{name}.json", "--map", "G-HR-Compliance=abc123def456"]) == 0
    Path("translated.json").write_text(capsys.readouterr().out, "utf-8")
    assert reported("translated.json") == after


def test_no_policy_of_the_article_is_left_out() -> None:
    assert {file.stem for file in (ROOT / "examples" / "governance" / "article").iterdir()} == set(ARTICLE)


def test_administrators_manage_and_do_not_invoke(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: ARG001
    assert run(["translate", "article/administrator.json"]) == 0
    policies = PolicySet(identity=json.loads(capsys.readouterr().out))
    assert decide(policies, "bedrock:UpdateGuardrail", GUARDRAIL) == "allowed"
    for context in ({}, {KEY: f"{GUARDRAIL}:3"}):
        assert decide(policies, INVOKE, MODEL, context) == "explicitDeny"


def test_least_privilege(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: ARG001
    policies = PolicySet(identity=generated("invoke-policy", capsys))
    finance = "arn:aws:bedrock:us-east-1::foundation-model/amazon.titan-text-premier-v1:0"
    for action in (INVOKE, STREAM):
        assert decide(policies, action, MODEL, {KEY: f"{GUARDRAIL}:3"}) == "allowed"
        assert decide(policies, action, MODEL) == "explicitDeny"
        assert decide(policies, action, finance, {KEY: f"{GUARDRAIL}:3"}) == "implicitDeny"
    assert decide(policies, "bedrock:ApplyGuardrail", GUARDRAIL) == "allowed"
    assert decide(policies, "bedrock:DeleteGuardrail", GUARDRAIL) == "implicitDeny"


def test_attribute_based_access_control(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: ARG001
    policies = PolicySet(identity=generated("manage-policy", capsys))

    def update(principal: str, resource: str) -> str:
        tags = {"aws:PrincipalTag/Team": principal, "aws:ResourceTag/Team": resource}
        return decide(policies, "bedrock:UpdateGuardrail", GUARDRAIL, tags)

    assert update("hr", "hr") == "allowed"
    assert update("hr", "finance") == "implicitDeny"
    assert decide(policies, "bedrock:CreateGuardrail", "*", {"aws:PrincipalTag/Team": "hr"}) == "implicitDeny"


def test_service_control_policy(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: ARG001
    policies = PolicySet(identity=FULL, scp=[[FULL, generated("scp", capsys)]])
    assert decide(policies, INVOKE, MODEL) == "explicitDeny"
    assert decide(policies, INVOKE, MODEL, {KEY: f"{GUARDRAIL}:2"}) == "explicitDeny"
    assert decide(policies, INVOKE, MODEL, {KEY: f"{GUARDRAIL}:3"}) == "allowed"
    assert decide(policies, "bedrock:CreateGuardrail", "*") == "explicitDeny"
    assert decide(policies, "bedrock:CreateGuardrail", "*", {"aws:RequestTag/Team": "hr"}) == "allowed"


def test_separation_of_duties(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: ARG001
    manage, audit = (PolicySet(identity=generated(what, capsys)) for what in ("manage-policy", "audit-policy"))
    for policies in (manage, audit):
        assert decide(policies, INVOKE, MODEL, {KEY: f"{GUARDRAIL}:3"}) == "explicitDeny"
    assert decide(audit, "bedrock:UpdateGuardrail", GUARDRAIL) == "explicitDeny"
    assert decide(audit, "bedrock:GetGuardrail", GUARDRAIL) == "allowed"


def test_one_principal_with_both_roles_is_reported(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: ARG001
    both = json.loads(Path("policies/application.json").read_text("utf-8"))
    both["Statement"].append({"Effect": "Allow", "Action": "bedrock:UpdateGuardrail", "Resource": GUARDRAIL})
    Path("both.json").write_text(json.dumps(both), "utf-8")
    assert run(["lint", "both.json", "--select", "GB301"]) == 1
    assert "one principal can weaken the guardrail" in capsys.readouterr().out


def test_monitoring(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: ARG001
    alarm = generated("alarm", capsys)
    observed = (ROOT / "docs" / "observability.md").read_text("utf-8")
    (record,) = (json.loads(found) for found in re.findall(r"```json\n(.+?)```", observed, re.DOTALL))
    assert FilterPattern(alarm["filterPattern"]).matches(record)
    assert not FilterPattern(alarm["filterPattern"]).matches({**record, "errorCode": "ThrottlingException"})
    detail = alarm["eventPattern"]["detail"]
    assert CHANGED["eventName"] in detail["eventName"]
    assert CHANGED["eventSource"] in detail["eventSource"]
    assert not {"InvokeModel", "Converse", "GetGuardrail"} & set(detail["eventName"])


def test_the_page_of_alarms_has_the_pattern() -> None:
    assert monitoring.filter_pattern() in (ROOT / "docs" / "alarms.md").read_text("utf-8")


@pytest.mark.parametrize("what", ["invoke-policy", "manage-policy", "audit-policy", "boundary", "invocation-logging"])
def test_templates_can_be_deployed(repository: Path, what: str, moto_url: str) -> None:  # noqa: ARG001
    assert run(["generate", what, "--config", "guardedbedrock.toml", "--format", "cloudformation", "-o", "out"]) == 0
    template = Path(f"out/{what}.template.json").read_text("utf-8")
    stacks = client("cloudformation", moto_url)
    stacks.create_stack(StackName=what, TemplateBody=template, Capabilities=["CAPABILITY_NAMED_IAM"])
    (stack,) = stacks.describe_stacks(StackName=what)["Stacks"]
    created = stacks.list_stack_resources(StackName=what)["StackResourceSummaries"]
    stacks.delete_stack(StackName=what)
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert {one["LogicalResourceId"] for one in created} == set(json.loads(template)["Resources"])


DEPLOYED = {
    "alarm": (
        {"Email": "a@example.com", "TrailLogGroup": "trail", "TopicKey": "alias/topic"},
        {"AWS::SNS::Topic", "AWS::Events::Rule"},
    ),
    "config-rule": ({"CodeBucket": "code"}, {"AWS::IAM::Role", "AWS::Lambda::Function", "AWS::Lambda::Permission"}),
}
"""Template to its parameters, and to those of its resource types that moto supports."""


@pytest.mark.parametrize("what", DEPLOYED)
@pytest.mark.filterwarnings("ignore:Tried to parse AWS:UserWarning")  # moto warns of types that it skips
def test_the_supported_resources_of_a_template_can_be_deployed(repository: Path, what: str, moto_url: str) -> None:  # noqa: ARG001
    assert run(["generate", what, "--config", "guardedbedrock.toml", "--format", "cloudformation", "-o", "out"]) == 0
    parameters, supported = DEPLOYED[what]
    if what == "config-rule":
        bucket = client("s3", moto_url)
        bucket.create_bucket(Bucket="code")
        bucket.put_object(Bucket="code", Key="config-rule.zip", Body=Path("out/config-rule.zip").read_bytes())
    stacks = client("cloudformation", moto_url)
    given = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
    template = Path(f"out/{what}.template.json").read_text("utf-8")
    stacks.create_stack(StackName=what, TemplateBody=template, Parameters=given, Capabilities=["CAPABILITY_NAMED_IAM"])
    (stack,) = stacks.describe_stacks(StackName=what)["Stacks"]
    created = stacks.list_stack_resources(StackName=what)["StackResourceSummaries"]
    stacks.delete_stack(StackName=what)
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert {one["ResourceType"] for one in created} - {""} == supported  # moto lists a type that it skips without a name


@pytest.mark.parametrize(("tags", "expected"), [({}, "NON_COMPLIANT"), ({"Team": "hr"}, "COMPLIANT")])
def test_config_rule(tags: dict[str, str], expected: str, moto_url: str) -> None:
    class Bedrock:
        """The control plane, which moto does not have."""

        def get_guardrail(self, **_: Any) -> dict[str, Any]:
            """Return a guardrail with a strong filter."""
            filters = [{"type": "HATE", "inputStrength": "HIGH", "outputStrength": "HIGH"}]
            return {"guardrailArn": GUARDRAIL, "status": "READY", "contentPolicy": {"filters": filters}}

        def list_tags_for_resource(self, **_: Any) -> dict[str, Any]:
            """Return the tags."""
            return {"tags": [{"key": key, "value": value} for key, value in tags.items()]}

        def get_paginator(self, _: str) -> Any:
            """Return the versions."""
            return self

        def paginate(self, **_: Any) -> list[dict[str, Any]]:
            """Return one page with a published version."""
            return [{"guardrails": [{"version": "DRAFT"}, {"version": "1"}]}]

    item = {
        "resourceType": "AWS::Bedrock::Guardrail",
        "resourceId": "abc123def456",
        "configurationItemStatus": "OK",
        "configurationItemCaptureTime": "2026-11-01T00:00:00Z",
    }
    event = {
        "invokingEvent": json.dumps({"messageType": "ConfigurationItemChangeNotification", "configurationItem": item}),
        "ruleParameters": json.dumps({"RequiredTags": "Team"}),
        "resultToken": "TESTMODE",
        "accountId": ACCOUNT,
        "eventLeftScope": False,
    }
    config = client("config", moto_url)
    (found,) = handler(event, None, lambda service: config if service == "config" else Bedrock())
    assert found["ComplianceType"] == expected
