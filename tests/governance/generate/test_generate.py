"""Everything that is generated is checked by the engine, by the linter, and by cfn-lint."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import cfnlint.api
import pytest
import yaml

from guardedbedrock.cli.app import run
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.governance.config_rule.parameters import read_parameters
from guardedbedrock.governance.generate import monitoring, policies
from guardedbedrock.governance.generate.generators import GENERATORS
from guardedbedrock.governance.lint.run import LintOptions, lint
from guardedbedrock.governance.replay.reading.events import DENIAL_CODES
from guardedbedrock.iam import PolicySet, Request, findings
from guardedbedrock.testing.logs.filter_patterns import FilterPattern

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
MODEL = "arn:aws:bedrock:us-east-1::foundation-model/acme.sample-v1:0"
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
    found = lint([file], LintOptions(policy_type=policy_type, unguarded_models=("acme.embed-*", "acme.rerank-*")))
    assert [finding.message for finding in found] == []


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


def approving_many(number: int) -> str:
    arns = [EAST.replace("abc123def456", f"abc123def{index:03d}") for index in range(number)]
    return "".join(f'[[guardrails]]\narn = "{arn}"\nversion = "1"\n' for arn in arns)


@pytest.mark.parametrize("form", ["json", "terraform"])
def test_an_scp_has_no_white_space_because_aws_counts_it(config: str, form: str) -> None:
    Path(config).write_text(approving_many(44), "utf-8")
    text = generated("scp", config, form).read_text("utf-8")
    if form == "terraform":
        text = json.loads(text)["resource"]["aws_organizations_policy"]["scp"]["content"]
    assert findings(text, "scp") == ()
    assert text.strip() == json.dumps(json.loads(text), separators=(",", ":"))


def test_every_scp_that_is_written_fits_and_a_larger_one_is_refused(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = []
    for number in range(50, 64):
        Path(config).write_text(approving_many(number), "utf-8")
        code = run(["generate", "scp", "--config", config, "-o", f"out{number}"])
        file = Path(f"out{number}/scp.json")
        assert (code, file.exists()) in ((0, True), (2, False))
        sizes += [len(file.read_text("utf-8"))] if code == 0 else []
    assert max(sizes) <= 5_120
    assert "exceed the limit of 5,120 for a service control policy" in capsys.readouterr().err


@pytest.mark.parametrize("change", ["CreatePolicyVersion", "DeletePolicy", "DeletePolicyVersion", "SetDefaultPolicyVersion"])
def test_the_boundary_denies_changes_of_itself(config: str, change: str) -> None:
    policy = json.loads(generated("boundary", config, "json").read_text("utf-8"))
    own = "arn:aws:iam::123456789012:policy/"
    assert decide(policy, f"iam:{change}", f"{own}bedrock-boundary") == "explicitDeny"
    assert decide(policy, f"iam:{change}", f"{own}another") == "allowed"


def test_the_boundary_has_the_name_that_it_protects(config: str) -> None:
    template = json.loads(generated("boundary", config, "cloudformation").read_text("utf-8"))
    terraform = json.loads(generated("boundary", config, "terraform").read_text("utf-8"))
    names = [
        template["Resources"]["Boundary"]["Properties"]["ManagedPolicyName"],
        terraform["resource"]["aws_iam_policy"]["boundary"]["name"],
    ]
    assert names == ["bedrock-boundary", "bedrock-boundary"]


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
        *({**DENIED, "errorCode": code} for code in sorted(DENIAL_CODES)),
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
        {**DENIED, "errorCode": "ResourceNotFoundException", "errorMessage": "Access denied. This Model is marked as Legacy."},
        {**DENIED, "errorCode": "accessdenied"},
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


FILTER = 'type = "HATE", input_strength = "HIGH", output_strength = "HIGH"'
NAMED = 'name = "hr-chat"'
POLICY_CONFIG = f"[guardrail_definitions.content_policy_config]\nfilters_config = [{{ {FILTER} }}]"
CONTENT_FILTER = "guardrail_definitions[0].content_policy_config.filters_config[0]"
GROUNDING = """
[guardrail_definitions.contextual_grounding_policy_config]
filters_config = [{{ type = "GROUNDING", threshold = {} }}]
"""


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("[[guardrail_definitions]]", "[[guardrail_definitions]]\nnickname = 'x'"), "nickname: unknown key"),
        (('blocked_input_messaging = "No."', ""), "blocked_input_messaging: missing; set it to a string"),
        (('blocked_input_messaging = "No."', 'blocked_input_messaging = ""'), "must have 1 to 500 characters"),
        ((NAMED, 'name = "hr chat"'), "name: `hr chat` is not allowed; AWS requires the pattern"),
        ((NAMED, f'name = "{"a" * 51}"'), "name: must have 1 to 50 characters"),
        ((NAMED, f"{NAMED}\ndescription = 2020-01-01"), "guardrail_definitions[0].description: must be a string, in quotes"),
        ((NAMED, f'{NAMED}\nkms_key_arn = "alias/key"'), "kms_key_arn: `alias/key` is not an ARN"),
        ((NAMED, f"{NAMED}\nresource_policy = 3"), "resource_policy: must be the JSON text of a policy"),
        ((POLICY_CONFIG, "content_policy_config = 3"), "content_policy_config: must be a table with the keys"),
        (
            ("filters_config", "filter_config"),
            "content_policy_config.filter_config: unknown key; the keys are content_filters_tier_config",
        ),
        ((f"[{{ {FILTER} }}]", "[]"), "filters_config: must have 1 to 6 entries"),
        ((f"[{{ {FILTER} }}]", f"{{ {FILTER} }}"), "filters_config: must be an array; write [a table]"),
        (('"HATE"', '"HATEFUL"'), f"{CONTENT_FILTER}.type: `HATEFUL` is not allowed; set it to one of SEXUAL, VIOLENCE, HATE"),
        ((', output_strength = "HIGH"', ""), f"{CONTENT_FILTER}.output_strength: missing; set it to one of NONE, LOW"),
        ((FILTER, f'{FILTER}, input_enabled = "yes"'), f"{CONTENT_FILTER}.input_enabled: must be true or false"),
        ((POLICY_CONFIG, GROUNDING.format("inf")), "filters_config[0].threshold: must be a number"),
        ((POLICY_CONFIG, GROUNDING.format("-1")), "filters_config[0].threshold: must be at least 0"),
        (('{ Team = "hr" }', '{ "aws:x" = "hr" }'), "guardrail_definitions[0].tags: `aws:x` begins with aws:"),
    ],
)
def test_invalid_definition(config: str, change: tuple[str, str], problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path(config).write_text(CONFIG.replace(*change), "utf-8")
    assert run(["generate", "guardrail", "--config", config, "--format", "cloudformation"]) == 2
    assert problem in capsys.readouterr().err


def test_tag_key_of_a_definition_may_contain_a_space(config: str) -> None:
    Path(config).write_text(CONFIG.replace('{ Team = "hr" }', '{ "Cost Center" = "4711" }'), "utf-8")

    assert run(["generate", "guardrail", "--config", config, "--format", "cloudformation", "-o", "out"]) == 0
    assert any("Cost Center" in file.read_text("utf-8") for file in Path("out").iterdir())


@pytest.mark.parametrize(
    ("first", "second"),
    [("hr-policy", "hr"), ("hr", "hr-policy"), ("hr-chat", "hr_chat"), ("HR", "hr")],
)
def test_two_definitions_with_one_logical_id(config: str, first: str, second: str, capsys: pytest.CaptureFixture[str]) -> None:
    more = f"""blocked_input_messaging = "No."\nblocked_outputs_messaging = "No."\nresource_policy = '{json.dumps(SHARED)}'\n"""
    both = [f'[[guardrail_definitions]]\nname = "{name}"\n{more}' for name in (first, second)]
    Path(config).write_text(approving_many(1) + "".join(both), "utf-8")
    assert run(["generate", "guardrail", "--config", config, "-o", "out"]) == 2
    error = capsys.readouterr().err
    assert f"guardrail_definitions[1].name: `{second}` needs the logical ID Guardrail" in error
    assert f"and so does guardrail_definitions[0].name `{first}`; rename one of them" in error
    assert not Path("out").exists()


def test_a_terraform_label_does_not_begin_with_a_digit(config: str) -> None:
    Path(config).write_text(CONFIG.replace(NAMED, 'name = "1st"'), "utf-8")
    data = json.loads(generated("guardrail", config, "terraform").read_text("utf-8"))["resource"]
    assert list(data["aws_bedrock_guardrail"]) == ["_1st"]
    version = data["aws_bedrock_guardrail_version"]["_1st"]
    assert version["guardrail_arn"] == "${aws_bedrock_guardrail._1st.guardrail_arn}"


def test_the_published_version_is_retained_when_the_guardrail_changes(config: str) -> None:
    """Clients and policies name the old version until they are changed."""
    template = json.loads(generated("guardrail", config, "cloudformation").read_text("utf-8"))["Resources"]
    (version,) = (entry for entry in template.values() if entry["Type"] == "AWS::Bedrock::GuardrailVersion")
    assert (version["DeletionPolicy"], version["UpdateReplacePolicy"]) == ("Retain", "Retain")


@pytest.mark.parametrize("key", ["", "a b", "aws:x", "AWS:x", "$", "a,b", "ä", "a" * 129])
@pytest.mark.parametrize("what", ["manage-policy", "scp", "config-rule"])
def test_a_tag_key_that_aws_does_not_accept(config: str, what: str, key: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["generate", what, "--config", config, "--tag-key", key, "-o", "out"]) == 2
    assert capsys.readouterr().err.startswith(f"guardedbedrock: --tag-key: `{key}` ")
    assert not Path("out").exists()


@pytest.mark.parametrize("key", ["cost-center", "org:team/owner", "a" * 128])
def test_a_tag_key_that_aws_accepts(config: str, key: str) -> None:
    assert run(["generate", "manage-policy", "--config", config, "--tag-key", key, "-o", "out"]) == 0


def test_invalid_requests(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["generate", "nothing", "--config", config]) == 2
    Path(config).write_text(f'allow_draft = true\n[[guardrails]]\narn = "{EAST}"\nversion = "DRAFT"\n', "utf-8")
    assert run(["generate", "enforcement", "--config", config]) == 2
    assert "publish a version" in capsys.readouterr().err


EVERY_PROPERTY = """
[[guardrail_definitions]]
name = "full"
description = "d"
blocked_input_messaging = "no"
blocked_outputs_messaging = "no"
kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/12345678-1234-1234-1234-123456789012"
tags = { Team = "hr" }
[guardrail_definitions.cross_region_config]
guardrail_profile_arn = "arn:aws:bedrock:us-east-1:123456789012:guardrail-profile/us.guardrail.v1:0"
[guardrail_definitions.content_policy_config]
[[guardrail_definitions.content_policy_config.filters_config]]
type = "HATE"
input_strength = "HIGH"
output_strength = "HIGH"
input_modalities = ["TEXT", "IMAGE"]
input_action = "BLOCK"
input_enabled = true
[guardrail_definitions.content_policy_config.content_filters_tier_config]
tier_name = "STANDARD"
[guardrail_definitions.topic_policy_config]
topics_config = [{ name = "salaries", definition = "Questions about pay.", type = "DENY", examples = ["How much?"] }]
topics_tier_config = { tier_name = "STANDARD" }
[guardrail_definitions.word_policy_config]
words_config = [{ text = "x" }]
managed_word_lists_config = [{ type = "PROFANITY" }]
[guardrail_definitions.sensitive_information_policy_config]
pii_entities_config = [{ type = "EMAIL", action = "ANONYMIZE", input_enabled = true }]
regexes_config = [{ name = "r", pattern = "[0-9]+", action = "BLOCK", description = "d" }]
[guardrail_definitions.contextual_grounding_policy_config]
filters_config = [{ type = "GROUNDING", threshold = 0.7, action = "BLOCK", enabled = true }]
[guardrail_definitions.automated_reasoning_policy_config]
confidence_threshold = 0.8
policies = ["arn:aws:bedrock:us-east-1:123456789012:automated-reasoning-policy/abcdefghijkl:1"]
"""


def test_a_definition_with_every_property_passes_cfn_lint(config: str) -> None:
    Path(config).write_text(f'[[guardrails]]\narn = "{EAST}"\nversion = "3"\n{EVERY_PROPERTY}', "utf-8")
    text = generated("guardrail", config, "cloudformation").read_text("utf-8")
    assert [str(match) for match in cfnlint.api.lint(text, config=cfnlint.api.ManualArgs(regions=["us-east-1"]))] == []
    (properties,) = json.loads(generated("guardrail", config, "json").read_text("utf-8"))
    assert len(properties) == 13


# -- Terraform ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", TEMPLATES)
def test_terraform_names_only_what_it_declares(config: str, what: str) -> None:
    data = json.loads(generated(what, config, "terraform").read_text("utf-8"))
    assert set(data) <= {"variable", "data", "resource"}
    declared = {f"var.{name}" for name in data.get("variable", {})}
    for block, prefix in (("data", "data."), ("resource", "")):
        declared |= {f"{prefix}{kind}.{name}" for kind, entries in data.get(block, {}).items() for name in entries}
    expressions = re.findall(r"(?<!\$)\$\{(.*?)\}", json.dumps(data))
    named = {name for text in expressions for name in re.findall(r"\b(?:var\.\w+|(?:data\.)?aws_\w+\.\w+)", text)}
    assert named <= declared


def test_terraform_has_the_names_of_its_provider(config: str) -> None:
    more = """
