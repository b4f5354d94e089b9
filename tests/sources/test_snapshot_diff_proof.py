"""``guardedbedrock snapshot diff --prove``: who can call models without an approved guardrail now, or could before."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

import pytest
from harness.account import ACCOUNT, document

from guardedbedrock.cli.app import run
from guardedbedrock.iam.account.snapshot import write_snapshot

ROLE: Final = f"arn:aws:iam::{ACCOUNT}:role/App"
APPROVED: Final = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:guardrail/abc123def456:3"
ALLOW_ALL: Final = [{"target": "r-1", "policies": [{"document": document("*"), "name": "FullAWSAccess", "id": "p-1"}]}]
BOTH: Final = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]


def guarded(**condition: Any) -> dict[str, Any]:
    deny = document(BOTH, "*", "Deny")
    deny["Statement"][0]["Condition"] = condition or {"StringNotEquals": {"bedrock:GuardrailIdentifier": APPROVED}}
    return deny


REGIONAL: Final = guarded(
    StringNotEquals={"bedrock:GuardrailIdentifier": APPROVED}, StringEquals={"aws:RequestedRegion": "us-east-1"}
)
ANY_GUARDRAIL: Final = guarded(Null={"bedrock:GuardrailIdentifier": "true"})


def write(name: str, *policies: dict[str, Any], **sections: Any) -> None:
    inline = {f"Policy{index}": policy for index, policy in enumerate(policies)}
    role = {"kind": "role", "name": "App", "inline": inline, "managed": [], "tags": {}}
    header = {"schema": "guardedbedrock.snapshot", "version": 1, "account": ACCOUNT, "time": "2026-11-28T12:00:00Z"}
    complete = {"scp": ALLOW_ALL, "regions": ["us-east-1"], "gaps": [], "principals": {ROLE: role}}
    write_snapshot({**header, **complete, **sections}, Path(name))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write("open.json", document(BOTH))
    write("guarded.json", document(BOTH), guarded())
    write("regional.json", document(BOTH), REGIONAL)
    write("any.json", document(BOTH), ANY_GUARDRAIL)


def diff(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[str]]:
    code = run(["snapshot", "diff", *arguments, "--prove", "--approved", APPROVED])
    return code, [line for line in capsys.readouterr().out.splitlines() if " gained " not in line and " lost " not in line]


def test_a_principal_can_now_call_without_an_approved_guardrail(capsys: pytest.CaptureFixture[str]) -> None:
    code, (line,) = diff(capsys, "guarded.json", "open.json")

    assert code == 1
    assert line.startswith(f"{ROLE} can now call models without an approved guardrail: bedrock:InvokeModel on arn:aws:bedrock:")


def test_a_principal_could_call_without_an_approved_guardrail(capsys: pytest.CaptureFixture[str]) -> None:
    code, (line,) = diff(capsys, "open.json", "guarded.json")

    assert code == 1
    assert line.startswith(f"{ROLE} could call models without an approved guardrail, and cannot now: bedrock:InvokeModel on ")


def test_the_proof_sees_what_no_sample_shows(capsys: pytest.CaptureFixture[str]) -> None:
    """The sample resources of the comparison are in one region."""
    assert diff(capsys, "guarded.json", "regional.json")[0] == 1
    assert run(["snapshot", "diff", "guarded.json", "regional.json", "--prove", "--approved", APPROVED, "--format", "json"]) == 1
    (change,) = json.loads(capsys.readouterr().out)["guardrails"]
    assert (change["principal"], change["before"], change["after"]) == (ROLE, "proved", "refuted")
    assert change["witness"]["context"]["aws:RequestedRegion"] != "us-east-1"


def test_without_approved_every_guardrail_counts(capsys: pytest.CaptureFixture[str]) -> None:
    run(["snapshot", "diff", "guarded.json", "any.json", "--prove"])
    assert "without an approved guardrail" not in capsys.readouterr().out

    code, (line,) = diff(capsys, "guarded.json", "any.json")
    assert (code, "can now call" in line) == (1, True)


def test_equal_answers_are_not_reported(capsys: pytest.CaptureFixture[str]) -> None:
    assert diff(capsys, "open.json", "regional.json")[1] == []
    assert diff(capsys, "guarded.json", "guarded.json") == (0, ["no access to Bedrock changed"])


def test_a_new_principal_is_compared_with_no_access(capsys: pytest.CaptureFixture[str]) -> None:
    write("empty.json", principals={})

    code, (line,) = diff(capsys, "empty.json", "open.json")

    assert (code, "can now call" in line) == (1, True)


def test_a_policy_that_could_not_be_read_makes_the_answer_unknown(capsys: pytest.CaptureFixture[str]) -> None:
    write(
        "gap.json",
        document(BOTH),
        gaps=[{"section": "scp", "api": "organizations:DescribeEffectivePolicy", "error": "AccessDenied"}],
    )

    code, (_, line) = diff(capsys, "guarded.json", "gap.json")

    assert code == 1
    assert line.startswith(f"{ROLE}: before proved, now unknown: no certain decision for bedrock:InvokeModel on ")


def test_the_solver_and_prove_are_required(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(["snapshot", "diff", "open.json", "guarded.json", "--approved", APPROVED]) == 2
    assert "--approved: only used with --prove" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "cvc5", None)
    assert run(["snapshot", "diff", "open.json", "guarded.json", "--prove"]) == 2
    assert "--prove: needs a solver; install guardedbedrock[proof]" in capsys.readouterr().err
