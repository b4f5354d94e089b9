"""Guardrails and models of other accounts, enforced guardrails, and what stands behind models."""

from __future__ import annotations

from typing import Any, Final

import pytest

from guardedbedrock import Guard, Guardrail, iam

ROLE: Final = "arn:aws:iam::123456789012:role/App"
US: Final = "arn:aws:bedrock:us-east-1"
HAIKU: Final = "anthropic.claude-3-haiku-20240307-v1:0"
OWN: Final = Guardrail(f"{US}:123456789012:guardrail/abc123def456", version="3")
THEIRS: Final = Guardrail(f"{US}:999999999999:guardrail/org000000001", version="1")
ELSEWHERE: Final = Guardrail("arn:aws:bedrock:eu-west-1:123456789012:guardrail/elsewhere001", version="1")
INVOKE: Final = {"Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": "*"}
APPLY: Final = {"Effect": "Allow", "Action": "bedrock:ApplyGuardrail", "Resource": "*"}
APPLY_OWN: Final = {**APPLY, "Resource": OWN.arn}


def shared(*, with_whom: str) -> dict[str, Any]:
    """Write the resource-based policy of their guardrail."""
    condition = {"StringEquals": {"aws:PrincipalOrgID": with_whom}}
    share = {"Effect": "Allow", "Principal": "*", "Action": "bedrock:ApplyGuardrail", "Resource": THEIRS.arn}
    return {"Version": "2012-10-17", "Statement": {**share, "Condition": condition}}


def verdict(*statements: dict[str, Any], model: str = HAIKU, resource: Any = None, **options: Any) -> Any:
    """Simulate a Converse in us-east-1."""
    policies = iam.PolicySet(identity=[{"Version": "2012-10-17", "Statement": list(statements)}], resource=resource)
    told = {"guardrails": [OWN], "context": {"aws:PrincipalOrgID": "o-1"}}
    guard = Guard(**{**told, **options}, policies=policies, principal=ROLE, listeners=())
    return guard.simulate("Converse", {"modelId": model}, region_name="us-east-1")


@pytest.mark.parametrize(
    ("statements", "resource", "decision"),
    [
        ([INVOKE, APPLY], None, "indeterminate"),
        ([INVOKE, APPLY], [shared(with_whom="o-1")], "allowed"),
        ([INVOKE, APPLY], [shared(with_whom="o-2")], "implicitDeny"),
        ([INVOKE, APPLY_OWN], None, "implicitDeny"),
        ([INVOKE, APPLY_OWN], [shared(with_whom="o-1")], "implicitDeny"),
    ],
)
def test_an_enforced_guardrail_of_another_account_asks_both_accounts(statements: Any, resource: Any, decision: str) -> None:
    """Their policy counts where it is known; where it is not, only the own denial is sure."""
    assert verdict(*statements, resource=resource, enforced=[THEIRS]).decision == decision


def test_the_policy_that_is_not_known_is_named() -> None:
    """So that its owner can be asked for it."""
    found = verdict(INVOKE, APPLY, enforced=[THEIRS])

    assert found.remarks == (f"the decision also depends on the resource-based policy of {THEIRS.arn}, which is not configured",)


def test_an_enforced_guardrail_of_another_region_is_not_asked() -> None:
    """An enforced configuration holds in its region."""
    assert [one.request.resource for one in verdict(INVOKE, APPLY, enforced=[ELSEWHERE]).authorizations][1:] == [OWN.arn]


def test_a_guardrail_that_is_enforced_and_in_the_call_is_asked_once() -> None:
    """One guardrail, one question."""
    asked = [one.request.action for one in verdict(INVOKE, APPLY, enforced=[OWN]).authorizations]

    assert asked == ["bedrock:InvokeModel", "bedrock:ApplyGuardrail"]


def test_a_model_of_another_account_hangs_on_its_policy() -> None:
    """A custom model can be shared."""
    model = f"{US}:999999999999:provisioned-model/p1"

    assert verdict(INVOKE, APPLY, model=model).decision == "indeterminate"
    assert verdict({**INVOKE, "Resource": f"{US}:123456789012:*"}, APPLY, model=model).decision == "implicitDeny"


def routing(*regions: str) -> dict[str, Any]:
    """Say where a profile routes to."""
    return {f"us.{HAIKU}": [f"arn:aws:bedrock:{region}::foundation-model/{HAIKU}" for region in regions]}


def only_in(*regions: str) -> dict[str, Any]:
    """Deny other regions, as an organization does."""
    elsewhere = {"StringNotEquals": {"aws:RequestedRegion": list(regions)}}
    return {"Sid": "Regions", "Effect": "Deny", "Action": "bedrock:InvokeModel", "Resource": "*", "Condition": elsewhere}


@pytest.mark.parametrize(
    ("regions", "allowed_in", "decision"),
    [
        (("us-east-1", "us-east-2"), ("us-east-1", "us-east-2"), "allowed"),
        (("us-east-1", "us-east-2"), ("us-east-1",), "indeterminate"),
        (("us-east-2", "us-west-2"), ("us-east-1",), "explicitDeny"),
        (("us-east-2",), ("us-east-1",), "explicitDeny"),
    ],
)
def test_a_profile_is_denied_where_all_its_regions_are(
    regions: tuple[str, ...], allowed_in: tuple[str, ...], decision: str
) -> None:
    """Where some are, the call fails when it is routed there."""
    assert verdict(INVOKE, APPLY, only_in(*allowed_in), model=f"us.{HAIKU}", profiles=routing(*regions)).decision == decision


def test_the_intermittent_denial_is_told() -> None:
    """Which regions there are, which one denies, and in AWS's own words why."""
    found = verdict(INVOKE, APPLY, only_in("us-east-1"), model=f"us.{HAIKU}", profiles=routing("us-east-1", "us-east-2"))
    (remark,) = found.remarks

    assert remark.startswith(f"inference-profile/us.{HAIKU} routes to one of us-east-1, us-east-2; some of these are denied")
    assert f"arn:aws:bedrock:us-east-2::foundation-model/{HAIKU} with an explicit deny in an identity-based policy" in remark
    assert found.message is None


def test_a_denial_by_a_resource_control_policy_is_not_sure() -> None:
    """AWS does not list Bedrock among the services that such policies apply to, unless the configuration says otherwise."""
    everything = {"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}}
    allowing = {"Version": "2012-10-17", "Statement": [INVOKE, APPLY]}
    policies = iam.PolicySet(identity=[allowing], rcp=[[everything]])

    def decide(**options: Any) -> str:
        guard = Guard(guardrails=[OWN], policies=policies, principal=ROLE, listeners=(), **options)
        return guard.simulate("Converse", {"modelId": HAIKU}).decision

    assert (decide(), decide(rcp_applies=True)) == ("indeterminate", "explicitDeny")
