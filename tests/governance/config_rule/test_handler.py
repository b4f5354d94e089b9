"""The AWS Config rule: every message type, and what it finds about guardrails, principals and SCPs."""

# ruff: noqa: D102  # the methods of `Aws` are operations of AWS

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from guardedbedrock import PolicySyntaxError
from guardedbedrock.bedrock import Guardrail
from guardedbedrock.bedrock.guardrail.backstop import backstop
from guardedbedrock.governance.config_rule import handler
from guardedbedrock.governance.config_rule.lambda_function import new_client

ACCOUNT = "123456789012"
TIME = "2026-11-01T00:00:00.000Z"
GUARDRAIL = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:guardrail/abc123def456"
STRONG = {"filters": [{"type": "HATE", "inputStrength": "HIGH", "outputStrength": "HIGH"}]}
INVOKE = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]
KEY = "bedrock:GuardrailIdentifier"
FULL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def statement(effect: str, action: Any, resource: Any = "*", condition: dict[str, Any] | None = None) -> dict[str, Any]:
    made = {"Effect": effect, "Action": action, "Resource": resource}
    return {**made, "Condition": condition} if condition else made


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


OPEN = document(statement("Allow", [*INVOKE, "bedrock:ApplyGuardrail"]))
GUARDED = document(
    statement("Allow", INVOKE, "arn:aws:bedrock:*::foundation-model/*", {"StringEquals": {KEY: f"{GUARDRAIL}:1"}}),
    statement("Allow", "bedrock:ApplyGuardrail", GUARDRAIL),
)
BACKSTOP = document(statement("Deny", INVOKE, "*", {"StringNotEquals": {KEY: f"{GUARDRAIL}:1"}}))


class Pages:
    """A paginator with one page."""

    def __init__(self, page: dict[str, Any]) -> None:
        self.page = page

    def paginate(self, **_: Any) -> Iterator[dict[str, Any]]:
        yield self.page


