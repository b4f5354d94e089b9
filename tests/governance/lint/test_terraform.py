"""Every form of a policy in Terraform is read, or reported as not checked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from guardedbedrock.cli.app import run
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.governance.lint.finding import LintFinding
from guardedbedrock.governance.lint.run import LintOptions, lint

ACCOUNT = "123456789012"
GUARDRAIL = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:guardrail/abc123def456"
MODELS = "arn:aws:bedrock:*::foundation-model/*"
INVOKE = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]
BAD: dict[str, Any] = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "bedrock:Converse", "Resource": "*"}]}
OPEN = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": INVOKE, "Resource": MODELS}]}
BACKSTOP = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Deny",
            "Action": INVOKE,
            "Resource": "*",
            "Condition": {"StringNotEquals": {"bedrock:GuardrailIdentifier": f"{GUARDRAIL}:1"}},
        },
        {"Effect": "Allow", "Action": "bedrock:ApplyGuardrail", "Resource": GUARDRAIL},
    ],
}


def linted(tmp_path: Path, data: Any, name: str = "main.tf.json", *select: str) -> tuple[LintFinding, ...]:
    file = tmp_path / name
    file.write_text(json.dumps(data, indent=2), "utf-8")
    return lint([file], LintOptions(select=select))


def pointed_at(tmp_path: Path, finding: LintFinding, name: str = "main.tf.json") -> str:
    return (tmp_path / name).read_text("utf-8").splitlines()[finding.line - 1][finding.column - 1 :]


def resource(kind: str, **attributes: Any) -> dict[str, Any]:
    return {"resource": {kind: {"p": attributes}}}


def document(**blocks: Any) -> dict[str, Any]:
    return {"data": {"aws_iam_policy_document": {"d": blocks}}}


HOLDERS = {
    "aws_iam_policy": {"name": "p", "policy": json.dumps(BAD)},
    "aws_iam_role_policy": {"role": "r", "policy": json.dumps(BAD)},
    "aws_iam_user_policy": {"user": "u", "policy": json.dumps(BAD)},
    "aws_iam_group_policy": {"group": "g", "policy": json.dumps(BAD)},
    "aws_organizations_policy": {"name": "p", "type": "SERVICE_CONTROL_POLICY", "content": json.dumps(BAD)},
    "aws_ssoadmin_permission_set_inline_policy": {"inline_policy": json.dumps(BAD)},
    "aws_vpc_endpoint": {"policy": json.dumps({**BAD, "Statement": [{**BAD["Statement"][0], "Principal": "*"}]})},
    "aws_vpc_endpoint_policy": {"policy": json.dumps({**BAD, "Statement": [{**BAD["Statement"][0], "Principal": "*"}]})},
}


@pytest.mark.parametrize("kind", HOLDERS)
def test_resource_of_a_file(tmp_path: Path, kind: str) -> None:
    (finding,) = linted(tmp_path, resource(kind, **HOLDERS[kind]), "main.tf.json", "INVALID_ACTION")
    assert finding.pointer.endswith("/Statement/0/Action")
    assert pointed_at(tmp_path, finding).startswith('\\"Action\\": \\"bedrock:Converse\\"')


@pytest.mark.parametrize("kind", HOLDERS)
def test_resource_of_a_plan(tmp_path: Path, kind: str) -> None:
    planned = {"address": f"{kind}.p[0]", "mode": "managed", "type": kind, "name": "p", "index": 0, "values": HOLDERS[kind]}
    data = {"format_version": "1.2", "planned_values": {"root_module": {"resources": [planned]}}}
    (finding,) = linted(tmp_path, data, "plan.json", "INVALID_ACTION")
    assert pointed_at(tmp_path, finding, "plan.json").startswith('\\"Action\\": \\"bedrock:Converse\\"')


def test_inline_policies_of_a_role(tmp_path: Path) -> None:
    role = {"name": "r", "assume_role_policy": "{}", "inline_policy": [{}, {"name": "a", "policy": json.dumps(BAD)}]}
    (finding,) = linted(tmp_path, resource("aws_iam_role", **role), "main.tf.json", "INVALID_ACTION")
    assert finding.pointer == "/resource/aws_iam_role/p/inline_policy/1/policy/Statement/0/Action"


def test_resource_control_policy(tmp_path: Path) -> None:
    statement = {"Effect": "Deny", "Principal": "*", "Action": "bedrock:Converse", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    data = resource("aws_organizations_policy", name="p", type="RESOURCE_CONTROL_POLICY", content=json.dumps(policy))
    assert [finding.rule for finding in linted(tmp_path, data)] == ["INVALID_ACTION"]


def test_policies_of_another_kind_of_organization_policy_are_not_iam_policies(tmp_path: Path) -> None:
    assert linted(tmp_path, resource("aws_organizations_policy", name="p", type="TAG_POLICY", content="{}")) == ()


def test_arrays_of_blocks(tmp_path: Path) -> None:
    data = {"resource": [{"aws_iam_policy": [{"p": [{"name": "p", "policy": json.dumps(BAD)}]}]}]}
    (finding,) = linted(tmp_path, data, "main.tf.json", "INVALID_ACTION")
    assert finding.pointer == "/resource/0/aws_iam_policy/0/p/0/policy/Statement/0/Action"


def test_data_source_with_several_statements(tmp_path: Path) -> None:
    data = document(
        statement=[
            {"sid": "A", "not_actions": ["iam:*"], "not_resources": ["arn:aws:s3:::a"], "effect": "Deny"},
            {
                "actions": ["bedrock:InvokeModel"],
                "resources": [MODELS],
                "condition": [
                    {"test": "StringEquals", "variable": "aws:SourceVpc", "values": ["vpc-1"]},
                    {"test": "StringEquals", "variable": "bedrock:GuardrailId", "values": [GUARDRAIL]},
                ],
            },
        ]
    )
    (finding,) = linted(tmp_path, data, "main.tf.json", "INVALID_SERVICE_CONDITION_KEY")
    assert finding.pointer == "/data/aws_iam_policy_document/d/statement/1/condition/1"


def test_two_blocks_of_one_condition_are_merged(tmp_path: Path) -> None:
    conditions = [
        {"test": "StringEquals", "variable": "bedrock:GuardrailIdentifier", "values": [f"{GUARDRAIL}:{version}"]}
        for version in ("1", "2")
    ]
    block = {"actions": INVOKE, "resources": [MODELS], "condition": conditions}
    grant = {"actions": ["bedrock:ApplyGuardrail"], "resources": [GUARDRAIL]}
    assert linted(tmp_path, document(statement=[block, grant])) == ()


def test_policy_variables_of_a_data_source(tmp_path: Path) -> None:
    condition = {"test": "StringEquals", "variable": "aws:ResourceTag/Team", "values": ["&{aws:PrincipalTag/Team}"]}
    block = {"actions": ["bedrock:UpdateGuardrail"], "resources": [GUARDRAIL], "condition": condition}
    assert linted(tmp_path, document(statement=block)) == ()


def test_data_source_has_the_type_of_the_policy_that_uses_it(tmp_path: Path) -> None:
    principals = {"type": "*", "identifiers": ["*"]}
    data = document(
        statement={"effect": "Deny", "actions": ["bedrock:InvokeModel"], "resources": ["*"], "principals": principals}
    )
    data |= resource("aws_organizations_policy", name="p", content="${data.aws_iam_policy_document.d.json}")
    (finding,) = linted(tmp_path, data, "main.tf.json", "GB101")
    assert "`/Statement/0/Principal` is not allowed in a policy of type scp" in finding.message
    assert finding.pointer == "/data/aws_iam_policy_document/d/statement/principals"


def test_merged_data_sources(tmp_path: Path) -> None:
    deny = {
        "sid": "Deny",
        "effect": "Deny",
        "actions": INVOKE,
        "resources": ["*"],
        "condition": {"test": "StringNotEquals", "variable": "bedrock:GuardrailIdentifier", "values": [f"{GUARDRAIL}:1"]},
    }
    grant = {"actions": ["bedrock:ApplyGuardrail"], "resources": [GUARDRAIL]}
    documents: dict[str, Any] = {
        "base": {"statement": [{"sid": "Open", "actions": INVOKE, "resources": [MODELS]}]},
        "whole": {
            "source_policy_documents": ["${data.aws_iam_policy_document.base.json}"],
            "statement": [deny, grant],
        },
    }
    data = {"data": {"aws_iam_policy_document": documents}}
    assert linted(tmp_path, data) == ()
    documents["whole"]["override_policy_documents"] = [json.dumps({**BAD, "Statement": {**BAD["Statement"][0], "Sid": "Deny"}})]
    assert {finding.rule for finding in linted(tmp_path, data)} == {"GB201", "INVALID_ACTION"}
    documents["whole"]["override_policy_documents"] = ["${data.terraform_remote_state.x.outputs.policy}"]
    assert [finding.rule for finding in linted(tmp_path, data)] == ["GB104"]


def test_trust_policies_are_not_checked_as_permissions(tmp_path: Path) -> None:
    principals = {"type": "Service", "identifiers": ["lambda.amazonaws.com"]}
    data = document(statement={"actions": ["sts:AssumeRole"], "principals": principals})
    data |= resource("aws_iam_role", name="r", assume_role_policy="${data.aws_iam_policy_document.d.json}")
    assert linted(tmp_path, data) == ()


@pytest.mark.parametrize(
    ("locals_", "variables", "policy"),
    [
        ({"p": BAD}, {}, "${jsonencode(local.p)}"),
        ({"p": json.dumps(BAD)}, {}, "${local.p}"),
        ({"p": "${var.q}"}, {"q": {"default": json.dumps(BAD)}}, "${local.p}"),
    ],
)
def test_locals_and_defaults_of_variables(tmp_path: Path, locals_: Any, variables: Any, policy: str) -> None:
    data = {"locals": locals_, "variable": variables, **resource("aws_iam_policy", policy=policy)}
    (finding,) = linted(tmp_path, data, "main.tf.json", "INVALID_ACTION")
    assert finding.pointer.startswith(("/locals/p/Statement/0/Action", "/variable/q/default/Statement/0/Action"))


def test_references_in_text(tmp_path: Path) -> None:
    arn = "${aws_bedrock_guardrail.g.guardrail_arn}"
    statements = [
        {
            "Effect": "Allow",
            "Action": INVOKE,
            "Resource": "arn:${data.aws_partition.now.partition}:bedrock:${var.region}::foundation-model/*",
            "Condition": {
                "StringEquals": {"bedrock:GuardrailIdentifier": f"{arn}:${{aws_bedrock_guardrail_version.v.version}}"},
            },
        },
        {"Effect": "Allow", "Action": "bedrock:ApplyGuardrail", "Resource": arn},
        {"Effect": "Allow", "Action": "${local.actions[0]}", "Resource": '${join(",", ["a"])}'},
    ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    assert linted(tmp_path, resource("aws_iam_policy", policy=policy)) == ()


NOT_CHECKED = {
    "an expression": (resource("aws_iam_policy", policy='${jsonencode({ Version = "2012-10-17" })}'), "aws_iam_policy.p"),
    "a file": (resource("aws_iam_policy", policy='${file("policy.json")}'), "aws_iam_policy.p"),
    "dynamic blocks": (document(dynamic={"statement": {}}), "data.aws_iam_policy_document.d"),
    "a computed operator": (
        document(
            statement={"actions": INVOKE, "resources": ["*"], "condition": {"test": "${var.t}", "variable": "a", "values": []}}
        ),
        "data.aws_iam_policy_document.d",
    ),
    "a module": ({"module": {"app": {"source": "./app"}}}, "module.app"),
    "another provider": (resource("awscc_iam_managed_policy", policy_document=json.dumps(OPEN)), "awscc_iam_managed_policy.p"),
}


@pytest.mark.parametrize("name", NOT_CHECKED)
def test_what_is_not_checked_is_named(tmp_path: Path, name: str) -> None:
    data, named = NOT_CHECKED[name]
    (finding,) = linted(tmp_path, data)
    assert (finding.rule, finding.severity) == ("GB104", "note")
    assert finding.message.startswith(f"`{named}` was not checked: ")


def test_policies_of_a_role_apply_together(tmp_path: Path) -> None:
    data: dict[str, Any] = {
        "resource": {
            "aws_iam_role": {"app": {"name": "app"}},
            "aws_iam_role_policy": {"open": {"role": "${aws_iam_role.app.id}", "policy": json.dumps(OPEN)}},
            "aws_iam_policy": {"backstop": {"name": "b", "policy": json.dumps(BACKSTOP)}},
            "aws_iam_role_policy_attachment": {
                "b": {"role": "app", "policy_arn": "${aws_iam_policy.backstop.arn}"},
            },
        }
    }
    assert linted(tmp_path, data) == ()
    del data["resource"]["aws_iam_role_policy_attachment"]
    assert [finding.rule for finding in linted(tmp_path, data)] == ["GB201"]
    data["resource"]["aws_iam_role"]["app"]["permissions_boundary"] = "${aws_iam_policy.backstop.arn}"
    assert "GB201" not in {finding.rule for finding in linted(tmp_path, data)}


def test_a_guardrail_that_is_known_later_satisfies_the_condition(tmp_path: Path) -> None:
    condition = {"test": "StringEquals", "variable": "bedrock:GuardrailIdentifier", "values": ["${var.guardrail}:1"]}
    blocks = [
        {"actions": INVOKE, "resources": [MODELS], "condition": condition},
        {"actions": ["bedrock:ApplyGuardrail"], "resources": ["${var.guardrail}"]},
    ]
    assert linted(tmp_path, document(statement=blocks)) == ()


# -- plans ----------------------------------------------------------------------------------------------------------------


def plan(*resources: dict[str, Any], changes: Any = (), expressions: Any = (), version: str = "1.2") -> dict[str, Any]:
    return {
        "format_version": version,
        "terraform_version": "1.9.0",
        "planned_values": {"root_module": {"resources": list(resources)}},
        "resource_changes": list(changes),
        "configuration": {"root_module": {"resources": list(expressions)}},
    }


def planned(address: str, **values: Any) -> dict[str, Any]:
    kind = address.removeprefix("data.").split(".")[-2]
    return {"address": address, "mode": "data" if address.startswith("data.") else "managed", "type": kind, "values": values}


def change(address: str, after: Any, after_unknown: Any) -> dict[str, Any]:
    return {**planned(address), "change": {"actions": ["create"], "after": after, "after_unknown": after_unknown}}


def test_a_policy_that_is_known_after_apply_is_named(tmp_path: Path) -> None:
    data = plan(planned("aws_iam_policy.p", name="p"), changes=[change("aws_iam_policy.p", {"name": "p"}, {"policy": True})])
    data["planned_values"]["root_module"]["resources"].append(planned("aws_iam_policy.q", policy=json.dumps(BACKSTOP)))
    (finding,) = linted(tmp_path, data, "plan.json")
    assert (finding.rule, finding.severity) == ("GB104", "note")
    assert finding.message.startswith("`aws_iam_policy.p` was not checked: its text is known only after apply")


def test_a_data_source_that_is_read_during_apply(tmp_path: Path) -> None:
    statement = [
        {
            "actions": ["bedrock:InvokeModel"],
            "condition": [{"test": "StringEquals", "variable": "bedrock:GuardrailIdentifier", "values": [None]}],
            "effect": "Allow",
            "resources": [MODELS],
        },
        {"actions": ["bedrock:Converse"], "effect": "Allow"},
    ]
    unknown = [{"actions": [False], "condition": [{"values": [True]}], "resources": [False]}, {"resources": [True]}]
    data = plan(
        planned("aws_iam_policy.p", name="p"),
        changes=[
            change("aws_iam_policy.p", {"name": "p"}, {"policy": True}),
            change("data.aws_iam_policy_document.d", {"statement": statement}, {"json": True, "statement": unknown}),
        ],
        expressions=[
            {
                "address": "aws_iam_policy.p",
                "expressions": {
                    "policy": {"references": ["data.aws_iam_policy_document.d.json", "data.aws_iam_policy_document.d"]}
                },
            }
        ],
    )
    assert {one.rule for one in linted(tmp_path, data, "plan.json")} == {"GB211", "INVALID_ACTION"}
    (finding,) = linted(tmp_path, data, "plan.json", "INVALID_ACTION")
    assert finding.pointer == "/resource_changes/1/change/after/statement/1/actions/0"
    assert pointed_at(tmp_path, finding, "plan.json") == '"bedrock:Converse"'


def test_modules_count_and_for_each_of_a_plan(tmp_path: Path) -> None:
    def role(index: str) -> list[dict[str, Any]]:
        return [
            planned(f"module.app[{index}].aws_iam_role.app", name=None),
            planned(f"module.app[{index}].aws_iam_role_policy.open", policy=json.dumps(OPEN)),
            planned(f"module.app[{index}].aws_iam_role_policy.backstop[0]", policy=json.dumps(BACKSTOP)),
        ]

    children: list[Any] = [{"address": f"module.app[{index}]", "resources": role(index)} for index in ('"a"', '"b"')]
    expressions = [
        {"address": f"aws_iam_role_policy.{name}", "expressions": {"role": {"references": ["aws_iam_role.app.id"]}}}
        for name in ("open", "backstop")
    ]
    data: Any = plan()
    data["planned_values"]["root_module"]["child_modules"] = children
    data["configuration"]["root_module"]["module_calls"] = {"app": {"module": {"resources": expressions}}}
    assert linted(tmp_path, data, "plan.json") == ()
    del children[1]["resources"][2]
    (finding,) = linted(tmp_path, data, "plan.json")
    assert finding.rule == "GB201"
    assert finding.pointer.startswith("/planned_values/root_module/child_modules/1/resources/1/values/policy/Statement/0")


def test_state(tmp_path: Path) -> None:
    resources = [planned("aws_iam_policy.p", policy=json.dumps(BAD))]
    data = {"format_version": "1.0", "terraform_version": "1.9.0", "values": {"root_module": {"resources": resources}}}
    (finding,) = linted(tmp_path, data, "state.json", "INVALID_ACTION")
    assert finding.pointer == "/values/root_module/resources/0/values/policy/Statement/0/Action"


def test_a_plan_of_an_unknown_version_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"format version 2\.0 is unknown"):
        linted(tmp_path, plan(version="2.0"), "plan.json")


def test_command_with_a_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    Path("plan.json").write_text(json.dumps(plan(planned("aws_iam_policy.p", policy=json.dumps(OPEN)))), "utf-8")
    assert run(["lint", "plan.json", "--format", "github"]) == 1
    assert "::error file=plan.json,line=1," in capsys.readouterr().out


# -- policies that a file only names --------------------------------------------------------------------------------------

MANAGED = "arn:aws:iam::aws:policy/AmazonBedrockFullAccess"
LAMBDA = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"


def role_with(**resources: Any) -> dict[str, Any]:
    """Return a role with an open inline policy, and further resources."""
    inline = {"p": {"role": "${aws_iam_role.r.id}", "policy": json.dumps(OPEN)}}
    return {"resource": {"aws_iam_role": {"r": {"name": "app"}}, "aws_iam_role_policy": inline, **resources}}


@pytest.mark.parametrize(
    ("arn", "severity", "named"),
    [
        (MANAGED, "error", MANAGED),
        ("arn:aws:iam::aws:policy/AWSDenyAll", "warning", "arn:aws:iam::aws:policy/AWSDenyAll"),
        ("${var.policy}", "warning", "var.policy"),
        ("${data.aws_iam_policy.shared.arn}", "warning", "data.aws_iam_policy.shared.arn"),
    ],
)
def test_attachment_of_a_policy_outside_the_file(tmp_path: Path, arn: str, severity: str, named: str) -> None:
    attachment = {"a": {"role": "${aws_iam_role.r.name}", "policy_arn": arn}}
    found = linted(tmp_path, role_with(aws_iam_role_policy_attachment=attachment))
    assert {one.rule: one.severity for one in found} == {"GB201": severity, "GB104": "note"}
    (note,) = (one for one in found if one.rule == "GB104")
    assert note.message.startswith(f"`{named}` was not checked: this file only names it")
    assert pointed_at(tmp_path, note) == f'"policy_arn": "{arn}"'


@pytest.mark.parametrize(
    "resources",
    [
        {"aws_iam_role_policy_attachment": {"a": {"role": "app", "policy_arn": MANAGED}}},
        {"aws_iam_role_policy_attachment": {"a": {"role": "of another file", "policy_arn": MANAGED}}},
        {"aws_iam_policy_attachment": {"a": {"name": "n", "roles": ["${aws_iam_role.r.name}"], "policy_arn": MANAGED}}},
        {"aws_iam_role_policy_attachments_exclusive": {"a": {"role_name": "app", "policy_arns": [LAMBDA, MANAGED]}}},
        {"aws_iam_role": {"r": {"name": "app", "managed_policy_arns": [MANAGED]}}},
        {"aws_iam_user_policy_attachment": {"a": {"user": "u", "policy_arn": MANAGED}}},
        {"aws_iam_group_policy_attachment": {"a": {"group": "g", "policy_arn": MANAGED}}},
        {"aws_ssoadmin_managed_policy_attachment": {"a": {"managed_policy_arn": MANAGED}}},
    ],
)
def test_every_attachment_of_an_aws_managed_policy_has_a_note(tmp_path: Path, resources: Any) -> None:
    (note,) = linted(tmp_path, role_with(**resources), "main.tf.json", "GB104")
    assert note.message.startswith(f"`{MANAGED}` was not checked")


def test_an_aws_managed_policy_without_bedrock_has_no_note(tmp_path: Path) -> None:
    attachment = {"a": {"role": "${aws_iam_role.r.name}", "policy_arn": LAMBDA}}
    assert linted(tmp_path, role_with(aws_iam_role_policy_attachment=attachment), "main.tf.json", "GB104") == ()


def test_boundary_outside_the_file(tmp_path: Path) -> None:
    data = role_with()
    data["resource"]["aws_iam_role"]["r"]["permissions_boundary"] = "arn:aws:iam::123456789012:policy/boundary"
    found = linted(tmp_path, data)
    assert {one.rule: one.severity for one in found} == {"GB201": "warning", "GB104": "note"}


@pytest.mark.parametrize(
    "membership",
    [
        {"aws_iam_user_group_membership": {"m": {"user": "${aws_iam_user.u.name}", "groups": ["${aws_iam_group.g.name}"]}}},
        {"aws_iam_user_group_membership": {"m": {"user": "user", "groups": ["group"]}}},
        {
            "aws_iam_group_membership": {
                "m": {"name": "n", "users": ["${aws_iam_user.u.name}"], "group": "${aws_iam_group.g.name}"}
            }
        },
    ],
)
def test_a_user_has_the_policies_of_its_groups(tmp_path: Path, membership: dict[str, Any]) -> None:
    resources = {
        "aws_iam_user": {"u": {"name": "user"}},
        "aws_iam_user_policy": {"p": {"user": "${aws_iam_user.u.name}", "policy": json.dumps(OPEN)}},
        "aws_iam_group": {"g": {"name": "group"}},
        "aws_iam_group_policy": {"p": {"group": "${aws_iam_group.g.name}", "policy": json.dumps(BACKSTOP)}},
    }
    assert [one.rule for one in linted(tmp_path, {"resource": resources})] == ["GB201"]
    assert linted(tmp_path, {"resource": {**resources, **membership}}) == ()


@pytest.mark.parametrize(
    "membership",
    [
        {"aws_iam_user_group_membership": {"m": {"user": "${aws_iam_user.u.name}", "groups": ["admins"]}}},
        {"aws_iam_group_membership": {"m": {"name": "n", "users": ["user"], "group": "admins"}}},
    ],
)
def test_a_group_outside_the_file_has_a_note(tmp_path: Path, membership: dict[str, Any]) -> None:
    resources = {
        "aws_iam_user": {"u": {"name": "user"}},
        "aws_iam_user_policy": {"p": {"user": "${aws_iam_user.u.name}", "policy": json.dumps(OPEN)}},
    }
    found = linted(tmp_path, {"resource": {**resources, **membership}})
    assert {one.rule: one.severity for one in found} == {"GB201": "warning", "GB104": "note"}
    (note,) = (one.message for one in found if one.rule == "GB104")
    assert note.startswith("`admins` was not checked: the file does not hold the policies of this IAM group")


def test_plan_with_one_policy_that_is_known_after_apply(tmp_path: Path) -> None:
    """The other policies of the role are still checked, and the finding names the one that was not read."""
    data = plan(
        planned("aws_iam_role.r", name="app"),
        planned("aws_iam_role_policy.open", role="app", policy=json.dumps(OPEN)),
        planned("aws_iam_role_policy.later", role="app"),
        changes=[change("aws_iam_role_policy.later", {"role": "app"}, {"policy": True})],
    )
    found = linted(tmp_path, data, "plan.json")
    assert {one.rule: one.severity for one in found} == {"GB201": "warning", "GB104": "note"}
    (message,) = (one.message for one in found if one.rule == "GB201")
    assert message.endswith("Policies that were not read may deny it: `aws_iam_role_policy.later`.")


def test_plan_with_an_attachment_that_is_known_after_apply(tmp_path: Path) -> None:
    data = plan(
        planned("aws_iam_role.r", name="app"),
        planned("aws_iam_role_policy_attachment.a", role="app"),
        changes=[change("aws_iam_role_policy_attachment.a", {"role": "app"}, {"policy_arn": True})],
    )
    (note,) = linted(tmp_path, data, "plan.json")
    assert note.message.startswith("`aws_iam_role_policy_attachment.a.policy_arn` was not checked")
