"""The account is read from IAM, Organizations and Bedrock; data without permission to read are a gap."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import pytest
from harness.account import ACCOUNT, GUARDRAIL, MODEL, REGION, Aws, attach, document
from moto.iam.models import iam_backends

from guardedbedrock import SourceError, iam
from guardedbedrock.aws.sources.account import AccountReader
from guardedbedrock.aws.sources.bedrock_reader import BedrockReader
from guardedbedrock.aws.sources.calls import SourceCalls
from guardedbedrock.aws.sources.organization_reader import OrganizationReader
from guardedbedrock.iam.account.snapshot import write_snapshot
from guardedbedrock.testing import FakeGuardrail, FakeInferenceProfile

ROLE: Final = f"arn:aws:iam::{ACCOUNT}:role/team/App"
SESSION: Final = f"arn:aws:sts::{ACCOUNT}:assumed-role/App/run"
USER: Final = f"arn:aws:iam::{ACCOUNT}:user/Ann"
NO_EFFECTIVE_POLICY: Final = "organizations:DescribeEffectivePolicy"
"""moto does not implement it, so it is always a gap here."""


def read(aws: Aws, *principals: str) -> dict[str, Any]:
    """Read the account."""
    return AccountReader(aws.client, [REGION]).read(principals or None)


def gaps(snapshot: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the sections and APIs of the gaps."""
    return [(gap["section"], gap["api"]) for gap in snapshot["gaps"] if gap["api"] != NO_EFFECTIVE_POLICY]


def outcome(snapshot: dict[str, Any], principal: str, action: str, resource: str = MODEL) -> str:
    """Decide a request with the policies of a snapshot."""
    return iam.Account.from_snapshot(snapshot).evaluate(principal, action, resource).outcome


@pytest.mark.parametrize("details", [True, False], ids=["details", "single calls"])
def test_role_and_user_have_their_policies_whichever_api_the_caller_may_use(populated: Aws, *, details: bool) -> None:
    """A path, an inline and a managed policy, a boundary, tags, and two groups."""
    if not details:
        populated.fail("GetAccountAuthorizationDetails")
    snapshot = read(populated, ROLE, USER)

    role, user = snapshot["principals"][ROLE], snapshot["principals"][USER]
    assert (role["path"], role["tags"], role["boundary"]) == ("/team/", {"Team": "hr"}, f"arn:aws:iam::{ACCOUNT}:policy/Limit")
    assert (list(role["inline"]), role["managed"]) == (["Apply"], [f"arn:aws:iam::{ACCOUNT}:policy/Read"])
    assert sorted(user["groups"]) == [f"arn:aws:iam::{ACCOUNT}:group/{name}" for name in ("Readers", "Writers")]
    assert gaps(snapshot) == []
    assert outcome(snapshot, ROLE, "bedrock:InvokeModel") == "allowed"
    assert outcome(snapshot, ROLE, "bedrock:CreateGuardrail") == "implicitDeny"
    assert outcome(snapshot, USER, "bedrock:CreateGuardrail") == "allowed"
    assert outcome(snapshot, USER, "bedrock:ApplyGuardrail") == "implicitDeny"


def test_whole_account_has_every_principal_and_only_policies_that_are_in_use(populated: Aws) -> None:
    """Moto has a thousand managed policies of AWS."""
    snapshot = read(populated)

    assert sorted(snapshot["principals"]) == [ROLE, USER]
    assert sorted(snapshot["managed_policies"]) == [f"arn:aws:iam::{ACCOUNT}:policy/{name}" for name in ("Limit", "Read")]
    assert (snapshot["account"], snapshot["regions"], snapshot["partition"]) == (ACCOUNT, [REGION], "aws")