class Aws:
    """The services that the rule calls, with an account as data."""

    exceptions = boto3.client("iam", region_name="us-east-1").exceptions

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.tags: dict[str, str] = {"Team": "hr"}
        self.details: dict[str, Any] = {"guardrailArn": GUARDRAIL, "status": "READY", "contentPolicy": STRONG}
        self.versions = ["DRAFT", "1"]
        self.roles: dict[str, dict[str, Any]] = {}
        self.scps: list[dict[str, Any]] = [FULL]
        self.users: dict[str, dict[str, Any]] = {}
        self.groups: dict[str, dict[str, Any]] = {}
        self.created = datetime(2020, 1, 1, tzinfo=UTC)
        self.last_used: dict[str, datetime | None] = {}
        self.reports = "COMPLETED"
        self.denied: set[str] = set()
        self.errors: dict[str, str] = {}
        self.evaluated: list[tuple[str, str]] = []

    def __call__(self, _: str) -> Any:
        return self

    def _check(self, operation: str) -> None:
        code = "AccessDeniedException" if operation in self.denied else self.errors.get(operation)
        if code:
            raise ClientError({"Error": {"Code": code, "Message": "no"}}, operation)

    def put_evaluations(self, **given: Any) -> None:
        self.sent.append(given)

    def get_resource_config_history(self, **given: Any) -> dict[str, Any]:
        return {"configurationItems": [{"resourceId": given["resourceId"], "configuration": "{}"}]}

    def get_guardrail(self, **_: Any) -> dict[str, Any]:
        self._check("GetGuardrail")
        return self.details

    def list_tags_for_resource(self, **_: Any) -> dict[str, Any]:
        self._check("ListTagsForResource")
        return {"tags": [{"key": key, "value": value} for key, value in self.tags.items()]}

    def describe_organization(self) -> dict[str, Any]:
        self._check("DescribeOrganization")
        return {"Organization": {"MasterAccountId": "999999999999"}}

    def list_parents(self, **_: Any) -> dict[str, Any]:
        self._check("ListParents")
        return {"Parents": [{"Id": "r-abcd"}]}

    def describe_policy(self, **given: Any) -> dict[str, Any]:
        return {"Policy": {"Content": json.dumps(self.scps[int(given["PolicyId"])])}}

    def generate_service_last_accessed_details(self, **given: Any) -> dict[str, Any]:
        self._check("GenerateServiceLastAccessedDetails")
        self._check(f"GenerateServiceLastAccessedDetails of {given['Arn'].rpartition('/')[2]}")
        return {"JobId": given["Arn"]}

    def get_service_last_accessed_details(self, **given: Any) -> dict[str, Any]:
        self._check("GetServiceLastAccessedDetails")
        report: dict[str, Any] = {"JobStatus": self.reports, "IsTruncated": "Marker" not in given, "Marker": "x"}
        service: dict[str, Any] = {"ServiceName": "Amazon S3", "ServiceNamespace": "s3"}
        if "Marker" in given:
            last = self.last_used.get(given["JobId"].rpartition("/")[2], datetime.now(UTC))
            service = {"ServiceName": "Amazon Bedrock", "ServiceNamespace": "bedrock"}
            service |= {"LastAuthenticated": last} if last is not None else {}
        return {**report, "ServicesLastAccessed": [service]}

    def get_paginator(self, name: str) -> Pages:
        self._check(name)
        if name == "get_compliance_details_by_config_rule":
            qualifiers = [{"ResourceType": kind, "ResourceId": identifier} for kind, identifier in self.evaluated]
            identifiers = [{"EvaluationResultQualifier": one} for one in qualifiers]
            return Pages({"EvaluationResults": [{"EvaluationResultIdentifier": one} for one in identifiers]})
        if name == "list_guardrails":
            return Pages({"guardrails": [{"version": one} for one in self.versions]})
        if name == "list_policies_for_target":
            return Pages({"Policies": [{"Id": str(index), "Name": f"scp{index}"} for index in range(len(self.scps))]})
        roles = [
            {
                "Arn": f"arn:aws:iam::{ACCOUNT}:role/{name}",
                "RoleName": name,
                "RoleId": f"AROA{name}",
                "CreateDate": self.created,
                "RolePolicyList": [{"PolicyName": "p", "PolicyDocument": policy}],
            }
            for name, policy in self.roles.items()
        ]
        users = [
            {
                "Arn": f"arn:aws:iam::{ACCOUNT}:user/{name}",
                "UserName": name,
                "UserId": f"AIDA{name}",
                "CreateDate": self.created,
                "GroupList": list(self.groups),
                "UserPolicyList": [{"PolicyName": "p", "PolicyDocument": policy}],
            }
            for name, policy in self.users.items()
        ]
        groups = [
            {
                "Arn": f"arn:aws:iam::{ACCOUNT}:group/{name}",
                "GroupName": name,
                "GroupPolicyList": [{"PolicyName": "p", "PolicyDocument": policy}],
            }
            for name, policy in self.groups.items()
        ]
        return Pages({"RoleDetailList": roles, "UserDetailList": users, "GroupDetailList": groups, "Policies": [], "Marker": "x"})


@pytest.fixture
def aws() -> Aws:
    return Aws()


def event(invoking: dict[str, Any], **more: Any) -> dict[str, Any]:
    parameters = more.pop("parameters", {"ApprovedGuardrails": f"{GUARDRAIL}:1"})
    base = {"invokingEvent": json.dumps(invoking), "ruleParameters": json.dumps(parameters), "resultToken": "token"}
    return {**base, "accountId": ACCOUNT, "eventLeftScope": False, **more}


def item(**more: Any) -> dict[str, Any]:
    base = {"resourceType": "AWS::Bedrock::Guardrail", "resourceId": "abc123def456", "configurationItemCaptureTime": TIME}
    return {**base, "configurationItemStatus": "OK", **more}