[guardrail_definitions.content_policy_config.content_filters_tier_config]
tier_name = "STANDARD"

[guardrail_definitions.cross_region_config]
guardrail_profile_arn = "arn:aws:bedrock:us-east-1:123456789012:guardrail-profile/us.guardrail.v1:0"
"""
    Path(config).write_text(CONFIG + more, "utf-8")
    data = json.loads(generated("guardrail", config, "terraform").read_text("utf-8"))
    made = data["resource"]["aws_bedrock_guardrail"]["hr_chat"]
    assert made["content_policy_config"]["tier_config"] == {"tier_name": "STANDARD"}
    assert list(made["cross_region_config"]) == ["guardrail_profile_identifier"]
    (template,) = (
        entry["Properties"]
        for entry in json.loads(generated("guardrail", config, "cloudformation").read_text("utf-8"))["Resources"].values()
        if entry["Type"] == "AWS::Bedrock::Guardrail"
    )
    assert template["ContentPolicyConfig"]["ContentFiltersTierConfig"] == {"TierName": "STANDARD"}
    assert list(template["CrossRegionConfig"]) == ["GuardrailProfileArn"]


SHARED = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::999999999999:root"},
        "Action": "bedrock:ApplyGuardrail",
        "Resource": "*",
    },
}


def test_resource_policy_of_a_guardrail(config: str) -> None:
    definition = f"resource_policy = '{json.dumps(SHARED)}'\n\n[guardrail_definitions.content_policy_config]"
    Path(config).write_text(CONFIG.replace("[guardrail_definitions.content_policy_config]", definition), "utf-8")
    resources = json.loads(generated("guardrail", config, "cloudformation").read_text("utf-8"))["Resources"]
    (policy,) = (entry["Properties"] for entry in resources.values() if entry["Type"] == "AWS::Bedrock::ResourcePolicy")
    assert policy == {"ResourceArn": {"Fn::GetAtt": ["GuardrailHrChat", "GuardrailArn"]}, "PolicyDocument": SHARED}
    terraform = json.loads(generated("guardrail", config, "terraform").read_text("utf-8"))["resource"]
    assert "resource_policy" not in terraform["aws_bedrock_guardrail"]["hr_chat"]
    stack = terraform["aws_cloudformation_stack"]["hr_chat"]
    assert stack["parameters"] == {"GuardrailArn": "${aws_bedrock_guardrail.hr_chat.guardrail_arn}"}
    assert json.loads(stack["template_body"])["Resources"]["Policy"]["Properties"]["PolicyDocument"] == SHARED


def test_invocation_logging_is_configured(config: str) -> None:
    data = json.loads(generated("invocation-logging", config, "terraform").read_text("utf-8"))
    logging = data["resource"]["aws_bedrock_model_invocation_logging_configuration"]["bedrock"]["logging_config"]
    assert logging["cloudwatch_config"]["log_group_name"] == "${aws_cloudwatch_log_group.bedrock.name}"
    generated("invocation-logging", config, "cloudformation")
    configuration = json.loads(Path("out/invocation-logging.configuration.json").read_text("utf-8"))
    assert configuration["cloudWatchConfig"]["logGroupName"] == "/aws/bedrock/invocations"


def test_only_the_own_account_may_publish_alarms(config: str) -> None:
    data = json.loads(generated("alarm", config, "terraform").read_text("utf-8"))
    (condition,) = [data["data"]["aws_iam_policy_document"]["bedrock_alarm"]["statement"]["condition"]]
    assert (condition["test"], condition["variable"]) == ("StringEquals", "aws:SourceAccount")


def test_config_rule_has_every_parameter_of_the_handler(config: str) -> None:
    names = {"RequiredTags", "AllowedTagValues", "ApprovedGuardrails", "MinimumStrength", "Scope", "UnusedDays"}
    template = json.loads(generated("config-rule", config, "cloudformation").read_text("utf-8"))
    for rule in ("GuardrailRule", "PrincipalRule"):
        assert set(template["Resources"][rule]["Properties"]["InputParameters"]) == names
    values = {name: entry["Default"] for name, entry in template["Parameters"].items() if name in names}
    assert read_parameters(values).approved == (f"{EAST}:3", f"{WEST}:1")
    rules = json.loads(generated("config-rule", config, "terraform").read_text("utf-8"))["resource"]["aws_config_config_rule"]
    assert all(f"{name} = var." in rule["input_parameters"] for rule in rules.values() for name in names)


def test_the_role_of_the_rule_may_read_earlier_results(config: str) -> None:
    template = json.loads(generated("config-rule", config, "cloudformation").read_text("utf-8"))
    (policy,) = template["Resources"]["RuleRole"]["Properties"]["Policies"]
    assert decide(policy["PolicyDocument"], "config:GetComplianceDetailsByConfigRule", "*") == "allowed"


def test_too_many_guardrails_for_the_parameters_of_a_rule(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path(config).write_text(approving_many(20), "utf-8")
    assert run(["generate", "config-rule", "--config", config, "-o", "out"]) == 2
    assert "do not fit into the 1024 characters" in capsys.readouterr().err
    assert not Path("out").exists()


@pytest.mark.parametrize(
    "name", ["guardedbedrock.toml", "a b.toml", "a #b: c.toml", "it's.toml", "$HOME;x.toml", "policies/ä.toml"]
)
def test_workflow_quotes_the_path_of_the_configuration(name: str) -> None:
    (content,) = monitoring.github_workflow("1.0", name).files.values()
    steps = yaml.safe_load(content)["jobs"]["policies"]["steps"]
    words = [shlex.split(step["run"]) for step in steps if name in step.get("run", "").replace("'\"'\"'", "'")]
    assert words == [
        ["guardedbedrock", "check", name],
        ["guardedbedrock", "lint", "policies", "--config", name, "--format", "sarif", ">", "lint.sarif"],
    ]


def test_a_path_with_a_line_break_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="has a line break"):
        monitoring.github_workflow("1.0", "a\nb.toml")


def test_workflow_is_printed(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["generate", "github-workflow", "--config", config]) == 0
    assert capsys.readouterr().out.startswith("# Lints and tests the policies")


# -- the check before a policy is written ---------------------------------------------------------------------------------

APP = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc123"
NOVA = "amazon.nova-lite-v1:0"


def approving(models: list[str], more: str = "") -> str:
    return f'{more}\n[[guardrails]]\narn = "{EAST}"\nversion = "3"\nmodels = {json.dumps(models)}\n'


@pytest.mark.parametrize("what", ["invoke-policy", "boundary", "scp"])
def test_a_policy_that_decides_wrongly_is_not_written(config: str, what: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A model cannot both need a guardrail and take none."""
    Path(config).write_text(approving(["anthropic.claude-*"], 'models_without_guardrail = ["anthropic.*"]'), "utf-8")
    assert run(["generate", what, "--config", config, "-o", "out"]) == 2
    error = capsys.readouterr().err
    assert "the engine decides allowed for bedrock:InvokeModel" in error
    assert "but it must be denied, so the policy is not written" in error
    assert error.count("\n") == 1
    assert not Path("out").exists()