def test_more_than_two_hundred_policies_are_read(aws: Aws) -> None:
    """Every page is read, of the details and of the single calls."""
    client = aws.client("iam")
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    for index in range(21):
        client.create_role(RoleName=f"Role{index}", AssumeRolePolicyDocument=trust)
        for number in range(10):
            name = f"Policy{number}"
            client.put_role_policy(
                RoleName=f"Role{index}", PolicyName=name, PolicyDocument=json.dumps(document(f"s3:Get{number}"))
            )
    wanted = [f"arn:aws:iam::{ACCOUNT}:role/Role{index}" for index in range(21)]

    assert sum(len(role["inline"]) for role in read(aws)["principals"].values()) == 210
    aws.fail("GetAccountAuthorizationDetails")
    assert sum(len(role["inline"]) for role in read(aws, *wanted)["principals"].values()) == 210


def test_scps_are_read_level_by_level_from_the_root_and_each_document_once(populated: Aws) -> None:
    """The account is below three units; the root, the units and the account are five levels."""
    organizations = populated.client("organizations")
    member = next(one["Id"] for one in organizations.list_accounts()["Accounts"] if one["Name"] == "member")
    attach(organizations, member, "NoTitan", document("bedrock:*", "arn:aws:bedrock:*::foundation-model/amazon.*", "Deny"))
    refusal = document("bedrock:*", effect="Deny")
    refusal["Statement"][0]["Principal"] = "*"
    attach(organizations, member, "Refuse", refusal, "RESOURCE_CONTROL_POLICY")
    populated.calls.clear()
    sections = OrganizationReader(SourceCalls(populated.client, REGION)).read(member)

    names = [[policy["name"] for policy in level["policies"]] for level in sections["scp"]]
    assert [sorted(level) for level in names] == [
        ["FullAWSAccess"],
        ["FullAWSAccess", "Level0"],
        ["FullAWSAccess", "Level1"],
        ["FullAWSAccess", "Level2"],
        ["FullAWSAccess", "NoTitan"],
    ]
    assert sections["organization"]["path"][-1] == member
    assert [policy["name"] for policy in sections["rcp"][-1]["policies"]] == ["RCPFullAWSAccess", "Refuse"]
    assert populated.calls.count("DescribePolicy") == 7  # five SCPs and two RCPs, although FullAWSAccess is at every level


def test_scps_deny_in_a_member_account_and_not_in_the_management_account(populated: Aws) -> None:
    """The units deny every action that deletes."""
    organizations = populated.client("organizations")
    member = next(one["Id"] for one in organizations.list_accounts()["Accounts"] if one["Name"] == "member")
    sections = OrganizationReader(SourceCalls(populated.client, REGION)).read(member)
    everything = {"inline": {"All": document("*")}, "managed": [], "kind": "role", "name": "Admin"}
    snapshot = {"schema": "guardedbedrock.snapshot", "version": 1, "time": "2026-11-28T12:00:00Z", **sections}

    def delete(account: str) -> str:
        arn = f"arn:aws:iam::{account}:role/Admin"
        return outcome({**snapshot, "account": account, "principals": {arn: everything}}, arn, "bedrock:DeleteGuardrail", "*")

    assert delete(member) == "explicitDeny"
    assert delete(ACCOUNT) == "allowed"


def test_account_without_an_organization_has_no_scps_and_no_gap(aws: Aws) -> None:
    """The reader knows that none exists."""
    snapshot = read(aws)

    assert (snapshot["organization"], snapshot["scp"], snapshot["rcp"]) == (None, None, None)
    assert gaps(snapshot) == []


@pytest.mark.parametrize(
    ("operation", "found"),
    [
        ("GetAccountAuthorizationDetails", [("identity", "iam:GetAccountAuthorizationDetails")]),
        ("DescribeOrganization", [(kind, "organizations:DescribeOrganization") for kind in ("scp", "rcp")]),
        ("ListParents", [(kind, "organizations:ListParents") for kind in ("scp", "rcp")]),
        ("ListPoliciesForTarget", [(kind, "organizations:ListPoliciesForTarget") for kind in ("scp", "rcp")]),
        ("DescribePolicy", [(kind, "organizations:ListPoliciesForTarget") for kind in ("scp", "rcp")]),
        ("ListGuardrails", [("guardrails", "bedrock:ListGuardrails")]),
        ("ListTagsForResource", [("tags", "bedrock:ListTagsForResource")]),
        ("GetResourcePolicy", [("resource", "bedrock:GetResourcePolicy")]),
        ("ListEnforcedGuardrailsConfiguration", [("enforced_guardrails", "bedrock:ListEnforcedGuardrailsConfiguration")]),
        ("ListInferenceProfiles", [("inference_profiles", "bedrock:ListInferenceProfiles")]),
    ],
)
def test_each_source_that_may_not_be_read_is_a_gap_with_the_statement_that_closes_it(
    populated: Aws, operation: str, found: list[tuple[str, str]]
) -> None:
    """The gap has the error code of AWS."""
    populated.fake.configure(guardrails=[FakeGuardrail("abc123def456", version="1")])
    populated.fail(operation)
    snapshot = read(populated)

    assert gaps(snapshot) == found
    gap = next(gap for gap in snapshot["gaps"] if gap["api"] == found[0][1])
    assert gap["error"] == "AccessDenied"
    assert gap["statement"] == {"Effect": "Allow", "Action": found[0][1], "Resource": "*"}