def changed(aws: Aws, parameters: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    invoking = {"messageType": "ConfigurationItemChangeNotification", "configurationItem": item(**more)}
    given = {} if parameters is None else {"parameters": parameters}
    (found,) = handler(event(invoking, **given), None, aws)
    return found


def scheduled(aws: Aws, **more: Any) -> dict[str, dict[str, Any]]:
    invoking = {"messageType": "ScheduledNotification", "awsAccountId": ACCOUNT, "notificationCreationTime": TIME}
    found = handler(event(invoking, **more), None, aws)
    assert len({(one["ComplianceResourceType"], one["ComplianceResourceId"]) for one in found}) == len(found)
    return {one["ComplianceResourceId"]: one for one in found}


def test_correct_guardrail(aws: Aws) -> None:
    assert changed(aws) == {
        "ComplianceResourceType": "AWS::Bedrock::Guardrail",
        "ComplianceResourceId": "abc123def456",
        "ComplianceType": "COMPLIANT",
        "OrderingTimestamp": TIME,
    }
    assert aws.sent[0]["ResultToken"] == "token"
    assert aws.sent[0]["TestMode"] is False


WRONG: dict[str, tuple[Callable[[Aws], None], str]] = {
    "tag": (lambda aws: aws.tags.clear(), "tag Team is missing"),
    "status": (lambda aws: aws.details.update(status="FAILED"), "status is FAILED"),
    "version": (lambda aws: aws.versions.remove("1"), "no version is published"),
    "filters": (lambda aws: aws.details.pop("contentPolicy"), "no content filters"),
    "strength": (
        lambda aws: aws.details.update(
            contentPolicy={"filters": [{"type": "HATE", "inputStrength": "LOW", "outputStrength": "HIGH"}]}
        ),
        "filter HATE has inputStrength LOW, below HIGH",
    ),
    "a filter that is off": (
        lambda aws: aws.details.update(contentPolicy={"filters": [{**STRONG["filters"][0], "outputEnabled": False}]}),
        "filter HATE has outputEnabled false, so it is off",
    ),
    "a filter that only detects": (
        lambda aws: aws.details.update(contentPolicy={"filters": [{**STRONG["filters"][0], "inputAction": "NONE"}]}),
        "filter HATE has inputAction NONE, so it does not block",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_guardrail(aws: Aws, name: str) -> None:
    change, reason = WRONG[name]
    change(aws)
    found = changed(aws)
    assert found["ComplianceType"] == "NON_COMPLIANT"
    assert reason in found["Annotation"]


def test_allowed_tag_values(aws: Aws) -> None:
    parameters = {"RequiredTags": "Team", "AllowedTagValues": "Team=finance|legal"}
    assert "has the value hr" in changed(aws, parameters)["Annotation"]
    aws.tags["Team"] = "legal"
    assert changed(aws, parameters)["ComplianceType"] == "COMPLIANT"


@pytest.mark.parametrize("status", ["ResourceDeleted", "ResourceDeletedNotRecorded", "ResourceNotRecorded"])
def test_deleted_guardrail(aws: Aws, status: str) -> None:
    assert changed(aws, configurationItemStatus=status)["ComplianceType"] == "NOT_APPLICABLE"


def test_resources_out_of_scope(aws: Aws) -> None:
    assert changed(aws, resourceType="AWS::S3::Bucket")["ComplianceType"] == "NOT_APPLICABLE"
    assert changed(aws, {"Scope": "roles"})["ComplianceType"] == "NOT_APPLICABLE"
    invoking = {"messageType": "ConfigurationItemChangeNotification", "configurationItem": item()}
    (left,) = handler(event(invoking, eventLeftScope=True), None, aws)
    assert left["ComplianceType"] == "NOT_APPLICABLE"


def test_oversized_notification(aws: Aws) -> None:
    invoking = {"messageType": "OversizedConfigurationItemChangeNotification", "configurationItemSummary": item()}
    (found,) = handler(event(invoking), None, aws)
    assert found["ComplianceType"] == "COMPLIANT"


def test_missing_permission_is_not_applicable_and_logged(aws: Aws, caplog: pytest.LogCaptureFixture) -> None:
    aws.denied.add("GetGuardrail")
    found = changed(aws)
    assert found["ComplianceType"] == "NOT_APPLICABLE"
    assert "GetGuardrail was denied" in found["Annotation"]
    assert "GetGuardrail was denied" in caplog.text


def test_other_errors_end_the_function(aws: Aws) -> None:
    def fail(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "m"}}, "GetGuardrail")

    aws.get_guardrail = fail  # type: ignore[method-assign,assignment]
    with pytest.raises(ClientError):
        changed(aws)


def test_test_mode(aws: Aws) -> None:
    invoking = {"messageType": "ConfigurationItemChangeNotification", "configurationItem": item()}
    handler(event(invoking, resultToken="TESTMODE"), None, aws)
    assert aws.sent[0]["TestMode"] is True


def test_unknown_message_type(aws: Aws) -> None:
    with pytest.raises(ValueError, match="unknown message type"):
        handler(event({"messageType": "ConfigurationSnapshotDeliveryCompleted"}), None, aws)


@pytest.mark.parametrize(
    "parameters",
    [
        {"MinimumStrength": "HUGE"},
        {"Scope": "buckets"},
        {"Tags": "x"},
        {"AllowedTagValues": "x"},
        {"UnusedDays": "-1"},
        {"UnusedDays": "3651"},
        {"UnusedDays": "99999999999"},
        {"UnusedDays": "9" * 900},
        {"ApprovedGuardrails": "abc123:3"},
        {"ApprovedGuardrails": f"{GUARDRAIL}:1,{GUARDRAIL}:DRAFT"},
        {"ApprovedGuardrails": f"{GUARDRAIL}:*"},
    ],
)
def test_invalid_parameters_are_never_compliant(aws: Aws, parameters: dict[str, str]) -> None:
    found = changed(aws, parameters)
    assert found["ComplianceType"] == "NOT_APPLICABLE"
    assert "invalid rule parameter" in found["Annotation"]


def test_principals(aws: Aws) -> None:
    both = document(*GUARDED["Statement"], statement("Allow", "bedrock:UpdateGuardrail", GUARDRAIL))
    aws.roles = {"Open": OPEN, "Guarded": GUARDED, "Both": both, "Other": document(statement("Allow", "s3:GetObject"))}
    found = scheduled(aws)
    assert {name: found[f"AROA{name}"]["ComplianceType"] for name in aws.roles} == {
        "Open": "NON_COMPLIANT",
        "Guarded": "COMPLIANT",
        "Both": "NON_COMPLIANT",
        "Other": "COMPLIANT",
    }
    assert found["AROAOpen"]["Annotation"] == "bedrock:InvokeModel is possible without a guardrail"
    assert "management and invocation" in found["AROABoth"]["Annotation"]


REGIONAL = document(
    statement("Allow", INVOKE),
    statement(
        "Deny",
        INVOKE,
        "*",
        {
            "StringNotEquals": {KEY: f"{GUARDRAIL}:1"},
            "StringEquals": {"aws:RequestedRegion": ["us-east-1", "eu-central-1"]},
        },
    ),
)
"""Each sample call is in one of the two regions."""


def test_a_proof_finds_a_call_that_no_sample_has(aws: Aws) -> None:
    aws.roles = {"Regional": REGIONAL, "Guarded": GUARDED}
    found = scheduled(aws)
    assert found["AROARegional"]["Annotation"] == "bedrock:InvokeModel is possible without a guardrail"
    assert found["AROAGuarded"]["ComplianceType"] == "COMPLIANT"


def test_without_the_solver_sample_calls_decide(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cvc5", None)
    aws.roles = {"Regional": REGIONAL, "Open": OPEN}
    found = scheduled(aws)
    assert found["AROARegional"]["ComplianceType"] == "COMPLIANT"
    assert found["AROAOpen"]["ComplianceType"] == "NON_COMPLIANT"


def test_a_guardrail_that_is_not_approved(aws: Aws) -> None:
    aws.roles = {"Guarded": GUARDED}
    assert scheduled(aws, parameters={})["AROAGuarded"]["ComplianceType"] == "NON_COMPLIANT"


def test_an_scp_closes_an_open_role(aws: Aws) -> None:
    aws.roles, aws.scps = {"Open": OPEN}, [FULL, BACKSTOP]
    found = scheduled(aws)
    assert found["AROAOpen"]["ComplianceType"] == "COMPLIANT"
    assert found["1"]["ComplianceType"] == "COMPLIANT"


def denying(action: Any, condition: dict[str, Any] | None = None) -> dict[str, Any]:
    return document(statement("Deny", action, "*", condition))


OTHER_VALUE = {"StringNotEquals": {KEY: f"{GUARDRAIL}:1"}}


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        ([backstop([Guardrail(GUARDRAIL, "1")])], {"1": "COMPLIANT"}),
        ([denying(INVOKE[0], OTHER_VALUE), denying(INVOKE[1], OTHER_VALUE)], {"1": "COMPLIANT", "2": "COMPLIANT"}),
        ([denying(INVOKE[0], OTHER_VALUE)], {"1": "NON_COMPLIANT"}),
        ([denying(INVOKE, {"Null": {KEY: "true"}})], {"1": "NON_COMPLIANT"}),
        ([denying(INVOKE, {"StringNotEquals": {KEY: f"{GUARDRAIL}:2"}})], {"1": "NON_COMPLIANT"}),
        ([denying(INVOKE, OTHER_VALUE | {"StringEquals": {"aws:PrincipalTag/team": "a"}})], {"1": "NON_COMPLIANT"}),
        ([denying(INVOKE, {"Null": {KEY: "true"}}), BACKSTOP], {"1": "COMPLIANT", "2": "COMPLIANT"}),
        ([denying("bedrock:*")], {ACCOUNT: "COMPLIANT"}),
        ([denying("s3:*")], {ACCOUNT: "NON_COMPLIANT"}),
    ],
)
def test_the_engine_decides_about_all_scps_together(aws: Aws, policies: list[Any], expected: dict[str, str]) -> None:
    aws.scps = [FULL, *policies]
    found = {name: one["ComplianceType"] for name, one in scheduled(aws).items() if not name.startswith("AROA")}
    assert found == expected


