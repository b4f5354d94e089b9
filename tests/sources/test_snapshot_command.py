"""``guardedbedrock snapshot`` and ``guardedbedrock snapshot diff`` against moto and the fake."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest
from harness.account import ACCOUNT, REGION, Aws, document, use_credentials

from guardedbedrock import iam
from guardedbedrock.cli.app import run
from guardedbedrock.testing import FakeGuardrail

ROLE: Final = f"arn:aws:iam::{ACCOUNT}:role/team/App"
USER: Final = f"arn:aws:iam::{ACCOUNT}:user/Ann"


def test_snapshot_of_every_principal_is_readable_and_complete(shell: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    """The gap of moto is printed with the action to allow."""
    shell.fake.configure(guardrails=[FakeGuardrail("abc123def456", version="1")])

    assert run(["snapshot", "--all", "-o", "account.json"]) == 0
    account = iam.Account.from_snapshot("account.json")
    assert sorted(account.principals) == [ROLE, USER]
    assert [one["id"] for one in account.snapshot["guardrails"]] == ["abc123def456"]
    printed = capsys.readouterr().out
    assert "wrote account.json and account.json.sha256\naccount 123456789012, 2 principals, 1 guardrails\n" in printed
    assert "allow organizations:DescribeEffectivePolicy on *" in printed


def test_caller_is_the_role_of_the_session(shell: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --principal the snapshot has the caller, with the path of its role."""
    session = shell.client("sts").assume_role(RoleArn=ROLE, RoleSessionName="run")["Credentials"]
    use_credentials(monkeypatch, session)

    assert run(["snapshot", "-o", "mine.json"]) == 0
    account = iam.Account.from_snapshot("mine.json")
    assert list(account.principals) == [ROLE]
    assert account.find(f"arn:aws:sts::{ACCOUNT}:assumed-role/App/run").arn == ROLE


def test_named_principals_and_regions_are_read(shell: Aws) -> None:
    """Options repeat."""
    assert shell.fake.region == REGION
    assert run(["snapshot", "--principal", USER, "--principal", ROLE, "--region", REGION, "-o", "two.json"]) == 0
    assert sorted(iam.Account.from_snapshot("two.json").principals) == [ROLE, USER]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--all", "--principal", USER, "-o", "x.json"], "--all: cannot be combined with --principal; remove one of them"),
        (["--all"], "missing; name the file to write"),
        (["--principal", f"{USER}2", "-o", "x.json"], f"has no principal {USER}2; correct --principal"),
        (["--all", "-o", "missing/x.json"], "missing/x.json: cannot be written (No such file or directory); correct the path"),
    ],
)
def test_unusable_arguments_are_one_line_and_exit_2(
    shell: Aws, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is written."""
    assert shell.moto_url
    assert run(["snapshot", *arguments]) == 2
    assert message in capsys.readouterr().err


def test_diff_reports_changes_in_words_and_as_json(shell: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 0 unchanged, 1 changed, 2 unusable."""
    iam_client = shell.client("iam")
    assert run(["snapshot", "--all", "-o", "before.json"]) == 0
    iam_client.put_user_policy(UserName="Ann", PolicyName="Extra", PolicyDocument=json.dumps(document("bedrock:ApplyGuardrail")))
    assert run(["snapshot", "--all", "-o", "after.json"]) == 0
    capsys.readouterr()

    assert run(["snapshot", "diff", "before.json", "before.json"]) == 0
    assert capsys.readouterr().out == "no access to Bedrock changed\n"
    assert run(["snapshot", "diff", "before.json", "after.json"]) == 1
    assert capsys.readouterr().out == f"{USER} gained bedrock:ApplyGuardrail on *\n"
    assert run(["snapshot", "diff", "after.json", "before.json", "--format", "json"]) == 1
    assert json.loads(capsys.readouterr().out) == {
        "changes": [{"principal": USER, "change": "lost", "action": "bedrock:ApplyGuardrail", "resource": "*"}],
        "unknown": [],
    }
    assert run(["snapshot", "diff", "before.json", "nothing.json"]) == 2
    assert "nothing.json: cannot be read" in capsys.readouterr().err


def test_diff_says_what_is_not_known(shell: Aws, capsys: pytest.CaptureFixture[str]) -> None:
    """A policy without its document can grant and deny any access."""

    def write(name: str, *arns: str) -> str:
        attached = [{"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn} for arn in arns]
        role = {"Arn": ROLE, "RoleName": "App", "RoleId": "AROA", "Path": "/", "AttachedManagedPolicies": attached}
        Path(name).write_text(json.dumps({"RoleDetailList": [role]}), "utf-8")
        return name

    read_only, admin = write("1.json", "arn:aws:iam::aws:policy/ReadOnlyAccess"), write("2.json", "arn:aws:iam::aws:policy/Admin")
    assert shell.moto_url

    assert run(["snapshot", "diff", read_only, admin]) == 1
    assert capsys.readouterr().out == (
        f"{ROLE}: not known whether more access changed: "
        "the document of the policy arn:aws:iam::aws:policy/ReadOnlyAccess is not in the snapshot; "
        "the document of the policy arn:aws:iam::aws:policy/Admin is not in the snapshot\n"
    )
    assert run(["snapshot", "diff", admin, admin]) == 0
    assert "both snapshots have the same gaps" in capsys.readouterr().out
    assert run(["snapshot", "diff", read_only, admin, "--format", "json"]) == 1
    assert [one["principal"] for one in json.loads(capsys.readouterr().out)["unknown"]] == [ROLE]
