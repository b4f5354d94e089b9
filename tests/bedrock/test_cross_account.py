"""Guardrails and models of other accounts, enforced guardrails, and resolved models of profiles."""

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
    """Return the resource-based policy of the other account's guardrail."""
    condition = {"StringEquals": {"aws:PrincipalOrgID": with_whom}}
    share = {"Effect": "Allow", "Principal": "*", "Action": "bedrock:ApplyGuardrail", "Resource": THEIRS.arn}
    return {"Version": "2012-10-17", "Statement": {**share, "Condition": condition}}


def verdict(*statements: dict[str, Any], model: str = HAIKU, resource: Any = None, **options: Any) -> Any:
    """Simulate a Converse call in us-east-1."""
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
def test_an_enforced_guardrail_of_another_account_needs_both_accounts(statements: Any, resource: Any, decision: str) -> None:
    """Without the policy of the other account, only a denial of the caller's account is certain."""
    assert verdict(*statements, resource=resource, enforced=[THEIRS]).decision == decision


def test_a_remark_names_the_missing_policy() -> None:
    """The reader learns which policy to configure."""
    found = verdict(INVOKE, APPLY, enforced=[THEIRS])

    assert found.remarks == (f"the decision also depends on the resource-based policy of {THEIRS.arn}, which is not configured",)


def test_an_enforced_guardrail_of_another_region_is_not_required() -> None:
    """An account enforces a guardrail in its region only."""
    assert [one.request.resource for one in verdict(INVOKE, APPLY, enforced=[ELSEWHERE]).authorizations][1:] == [OWN.arn]


def test_an_enforced_guardrail_that_the_call_names_is_required_once() -> None:
    """One guardrail needs one authorization."""
    asked = [one.request.action for one in verdict(INVOKE, APPLY, enforced=[OWN]).authorizations]

    assert asked == ["bedrock:InvokeModel", "bedrock:ApplyGuardrail"]


def test_a_model_of_another_account_depends_on_its_policy() -> None:
    """A custom model can be shared with other accounts."""
    model = f"{US}:999999999999:provisioned-model/p1"

    assert verdict(INVOKE, APPLY, model=model).decision == "indeterminate"
    assert verdict({**INVOKE, "Resource": f"{US}:123456789012:*"}, APPLY, model=model).decision == "implicitDeny"


def routing(*regions: str) -> dict[str, Any]:
    """Return the resolved models of a profile in some regions."""
    return {f"us.{HAIKU}": [f"arn:aws:bedrock:{region}::foundation-model/{HAIKU}" for region in regions]}


def only_in(*regions: str) -> dict[str, Any]:
    """Deny other regions, as the policy of an organization does."""
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
def test_a_profile_is_denied_if_all_its_regions_are_denied(
    regions: tuple[str, ...], allowed_in: tuple[str, ...], decision: str
) -> None:
    """If some regions are denied, the verdict is indeterminate."""
    assert verdict(INVOKE, APPLY, only_in(*allowed_in), model=f"us.{HAIKU}", profiles=routing(*regions)).decision == decision


def test_a_remark_names_the_regions_that_deny() -> None:
    """The remark lists the regions and quotes the denial of AWS."""
    found = verdict(INVOKE, APPLY, only_in("us-east-1"), model=f"us.{HAIKU}", profiles=routing("us-east-1", "us-east-2"))
    (remark,) = found.remarks

    assert remark.startswith(f"inference-profile/us.{HAIKU} routes to one of us-east-1, us-east-2; some of these are denied")
    assert f"arn:aws:bedrock:us-east-2::foundation-model/{HAIKU} with an explicit deny in an identity-based policy" in remark
    assert found.message is None


def test_a_denial_by_a_resource_control_policy_is_indeterminate() -> None:
    """AWS does not list Bedrock among the services that such policies apply to, unless the configuration says otherwise."""
    everything = {"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}}
    allowing = {"Version": "2012-10-17", "Statement": [INVOKE, APPLY]}
    policies = iam.PolicySet(identity=[allowing], rcp=[[everything]])

    def decide(**options: Any) -> str:
        guard = Guard(guardrails=[OWN], policies=policies, principal=ROLE, listeners=(), **options)
        return guard.simulate("Converse", {"modelId": HAIKU}).decision

    assert (decide(), decide(rcp_applies=True)) == ("indeterminate", "explicitDeny")