def test_an_scp_that_admits_another_guardrail_is_named(aws: Aws) -> None:
    aws.scps = [FULL, denying(INVOKE, {"StringNotEquals": {KEY: f"{GUARDRAIL}:2"}})]
    assert "is possible with the guardrail" in scheduled(aws)["1"]["Annotation"]
    assert "which is not approved" in scheduled(aws)["1"]["Annotation"]


def test_no_scp_requires_a_guardrail(aws: Aws) -> None:
    assert scheduled(aws)[ACCOUNT]["ComplianceType"] == "NON_COMPLIANT"


def test_scps_that_cannot_be_read(aws: Aws) -> None:
    aws.roles, aws.denied = {"Open": OPEN}, {"DescribeOrganization"}
    found = scheduled(aws)
    assert found[ACCOUNT]["ComplianceType"] == "NOT_APPLICABLE"
    assert found["AROAOpen"]["Annotation"].endswith("SCPs could not be read")


def test_roles_that_cannot_be_read(aws: Aws) -> None:
    aws.denied = {"get_account_authorization_details"}
    assert scheduled(aws, parameters={"Scope": "roles"})[ACCOUNT]["ComplianceType"] == "NOT_APPLICABLE"


def test_the_longest_time_without_use(aws: Aws) -> None:
    aws.roles = {"App": GUARDED}
    found = scheduled(aws, parameters={"ApprovedGuardrails": f"{GUARDRAIL}:1,{GUARDRAIL}", "UnusedDays": "3650"})
    assert found["AROAApp"]["ComplianceType"] == "COMPLIANT"


