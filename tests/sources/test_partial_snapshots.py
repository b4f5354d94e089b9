"""Parts that a snapshot does not have: other Regions, guardrails that could not be listed, and parts that a dump lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from harness.account import ACCOUNT, MODEL, document
from sources.test_snapshots import ROLE, dump, snapshot

from guardedbedrock import Guard, Guardrail, iam
from guardedbedrock.iam.account.snapshot import write_snapshot

if TYPE_CHECKING:
    from pathlib import Path

HERE: Final = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:guardrail/abc123def456"
ELSEWHERE: Final = HERE.replace("us-east-1", "eu-west-1")
FOREIGN: Final = HERE.replace(ACCOUNT, "999999999999")
PROFILE: Final = f"arn:aws:bedrock:eu-west-1:{ACCOUNT}:guardrail-profile/eu.guardrail.v1:0"
DENIED: Final = {ROLE: {**snapshot()["principals"][ROLE], "inline": {"No": document("bedrock:*", effect="Deny")}}}
WHOLE: Final = {
    "regions": ["us-east-1", "us-west-2"],
    "guardrails": [],
    "resource_policies": {},
    "enforced_guardrails": [],
    "inference_profiles": [],
}
"""The sections of a Region that was read and has nothing."""


def gap(section: str, **where: str) -> dict[str, Any]:
    """Return a gap of the reader."""
    return {"section": section, "api": "bedrock:ListGuardrails", "error": "AccessDenied", "statement": None, **where}


@pytest.mark.parametrize(
    ("sections", "outcomes"),
    [
        (WHOLE, {HERE: "implicitDeny", ELSEWHERE: "indeterminate", PROFILE: "indeterminate", FOREIGN: "implicitDeny"}),
        ({**WHOLE, "regions": None, "resource_policies": None}, {HERE: "implicitDeny", ELSEWHERE: "implicitDeny"}),
        ({**WHOLE, "gaps": [gap("guardrails")]}, {HERE: "indeterminate", FOREIGN: "implicitDeny"}),
        (
            {**WHOLE, "gaps": [gap("guardrails", region="us-west-2")]},
            {HERE: "implicitDeny", HERE.replace("us-east-1", "us-west-2"): "indeterminate"},
        ),
        ({**WHOLE, "principals": DENIED}, {HERE: "explicitDeny", ELSEWHERE: "explicitDeny", PROFILE: "explicitDeny"}),
    ],
    ids=[
        "other Region",
        "written by hand",
        "no guardrails",
        "no guardrails of a Region",
        "explicit deny",
    ],
)
def test_unread_resource_policy_may_grant_on_a_guardrail(sections: dict[str, Any], outcomes: dict[str, str]) -> None:
    """In the same account it may grant to the caller directly. Across accounts the caller needs an Allow of its own."""
    account = iam.Account.from_snapshot(snapshot(**sections))

    assert {arn: account.evaluate(ROLE, "bedrock:ApplyGuardrail", arn).outcome for arn in outcomes} == outcomes


@pytest.mark.parametrize("unknown", [(), ("resource:id",)], ids=["known model", "partly known model"])
def test_models_have_no_resource_policies(unknown: tuple[str, ...]) -> None:
    """A Region that was not read leaves a denied model call denied."""
    role = {**snapshot()["principals"][ROLE], "inline": {}}
    account = iam.Account.from_snapshot(snapshot(**WHOLE, principals={ROLE: role}))
    model = "arn:aws:bedrock:eu-west-1::foundation-model/*"

    assert account.evaluate(ROLE, "bedrock:InvokeModel", model, unknown=unknown).outcome == "implicitDeny"


def test_dump_has_nothing_of_bedrock() -> None:
    account = iam.Account.from_snapshot({**dump(), "GroupDetailList": [], "UserDetailList": []})
    decision = account.evaluate(ROLE, "bedrock:GetGuardrail", HERE)

    assert [one["section"] for one in account.gaps] == ["scp", "rcp", "resource", "enforced_guardrails"]
    assert decision.outcome == "indeterminate"
    assert account.evaluate(ROLE, "bedrock:DeleteGuardrail", MODEL).outcome == "implicitDeny"


@pytest.mark.parametrize(
    ("sections", "region", "decision"),
    [
        (WHOLE, "us-east-1", "allowed"),
        (WHOLE, "eu-west-1", "indeterminate"),
        ({**WHOLE, "regions": None, "enforced_guardrails": None}, "eu-west-1", "allowed"),
        ({**WHOLE, "gaps": [gap("enforced_guardrails")]}, "us-east-1", "indeterminate"),
        ({**WHOLE, "gaps": [gap("enforced_guardrails", region="us-west-2")]}, "us-east-1", "allowed"),
    ],
)
def test_enforced_guardrails_that_were_not_read_leave_a_call_open(
    tmp_path: Path, sections: dict[str, Any], region: str, decision: str
) -> None:
    """The call may need ApplyGuardrail on an enforced guardrail."""
    role = {**snapshot()["principals"][ROLE], "inline": {"Use": document(["bedrock:InvokeModel", "bedrock:ApplyGuardrail"])}}
    write_snapshot(snapshot(**sections, principals={ROLE: role}), tmp_path / "account.json")
    guard = Guard(
        guardrails=[Guardrail(HERE.replace("us-east-1", region), "3")],
        policies=f"snapshot:{tmp_path / 'account.json'}",
        principal=ROLE,
    )

    verdict = guard.simulate("Converse", {"modelId": "amazon.nova-lite-v1:0", "messages": []}, region_name=region)
    assert verdict.decision == decision
