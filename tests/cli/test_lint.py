"""``guardedbedrock lint``: formats, exit codes, selections, suppressions and the baseline."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from sarif_pydantic import Sarif

from guardedbedrock.cli.app import run

BAD = {"Version": "2012-10-17", "Statement": [{"Sid": "Chat", "Effect": "Deny", "Action": "bedrock:Converse", "Resource": "*"}]}
GUARDRAIL = "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456"
NOTE = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Deny",
            "Action": "bedrock:InvokeModel*",
            "Resource": "*",
            "Condition": {"StringNotLike": {"bedrock:GuardrailIdentifier": f"{GUARDRAIL}:*"}},
        }
    ],
}


@pytest.fixture
def bad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("bad.json").write_text(json.dumps(BAD, indent=2), "utf-8")
    Path("note.json").write_text(json.dumps(NOTE), "utf-8")
    return "bad.json"


def test_text(bad: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lint", bad]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("bad.json:7:7: error: The action `bedrock:Converse` does not exist.")
    assert lines[0].endswith("[INVALID_ACTION]")
    assert lines[-1] == "1 error"


def test_json(bad: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lint", bad, "--format", "json"]) == 1
    (finding,) = json.loads(capsys.readouterr().out)
    assert finding == {
        "rule": "INVALID_ACTION",
        "severity": "error",
        "file": "bad.json",
        "line": 7,
        "column": 7,
        "pointer": "/Statement/0/Action",
        "message": "The action `bedrock:Converse` does not exist.",
        "fix": "Write `bedrock:InvokeModel`: AWS authorizes Converse as that action.",
        "source": "IAM User Guide, IAM policy validation check reference",
    }


def test_sarif(bad: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lint", bad, "--format", "sarif"]) == 1
    text = capsys.readouterr().out
    Sarif.model_validate_json(text)
    driver, (result,) = json.loads(text)["runs"][0]["tool"]["driver"], json.loads(text)["runs"][0]["results"]
    assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "INVALID_ACTION"
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "bad.json"},
        "region": {"startLine": 7, "startColumn": 7},
    }


def test_github(bad: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lint", bad, "--format", "github"]) == 1
    assert capsys.readouterr().out.startswith("::error file=bad.json,line=7,col=7,title=INVALID_ACTION::The action")


@pytest.mark.parametrize("output", ["text", "json", "sarif", "github", "junit"])
@pytest.mark.parametrize("odd", ["\x01", "\ud800", "\ufffe"])
def test_odd_characters_are_in_no_report(odd: str, output: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """XML forbids control characters, and no output can encode a lone surrogate."""
    statement = {"Effect": "Allow", "Action": f"bedrock:InvokeModel{odd}", "Resource": f"arn:aws:bedrock:{odd}"}
    file = tmp_path / "odd.json"
    file.write_text(json.dumps({"Version": "2012-10-17", "Statement": [statement]}), "utf-8")

    assert run(["lint", str(file), "--format", output]) == 1
    printed = capsys.readouterr().out
    assert "InvokeModel" in printed
    printed.encode()
    if output == "junit":
        ET.fromstring(printed)  # noqa: S314  # our own output
    assert run(["lint", str(file), "--write-baseline", str(tmp_path / "base.json")]) == 0
    assert run(["lint", str(file), "--baseline", str(tmp_path / "base.json")]) == 0


def test_junit(bad: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lint", bad, "note.json", "--format", "junit"]) == 1
    root = ET.fromstring(capsys.readouterr().out)  # noqa: S314  # our own output
    assert (root.get("failures"), root.get("tests")) == ("1", "2")


def test_notes_alone_are_success(bad: str, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: ARG001  # writes the files
    assert run(["lint", "note.json"]) == 0
    assert "1 note" in capsys.readouterr().out


def test_bad_input_is_exit_code_2(bad: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["lint", "missing.json"]) == 2
    assert run(["lint", bad, "--select", "GB999"]) == 2
    assert "names no rule" in capsys.readouterr().err


def test_select_and_ignore(bad: str) -> None:
    assert run(["lint", bad, "--select", "GB"]) == 0
    assert run(["lint", bad, "--ignore", "INVALID_"]) == 0
    assert run(["lint", bad, "--select", "INVALID_ACTION"]) == 1
    assert run(["lint", bad, "--select", "GB, INVALID_ACTION"]) == 1
    assert run(["lint", bad, "--ignore", "GB,INVALID_"]) == 0
    assert run(["lint", bad, "--ignore", ""]) == 1


@pytest.mark.parametrize("where", ['sid = "Chat"', 'path = "bad.json"', 'path = "*.json"\nsid = "Chat"'])
def test_suppression(bad: str, where: str) -> None:
    Path("g.toml").write_text(f'[[lint.suppressions]]\nrule = "INVALID_ACTION"\n{where}\nreason = "test data"\n', "utf-8")
    assert run(["lint", bad, "--config", "g.toml"]) == 0


@pytest.mark.parametrize("where", ['sid = "Other"', 'path = "other.json"', 'path = "bad.json"\nsid = "Other"'])
def test_suppression_of_another_location(bad: str, where: str) -> None:
    Path("g.toml").write_text(f'[[lint.suppressions]]\nrule = "INVALID_ACTION"\n{where}\nreason = "test data"\n', "utf-8")
    assert run(["lint", bad, "--config", "g.toml"]) == 1


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ('rule = "INVALID_ACTION"\nsid = "Chat"', "reason: missing"),
        ('rule = "INVALID_ACTION"\nreason = "r"', "add `sid`, `path` or both"),
        ('rule = "NONE"\nsid = "Chat"\nreason = "r"', "names no rule"),
        ('rule = "GB201"\nsid = "Chat"\nreason = "r"\nline = "1"', "unknown key"),
    ],
)
def test_invalid_suppression(bad: str, entry: str, problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("g.toml").write_text(f"[[lint.suppressions]]\n{entry}\n", "utf-8")
    assert run(["lint", bad, "--config", "g.toml"]) == 2
    assert problem in capsys.readouterr().err


def test_suppressions_do_not_disturb_the_guard(bad: str) -> None:  # noqa: ARG001  # changes the folder
    text = f'[[guardrails]]\narn = "{GUARDRAIL}"\nversion = "1"\n[[lint.suppressions]]\nrule = "GB201"\nsid = "A"\nreason = "r"\n'
    Path("g.toml").write_text(text, "utf-8")
    assert run(["check", "g.toml"]) == 0


def test_baseline_hides_known_findings_and_shows_new_ones(bad: str) -> None:
    assert run(["lint", bad, "--write-baseline", "known.json"]) == 0
    assert run(["lint", bad, "--baseline", "known.json"]) == 0
    moved = json.dumps({"Id": "x", **BAD}, indent=4)
    Path(bad).write_text(moved, "utf-8")
    assert run(["lint", bad, "--baseline", "known.json"]) == 0
    Path(bad).write_text(moved.replace("bedrock:Converse", "bedrock:ConverseStream"), "utf-8")
    assert run(["lint", bad, "--baseline", "known.json"]) == 1


def test_together(bad: str) -> None:  # noqa: ARG001  # changes the folder
    allow = {"Effect": "Allow", "Action": ["bedrock:InvokeModel", "bedrock:ApplyGuardrail"], "Resource": "*"}
    Path("allow.json").write_text(json.dumps({"Version": "2012-10-17", "Statement": allow}), "utf-8")
    assert run(["lint", "allow.json", "note.json"]) == 1
    assert run(["lint", "allow.json", "note.json", "--together"]) == 0