@pytest.mark.parametrize("principal", [ROLE, SESSION], ids=["role", "session"])
@pytest.mark.parametrize(
    ("operation", "gap"),
    [
        ("GetRole", ("boundary", "iam:GetRole")),
        ("GetRolePolicy", ("identity", "iam:GetRolePolicy")),
        ("ListRolePolicies", ("identity", "iam:GetRolePolicy")),
        ("ListAttachedRolePolicies", ("identity", "iam:ListAttachedRolePolicies")),
        ("GetPolicy", ("managed_policies", "iam:GetPolicyVersion")),
        ("GetPolicyVersion", ("managed_policies", "iam:GetPolicyVersion")),
    ],
)
def test_single_calls_that_are_denied_make_the_verdict_of_the_role_indeterminate(
    populated: Aws, operation: str, gap: tuple[str, str], principal: str
) -> None:
    """An unknown policy of the role could deny what the other policies allow. The ARN of a session has no path."""
    populated.fail("GetAccountAuthorizationDetails", operation)
    snapshot = read(populated, principal)
    decision = iam.Account.from_snapshot(snapshot).evaluate(principal, "bedrock:InvokeModel", MODEL)

    assert gap in gaps(snapshot)
    assert decision.outcome == "indeterminate"
    assert decision.reasons != ()


def test_unread_policies_of_a_group_concern_each_of_its_users(populated: Aws) -> None:
    """A group is read once, for the first of its users."""
    client = populated.client("iam")
    client.create_user(UserName="Bob")
    client.add_user_to_group(GroupName="Readers", UserName="Bob")
    other = f"arn:aws:iam::{ACCOUNT}:user/Bob"
    populated.fail("GetAccountAuthorizationDetails", "GetGroupPolicy")
    snapshot = read(populated, USER, other)

    assert {outcome(snapshot, user, "bedrock:InvokeModel") for user in (USER, other)} == {"indeterminate"}


def test_inline_policy_that_is_deleted_during_the_read_leaves_the_others(populated: Aws) -> None:
    """The policy `Block` still denies."""
    client = populated.client("iam")
    for name, policy in (("Block", document("bedrock:*", effect="Deny")), ("Gone", document("s3:*"))):
        client.put_role_policy(RoleName="App", PolicyName=name, PolicyDocument=json.dumps(policy))
    populated.fail("GetAccountAuthorizationDetails")
    populated.change("GetRolePolicy", lambda: client.delete_role_policy(RoleName="App", PolicyName="Gone"))
    snapshot = read(populated, ROLE)

    assert list(snapshot["principals"][ROLE]["inline"]) == ["Apply", "Block"]
    assert gaps(snapshot) == []
    assert outcome(snapshot, ROLE, "bedrock:InvokeModel") == "explicitDeny"