def test_a_configured_call_that_is_denied_stops_the_policy(
    config: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = [{"Sid": "Deny", "Effect": "Deny", "Action": "bedrock:InvokeModel", "Resource": "*"}]
    monkeypatch.setattr(policies, "_backstop", lambda _: wrong)
    assert run(["generate", "invoke-policy", "--config", config, "-o", "out"]) == 2
    error = capsys.readouterr().err
    assert f"invoke-policy: the engine decides explicitDeny for bedrock:InvokeModel on {MODEL} with {EAST}:3" in error
    assert "but it must be allowed, so the policy is not written" in error
    assert not Path("out").exists()


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (NOVA, f"arn:aws:bedrock:*::foundation-model/{NOVA}"),
        (f"us.{NOVA}", f"arn:aws:bedrock:*::foundation-model/{NOVA}"),
        (f"global.{NOVA}", f"arn:aws:bedrock:*::foundation-model/{NOVA}"),
        (
            f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.{NOVA}",
            f"arn:aws:bedrock:*::foundation-model/{NOVA}",
        ),
        (
            "arn:aws:bedrock:us-east-1:123456789012:imported-model/abc123def456",
            "arn:aws:bedrock:us-east-1:123456789012:imported-model/abc123def456",
        ),
        (APP, f"arn:aws:bedrock:us-west-2::foundation-model/{NOVA}"),
    ],
)
def test_models_of_the_invoke_policy(config: str, model: str, expected: str) -> None:
    profiles = f'[profiles]\n"{APP}" = ["arn:aws:bedrock:us-west-2::foundation-model/{NOVA}"]\n'
    Path(config).write_text(approving([model]) + profiles, "utf-8")
    policy = json.loads(generated("invoke-policy", config, "json").read_text("utf-8"))
    assert policy["Statement"][0]["Resource"] == [expected]
    assert lint([Path("out/invoke-policy.json")]) == ()