@pytest.mark.parametrize(
    ("scps", "expected"),
    [([FULL], "NON_COMPLIANT"), ([denying("bedrock:*")], "NOT_APPLICABLE"), ([BACKSTOP], "NOT_APPLICABLE")],
)
def test_the_account_has_one_evaluation_if_its_principals_cannot_be_read(aws: Aws, scps: list[Any], expected: str) -> None:
    """AWS Config would keep one of two evaluations with the same time."""
    aws.denied, aws.scps = {"get_account_authorization_details"}, scps
    found = scheduled(aws)[ACCOUNT]
    assert found["ComplianceType"] == expected
    assert "get_account_authorization_details was denied" in found["Annotation"]
    assert ("no SCP requires an approved guardrail" in found["Annotation"]) == (expected == "NON_COMPLIANT")


def test_an_account_without_an_organization_has_no_scps(aws: Aws) -> None:
    aws.roles, aws.errors = {"Open": OPEN, "Guarded": GUARDED}, {"DescribeOrganization": "AWSOrganizationsNotInUseException"}
    found = scheduled(aws)
    assert (found[ACCOUNT]["ComplianceType"], found[ACCOUNT]["Annotation"]) == (
        "NOT_APPLICABLE",
        "the account is in no organization, so no SCP applies to it",
    )
    assert found["AROAOpen"]["Annotation"] == "bedrock:InvokeModel is possible without a guardrail"
    assert found["AROAGuarded"]["ComplianceType"] == "COMPLIANT"
    assert ACCOUNT not in scheduled(aws, parameters={"Scope": "roles"})


