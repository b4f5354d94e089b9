"""Templates with conditions, intrinsic functions, and policies that they only name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from guardedbedrock.governance.lint.finding import LintFinding
from guardedbedrock.governance.lint.run import LintOptions, lint

MODELS = "arn:aws:bedrock:*::foundation-model/*"
INVOKE = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]
APPROVED = "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456:1"
KEY = "bedrock:GuardrailIdentifier"
OPEN = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": INVOKE, "Resource": MODELS}]}
CLOSED = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Action": INVOKE, "Resource": "*", "Condition": {"StringNotEquals": {KEY: APPROVED}}}],
}
APPLY = {"Effect": "Allow", "Action": "bedrock:ApplyGuardrail", "Resource": "*"}
AWS = "arn:aws:iam::aws:policy"
CONDITIONS = {"IsProd": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}, "IsDev": {"Fn::Not": [{"Condition": "IsProd"}]}}


def linted(folder: Path, template: Any, *select: str, name: str = "t.json") -> tuple[LintFinding, ...]:
    (folder / name).write_text(template if isinstance(template, str) else json.dumps(template, indent=1), "utf-8")
    return lint([folder / name], LintOptions(select=select))


def text_at(folder: Path, finding: LintFinding, name: str = "t.json") -> str:
    return (folder / name).read_text("utf-8").splitlines()[finding.line - 1][finding.column - 1 :]


def role(*documents: Any, **properties: Any) -> dict[str, Any]:
    policies = [{"PolicyName": f"p{index}", "PolicyDocument": one} for index, one in enumerate(documents)]
    return {"Type": "AWS::IAM::Role", "Properties": {"Policies": policies, **properties}}


def managed(document: Any, **more: Any) -> dict[str, Any]:
    return {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": document, **more.pop("properties", {})}, **more}


def denying(action: Any) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": action, "Resource": "*"}}


# -- conditions -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("branches", [["bedrock:Converse", "bedrock:GetGuardrail"], ["bedrock:GetGuardrail", "bedrock:Converse"]])
@pytest.mark.parametrize("in_list", [False, True])
def test_both_branches_are_checked(tmp_path: Path, branches: list[str], *, in_list: bool) -> None:
    chosen: Any = {"Fn::If": ["IsProd", *branches]}
    action = ["sts:GetCallerIdentity", chosen] if in_list else chosen
    (finding,) = linted(tmp_path, {"Conditions": CONDITIONS, "Resources": {"P": managed(denying(action))}})
    assert finding.rule == "INVALID_ACTION"
    assert text_at(tmp_path, finding).startswith('"bedrock:Converse"')


def test_location_after_a_function_that_returns_a_list(tmp_path: Path) -> None:
    actions = [{"Fn::If": ["IsProd", ["s3:GetObject", "s3:PutObject"], {"Ref": "AWS::NoValue"}]}, "bedrock:Converse"]
    (finding,) = linted(tmp_path, {"Conditions": CONDITIONS, "Resources": {"P": managed(denying(actions))}})
    assert finding.pointer == "/Resources/P/Properties/PolicyDocument/Statement/Action/1"
    assert text_at(tmp_path, finding) == '"bedrock:Converse"'


def test_statement_that_a_condition_removes(tmp_path: Path) -> None:
    deny = {"Fn::If": ["IsProd", CLOSED["Statement"][0], {"Ref": "AWS::NoValue"}]}
    document = {"Version": "2012-10-17", "Statement": [OPEN["Statement"][0], APPLY, deny]}
    (finding,) = linted(tmp_path, {"Conditions": CONDITIONS, "Resources": {"R": role(document)}})
    assert (finding.rule, finding.severity) == ("GB201", "error")


def test_policy_that_a_condition_removes(tmp_path: Path) -> None:
    open_role = role({"Version": "2012-10-17", "Statement": [OPEN["Statement"][0], APPLY]})
    one = managed(CLOSED, Condition="IsProd", properties={"Roles": [{"Ref": "R"}]})
    other = managed(CLOSED, Condition="IsDev", properties={"Roles": [{"Ref": "R"}]})
    (finding,) = linted(tmp_path, {"Conditions": CONDITIONS, "Resources": {"R": open_role, "Prod": one}})
    assert finding.rule == "GB201"
    assert linted(tmp_path, {"Conditions": CONDITIONS, "Resources": {"R": open_role, "Prod": one, "Dev": other}}) == ()


@pytest.mark.parametrize(("allowed", "expected"), [(None, ["GB201"]), (["prod", "test"], [])])
def test_conditions_that_allowed_values_exclude(tmp_path: Path, allowed: Any, expected: list[str]) -> None:
    conditions = {name: {"Fn::Equals": [{"Ref": "Stage"}, value]} for name, value in (("IsProd", "prod"), ("IsTest", "test"))}
    parameters = {"Stage": {"Type": "String", **({"AllowedValues": allowed} if allowed else {})}}
    open_role = role({"Version": "2012-10-17", "Statement": [OPEN["Statement"][0], APPLY]})
    resources = {
        "R": open_role,
        **{name: managed(CLOSED, Condition=name, properties={"Roles": [{"Ref": "R"}]}) for name in conditions},
    }
    found = linted(tmp_path, {"Parameters": parameters, "Conditions": conditions, "Resources": resources})
    assert [finding.rule for finding in found] == expected


@pytest.mark.parametrize(
    ("condition", "both"),
    [
        ({"Fn::Equals": ["a", "a"]}, False),
        ({"Fn::Equals": [{"Ref": "Stage"}, {"Ref": "Other"}]}, True),
        ({"Fn::And": [{"Condition": "IsProd"}, {"Fn::Not": [{"Condition": "IsProd"}]}]}, False),
        ({"Fn::Or": [{"Condition": "IsProd"}, {"Fn::Equals": [{"Ref": "AWS::Region"}, "us-east-1"]}]}, True),
        ({"Fn::EachMemberIn": [["a"], {"Ref": "List"}]}, True),
    ],
)
def test_condition_functions(tmp_path: Path, condition: Any, *, both: bool) -> None:
    action = {"Fn::If": ["C", "bedrock:Converse", "bedrock:ConverseStream"]}
    template = {"Conditions": {**CONDITIONS, "C": condition}, "Resources": {"P": managed(denying(action))}}
    assert len(linted(tmp_path, template)) == (2 if both else 1)


# -- functions ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "action",
    [
        {"Fn::Join": [":", ["bedrock", "Converse"]]},
        {"Fn::Sub": "bedrock:${Name}"},
        {"Fn::Sub": ["bedrock:${X}", {"X": "Converse"}]},
        {"Fn::FindInMap": ["Actions", "call", "name"]},
        {"Fn::Select": [1, ["a", "bedrock:Converse"]]},
        {"Fn::Select": ["0", {"Fn::Split": [",", "bedrock:Converse,b"]}]},
        {"Fn::Split": [",", "bedrock:Converse,s3:GetObject"]},
        {"Ref": "List"},
    ],
)
def test_functions_whose_value_is_known(tmp_path: Path, action: Any) -> None:
    template = {
        "Parameters": {
            "Name": {"Type": "String", "Default": "Converse"},
            "List": {"Type": "CommaDelimitedList", "Default": "s3:GetObject, bedrock:Converse"},
        },
        "Mappings": {"Actions": {"call": {"name": "bedrock:Converse"}}},
        "Resources": {"P": managed(denying(action))},
    }
    (finding,) = linted(tmp_path, template)
    assert finding.rule == "INVALID_ACTION"


@pytest.mark.parametrize(
    "action",
    [
        {"Fn::ImportValue": "x"},
        {"Ref": "Unknown"},
        {"Fn::FindInMap": ["M", {"Ref": "Stage"}, "a"]},
        {"Fn::Select": [0, {"Ref": "L"}]},
    ],
)
def test_functions_whose_value_is_known_at_deployment(tmp_path: Path, action: Any) -> None:
    assert linted(tmp_path, {"Resources": {"P": managed(denying(action))}}) == ()


@pytest.mark.parametrize(
    "action", ["!If [IsProd, bedrock:Converse, 's3:Get*']", "!If\n    - IsProd\n    - 's3:Get*'\n    - bedrock:Converse"]
)
def test_short_form_in_yaml(tmp_path: Path, action: str) -> None:
    template = f"""
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
Resources:
  P:
   Type: AWS::IAM::ManagedPolicy
   Properties:
    PolicyDocument:
     Version: "2012-10-17"
     Statement:
     - Effect: Deny
       Action: {action.replace(chr(10), chr(10) + "     ")}
       Resource: "*"