def test_scp_that_is_deleted_during_the_read_leaves_the_others(populated: Aws) -> None:
    """It had to be detached first, so it does not limit the account."""
    organizations = populated.client("organizations")
    member = next(one["Id"] for one in organizations.list_accounts()["Accounts"] if one["Name"] == "member")
    attach(organizations, member, "Gone", document("s3:*", effect="Deny"))
    listed = organizations.list_policies_for_target(TargetId=member, Filter="SERVICE_CONTROL_POLICY")["Policies"]
    gone = next(one["Id"] for one in listed if one["Name"] == "Gone")

    def delete() -> None:
        organizations.detach_policy(PolicyId=gone, TargetId=member)
        organizations.delete_policy(PolicyId=gone)

    populated.change("DescribePolicy", delete, call=5)  # after the list of the account, the last level
    calls = SourceCalls(populated.client, REGION)
    sections = OrganizationReader(calls).read(member)

    assert [policy["name"] for policy in sections["scp"][-1]["policies"]] == ["FullAWSAccess"]
    assert calls.gaps == []


def test_guardrail_that_is_deleted_during_the_read_leaves_the_others(aws: Aws) -> None:
    """Its versions are listed after the guardrails."""
    other = f"arn:aws:bedrock:{REGION}:{ACCOUNT}:guardrail/zzz123def456"
    aws.fake.configure(guardrails=[FakeGuardrail(arn, version="1") for arn in (GUARDRAIL, other)])
    delete = aws.client("bedrock").delete_guardrail
    aws.change("ListGuardrails", lambda: delete(guardrailIdentifier=other), call=2)
    snapshot = read(aws)

    assert [one["arn"] for one in snapshot["guardrails"]] == [GUARDRAIL]
    assert gaps(snapshot) == []


def test_principal_that_does_not_exist_is_not_in_the_snapshot(populated: Aws) -> None:
    """It has no policies, which is not the same as an empty list of them."""
    populated.fail("GetAccountAuthorizationDetails")

    assert read(populated, f"arn:aws:iam::{ACCOUNT}:role/Nothing")["principals"] == {}


def test_throttling_is_a_gap_too(populated: Aws) -> None:
    """After the retries of the client."""
    populated.fail("GetAccountAuthorizationDetails", code="Throttling")

    assert [gap["error"] for gap in read(populated)["gaps"] if gap["section"] == "identity"] == ["Throttling"]


def test_unknown_caller_is_an_error(aws: Aws) -> None:
    """Without STS not even the account is known."""
    aws.fail("GetCallerIdentity", code="ExpiredToken")

    with pytest.raises(SourceError, match=r"sts:GetCallerIdentity failed: .*ExpiredToken.*; check the credentials"):
        read(aws)


def test_bedrock_sections_have_guardrails_with_versions_profiles_policies_and_enforced_guardrails(aws: Aws) -> None:
    """Guardrails have every version with its status, and their tags."""
    arn = f"arn:aws:bedrock:{REGION}:{ACCOUNT}:guardrail/abc123def456"
    aws.fake.configure(
        guardrails=[FakeGuardrail(arn, version="1"), FakeGuardrail(arn, version="2")],
        inference_profiles=[FakeInferenceProfile("us.anthropic.claude-3-haiku-20240307-v1:0", models=(MODEL,))],
    )
    bedrock = aws.client("bedrock")
    bedrock.tag_resource(resourceARN=arn, tags=[{"key": "Approved", "value": "true"}])
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
                "Action": "bedrock:ApplyGuardrail",
                "Resource": arn,
            }
        ],
    }
    bedrock.put_resource_policy(resourceArn=arn, resourcePolicy=json.dumps(policy))
    models = {"includedModels": ["ALL"], "excludedModels": ["amazon.titan-embed-text-v2:0"]}
    enforced = {"guardrailIdentifier": arn, "guardrailVersion": "2", "modelEnforcement": models}
    bedrock.put_enforced_guardrail_configuration(guardrailInferenceConfig=enforced)
    snapshot = read(aws)

    (guardrail,) = snapshot["guardrails"]
    assert (guardrail["arn"], guardrail["region"], guardrail["tags"]) == (arn, REGION, {"Approved": "true"})
    assert {one["version"]: one["status"] for one in guardrail["versions"]} == {"DRAFT": "READY", "1": "READY", "2": "READY"}
    assert snapshot["resource_policies"] == {arn: policy}
    (enforced,) = snapshot["enforced_guardrails"]
    assert (enforced["arn"], enforced["version"], enforced["origin"]) == (arn, "2", "ACCOUNT")
    assert (enforced["included_models"], enforced["excluded_models"]) == (["ALL"], ["amazon.titan-embed-text-v2:0"])
    assert [profile["id"] for profile in snapshot["inference_profiles"]] == ["us.anthropic.claude-3-haiku-20240307-v1:0"]


