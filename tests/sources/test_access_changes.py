"""The differences between two snapshots are decided by the engine, not by comparing the text of policies."""

from __future__ import annotations

from typing import Any, Final

import pytest
from harness.account import ACCOUNT, document

from guardedbedrock import iam
from guardedbedrock.sources.access_changes import AccessChange, find_access_changes, find_unknown_changes

ROLE: Final = f"arn:aws:iam::{ACCOUNT}:role/App"
GUARDRAIL: Final = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:guardrail/abc123def456"
HAIKU: Final = "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-3-haiku-20240307-v1:0"
READ_ONLY: Final = "arn:aws:iam::aws:policy/ReadOnlyAccess"
ADMINISTRATOR: Final = "arn:aws:iam::aws:policy/AdministratorAccess"
ALLOW_ALL: Final = [{"target": "r-1", "policies": [{"document": document("*"), "name": "FullAWSAccess", "id": "p-1"}]}]


def account(*policies: dict[str, Any], **sections: Any) -> iam.Account:
    """Return an account whose role has these inline policies."""
    inline = {f"Policy{index}": policy for index, policy in enumerate(policies)}
    role = {"kind": "role", "name": "App", "inline": inline, "managed": [], "tags": {}}
    header = {"schema": "guardedbedrock.snapshot", "version": 1, "account": ACCOUNT, "time": "2026-11-28T12:00:00Z"}
    return iam.Account({**header, "regions": ["us-east-1"], "principals": {ROLE: role}, "gaps": [], **sections})


def changes(before: iam.Account, after: iam.Account) -> list[tuple[str, str, str]]:
    """Return the changes of the role."""
    found = find_access_changes(before, after)
    assert {change.principal for change in found} <= {ROLE}
    return [(change.change, change.action, change.resource) for change in found]


def conditional(operator: str, value: str) -> dict[str, Any]:
    """Return a policy that allows inference with a condition on the guardrail."""
    policy = document("bedrock:InvokeModel")
    policy["Statement"][0]["Condition"] = {operator: {"bedrock:GuardrailIdentifier": value}}
    return policy


def test_equal_access_by_other_text_is_no_change() -> None:
    """A wildcard instead of a list, another name, another order."""
    before = account(document(["bedrock:GetGuardrail", "bedrock:ListGuardrails"]), document("bedrock:InvokeModel"))
    after = account(document("bedrock:InvokeModel"), document("bedrock:ListGuardrails"), document("bedrock:GetGuardrail"))

    assert changes(before, after) == []


def test_added_action_is_gained_and_removed_action_is_lost() -> None:
    """A change on every resource of the action is one line."""
    before, after = account(document("bedrock:InvokeModel")), account(document("bedrock:ApplyGuardrail"))

    assert changes(before, after) == [("gained", "bedrock:ApplyGuardrail", "*"), ("lost", "bedrock:InvokeModel", "*")]
    assert changes(after, before) == [("gained", "bedrock:InvokeModel", "*"), ("lost", "bedrock:ApplyGuardrail", "*")]


def test_deny_of_some_models_is_reported_by_its_pattern_and_by_the_models_of_the_snapshot() -> None:
    """A model that the pattern covers is not listed beside the pattern."""
    pattern = "arn:aws:bedrock:*::foundation-model/anthropic.*"
    before = account(document("bedrock:InvokeModel"))
    after = account(document("bedrock:InvokeModel"), document("bedrock:*", pattern, "Deny"))

    assert ("lost", "bedrock:InvokeModel", pattern) in changes(before, after)
    assert not [change for change in changes(before, after) if "us-east-1::" in change[2] or change[2] == "*"]


def test_guardrail_of_the_snapshot_is_a_resource() -> None:
    """The policy names it."""
    guardrails = [{"arn": GUARDRAIL, "version": "1"}]
    before = account(document("bedrock:ApplyGuardrail", GUARDRAIL), guardrails=guardrails)

    assert changes(before, account(guardrails=guardrails)) == [("lost", "bedrock:ApplyGuardrail", GUARDRAIL)]


