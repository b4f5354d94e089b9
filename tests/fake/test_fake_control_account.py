"""The rest of the control plane of the fake: tags, the enforced configuration, resource-based policies, and the wire."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from botocore.exceptions import ClientError

from guardedbedrock.bedrock.service_models import service_model
from guardedbedrock.testing import FakeGuardrail
from guardedbedrock.testing.wire import HttpRequest, Routes

if TYPE_CHECKING:
    from collections.abc import Callable

    Manage: TypeAlias = Callable[..., tuple[Any, Any, Any]]

ACCOUNT = "arn:aws:bedrock:us-east-1:123456789012"
ARN = f"{ACCOUNT}:guardrail/abc123def456"
PROFILE = f"{ACCOUNT}:guardrail-profile/us.guardrail.v1:0"
HR = FakeGuardrail(ARN, "1", tags={"team": "hr"})
NEWER = FakeGuardrail(ARN, "2", tags={"team": "hr"})
ELSEWHERE = FakeGuardrail(ARN.replace("us-east-1", "eu-west-1"))
SIMPLE = {"name": "new", "blockedInputMessaging": "no", "blockedOutputsMessaging": "no"}
PRINCIPAL = "arn:aws:iam::123456789012:role/Admin"


def _tags(control: Any, arn: str = ARN) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in control.list_tags_for_resource(resourceARN=arn)["tags"]}


def _pairs(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in tags.items()]


def test_tags_are_added_changed_and_removed(manage: Manage) -> None:
    """TagResource adds and overwrites, UntagResource removes, and ListTagsForResource returns the rest."""
    _, control, _ = manage(guardrails=[HR])

    control.tag_resource(resourceARN=ARN, tags=_pairs({"team": "people", "stage": "prod"}))
    after = _tags(control)
    control.untag_resource(resourceARN=ARN, tagKeys=["team", "never-there"])

    assert after == {"team": "people", "stage": "prod"}
    assert _tags(control) == {"stage": "prod"}
    assert HR.tags == {"team": "hr"}


def test_a_guardrail_is_created_with_its_tags(manage: Manage) -> None:
    """The tags of CreateGuardrail are the tags of the guardrail."""
    _, control, _ = manage()

    arn = control.create_guardrail(**SIMPLE, tags=_pairs({"team": "hr"}))["guardrailArn"]

    assert _tags(control, arn) == {"team": "hr"}


def _config(version: str = "1", **more: Any) -> dict[str, Any]:
    return {"guardrailInferenceConfig": {"guardrailIdentifier": "abc123def456", "guardrailVersion": version, **more}}


def test_an_enforced_configuration_is_created_returned_changed_and_deleted(manage: Manage) -> None:
    """The account has one configuration, which is changed by its ID and listed with its creator."""
    _, control, _ = manage(guardrails=[HR, NEWER], principal=PRINCIPAL)
    more: dict[str, Any] = {
        "selectiveContentGuarding": {"system": "SELECTIVE", "messages": "COMPREHENSIVE"},
        "modelEnforcement": {"includedModels": ["ALL"], "excludedModels": ["amazon.titan-embed-text-v2:0"]},
    }

    put = control.put_enforced_guardrail_configuration(**_config(**more))
    (made,) = control.list_enforced_guardrails_configuration()["guardrailsConfig"]
    again = control.put_enforced_guardrail_configuration(configId=put["configId"], **_config("2"))
    (changed,) = control.list_enforced_guardrails_configuration()["guardrailsConfig"]
    control.delete_enforced_guardrail_configuration(configId=put["configId"])

    who = {"createdBy": PRINCIPAL, "updatedBy": PRINCIPAL, "owner": "ACCOUNT", "configId": put["configId"]}
    what = {"guardrailArn": ARN, "guardrailId": "abc123def456"}
    dates = {"createdAt": made["createdAt"], "updatedAt": put["updatedAt"]}
    assert made == {**who, **what, **more, **dates, "guardrailVersion": "1"}
    assert changed == {**who, **what, **dates, "updatedAt": again["updatedAt"], "guardrailVersion": "2"}
    assert (again["configId"], again["updatedBy"]) == (put["configId"], PRINCIPAL)
    assert control.list_enforced_guardrails_configuration()["guardrailsConfig"] == []


@pytest.mark.parametrize("which", [{}, {"guardrailVersion": "1"}])
def test_an_enforced_guardrail_is_not_deleted(manage: Manage, which: dict[str, str]) -> None:
    """While a configuration names a version, neither this version nor the whole guardrail can be deleted. Other versions can."""
    _, control, _ = manage(guardrails=[HR, NEWER, FakeGuardrail("def456abc123", "1")])
    config = control.put_enforced_guardrail_configuration(**_config())["configId"]
    control.delete_guardrail(guardrailIdentifier=ARN, guardrailVersion="2")
    control.delete_guardrail(guardrailIdentifier="def456abc123", **which)

    with pytest.raises(control.exceptions.ConflictException, match=config):
        control.delete_guardrail(guardrailIdentifier=ARN, **which)
    control.delete_enforced_guardrail_configuration(configId=config)

    control.delete_guardrail(guardrailIdentifier=ARN, **which)


def _policy(resource: str = ARN, action: str = "bedrock:ApplyGuardrail") -> str:
    principal = {"AWS": "arn:aws:iam::123456789012:root"}
    statement = {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.mark.parametrize("resource", [ARN, PROFILE])
def test_a_resource_policy_is_put_shown_and_deleted(manage: Manage, resource: str) -> None:
    """The policy is returned as the same text, and a new one replaces it."""
    _, control, _ = manage(guardrails=[HR])
    first, second = _policy(resource), _policy(resource) + " "

    put = control.put_resource_policy(resourceArn=resource, resourcePolicy=first)
    control.put_resource_policy(resourceArn=resource, resourcePolicy=second)
    shown = control.get_resource_policy(resourceArn=resource)["resourcePolicy"]
    control.delete_resource_policy(resourceArn=resource)

    assert (put["ResponseMetadata"]["HTTPStatusCode"], put["resourceArn"]) == (201, resource)
    assert shown == second
    with pytest.raises(control.exceptions.ResourceNotFoundException):
        control.get_resource_policy(resourceArn=resource)


def test_a_resource_policy_is_deleted_with_its_guardrail(manage: Manage) -> None:
    """Deleting a guardrail deletes its policy. Deleting a version does not."""
    _, control, _ = manage(guardrails=[HR])
    control.put_resource_policy(resourceArn=ARN, resourcePolicy=_policy())

    control.delete_guardrail(guardrailIdentifier=ARN, guardrailVersion="1")
    assert control.get_resource_policy(resourceArn=ARN)["resourcePolicy"] == _policy()

    control.delete_guardrail(guardrailIdentifier=ARN)
    with pytest.raises(control.exceptions.ResourceNotFoundException):
        control.get_resource_policy(resourceArn=ARN)


UNKNOWN = f"{ACCOUNT}:guardrail/zzz"
KNOWLEDGE = f"{ACCOUNT}:knowledge-base/ABCDEFGHIJ"
MANY = _pairs({f"k{number}": "" for number in range(50)})
REFUSED: dict[str, tuple[str, dict[str, Any], int, str]] = {
    "tag-unknown": ("tag_resource", {"resourceARN": UNKNOWN, "tags": []}, 404, "ResourceNotFoundException"),
    "tag-elsewhere": ("tag_resource", {"resourceARN": ELSEWHERE.identifier, "tags": []}, 404, "ResourceNotFoundException"),
    "tag-malformed": ("tag_resource", {"resourceARN": "arn:aws:s3:::a-bucket-of-mine", "tags": []}, 400, "ValidationException"),
    "tag-strange-value": ("tag_resource", {"resourceARN": ARN, "tags": _pairs({"a": "<"})}, 400, "ValidationException"),
    "tag-too-many": ("tag_resource", {"resourceARN": ARN, "tags": MANY}, 400, "TooManyTagsException"),
    "untag-unknown": ("untag_resource", {"resourceARN": UNKNOWN, "tagKeys": []}, 404, "ResourceNotFoundException"),
    "tags-of-unknown": ("list_tags_for_resource", {"resourceARN": UNKNOWN}, 404, "ResourceNotFoundException"),
    "enforce-unknown-version": ("put_enforced_guardrail_configuration", _config("7"), 404, "ResourceNotFoundException"),
    "enforce-draft": ("put_enforced_guardrail_configuration", _config("DRAFT"), 400, "ValidationException"),
    "enforce-unknown-id": (
        "put_enforced_guardrail_configuration",
        {"configId": "zzz", **_config()},
        404,
        "ResourceNotFoundException",
    ),
    "enforce-twice": ("put_enforced_guardrail_configuration", _config(), 400, "ConflictException"),
    "free-unknown": ("delete_enforced_guardrail_configuration", {"configId": "zzz"}, 404, "ResourceNotFoundException"),
    "policy-of-unknown": ("get_resource_policy", {"resourceArn": ARN}, 404, "ResourceNotFoundException"),
    "policy-delete-unknown": ("delete_resource_policy", {"resourceArn": ARN}, 404, "ResourceNotFoundException"),
    "policy-unreadable": ("put_resource_policy", {"resourceArn": ARN, "resourcePolicy": "{"}, 400, "ValidationException"),
    "policy-too-wide": (
        "put_resource_policy",
        {"resourceArn": ARN, "resourcePolicy": _policy(action="bedrock:*")},
        400,
        "ValidationException",
    ),
    "policy-on-unknown": (
        "put_resource_policy",
        {"resourceArn": UNKNOWN, "resourcePolicy": _policy()},
        400,
        "ValidationException",
    ),
    "policy-on-others": (
        "put_resource_policy",
        {"resourceArn": KNOWLEDGE, "resourcePolicy": _policy()},
        400,
        "ValidationException",
    ),
    "not-implemented": ("list_automated_reasoning_policies", {}, 501, "NotImplementedException"),
}


@pytest.mark.parametrize(("method", "params", "status", "code"), REFUSED.values(), ids=REFUSED)
def test_an_invalid_request_is_an_error_and_changes_nothing(
    manage: Manage, method: str, params: dict[str, Any], status: int, code: str
) -> None:
    """Each error has the status and the code of the service model, and leaves tags and configuration as they were."""
    _, control, _ = manage(guardrails=[HR, NEWER, ELSEWHERE])
    control.put_enforced_guardrail_configuration(**_config("2"))
    before = control.list_enforced_guardrails_configuration()["guardrailsConfig"]

    with pytest.raises(ClientError) as error:
        getattr(control, method)(**params)

    response = error.value.response
    assert (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)
    assert control.list_enforced_guardrails_configuration()["guardrailsConfig"] == before
    assert _tags(control) == {"team": "hr"}


def test_faults_happen_in_the_control_plane_too(manage: Manage) -> None:
    """`fail_next` and `calls` accept the operations of both services."""
    fake, control, _ = manage()
    fake.fail_next(429, "ThrottlingException", "slow down", operation="ListGuardrails")

    with pytest.raises(control.exceptions.ThrottlingException):
        control.list_guardrails()

    assert [request.status for request in fake.calls("ListGuardrails")] == [429]


OPERATIONS = [(service, name) for service in ("bedrock-runtime", "bedrock") for name in service_model(service).operation_names]


@pytest.mark.parametrize(("service", "name"), OPERATIONS)
def test_no_path_belongs_to_both_services(service: str, name: str) -> None:
    """A request to one service never matches the other."""
    http = service_model(service).operation_model(name).http
    path = re.sub(r"\{[^}]+\}", "x", http["requestUri"])

    found = [
        other
        for other in ("bedrock-runtime", "bedrock")
        if Routes(service_model(other)).match(HttpRequest(http["method"], path, {}))
    ]

    assert found == [service]