"""
    (finding,) = linted(tmp_path, template, name="t.yaml")
    assert text_at(tmp_path, finding, "t.yaml").startswith("bedrock:Converse")


# -- attachments ----------------------------------------------------------------------------------------------------------


def test_managed_policy_that_the_template_only_names(tmp_path: Path) -> None:
    named = [f"{AWS}/AmazonBedrockFullAccess", f"{AWS}/service-role/AWSLambdaBasicExecutionRole", {"Ref": "Given"}]
    found = linted(tmp_path, {"Resources": {"R": role(ManagedPolicyArns=named)}})
    assert [(one.rule, one.severity) for one in found] == [("GB104", "note")] * 2
    assert [one.message.split("`")[1] for one in found] == [f"{AWS}/AmazonBedrockFullAccess", "Given"]
    assert found[0].pointer == "/Resources/R/Properties/ManagedPolicyArns/0"


def test_an_open_allow_beside_a_policy_that_only_grants_is_an_error(tmp_path: Path) -> None:
    arns = [f"{AWS}/AmazonS3ReadOnlyAccess"]
    (finding,) = linted(tmp_path, {"Resources": {"R": role(OPEN, ManagedPolicyArns=arns)}}, "GB201")
    assert (finding.severity, "not read" in finding.message) == ("error", False)


@pytest.mark.parametrize("properties", [{"ManagedPolicyArns": [{"Ref": "Given"}]}, {"PermissionsBoundary": {"Ref": "Given"}}])
def test_an_open_allow_beside_a_policy_that_may_deny_is_a_warning(tmp_path: Path, properties: Any) -> None:
    found = linted(tmp_path, {"Resources": {"R": role(OPEN, **properties)}})
    assert {one.rule: one.severity for one in found} == {"GB201": "warning", "GB104": "note"}
    (message,) = (one.message for one in found if one.rule == "GB201")
    assert message.endswith("Policies that were not read may deny it: `Given`.")


def test_missing_grants_are_not_reported_beside_a_policy_that_may_grant(tmp_path: Path) -> None:
    guarded = json.loads(json.dumps(OPEN))
    guarded["Statement"][0]["Condition"] = {"StringEquals": {KEY: APPROVED}}
    assert [one.rule for one in linted(tmp_path, {"Resources": {"R": role(guarded)}})] == ["GB211"]
    attached = role(guarded, ManagedPolicyArns=[f"{AWS}/AmazonBedrockFullAccess"])
    assert [one.rule for one in linted(tmp_path, {"Resources": {"R": attached}})] == ["GB104"]


@pytest.mark.parametrize(
    "holder",
    [
        {"Roles": [{"Ref": "R"}]},
        {"Roles": ["app"]},
        {"Roles": [{"Fn::If": ["IsProd", {"Ref": "R"}, {"Ref": "R"}]}]},
        {"Roles": {"Fn::If": ["IsProd", [{"Ref": "R"}], ["app"]]}},
    ],
)
def test_attachment_of_a_policy_of_the_template(tmp_path: Path, holder: Any) -> None:
    resources = {"R": role(OPEN, RoleName="app"), "P": managed(CLOSED, properties=holder)}
    assert linted(tmp_path, {"Conditions": CONDITIONS, "Resources": resources}, "GB201", "GB104") == ()


@pytest.mark.parametrize("kind", ["AWS::IAM::User", "AWS::IAM::UserToGroupAddition"])
def test_user_of_a_group(tmp_path: Path, kind: str) -> None:
    user = {"Type": "AWS::IAM::User", "Properties": {"Policies": [{"PolicyName": "p", "PolicyDocument": OPEN}]}}
    group = {"Type": "AWS::IAM::Group", "Properties": {"Policies": [{"PolicyName": "p", "PolicyDocument": CLOSED}]}}
    resources: dict[str, Any] = {"U": user, "G": group}
    assert len(linted(tmp_path, {"Resources": resources}, "GB201")) == 1
    if kind == "AWS::IAM::User":
        user["Properties"]["Groups"] = [{"Ref": "G"}]  # type: ignore[index]  # a dict
    else:
        resources["M"] = {"Type": kind, "Properties": {"GroupName": {"Ref": "G"}, "Users": [{"Ref": "U"}]}}
    assert linted(tmp_path, {"Resources": resources}, "GB201") == ()


def test_sam_policies(tmp_path: Path) -> None:
    policies = ["AWSLambdaBasicExecutionRole", "AmazonBedrockFullAccess", {"S3ReadPolicy": {"BucketName": "b"}}, {"Ref": "P"}]
    function = {"Type": "AWS::Serverless::Function", "Properties": {"Policies": [*policies, OPEN]}}
    found = linted(tmp_path, {"Resources": {"F": function, "P": managed(CLOSED)}}, "GB104", "GB201")
    assert [one.message.split("`")[1] for one in found] == [f"{AWS}/AmazonBedrockFullAccess"]


def test_permission_set(tmp_path: Path) -> None:
    properties = {"InlinePolicy": json.dumps(OPEN), "ManagedPolicies": [f"{AWS}/AmazonBedrockReadOnly"]}
    found = linted(tmp_path, {"Resources": {"S": {"Type": "AWS::SSO::PermissionSet", "Properties": properties}}})
    assert {one.rule: one.severity for one in found} == {"GB201": "error", "GB104": "note"}


# -- templates that CloudFormation would reject ---------------------------------------------------------------------------


NO_ARGUMENTS: list[Any] = [[], {}, 1, [1], [None, None], [[], []]]
FUNCTIONS = ["Fn::Sub", "Fn::Join", "Fn::Split", "Fn::Select", "Fn::FindInMap", "Fn::GetAtt"]
MALFORMED: list[Any] = [{name: given} for name in FUNCTIONS for given in NO_ARGUMENTS]
MALFORMED += [{"Fn::If": []}, {"Fn::If": "IsProd"}, {"Fn::If": [{}, 1, 2]}, {"Fn::If": ["IsProd", 1]}]
MALFORMED += [{"Ref": {"Ref": "R"}}, [[[]]], None, 1]


@pytest.mark.parametrize("value", MALFORMED)
@pytest.mark.parametrize("key", ["ManagedPolicyArns", "PermissionsBoundary", "Policies", "RoleName", "Groups"])
def test_a_value_of_another_kind_stops_nothing(tmp_path: Path, key: str, value: Any) -> None:
    broken = {"Type": "AWS::IAM::User", "Properties": {key: value}}
    document = {"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": value, "Resource": "*"}}
    resources = {"R": role(denying("bedrock:Converse")), "B": broken, "P": managed(document)}
    found = linted(tmp_path, {"Conditions": CONDITIONS, "Resources": resources}, "INVALID_ACTION")
    assert [one.message for one in found] == ["The action `bedrock:Converse` does not exist."]


@pytest.mark.parametrize(
    "conditions", [{"C": None}, {"C": {"Fn::Not": 1}}, {"C": {"Condition": "C"}}, {"C": {"Fn::Equals": [1]}}, []]
)
def test_conditions_of_another_kind_stop_nothing(tmp_path: Path, conditions: Any) -> None:
    found = linted(tmp_path, {"Conditions": conditions, "Resources": {"R": role(denying("bedrock:Converse"))}})
    assert [one.rule for one in found] == ["INVALID_ACTION"]


# -- loops and included resources -----------------------------------------------------------------------------------------


def loop(collection: Any, fragment: Any, variable: str = "Team") -> dict[str, Any]:
    return {"Transform": "AWS::LanguageExtensions", "Resources": {"Fn::ForEach::Policies": [variable, collection, fragment]}}


def test_policy_of_a_loop(tmp_path: Path) -> None:
    """It is read for each element of the collection, with the variable replaced."""
    actions = ["bedrock:Get${Team}", "bedrock:&{Team}Model", {"Fn::Sub": ["bedrock:${A}", {"A": {"Ref": "Team"}}]}]
    found = linted(tmp_path, loop(["Guard-rail", "Converse"], {"${Team}Policy": managed(denying(actions))}), "INVALID_ACTION")

    assert sorted(finding.message.split("`")[1] for finding in found) == [
        "bedrock:Converse",
        "bedrock:ConverseModel",
        "bedrock:GetConverse",
        "bedrock:GetGuard-rail",
        "bedrock:Guard-rail",
        "bedrock:GuardrailModel",
    ]
    first = min(found, key=lambda one: one.pointer)
    assert first.pointer == "/Resources/Fn::ForEach::Policies/2/${Team}Policy/Properties/PolicyDocument/Statement/Action/0"
    assert text_at(tmp_path, first).startswith('"bedrock:Get${Team}"')


@pytest.mark.parametrize("collection", [["A"], {"Ref": "Teams"}, {"Ref": "Known"}, [{"Ref": "Team"}]])
@pytest.mark.parametrize("is_nested", [False, True])
def test_loop_with_any_collection(tmp_path: Path, collection: Any, *, is_nested: bool) -> None:
    """Also a collection that is known only at deployment."""
    fragment = {"${Team}Policy": managed(OPEN)}
    template = (
        loop(["X"], {"Fn::ForEach::Inner": ["Team", collection, fragment]}, "Outer") if is_nested else loop(collection, fragment)
    )
    parameters = {"Known": {"Type": "CommaDelimitedList", "Default": "A,B"}}

    found = linted(tmp_path, {**template, "Parameters": parameters}, "GB201")
    assert [finding.severity for finding in found] == ["error"]
    assert found[0].pointer.endswith("/2/${Team}Policy/Properties/PolicyDocument/Statement/0/Action/0")


@pytest.mark.parametrize("action", ["${Team}", "bedrock:${Team}", {"Ref": "Team"}, {"Fn::Sub": "bedrock:${Team}"}])
def test_variable_with_unknown_value_is_not_judged(tmp_path: Path, action: Any) -> None:
    assert linted(tmp_path, loop({"Ref": "Teams"}, {"${Team}Policy": managed(denying(action))})) == ()


def test_loop_inside_a_policy(tmp_path: Path) -> None:
    lines = {"Fn::ForEach::Keys": ["Name", ["GuardrailIdentifier"], {"bedrock:${Name}": APPROVED}]}
    deny = {"Effect": "Deny", "Action": INVOKE, "Resource": "*", "Condition": {"StringNotEquals": lines}}
    document = {"Version": "2012-10-17", "Statement": [*OPEN["Statement"], deny]}
    assert linted(tmp_path, {"Resources": {"P": managed(document)}}, "GB201", "GB101") == ()


@pytest.mark.parametrize("pointer", ["", "/Resources"])
def test_resources_that_a_macro_adds_are_reported(tmp_path: Path, pointer: str) -> None:
    include = {"Fn::Transform": {"Name": "AWS::Include", "Parameters": {"Location": "s3://bucket/key"}}}
    resources = {"P": managed(CLOSED)}
    template = {"Resources": {**resources, **include}} if pointer else {"Resources": resources, **include}

    (finding,) = linted(tmp_path, template)
    assert (finding.rule, finding.pointer) == ("GB104", f"{pointer}/Fn::Transform")
    assert finding.message == "`AWS::Include` was not checked: it adds resources that are known only at deployment."