def test_only_the_management_account_can_give_access_to_scps(aws: Aws) -> None:
    aws.denied = {"ListParents"}
    fix = "grant it to the role of the rule, and delegate it to this account in the management account"
    assert scheduled(aws)[ACCOUNT]["Annotation"] == f"not evaluated: ListParents was denied; {fix}"


def test_a_guardrail_that_was_deleted_after_the_event(aws: Aws) -> None:
    aws.errors = {"GetGuardrail": "ResourceNotFoundException"}
    found = changed(aws)
    assert (found["ComplianceType"], found["Annotation"]) == ("NOT_APPLICABLE", "the guardrail was deleted after the event")


def test_a_principal_that_was_deleted_after_its_policies_were_read(aws: Aws) -> None:
    aws.roles, aws.errors = {"App": GUARDED, "Gone": GUARDED}, {"GenerateServiceLastAccessedDetails of Gone": "NoSuchEntity"}
    found = scheduled(aws)
    assert (found["AROAApp"]["ComplianceType"], found["AROAGone"]["ComplianceType"]) == ("COMPLIANT", "NOT_APPLICABLE")


OLD = [
    ("AWS::IAM::Role", "AROAApp"),
    ("AWS::IAM::Role", "AROAGone"),
    ("AWS::IAM::User", "AIDAgone"),
    ("AWS::Organizations::Policy", "p-gone"),
    ("AWS::::Account", ACCOUNT),
    ("AWS::Bedrock::Guardrail", "abc123def456"),
]


@pytest.mark.parametrize(
    ("denied", "scope", "cleared"),
    [
        ("", "roles,users,scps", {"AROAGone", "AIDAgone", "p-gone", ACCOUNT}),
        ("", "roles", {"AROAGone", "AIDAgone", "p-gone", ACCOUNT}),
        ("DescribeOrganization", "roles,users", {"AROAGone", "AIDAgone", ACCOUNT}),
        ("get_account_authorization_details", "scps,roles", {"p-gone"}),
        ("get_compliance_details_by_config_rule", "roles", set()),
    ],
)
def test_evaluations_of_vanished_resources_are_cleared(aws: Aws, denied: str, scope: str, cleared: set[str]) -> None:
    """What could not be read this time has not vanished, and guardrails are evaluated when they change."""
    aws.roles, aws.scps, aws.evaluated, aws.denied = {"App": GUARDED}, [FULL, BACKSTOP], OLD, {denied}
    found = scheduled(aws, parameters={"Scope": scope, "ApprovedGuardrails": f"{GUARDRAIL}:1"}, configRuleName="principals")
    reason = "the resource was deleted, or is not in the scope of the rule"
    assert {name for name, one in found.items() if one.get("Annotation") == reason} == cleared
    assert all(found[name]["ComplianceType"] == "NOT_APPLICABLE" for name in cleared)


