"""`guardedbedrock report`: formats, files and errors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest
from harness.access import ALLOW, APPLY, MODEL, REQUIRE, principal, role, write

from guardedbedrock.cli.app import run

ARN: Final = "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456"


@pytest.fixture
def account(tmp_path: Path) -> str:
    return str(write(tmp_path, principal("Open", ALLOW, APPLY), principal("Guarded", ALLOW, APPLY, REQUIRE)))


def test_html_is_written_into_the_file(account: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "report.html"
    assert run(["report", "--snapshot", account, "-o", str(file), "--no-proof"]) == 0

    assert "1 of 2 principals can call a model without a guardrail" in file.read_text("utf-8")
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", f"wrote {file}\n")


def test_json_is_printed_without_a_file(account: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["report", "--snapshot", account, "--format", "json", "--model", MODEL, "--no-proof"]) == 0

    data = json.loads(capsys.readouterr().out)
    assert [row["principals"] for row in data["rows"]] == [[role("Open")], [role("Guarded")]]
    assert [one["id"] for one in data["models"]] == [MODEL]


@pytest.mark.parametrize(
    ("name", "start"), [("r.csv", "principal,region,"), ("r.json", "{\n"), ("r", "<!doctype html>"), ("r.HTML", "<!")]
)
def test_the_ending_of_the_file_selects_the_format(account: str, tmp_path: Path, name: str, start: str) -> None:
    assert run(["report", "--snapshot", account, "-o", str(tmp_path / name), "--no-proof"]) == 0

    assert (tmp_path / name).read_text("utf-8").startswith(start)


def test_format_overrides_the_ending(account: str, tmp_path: Path) -> None:
    assert run(["report", "--snapshot", account, "-o", str(tmp_path / "r.csv"), "--format", "json", "--no-proof"]) == 0

    assert (tmp_path / "r.csv").read_text("utf-8").startswith("{\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give the policies by either --snapshot FILE or --config FILE"),
        (["--snapshot", "a", "--config", "b"], "give the policies by either --snapshot FILE or --config FILE"),
        (
            ["--snapshot", "missing.json"],
            "missing.json: cannot be read (No such file or directory); correct the path or its permissions",
        ),
        (["--snapshot", "broken.json"], "broken.json: is not a snapshot; it must be a JSON object"),
        (["--config", "missing.toml"], "missing.toml"),
        (
            ["--config", "plain.toml"],
            "plain.toml: has no policies to report on; add [policies] with files, or give --snapshot FILE",
        ),
        (["--config", "plain.toml", "--approved", "x"], "--approved: the configuration lists the approved guardrails"),
        (["--snapshot", "account.json", "--approved", "x"], "--approved: `x` is not an approved guardrail; write `arn:"),
        (
            ["--snapshot", "account.json", "--approved", f"{ARN}:x"],
            "--approved: `arn:",
        ),
        (["--snapshot", "account.json", "--model", "no such model"], "--model: `no such model` is not the ID or ARN of a model"),
        (["--config", "guard.toml", "--model", "acme.*"], "--model: `acme.*` is not the ID or ARN of a model"),
        (["--snapshot", "account.json", "--format", "pdf"], "'pdf' is not one of"),
        (["--snapshot", "account.json", "--no-proof", "-o", "no/folder/r.html"], "no/folder/r.html: cannot be written"),
    ],
)
def test_invalid_input_is_one_sentence(
    account: str, arguments: list[str], message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path(account).parent
    (folder / "broken.json").write_text("[]", "utf-8")
    (folder / "broken.json.sha256").write_text(
        "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945  broken.json\n", "utf-8"
    )
    (folder / "plain.toml").write_text(
        '[[guardrails]]\narn = "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456"\nversion = "3"\n', "utf-8"
    )
    approved = (folder / "plain.toml").read_text("utf-8")
    (folder / "guard.toml").write_text(
        f'principal = "{role("App")}"\n{approved}[policies]\nidentity = ["policy.json"]\n', "utf-8"
    )
    (folder / "policy.json").write_text(json.dumps({"Version": "2012-10-17", "Statement": [ALLOW]}), "utf-8")
    monkeypatch.chdir(folder)
    assert run(["report", *arguments]) == 2

    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert message in printed.err