@pytest.mark.parametrize("setting", ["send", "refuse"])
@pytest.mark.parametrize("what", ["invoke-policy", "boundary", "scp"])
def test_models_without_guardrail_are_exempt_only_if_the_client_sends_them(config: str, what: str, setting: str) -> None:
    Path(config).write_text(f'unsupported_models = "{setting}"\n{CONFIG}', "utf-8")
    text = generated(what, config, "json").read_text("utf-8")
    exempt = {model for model in ("amazon.titan-embed-*", "acme.embed-*") if f"foundation-model/{model}" in text}
    assert exempt == ({"amazon.titan-embed-*", "acme.embed-*"} if setting == "send" else set())


@pytest.mark.parametrize(("setting", "excluded"), [("send", ["acme.rerank-v1:0"]), ("refuse", [])])
def test_models_that_the_client_refuses_stay_under_enforcement(config: str, setting: str, excluded: list[str]) -> None:
    Path(config).write_text(f'unsupported_models = "{setting}"\n{CONFIG}', "utf-8")
    text = generated("enforcement", config, "cloudformation").read_text("utf-8")
    found = [entry["Properties"]["ModelEnforcement"]["ExcludedModels"] for entry in json.loads(text)["Resources"].values()]
    assert found == [excluded, excluded]


OTHER_ACCOUNT = "111122223333"