def test_batches_and_annotations(aws: Aws) -> None:
    aws.roles = {f"R{number}": OPEN for number in range(205)}
    scheduled(aws, parameters={"Scope": "roles"})
    assert [len(sent["Evaluations"]) for sent in aws.sent] == [100, 100, 5]
    annotations = [one["Annotation"] for sent in aws.sent for one in sent["Evaluations"]]
    assert all(1 <= len(text) <= 256 for text in annotations)


def test_long_annotations_are_cut(aws: Aws) -> None:
    found = changed(aws, {"RequiredTags": ",".join(f"Tag{number}" for number in range(50))})
    assert len(found["Annotation"]) == 256
    assert found["Annotation"].endswith(" [truncated]")


def test_nothing_to_evaluate_ends_the_evaluation(aws: Aws) -> None:
    scheduled(aws, parameters={"Scope": "roles"})
    assert [sent["Evaluations"] for sent in aws.sent] == [[]]


OTHER = document(statement("Allow", "s3:GetObject"))
DAYS = "access to Bedrock was not used for 90 days"


@pytest.fixture
def principals(aws: Aws) -> Aws:
    """Give a role and a user that may call models, the user by its group, and a user that may not."""
    aws.roles, aws.users, aws.groups = {"App": GUARDED}, {"ann": OTHER}, {"Analysts": GUARDED}
    return aws


def test_unused_role_and_user(principals: Aws) -> None:
    principals.last_used = {"App": datetime(2020, 1, 1, tzinfo=UTC), "ann": None}
    found = scheduled(principals)
    assert {found[name].get("Annotation") for name in ("AROAApp", "AIDAann")} == {DAYS}
    assert {found[name]["ComplianceType"] for name in ("AROAApp", "AIDAann")} == {"NON_COMPLIANT"}


def test_a_user_that_used_bedrock_is_compliant(principals: Aws) -> None:
    found = scheduled(principals)
    assert {found[name]["ComplianceType"] for name in ("AROAApp", "AIDAann")} == {"COMPLIANT"}


def test_a_principal_that_is_new_is_not_unused(principals: Aws) -> None:
    principals.created, principals.last_used = datetime.now(UTC), {"App": None, "ann": None}
    assert scheduled(principals)["AIDAann"]["ComplianceType"] == "COMPLIANT"


@pytest.mark.parametrize("operation", ["GenerateServiceLastAccessedDetails", "GetServiceLastAccessedDetails"])
def test_last_accessed_data_that_may_not_be_read(principals: Aws, operation: str, caplog: pytest.LogCaptureFixture) -> None:
    principals.denied = {operation}
    principals.roles["Other"] = OTHER
    found = scheduled(principals)
    for name in ("AROAApp", "AIDAann"):
        assert found[name]["ComplianceType"] == "NOT_APPLICABLE"
        assert f"{operation} was denied" in found[name]["Annotation"]
    assert found["AROAOther"]["ComplianceType"] == "COMPLIANT"
    assert f"{operation} was denied" in caplog.text


def test_a_report_that_is_not_ready(principals: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("guardedbedrock.iam.account.last_accessed.PAUSES", 0)
    principals.reports = "IN_PROGRESS"
    found = scheduled(principals)["AIDAann"]
    assert (found["ComplianceType"], found["Annotation"]) == (
        "NOT_APPLICABLE",
        "not evaluated: IAM's report of its use is not ready",
    )


TWICE = '{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}, "Statement": []}'


def test_a_repeated_key_in_an_scp_ends_the_evaluation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python's parser of JSON would drop the first value, which may be a Deny."""
    aws = Aws()
    monkeypatch.setattr(aws, "describe_policy", lambda **_: {"Policy": {"Content": TWICE}})

    with pytest.raises(PolicySyntaxError, match="has the key `Statement` twice"):
        scheduled(aws)


def test_clients_of_the_rule_return_policies_as_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """Botocore would parse them before the rule does."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    client = new_client("iam")
    stored = {"RoleName": "App", "PolicyName": "Twice", "PolicyDocument": quote(TWICE)}
    with Stubber(client) as stubber:
        stubber.add_response("get_role_policy", stored)

        assert client.get_role_policy(RoleName="App", PolicyName="Twice")["PolicyDocument"] == quote(TWICE)
