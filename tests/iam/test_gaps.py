"""Policies that could not be read leave a decision open exactly where it could depend on them."""

from __future__ import annotations

from itertools import product
from typing import Any, Final

import pytest

from guardedbedrock import iam

ROLE: Final = "arn:aws:iam::111122223333:role/App"
ACTION: Final = "bedrock:ApplyGuardrail"
GUARDRAIL: Final = "arn:aws:bedrock:us-east-1:111122223333:guardrail/abc123def456"
OTHER: Final = "arn:aws:bedrock:us-east-1:111122223333:guardrail/zzz123def456"


def policy(effect: str = "Allow", action: str = "bedrock:*", **elements: Any) -> dict[str, Any]:
    """Return a policy with one statement."""
    return {"Version": "2012-10-17", "Statement": [{"Effect": effect, "Action": action, "Resource": "*", **elements}]}


ALLOW: Final = policy()
DENY: Final = policy("Deny")
NOTHING: Final = policy(action="s3:*")
GRANT: Final = policy(Principal={"AWS": ROLE})
REFUSAL: Final = policy("Deny", Principal="*")
KNOWN: Final[dict[str, list[dict[str, Any]]]] = {
    "allowed": [{"identity": [ALLOW]}, {"identity": [ALLOW], "boundary": ALLOW, "scp": [[ALLOW]]}],
    "implicitDeny": [
        {"identity": []},
        {"identity": [ALLOW], "boundary": NOTHING},
        {"identity": [ALLOW], "scp": [[ALLOW], [NOTHING]]},
        {"identity": [ALLOW], "session": [NOTHING]},
    ],
    "explicitDeny": [{"identity": [ALLOW, DENY]}, {"identity": [ALLOW], "scp": [[ALLOW, DENY]]}],
}
"""Outcome to policies with that outcome."""
UNREAD: Final[dict[str, list[dict[str, Any] | None]]] = {
    "identity": [None, ALLOW, DENY],
    "boundary": [None, ALLOW, DENY, NOTHING],
    "session": [None, ALLOW, DENY, NOTHING],
    "scp": [None, ALLOW, DENY, NOTHING],
    "rcp": [None, REFUSAL],
    "endpoint": [None, policy(Principal="*"), REFUSAL],
    "resource": [None, GRANT, REFUSAL],
}
"""Policy type to what an unread policy of that type may be."""


def decide(policies: iam.PolicySet, resource: str = GUARDRAIL, **options: Any) -> iam.Decision:
    """Decide a request of the role."""
    return policies.evaluate(iam.Request(ROLE, ACTION, resource, **options))


def completed(known: dict[str, Any], policy_type: str, unread: dict[str, Any] | None) -> iam.PolicySet:
    """Add the policy that could not be read."""
    if unread is None:
        return iam.PolicySet(**known)
    if policy_type in ("scp", "rcp"):
        return iam.PolicySet(**{**known, policy_type: [*known.get(policy_type, []), [unread]]})
    before = known.get(policy_type, [])
    if policy_type in ("boundary", "session") and before:
        return iam.PolicySet(**known)  # a principal has one boundary, and one set of session policies
    return iam.PolicySet(**{**known, policy_type: [*(before if isinstance(before, list) else [before]), unread]})


@pytest.mark.parametrize(("policy_type", "outcome"), list(product(UNREAD, KNOWN)))
def test_an_outcome_is_sure_only_if_no_unread_policy_can_change_it(policy_type: Any, outcome: str) -> None:
    """Every policy that may have been unread is tried: a sure decision is the decision with each of them."""
    for known in KNOWN[outcome]:
        decision = decide(iam.PolicySet(**known, gaps=[iam.Gap(policy_type, "unread")]))
        possible = {
            decide(completed(known, policy_type, unread), rcp_applies=policy_type == "rcp").is_denied
            for unread in UNREAD[policy_type]
        }

        if len(possible) > 1:
            assert decision.outcome == "indeterminate"
            assert "unread" in decision.reasons
        if decision.outcome != "indeterminate":
            assert possible == {decision.is_denied}


@pytest.mark.parametrize("policy_type", UNREAD)
def test_a_sure_explicit_deny_stays_sure(policy_type: Any) -> None:
    """No policy takes a Deny back."""
    assert decide(iam.PolicySet(identity=[ALLOW, DENY], gaps=[iam.Gap(policy_type, "unread")])).outcome == "explicitDeny"


def test_unread_scps_do_not_concern_the_management_account() -> None:
    """SCPs do not limit its principals."""
    gaps = [iam.Gap("scp", "unread")]

    assert decide(iam.PolicySet(identity=[ALLOW], management_account="111122223333", gaps=gaps)).outcome == "allowed"
    assert decide(iam.PolicySet(identity=[ALLOW], management_account="999999999999", gaps=gaps)).outcome == "indeterminate"


def test_gap_of_one_resource_concerns_no_other() -> None:
    """The resource-based policy of one guardrail does not matter for another one."""
    policies = iam.PolicySet(identity=[], gaps=[iam.Gap("resource", "unread", GUARDRAIL)])

    assert decide(policies).outcome == "indeterminate"
    assert decide(policies, OTHER).outcome == "implicitDeny"


def test_reasons_name_every_gap_that_matters_and_the_explanation_repeats_them() -> None:
    """The keys that the decision depends on are named beside the gaps."""
    known = policy(Condition={"StringEquals": {"aws:PrincipalTag/Team": "hr"}})
    gaps = [iam.Gap("scp", "SCPs unknown"), iam.Gap("resource", "other guardrail", OTHER)]
    decision = decide(iam.PolicySet(identity=[known], gaps=gaps), unknown=["aws:PrincipalTag/Team"])

    assert decision.outcome == "indeterminate"
    assert decision.hangs_on == ("aws:PrincipalTag/Team",)
    assert decision.reasons == ("SCPs unknown",)
    assert "SCPs unknown" in str(decision.explain())


def test_gap_alone_makes_a_policy_set() -> None:
    """A principal of which nothing could be read."""
    assert decide(iam.PolicySet(gaps=[iam.Gap("identity", "unread")])).outcome == "indeterminate"
