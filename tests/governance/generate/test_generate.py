"""Everything that is generated is checked by the engine, by the linter, and by cfn-lint."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import cfnlint.api
import pytest

from guardedbedrock.cli.app import run
from guardedbedrock.governance.generate import monitoring
from guardedbedrock.governance.generate.generators import GENERATORS
from guardedbedrock.governance.lint.run import LintOptions, lint
from guardedbedrock.iam import PolicySet, Request
from guardedbedrock.testing.filter_patterns import FilterPattern

EAST = "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456"
WEST = "arn:aws:bedrock:eu-central-1:123456789012:guardrail/xyz123def456"
CONFIG = f"""
models_without_guardrail = ["acme.embed-*", "acme.rerank-v1:0"]

[[guardrails]]
arn = "{EAST}"
version = "3"
name = "hr"
profile = "us.guardrail.v1:0"

[[guardrails]]
arn = "{WEST}"
version = "1"

[[guardrail_definitions]]
name = "hr-chat"
blocked_input_messaging = "No."
blocked_outputs_messaging = "No."
tags = {{ Team = "hr" }}

[guardrail_definitions.content_policy_config]
filters_config = [{{ type = "HATE", input_strength = "HIGH", output_strength = "HIGH" }}]

[guardrail_definitions.sensitive_information_policy_config]
pii_entities_config = [{{ type = "EMAIL", action = "ANONYMIZE" }}]
"""
POLICIES = {
    "invoke-policy": "identity",
    "manage-policy": "identity",
    "audit-policy": "identity",
    "boundary": "boundary",
    "scp": "scp",
}
TEMPLATES = sorted(GENERATORS)
DENIED = {"eventSource": "bedrock.amazonaws.com", "eventName": "InvokeModel", "errorCode": "AccessDenied"}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("guardedbedrock.toml").write_text(CONFIG, "utf-8")
    return "guardedbedrock.toml"


def generated(what: str, config: str, form: str) -> Path:
    assert run(["generate", what, "--config", config, "--format", form, "-o", "out"]) == 0
    suffix = {"json": ".json", "cloudformation": ".template.json", "terraform": ".tf.json"}[form]
    return Path("out") / f"{what}{suffix}"


@pytest.mark.parametrize("form", ["json", "cloudformation", "terraform"])
@pytest.mark.parametrize("what", POLICIES)
def test_policies_have_no_finding(config: str, what: str, form: str) -> None:
    file = generated(what, config, form)
    policy_type: Any = POLICIES[what]
    findings = lint([file], LintOptions(policy_type=policy_type, unguarded_models=("acme.embed-*", "acme.rerank-*")))
    assert [finding.message for finding in findings] == []


@pytest.mark.parametrize("what", TEMPLATES)
def test_cloudformation_passes_cfn_lint(config: str, what: str) -> None:
    file = generated(what, config, "cloudformation")
    matches = cfnlint.api.lint(file.read_text("utf-8"), config=cfnlint.api.ManualArgs(regions=["us-east-1"]))
    assert [str(match) for match in matches] == []


def decide(policy: dict[str, Any], action: str, resource: str, **context: Any) -> str:
    role = "arn:aws:iam::123456789012:role/App"
    keys = {key.replace("_", ":", 1): value for key, value in context.items()}
    return PolicySet(identity=policy).evaluate(Request(role, action, resource, keys)).outcome


def test_invoke_policy_allows_only_guarded_calls(config: str) -> None:
    policy = json.loads(generated("invoke-policy", config, "json").read_text("utf-8"))
    model = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0"
    for action in ("bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"):
        assert decide(policy, action, model, bedrock_GuardrailIdentifier=f"{EAST}:3") == "allowed"
        assert decide(policy, action, model, bedrock_GuardrailIdentifier=f"{EAST}:2") == "explicitDeny"
        assert decide(policy, action, model) == "explicitDeny"
    embed = "arn:aws:bedrock:us-east-1::foundation-model/acme.embed-v1"
    assert decide(policy, "bedrock:InvokeModel", embed) == "allowed"
    profile = "arn:aws:bedrock:us-east-2:123456789012:guardrail-profile/us.guardrail.v1:0"
    assert decide(policy, "bedrock:ApplyGuardrail", profile) == "allowed"
    assert decide(policy, "bedrock:UpdateGuardrail", EAST) == "implicitDeny"


def test_guardrail_version_gets_a_new_logical_id_when_the_guardrail_changes(config: str) -> None:
    def versions() -> list[str]:
        template = json.loads(generated("guardrail", config, "cloudformation").read_text("utf-8"))
        return [name for name, entry in template["Resources"].items() if entry["Type"] == "AWS::Bedrock::GuardrailVersion"]

    before = versions()
    assert versions() == before
    Path(config).write_text(CONFIG.replace('input_strength = "HIGH"', 'input_strength = "LOW"'), "utf-8")
    assert versions() != before


def test_guardrail_definition_becomes_properties(config: str) -> None:
    (properties,) = json.loads(generated("guardrail", config, "json").read_text("utf-8"))
    assert properties["ContentPolicyConfig"] == {
        "FiltersConfig": [{"Type": "HATE", "InputStrength": "HIGH", "OutputStrength": "HIGH"}]
    }
    assert properties["Tags"] == [{"Key": "Team", "Value": "hr"}]


def test_enforcement_has_the_guardrail_of_each_region(config: str) -> None:
    content = json.loads(generated("enforcement", config, "json").read_text("utf-8"))
    regions = content["bedrock"]["guardrail_inference"]
    assert {region: entry["config_1"]["identifier"] for region, entry in regions.items()} == {
        "us-east-1": {"@@assign": f"{EAST}:3"},
        "eu-central-1": {"@@assign": f"{WEST}:1"},
    }


@pytest.mark.parametrize(
    "record",
    [
        DENIED,
        {**DENIED, "errorCode": "AccessDeniedException"},
        {**DENIED, "eventSource": "bedrock-mantle.amazonaws.com", "eventName": "CreateInference"},
        {**DENIED, "eventName": "UpdateGuardrail", "userIdentity": {"type": "AssumedRole"}},
    ],
)
def test_alarm_counts_denials(record: dict[str, Any]) -> None:
    assert FilterPattern(monitoring.filter_pattern()).matches(record)


@pytest.mark.parametrize(
    "record",
    [
        {"eventSource": "bedrock.amazonaws.com", "eventName": "InvokeModel"},
        {**DENIED, "errorCode": "ThrottlingException"},
        {**DENIED, "errorCode": "ValidationException"},
        {**DENIED, "eventSource": "s3.amazonaws.com"},
    ],
)
def test_alarm_counts_nothing_else(record: dict[str, Any]) -> None:
    assert not FilterPattern(monitoring.filter_pattern()).matches(record)


def test_zip_of_the_rule_imports_beside_boto3_alone(config: str) -> None:
    generated("config-rule", config, "cloudformation")
    archive = Path("out/config-rule.zip").resolve()
    assert zipfile.ZipFile(archive).testzip() is None
    blocked = ("structlog", "pydantic", "opentelemetry", "tenacity", "typer", "rich", "yaml", "cvc5", "aiobotocore")
    program = f"""