def test_effective_policy_of_the_organization_adds_enforced_guardrails() -> None:
    """Only of the Regions that are read; with and without the operators of a policy that is not resolved."""
    arn = f"arn:aws:bedrock:{REGION}:{ACCOUNT}:guardrail/abc123def456"
    configurations = {
        REGION: {
            "config_1": {"identifier": {"@@assign": f"{arn}:3"}},
            "config_2": {
                "identifier": {"@@assign": f"{arn}:4"},
                "model_enforcement": {"included_models": {"@@assign": ["ALL"]}, "excluded_models": {"@@assign": ["acme.embed"]}},
            },
            "config_3": {"identifier": f"{arn}:5", "model_enforcement": {"included_models": ["acme.chat"]}},
        },
        "eu-west-1": {"config_1": {"identifier": f"{arn}:9"}},
    }
    content = json.dumps({"bedrock": {"guardrail_inference": configurations}})

    class Organizations:
        """A client that has an effective policy; moto has none."""

        def describe_effective_policy(self, **params: str) -> dict[str, Any]:
            assert params == {"PolicyType": "BEDROCK_POLICY", "TargetId": ACCOUNT}
            return {"EffectivePolicy": {"PolicyContent": content}}

    reader = OrganizationReader(SourceCalls(lambda *_, **__: Organizations(), REGION))

    assert reader.enforced_guardrails(ACCOUNT, [REGION]) == [
        {"region": REGION, "arn": arn, "id": f"config_{number}", "origin": "ORGANIZATION", **found}
        for number, found in (
            (1, {"version": "3"}),
            (2, {"version": "4", "included_models": ["ALL"], "excluded_models": ["acme.embed"]}),
            (3, {"version": "5", "included_models": ["acme.chat"], "excluded_models": []}),
        )
    ]


TWICE: Final = '{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}, "Statement": []}'
"""A policy whose Deny Python's parser of JSON would drop."""


@pytest.mark.parametrize("details", [True, False], ids=["details", "single calls"])
def test_repeated_key_in_a_policy_of_iam_is_an_error(populated: Aws, *, details: bool) -> None:
    """Botocore parses the policies of IAM, unless the reader prevents it."""
    if not details:
        populated.fail("GetAccountAuthorizationDetails")
    # Moto rejects a repeated key, so the policy goes into its memory.
    iam_backends[ACCOUNT]["aws"].get_role("App").policies["Twice"] = TWICE

    with pytest.raises(iam.PolicySyntaxError, match="has the key `Statement` twice"):
        read(populated, ROLE)


