"""Every kind of file is read, and a finding has the line and the column of the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from guardedbedrock.errors import ConfigurationError
from guardedbedrock.governance.lint.finding import LintFinding
from guardedbedrock.governance.lint.read import read_groups
from guardedbedrock.governance.lint.run import LintOptions, lint

GUARDRAIL = "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456"
BAD = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["sts:GetCallerIdentity", "bedrock:Converse"], "Resource": "*"}],
}
GOOD = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"],
            "Resource": "arn:aws:bedrock:*::foundation-model/*",
            "Condition": {"StringEquals": {"bedrock:GuardrailIdentifier": f"{GUARDRAIL}:1"}},
        },
        {"Effect": "Allow", "Action": "bedrock:ApplyGuardrail", "Resource": GUARDRAIL},
    ],
}


def only(tmp_path: Path, name: str, content: object, **options: Any) -> LintFinding:
    """Write a file and return its only finding of INVALID_ACTION."""
    file = tmp_path / name
    file.write_text(content if isinstance(content, str) else json.dumps(content, indent=2), "utf-8")
    (finding,) = lint([file], LintOptions(select=("INVALID_ACTION",), **options))
    return finding


def pointed_at(file: Path, finding: LintFinding) -> str:
    """Return the text of the file at the location of a finding, up to the end of the line."""
    return file.read_text("utf-8").splitlines()[finding.line - 1][finding.column - 1 :]


def test_policy_in_json(tmp_path: Path) -> None:
    finding = only(tmp_path, "p.json", BAD)
    assert finding.pointer == "/Statement/0/Action/1"
    assert pointed_at(tmp_path / "p.json", finding) == '"bedrock:Converse"'


def test_policy_in_one_line_with_escapes(tmp_path: Path) -> None:
    statement = '{"Effect": "Deny", "Action": "bedrock:Converse", "Resource": "*"}'
    text = f'{{"Id": "a\\"}}{{[,\\\\", "Version": "2012-10-17", "Statement": {statement}}}'
    finding = only(tmp_path, "p.json", text)
    assert pointed_at(tmp_path / "p.json", finding).startswith('"Action": "bedrock:Converse"')


def test_policy_in_yaml_with_a_bare_version(tmp_path: Path) -> None:
    text = "Version: 2012-10-17\nStatement:\n  - Effect: Deny\n    Action:\n      - bedrock:Converse\n    Resource: '*'\n"
    finding = only(tmp_path, "p.yaml", text)
    assert (finding.line, finding.column, finding.pointer) == (5, 9, "/Statement/0/Action/0")


def test_policies_by_type(tmp_path: Path) -> None:
    finding = only(tmp_path, "p.json", {"identity": [GOOD], "scp": [[GOOD], [BAD]]})
    assert finding.pointer == "/scp/1/0/Statement/0/Action/1"


TEMPLATE = """\
AWSTemplateFormatVersion: '2010-09-09'
Parameters:
  Version: {Type: String, Default: '3'}