import sys
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ImportError(name)
sys.meta_path.insert(0, Block())
sys.path.insert(0, {str(archive)!r})
import guardedbedrock.governance.config_rule as module
assert module.__file__.startswith({str(archive)!r}), module.__file__
sent = []
class Config:
    def put_evaluations(self, **given):
        sent.append(given)
item = {{"resourceType": "AWS::Bedrock::Guardrail", "resourceId": "a", "configurationItemStatus": "ResourceDeleted",
        "configurationItemCaptureTime": "2026-01-01T00:00:00Z"}}
import json
event = {{"invokingEvent": json.dumps({{"messageType": "ConfigurationItemChangeNotification", "configurationItem": item}}),
         "resultToken": "t"}}
module.handler(event, None, lambda name: Config())
print(sent[0]["Evaluations"][0]["ComplianceType"])
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)  # noqa: S603
    assert (ran.stdout.strip(), ran.stderr) == ("NOT_APPLICABLE", "")


def test_the_output_must_be_a_folder(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["generate", "invoke-policy", "--config", config, "-o", config]) == 2
    assert "not a folder; name the folder to write into" in capsys.readouterr().err


def test_workflow(config: str) -> None:
    assert run(["generate", "github-workflow", "--config", config, "-o", "out"]) == 0
    text = Path("out/.github/workflows/bedrock-policies.yml").read_text("utf-8")
    assert "guardedbedrock lint policies --config guardedbedrock.toml" in text


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("[[guardrail_definitions]]", "[[guardrail_definitions]]\nnickname = 'x'"), "nickname: unknown key"),
        (('blocked_input_messaging = "No."', ""), "blocked_input_messaging: missing"),
        (('name = "hr-chat"', 'name = "hr chat"'), "name: up to 50 letters"),
    ],
)
def test_invalid_definition(config: str, change: tuple[str, str], problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path(config).write_text(CONFIG.replace(*change), "utf-8")
    assert run(["generate", "guardrail", "--config", config]) == 2
    assert problem in capsys.readouterr().err


def test_invalid_requests(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["generate", "nothing", "--config", config]) == 2
    assert run(["generate", "config-rule", "--config", config, "--format", "terraform"]) == 2
    Path(config).write_text(f'allow_draft = true\n[[guardrails]]\narn = "{EAST}"\nversion = "DRAFT"\n', "utf-8")
    assert run(["generate", "enforcement", "--config", config]) == 2
    assert "publish a version" in capsys.readouterr().err