def test_new_condition_on_the_guardrail_removes_access_without_it() -> None:
    """Access with the required guardrail stays, access without it is lost. Without the condition, access is gained again."""
    before, after = account(document("bedrock:InvokeModel")), account(conditional("StringEquals", f"{GUARDRAIL}:1"))

    assert changes(before, after) == [("lost", "bedrock:InvokeModel", "*")]
    assert changes(after, before) == [("gained", "bedrock:InvokeModel", "*")]


def test_other_required_version_is_gained_and_lost() -> None:
    """Access with the old version is lost, and access with the new version is gained."""
    before, after = (account(conditional("StringEquals", f"{GUARDRAIL}:{version}")) for version in "12")

    assert changes(before, after) == [("gained", "bedrock:InvokeModel", "*"), ("lost", "bedrock:InvokeModel", "*")]


def test_scp_changes_every_principal() -> None:
    policy = document("bedrock:InvokeModel")
    deny = {"document": document("bedrock:InvokeModel", effect="Deny"), "name": "No", "id": "p-2"}
    denying = [*ALLOW_ALL, {"target": ACCOUNT, "policies": [deny]}]

    assert changes(account(policy, scp=ALLOW_ALL), account(policy, scp=denying)) == [("lost", "bedrock:InvokeModel", "*")]


NO_SCP: Final = {"section": "scp", "api": "organizations:ListParents", "error": "AccessDenied", "statement": None}
NO_SCP_REASON: Final = "service control policies could not be read: `organizations:ListParents` returned AccessDenied"


def attached(*arns: str, **sections: Any) -> iam.Account:
    """Return an account whose role has managed policies that are not in the snapshot."""
    role = {"kind": "role", "name": "App", "inline": {}, "managed": list(arns), "tags": {}}
    return account(principals={ROLE: role}, **sections)


@pytest.mark.parametrize(
    ("before", "after", "reasons"),
    [
        (account(document("bedrock:InvokeModel")), account(document("bedrock:InvokeModel"), gaps=[NO_SCP]), (NO_SCP_REASON,)),
        (attached(), attached(READ_ONLY), (f"the document of the policy {READ_ONLY} is not in the snapshot",)),
        (
            attached(READ_ONLY, gaps=[NO_SCP]),
            attached(ADMINISTRATOR, gaps=[NO_SCP]),
            tuple(f"the document of the policy {arn} is not in the snapshot" for arn in (READ_ONLY, ADMINISTRATOR)),
        ),
    ],
)
def test_a_policy_that_could_not_be_read_is_no_known_change(
    before: iam.Account, after: iam.Account, reasons: tuple[str, ...]
) -> None:
    assert changes(before, after) == []
    assert [(one.principal, one.reasons) for one in find_unknown_changes(before, after)] == [(ROLE, reasons)]


def test_a_gap_of_both_snapshots_hides_no_change_of_the_other_policies() -> None:
    """The snapshot of a member account never has SCPs."""
    before, after = account(gaps=[NO_SCP]), account(document("bedrock:InvokeModel"), gaps=[NO_SCP])

    assert changes(before, after) == [("gained", "bedrock:InvokeModel", "*")]
    assert find_unknown_changes(before, after) == ()


def test_new_and_removed_principals_are_compared_with_no_access() -> None:
    """The account has nothing else."""
    empty = account(principals={})

    assert find_access_changes(empty, account(document("bedrock:InvokeModel"))) == (
        AccessChange(ROLE, "gained", "bedrock:InvokeModel", "*"),
    )
    assert changes(account(document("bedrock:InvokeModel")), empty) == [("lost", "bedrock:InvokeModel", "*")]


def test_models_of_profiles_are_resources() -> None:
    """A policy of one model is reported as this model."""
    profiles = [{"arn": f"arn:aws:bedrock:us-east-1:{ACCOUNT}:inference-profile/us.x", "id": "us.x", "models": [HAIKU]}]
    before = account(document("bedrock:InvokeModel", HAIKU), inference_profiles=profiles)

    assert changes(before, account(inference_profiles=profiles)) == [("lost", "bedrock:InvokeModel", HAIKU)]