Resources:
  Guardrail:
    Type: AWS::Bedrock::Guardrail
    Properties: {Name: hr, BlockedInputMessaging: no, BlockedOutputsMessaging: no}
  Policy:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      PolicyDocument:
        Version: 2012-10-17
        Statement:
          - Effect: Allow
            Action: [bedrock:InvokeModel, bedrock:InvokeModelWithResponseStream]
            Resource: !Sub arn:${AWS::Partition}:bedrock:*::foundation-model/*
            Condition: {StringEquals: {bedrock:GuardrailIdentifier: !Sub '${Guardrail.GuardrailArn}:${Version}'}}
          - Effect: Allow
            Action: bedrock:ApplyGuardrail
            Resource: !GetAtt Guardrail.GuardrailArn
"""


def test_a_correct_template_has_no_finding(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(TEMPLATE, "utf-8")
    assert lint([tmp_path / "t.yaml"]) == ()


def test_cloudformation_in_yaml(tmp_path: Path) -> None:
    finding = only(tmp_path, "t.yaml", TEMPLATE.replace("bedrock:InvokeModel,", "bedrock:Converse,"))
    assert finding.pointer == "/Resources/Policy/Properties/PolicyDocument/Statement/0/Action/0"
    assert pointed_at(tmp_path / "t.yaml", finding).startswith("bedrock:Converse")


def test_policies_of_a_role_apply_together(tmp_path: Path) -> None:
    backstop = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Deny",
                "Action": ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"],
                "Resource": "*",
                "Condition": {"StringNotEquals": {"bedrock:GuardrailIdentifier": f"{GUARDRAIL}:1"}},
            },
            {"Effect": "Allow", "Action": "bedrock:ApplyGuardrail", "Resource": GUARDRAIL},
        ],
    }
    open_allow = json.loads(json.dumps(GOOD))
    del open_allow["Statement"][0]["Condition"]
    role = {"Type": "AWS::IAM::Role", "Properties": {"Policies": [{"PolicyName": "p", "PolicyDocument": open_allow}]}}
    managed: dict[str, Any] = {
        "Type": "AWS::IAM::ManagedPolicy",
        "Properties": {"PolicyDocument": backstop, "Roles": [{"Ref": "Role"}]},
    }
    file = tmp_path / "t.json"
    file.write_text(json.dumps({"Resources": {"Role": role, "Policy": managed}}), "utf-8")
    assert lint([file]) == ()
    del managed["Properties"]["Roles"]
    file.write_text(json.dumps({"Resources": {"Role": role, "Policy": managed}}), "utf-8")
    assert [finding.rule for finding in lint([file])] == ["GB201"]


def test_sam_function(tmp_path: Path) -> None:
    function = {
        "Type": "AWS::Serverless::Function",
        "Properties": {"Policies": ["AWSLambdaBasicExecutionRole", {"Statement": BAD["Statement"]}]},
    }
    finding = only(tmp_path, "t.json", {"Resources": {"F": function}})
    assert finding.pointer == "/Resources/F/Properties/Policies/1/Statement/0/Action/1"


TEXT = '{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "bedrock:Converse", "Resource": "*"}]}'
BLOCK = TEXT.replace(' "Action"', '\n            "Action"')


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.json", json.dumps(TEXT)),
        ("t.json", json.dumps({"Fn::Sub": TEXT})),
        ("t.yaml", f"'{TEXT}'"),
        ("t.yaml", json.dumps(TEXT)),
        ("t.yaml", f"!Sub '{TEXT}'"),
        ("t.yaml", f"|\n        {BLOCK}"),
        ("t.yaml", f"!Sub |\n        {BLOCK}"),
        ("t.yaml", f">-\n        {TEXT}"),
    ],
)
def test_organization_policy_as_text_in_a_template(tmp_path: Path, name: str, content: str) -> None:
    before = (
        '{"Resources": {"Scp": {"Type": "AWS::Organizations::Policy", "Properties": {"Type": "SERVICE_CONTROL_POLICY", "Content":'
    )
    lines = "Resources:\n Scp:\n  Type: AWS::Organizations::Policy\n  Properties:\n"
    lines += f"    Type: SERVICE_CONTROL_POLICY\n    Content: {content}\n"
    finding = only(tmp_path, name, f"{before} {content}}}}}}}}}" if name.endswith("json") else lines)
    is_inside = not content.startswith(">")
    found = pointed_at(tmp_path / name, finding)
    assert found.replace("\\", "").startswith('"Action": "bedrock:Converse"' if is_inside else ('"Content"', "Content"))


def test_policy_that_is_known_at_deployment(tmp_path: Path) -> None:
    policy = {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": {"Ref": "Text"}}}
    (tmp_path / "t.json").write_text(json.dumps({"Resources": {"Policy": policy}}), "utf-8")
    (finding,) = lint([tmp_path / "t.json"])
    assert (finding.rule, finding.severity) == ("GB104", "note")
    assert "`Policy` was not checked: its text is known only at deployment." in finding.message


def test_terraform_resource(tmp_path: Path) -> None:
    data = {"resource": {"aws_iam_policy": {"p": {"name": "p", "policy": json.dumps(BAD)}}}}
    assert only(tmp_path, "main.tf.json", data).pointer == "/resource/aws_iam_policy/p/policy/Statement/0/Action/1"


def test_terraform_data_source(tmp_path: Path) -> None:
    block = {"effect": "Allow", "actions": ["bedrock:Converse"], "resources": ["${aws_bedrock_guardrail.hr.guardrail_arn}"]}
    data = {"data": {"aws_iam_policy_document": {"d": {"statement": [block]}}}}
    finding = only(tmp_path, "main.tf.json", data)
    assert finding.pointer == "/data/aws_iam_policy_document/d/statement/0/actions/0"
    assert pointed_at(tmp_path / "main.tf.json", finding) == '"bedrock:Converse"'


def test_terraform_plan(tmp_path: Path) -> None:
    resource = {"address": "module.a.aws_iam_role_policy.p", "type": "aws_iam_role_policy", "values": {"policy": json.dumps(BAD)}}
    data = {"format_version": "1.2", "planned_values": {"root_module": {"child_modules": [{"resources": [resource]}]}}}
    pointer = "/planned_values/root_module/child_modules/0/resources/0/values/policy/Statement/0/Action/1"
    assert only(tmp_path, "plan.json", data).pointer == pointer


def dump() -> dict[str, Any]:
    role = {
        "Arn": "arn:aws:iam::123456789012:role/App",
        "RoleName": "App",
        "RoleId": "AROAEXAMPLE",
        "RolePolicyList": [{"PolicyName": "inline", "PolicyDocument": BAD}],
        "AttachedManagedPolicies": [],
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []},
    }
    return {"RoleDetailList": [role], "UserDetailList": [], "GroupDetailList": [], "Policies": []}


def test_dump_of_authorization_details(tmp_path: Path) -> None:
    data = dump()
    del data["RoleDetailList"][0]["AssumeRolePolicyDocument"]
    finding = only(tmp_path, "dump.json", data)
    assert finding.pointer == "/RoleDetailList/0/RolePolicyList/0/PolicyDocument/Statement/0/Action/1"
    assert pointed_at(tmp_path / "dump.json", finding) == '"bedrock:Converse"'


@pytest.mark.parametrize("arn", ["arn:aws:iam::aws:policy/AmazonBedrockFullAccess", "arn:aws:iam::123456789012:policy/lost"])
def test_attached_policy_without_its_text_in_the_dump(tmp_path: Path, arn: str) -> None:
    data = dump()
    data["RoleDetailList"][0]["RolePolicyList"] = []
    data["RoleDetailList"][0]["AttachedManagedPolicies"] = [{"PolicyName": "x", "PolicyArn": arn}]
    (tmp_path / "dump.json").write_text(json.dumps(data), "utf-8")
    (finding,) = lint([tmp_path / "dump.json"])
    assert (finding.rule, finding.severity) == ("GB104", "note")
    assert finding.message == f"`{arn}` was not checked: the account data do not hold its text."


def test_snapshot(tmp_path: Path) -> None:
    arn = "arn:aws:iam::123456789012:role/App"
    principal = {"kind": "role", "name": "App", "id": "A", "inline": {"p": BAD}, "managed": [], "tags": {}}
    data = {
        "schema": "guardedbedrock.snapshot",
        "version": 1,
        "account": "123456789012",
        "time": "t",
        "principals": {arn: principal},
    }
    assert only(tmp_path, "s.json", data).pointer == f"/principals/{arn.replace('/', '~1')}/inline/p/Statement/0/Action/1"


def test_configuration(tmp_path: Path) -> None:
    (tmp_path / "scp.json").write_text(json.dumps(BAD), "utf-8")
    finding = only(tmp_path, "guardedbedrock.toml", '[policies]\nscp = [["scp.json"]]\n')
    assert finding.file.endswith("scp.json")


@pytest.mark.parametrize("text", [json.dumps(BAD), json.dumps(BAD, indent=2)])
def test_policy_as_text_in_a_configuration(tmp_path: Path, text: str) -> None:
    finding = only(tmp_path, "g.toml", f"""# a comment\n[policies]\nidentity = [\'\'\'\n{text}\'\'\']\n""")
    assert pointed_at(tmp_path / "g.toml", finding).startswith('"bedrock:Converse"')


def test_policy_as_a_table_in_a_configuration(tmp_path: Path) -> None:
    table = '{ Version = "2012-10-17", Statement = [{ Effect = "Deny", Action = "bedrock:Converse", Resource = "*" }] }'
    finding = only(tmp_path, "g.toml", f"# a comment\n[policies]\nidentity = [{table}]\n")
    assert (finding.line, finding.pointer) == (2, "/Statement/0/Action")


OTHER = GUARDRAIL.replace("abc", "xyz")


@pytest.mark.parametrize(("crossing", "rules"), [(GUARDRAIL, ["GB212"]), (OTHER, [])])
@pytest.mark.parametrize("form", ["configuration", "snapshot"])
def test_guardrail_that_the_file_says_to_cross_regions(tmp_path: Path, form: str, crossing: str, rules: list[str]) -> None:
    if form == "configuration":
        (tmp_path / "p.json").write_text(json.dumps(GOOD), "utf-8")
        table = f'[[guardrails]]\narn = "{crossing}"\nversion = "1"\nprofile = "us.guardrail.v1:0"\n'
        file = tmp_path / "guardedbedrock.toml"
        file.write_text(f'{table}\n[policies]\nidentity = ["p.json"]\n', "utf-8")
    else:
        principal = {"kind": "role", "name": "App", "id": "A", "inline": {"p": GOOD}, "managed": [], "tags": {}}
        base = {"schema": "guardedbedrock.snapshot", "version": 1, "account": "123456789012", "time": "t"}
        guardrails = [{"arn": crossing, "profile": "us.guardrail.v1:0"}]
        file = tmp_path / "snapshot.json"
        principals = {"arn:aws:iam::123456789012:role/App": principal}
        file.write_text(json.dumps({**base, "principals": principals, "guardrails": guardrails}), "utf-8")
    assert [finding.rule for finding in lint([file])] == rules


def test_folder_skips_files_without_policies(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "p.json").write_text(json.dumps(BAD), "utf-8")
    (tmp_path / "package.json").write_text('{"name": "x"}', "utf-8")
    assert [finding.rule for finding in lint([tmp_path], LintOptions(select=("INVALID_ACTION",)))] == ["INVALID_ACTION"]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ('{"Version": "2012-10-17", "Statment": []}', "has the key `Statment` and no `Statement`; did you mean `Statement`?"),
        ('{"Version": "2012-10-17", "statement": {}}', "has the key `statement` and no `Statement`; did you mean `Statement`?"),
        ('{"Statements": [{"Effect": "Deny"}]}', "has the key `Statements` and no `Statement`; did you mean `Statement`?"),
        ('{"statement": {"effect": "Deny"}}', "has the key `statement` and no `Statement`; did you mean `Statement`?"),
        ('{"Version": "2012-10-17", "Id": "x"}', "has a `Version` and no `Statement`; add the statements"),
        (
            json.dumps([GOOD, {"Version": "2012-10-17", "Statment": []}]),
            "the policy at /1 has the key `Statment` and no `Statement`; did you mean `Statement`?",
        ),
    ],
)
@pytest.mark.parametrize("is_named", [False, True])
def test_a_policy_with_a_misspelt_statement_is_an_error(tmp_path: Path, content: str, problem: str, *, is_named: bool) -> None:
    """A Deny must not be skipped because of a typing error."""
    file = tmp_path / "p.json"
    file.write_text(content, "utf-8")
    with pytest.raises(ConfigurationError) as raised:
        lint([file if is_named else tmp_path])
    assert str(raised.value) == f"{file}: {problem}"


@pytest.mark.parametrize(
    "content",
    [
        '{"name": "x", "version": "1.0.0"}',
        '{"Version": "1.0.0", "Name": "x"}',
        '{"Version": 1}',
        '{"statements": [{"account": "a", "balance": 1}], "total": 1}',
        '{"statements": {"covered": 1}}',
        '[{"state": {"effect": "fade"}}, 1]',
    ],
)
def test_folder_skips_json_that_only_resembles_a_policy(tmp_path: Path, content: str) -> None:
    (tmp_path / "other.json").write_text(content, "utf-8")
    (tmp_path / "p.json").write_text(json.dumps(GOOD), "utf-8")
    assert lint([tmp_path], LintOptions(select=("INVALID_ACTION",))) == ()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("p.json", "{"),
        ("p.json", '{"name": "x"}'),
        ("p.yaml", "a: [\n"),
        ("p.json", "[" * 5000),
        ("p.toml", "x = 1\n"),
        ("p.yaml", "a: &a [*a]\n"),
    ],
)
def test_bad_input_is_an_error(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content, "utf-8")
    with pytest.raises(ConfigurationError, match=name):
        lint([tmp_path / name])


@pytest.mark.parametrize(
    "change",
    [
        {"guardrails": [1]},
        {"guardrails": [{"profile": "x"}]},
        {"scp": [{"policies": [{}]}]},
        {"principals": {"arn:aws:iam::123456789012:role/App": 1}},
        {"managed_policies": [1]},
        {"groups": "x"},
    ],
)
def test_a_damaged_snapshot_is_an_error(tmp_path: Path, change: dict[str, Any]) -> None:
    principal = {"kind": "role", "name": "App", "id": "A", "inline": {}, "managed": ["arn:x"], "tags": {}}
    base = {"schema": "guardedbedrock.snapshot", "version": 1, "account": "123456789012", "time": "t"}
    data = {**base, "principals": {"arn:aws:iam::123456789012:role/App": principal}, **change}
    (tmp_path / "s.json").write_text(json.dumps(data), "utf-8")
    with pytest.raises(ConfigurationError, match=r"s\.json|snapshot"):
        lint([tmp_path / "s.json"])


def test_a_folder_of_fifteen_hundred_policies(tmp_path: Path) -> None:
    for number in range(1500):
        policy = json.loads(json.dumps(GOOD).replace("abc123def456", f"{number:012d}"))
        (tmp_path / f"{number}.json").write_text(json.dumps(policy if number % 2 else BAD), "utf-8")

    assert len({finding.file for finding in lint([tmp_path])}) == 750


def test_an_empty_path_is_an_error() -> None:
    """An unset variable of a shell must not lint the working directory."""
    with pytest.raises(ConfigurationError, match="a path is empty; name the files to lint"):
        list(read_groups([""]))


@pytest.mark.parametrize(
    ("section", "entry", "problem"),
    [
        ("RoleDetailList", {}, r"RoleDetailList\[1\]\.Arn: missing"),
        ("RoleDetailList", {"Arn": "arn:x"}, r"RoleDetailList\[1\]\.RoleName: missing"),
        ("GroupDetailList", {"Arn": "arn:x"}, r"GroupDetailList\[1\]\.GroupName: missing"),
        ("Policies", 5, r"Policies\[1\]\.Arn: missing"),
    ],
)
def test_a_damaged_dump_names_the_missing_field(tmp_path: Path, section: str, entry: object, problem: str) -> None:
    whole = {"Arn": "arn:x", "RoleName": "x", "RoleId": "x", "GroupName": "x"}
    (tmp_path / "d.json").write_text(json.dumps({"RoleDetailList": [], section: [whole, entry]}), "utf-8")

    with pytest.raises(ConfigurationError, match=rf"is not the output of .*\({problem}\); write a new dump"):
        lint([tmp_path / "d.json"])