@pytest.mark.parametrize(
    ("setting", "account"),
    [
        (f'principal = "arn:aws:iam::{OTHER_ACCOUNT}:role/App"', OTHER_ACCOUNT),
        (f'principal = "caller"\nrole_arn = "arn:aws:iam::{OTHER_ACCOUNT}:role/App"', OTHER_ACCOUNT),
        ('principal = "caller"', "123456789012"),
        ("", "123456789012"),
    ],
)
def test_profiles_are_those_of_the_account_that_calls(config: str, setting: str, account: str) -> None:
    """The guardrail can be shared by another account."""
    Path(config).write_text(approving([f"us.{NOVA}"], setting), "utf-8")
    policy = json.loads(generated("invoke-policy", config, "json").read_text("utf-8"))
    profile = f"arn:aws:bedrock:us-east-1:{account}:inference-profile/us.{NOVA}"
    request = Request(f"arn:aws:iam::{account}:role/App", "bedrock:InvokeModel", profile)
    assert PolicySet(identity=policy).evaluate(request).outcome == "allowed"
    generated("invocation-logging", config, "json")
    logging = json.loads(Path("out/invocation-logging.json").read_text("utf-8"))
    assert f":{account}:" in logging["cloudWatchConfig"]["roleArn"]


def test_a_profile_of_another_account_is_named_by_its_arn(config: str) -> None:
    profiles = f'[profiles]\n"{APP}" = ["arn:aws:bedrock:us-west-2::foundation-model/{NOVA}"]\n'
    principal = f'principal = "arn:aws:iam::{OTHER_ACCOUNT}:role/App"'
    Path(config).write_text(approving([APP], principal) + profiles, "utf-8")
    policy = json.loads(generated("invoke-policy", config, "json").read_text("utf-8"))
    assert policy["Statement"][1]["Resource"] == [
        f"arn:aws:bedrock:*:{OTHER_ACCOUNT}:application-inference-profile/*",
        f"arn:aws:bedrock:*:{OTHER_ACCOUNT}:inference-profile/*",
        APP,
    ]


@pytest.mark.parametrize("what", ["invoke-policy", "boundary", "scp"])
def test_a_denied_call_of_a_profile_stops_the_policy(
    config: str, monkeypatch: pytest.MonkeyPatch, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = {
        "Sid": "Deny",
        "Effect": "Deny",
        "Action": "bedrock:InvokeModel",
        "Resource": "arn:aws:bedrock:*:*:inference-profile/*",
    }
    right = policies._backstop
    monkeypatch.setattr(policies, "_backstop", lambda inputs: [*right(inputs), wrong])
    assert run(["generate", what, "--config", config, "-o", "out"]) == 2
    assert "but it must be allowed, so the policy is not written" in capsys.readouterr().err


def test_a_profile_whose_models_are_not_known(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path(config).write_text(approving([APP]), "utf-8")
    assert run(["generate", "invoke-policy", "--config", config]) == 2
    assert f"the models of `{APP}` are not known; add them to [profiles]" in capsys.readouterr().err