def test_repeated_key_in_an_scp_is_an_error(populated: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the policy."""
    organizations = populated.client("organizations")
    _answer_with(monkeypatch, organizations, "describe_policy", {"Policy": {"Content": TWICE}})
    calls = SourceCalls(lambda *_, **__: organizations, REGION)

    with pytest.raises(iam.PolicySyntaxError, match=r"policy/p-FullAWSAccess: has the key `Statement` twice"):
        OrganizationReader(calls).read(ACCOUNT)


def test_repeated_key_in_a_resource_policy_is_an_error(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the other policies; the JSON text may be URL-encoded."""
    aws.fake.configure(guardrails=[FakeGuardrail(GUARDRAIL, version="1")])
    bedrock = aws.client("bedrock")
    _answer_with(monkeypatch, bedrock, "get_resource_policy", {"resourcePolicy": quote(TWICE)})

    with pytest.raises(iam.PolicySyntaxError, match=f"resource-based policy of {GUARDRAIL}: has the key `Statement` twice"):
        BedrockReader(SourceCalls(lambda *_, **__: bedrock, REGION)).read([REGION])


def test_numbers_of_a_policy_survive_a_snapshot(populated: Aws, tmp_path: Path) -> None:
    """A number with a decimal point is read exactly, and written as a string, which IAM compares in the same way."""
    condition = {"NumericLessThan": {"s3:max-keys": 0.30000000000000004}}
    policy = document("s3:ListBucket")
    policy["Statement"][0]["Condition"] = condition
    iam_backends[ACCOUNT]["aws"].get_role("App").policies["Few"] = json.dumps(policy)
    write_snapshot(read(populated, ROLE), tmp_path / "account.json")
    account = iam.Account.from_snapshot(tmp_path / "account.json")

    kept = account.principals[ROLE].inline["Few"]["Statement"][0]["Condition"]
    assert kept == {"NumericLessThan": {"s3:max-keys": "0.30000000000000004"}}


def _answer_with(monkeypatch: pytest.MonkeyPatch, client: Any, method: str, answer: dict[str, Any]) -> None:
    """Let one method of a client return an answer."""
    monkeypatch.setattr(client, method, lambda **_: answer)


def report(status: str = "COMPLETED", **services: datetime | None) -> dict[str, Any]:
    """Return a report of IAM."""
    listed = [
        {"ServiceName": name, "ServiceNamespace": name, **({"LastAuthenticated": last} if last else {})}
        for name, last in services.items()
    ]
    return {"JobStatus": status, "ServicesLastAccessed": listed, "IsTruncated": False}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (report(s3=None, bedrock=datetime(2026, 10, 1, tzinfo=UTC)), {"bedrock": "2026-10-01T00:00:00+00:00"}),
        (report(bedrock=None), {"bedrock": None}),
        (report(s3=None), {}),
    ],
)
def test_last_accessed_data_of_users_and_roles(populated: Aws, answer: dict[str, Any], expected: dict[str, Any]) -> None:
    """A report that is in progress is requested again."""
    reports = [report("IN_PROGRESS"), *[answer] * 2]
    populated.answer("GenerateServiceLastAccessedDetails", lambda: {"JobId": "98a765b4-3cde-2101-2345-example678f9"})
    populated.answer("GetServiceLastAccessedDetails", lambda: reports.pop(0))
    snapshot = AccountReader(populated.client, [REGION]).read(last_accessed=True)
    assert snapshot["last_accessed"] == {ROLE: expected, USER: expected}
    assert gaps(snapshot) == []


def test_last_accessed_data_that_cannot_be_read_are_a_gap(populated: Aws) -> None:
    """The policies are complete nevertheless."""
    populated.fail("GenerateServiceLastAccessedDetails")
    snapshot = AccountReader(populated.client, [REGION]).read(last_accessed=True)
    assert gaps(snapshot) == [("last_accessed", "iam:GenerateServiceLastAccessedDetails")]
    assert outcome(snapshot, ROLE, "bedrock:InvokeModel") == "allowed"


def test_principal_that_is_deleted_during_the_read_leaves_the_reports_of_the_others(populated: Aws) -> None:
    generate = "GenerateServiceLastAccessedDetails"
    populated.answer(generate, lambda: {"JobId": "98a765b4-3cde-2101-2345-example678f9"})
    populated.answer("GetServiceLastAccessedDetails", lambda: report(s3=None))
    populated.change(generate, lambda: populated.fail(generate, code="NoSuchEntity"))
    populated.change(generate, populated.recover, call=2)
    snapshot = AccountReader(populated.client, [REGION]).read(last_accessed=True)
    assert snapshot["last_accessed"] == {ROLE: {}}
    assert [gap["principal"] for gap in snapshot["gaps"] if gap["section"] == "last_accessed"] == [USER]


def test_a_failed_report_is_a_gap(populated: Aws) -> None:
    populated.answer("GenerateServiceLastAccessedDetails", lambda: {"JobId": "98a765b4-3cde-2101-2345-example678f9"})
    populated.answer("GetServiceLastAccessedDetails", lambda: report("FAILED"))
    snapshot = AccountReader(populated.client, [REGION]).read(last_accessed=True)
    assert {gap.get("principal") for gap in snapshot["gaps"] if gap["section"] == "last_accessed"} == {ROLE, USER}
