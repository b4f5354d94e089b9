"""IAM decisions for the control plane of the fake: creating, changing, deleting and listing guardrails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from botocore.exceptions import ClientError

from guardedbedrock import iam
from guardedbedrock.testing import FakeGuardrail

if TYPE_CHECKING:
    from collections.abc import Callable

    Manage: TypeAlias = Callable[..., tuple[Any, Any, Any]]

ACCOUNT = "arn:aws:bedrock:us-east-1:123456789012"
ALL = f"{ACCOUNT}:guardrail/*"
HR = f"{ACCOUNT}:guardrail/abc123def456"
LEGAL = f"{ACCOUNT}:guardrail/def456abc123"
PRINCIPAL = "arn:aws:iam::123456789012:role/Admin"
SIMPLE = {"name": "new", "blockedInputMessaging": "no", "blockedOutputsMessaging": "no"}
TAGGED = {**SIMPLE, "tags": [{"key": "team", "value": "hr"}]}


def _allow(action: str | list[str], resource: str = "*", **condition: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **({"Condition": condition} if condition else {})}


def _deny(action: str, resource: str = "*") -> dict[str, Any]:
    return {"Effect": "Deny", "Action": action, "Resource": resource}


def _policies(*statements: dict[str, Any]) -> iam.PolicySet:
    return iam.PolicySet(identity=[{"Version": "2012-10-17", "Statement": list(statements)}] if statements else [])


EVERYTHING = _allow("bedrock:*")
CALLS: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "create": ("create_guardrail", SIMPLE, "CreateGuardrail", ALL),
    "update": ("update_guardrail", {"guardrailIdentifier": "abc123def456", **SIMPLE}, "UpdateGuardrail", HR),
    "version": ("create_guardrail_version", {"guardrailIdentifier": "abc123def456"}, "CreateGuardrailVersion", HR),
    "delete": ("delete_guardrail", {"guardrailIdentifier": HR}, "DeleteGuardrail", HR),
    "delete-version": ("delete_guardrail", {"guardrailIdentifier": HR, "guardrailVersion": "1"}, "DeleteGuardrail", HR),
    "get": ("get_guardrail", {"guardrailIdentifier": "abc123def456"}, "GetGuardrail", HR),
}


@pytest.mark.parametrize(("method", "params", "action", "resource"), CALLS.values(), ids=CALLS)
def test_a_denied_operation_changes_nothing(
    manage: Manage, method: str, params: dict[str, Any], action: str, resource: str
) -> None:
    """An explicit deny and a missing Allow deny the request with AWS's message, and nothing changes."""
    guardrails = [FakeGuardrail(HR), FakeGuardrail(LEGAL)]
    reasons = {
        "with an explicit deny in an identity-based policy": _policies(EVERYTHING, _deny(f"bedrock:{action}")),
        f"because no identity-based policy allows the bedrock:{action} action": _policies(_allow("bedrock:List*")),
    }
    for reason, policies in reasons.items():
        fake, control, _ = manage(guardrails=guardrails, policies=policies, principal=PRINCIPAL)

        with pytest.raises(control.exceptions.AccessDeniedException) as error:
            getattr(control, method)(**params)

        said = f"User: {PRINCIPAL} is not authorized to perform: bedrock:{action} on resource: {resource} {reason}"
        assert error.value.response["Error"]["Message"] == said
        assert (fake.requests[-1].status, fake.requests[-1].operation) == (403, action)
        assert [one["arn"] for one in control.list_guardrails()["guardrails"]] == [HR, LEGAL]


@pytest.mark.parametrize(("method", "params", "action", "resource"), CALLS.values(), ids=CALLS)
def test_an_allowed_operation_is_performed(
    manage: Manage, method: str, params: dict[str, Any], action: str, resource: str
) -> None:
    """One statement is enough for the call, and does not apply to another guardrail."""
    fake, control, _ = manage(
        guardrails=[FakeGuardrail(HR), FakeGuardrail(LEGAL)], policies=_policies(_allow(f"bedrock:{action}", resource))
    )

    getattr(control, method)(**params)

    assert [decision.outcome for decision in fake.requests[-1].decisions] == ["allowed"]
    if "guardrailIdentifier" in params:
        with pytest.raises(control.exceptions.AccessDeniedException):
            getattr(control, method)(**params | {"guardrailIdentifier": LEGAL})


def test_listing_all_versions_of_one_guardrail_can_be_denied(manage: Manage) -> None:
    """A caller without permission cannot list."""
    _, control, _ = manage(guardrails=[FakeGuardrail(HR)], policies=_policies(_deny("bedrock:ListGuardrails"), EVERYTHING))

    for params in ({}, {"guardrailIdentifier": "abc123def456"}):
        with pytest.raises(control.exceptions.AccessDeniedException):
            control.list_guardrails(**params)


def test_iam_is_evaluated_before_the_resource_is_looked_up(manage: Manage) -> None:
    """A caller without permission is denied a missing guardrail. An operation that is not implemented gets a 501 first."""
    _, control, _ = manage(policies=_policies(_allow("bedrock:GetGuardrail")))

    with pytest.raises(control.exceptions.AccessDeniedException):
        control.delete_guardrail(guardrailIdentifier="zzz")
    with pytest.raises(ClientError, match="ListAutomatedReasoningPolicies is not implemented by the fake Bedrock"):
        control.list_automated_reasoning_policies()
    with pytest.raises(control.exceptions.ResourceNotFoundException):
        control.get_guardrail(guardrailIdentifier="zzz")


def test_a_tag_applies_from_the_next_request_on(manage: Manage) -> None:
    """The caller can change a guardrail while it has the tag of production, in both services."""
    prod: dict[str, Any] = {"StringEquals": {"aws:ResourceTag/stage": "prod"}}
    anything = ["bedrock:TagResource", "bedrock:UntagResource", "bedrock:CreateGuardrail"]
    policies = _policies(_allow(anything), _allow(["bedrock:UpdateGuardrail", "bedrock:ApplyGuardrail"], **prod))
    _, control, runtime = manage(policies=policies)
    arn = control.create_guardrail(**SIMPLE)["guardrailArn"]
    update = {"guardrailIdentifier": arn, **SIMPLE}
    apply = {"guardrailIdentifier": arn, "guardrailVersion": "DRAFT", "source": "INPUT", "content": [{"text": {"text": "a"}}]}

    for _ in range(2):
        with pytest.raises(control.exceptions.AccessDeniedException):
            control.update_guardrail(**update)
        with pytest.raises(runtime.exceptions.AccessDeniedException):
            runtime.apply_guardrail(**apply)
        control.tag_resource(resourceARN=arn, tags=[{"key": "stage", "value": "prod"}])
        assert control.update_guardrail(**update)["version"] == "DRAFT"
        assert runtime.apply_guardrail(**apply)["action"] == "NONE"
        control.untag_resource(resourceARN=arn, tagKeys=["stage"])


def test_creating_a_guardrail_with_tags_needs_permission_to_tag(manage: Manage) -> None:
    """CreateGuardrail with tags needs TagResource too."""
    allowed = _allow("bedrock:CreateGuardrail")
    _, poor, _ = manage(policies=_policies(allowed))
    _, rich, _ = manage(policies=_policies(allowed, _allow("bedrock:TagResource")))

    with pytest.raises(poor.exceptions.AccessDeniedException, match="bedrock:TagResource"):
        poor.create_guardrail(**TAGGED)
    assert rich.create_guardrail(**TAGGED)["version"] == "DRAFT"
