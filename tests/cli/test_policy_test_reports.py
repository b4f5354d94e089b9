"""The reports of ``guardedbedrock test`` for programs (JUnit, SARIF, GitHub annotations), and its progress bar."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import junitparser
import pytest
from sarif_pydantic import Sarif

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import TypeAlias

    Cli: TypeAlias = Callable[..., Any]

ALLOW = {"Version": "2012-10-17", "Statement": {"Sid": "Read", "Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}}
NASTY = 'a|b,c:d%e <f> `g` "h" é\n\x00'


def case(name: str, **expect: Any) -> dict[str, Any]:
    return {
        "id": name,
        "why": "Because <it> does.",
        "policies": {"identity": [ALLOW]},
        "request": {"principal": "arn:aws:iam::123456789012:role/App", "action": "s3:GetObject", "resource": "*"},
        "expect": {"decision": "allowed"} | expect,
    }


@pytest.fixture(autouse=True)
def files(tmp_path: Path) -> None:
    """Write two files: one that passes, and one in which two of three cases fail."""
    (tmp_path / "good.json").write_text(json.dumps([case("good")]), "utf-8")
    cases = [case("fine"), case("wrong", decision="explicitDeny"), case(NASTY, determining=[])]
    (tmp_path / "with space.json").write_text(json.dumps(cases, indent=1), "utf-8")


def test_junit_has_a_suite_for_each_file_and_a_failure_for_each_failed_case(cli: Cli) -> None:
    code, out, err = cli("test", ".", "--format", "junit")

    suites = list(junitparser.JUnitXml.fromstring(out))

    assert (code, err) == (1, "")
    assert [(suite.name, suite.tests, suite.failures) for suite in suites] == [("good.json", 1, 0), ("with space.json", 3, 2)]
    wrong = list(suites[1])[1]
    assert (wrong.name, wrong.classname) == ("wrong", "with space.json")
    assert [(found.message, found.type) for found in wrong.result] == [("expected explicitDeny, got allowed by Read", "decision")]
    assert wrong.result[0].text.startswith("Because <it> does.\ns3:GetObject on *: allowed\n")
    assert list(suites[1])[2].name == NASTY.replace("\x00", "\ufffd")


def test_a_junit_file_is_written_besides_the_report_on_stdout(cli: Cli, tmp_path: Path) -> None:
    code, out, _ = cli("test", "good.json", "--junit-xml", "reports/policies.xml")

    assert (code, out) == (0, "1 passed, 0 failed\n")
    assert ET.parse(tmp_path / "reports" / "policies.xml").getroot().get("tests") == "1"  # noqa: S314 - the file that the command wrote


def test_a_junit_file_that_cannot_be_written_is_invalid_input(cli: Cli) -> None:
    code, out, err = cli("test", "good.json", "--junit-xml", "good.json/x.xml")

    assert (code, out) == (2, "")
    assert err.startswith("guardedbedrock: --junit-xml good.json/x.xml: cannot be written (")
    assert err.count("\n") == 1


def test_sarif_has_a_result_with_a_location_for_each_failed_case(cli: Cli) -> None:
    code, out, err = cli("test", ".", "--format", "sarif")

    log = Sarif.model_validate_json(out)

    assert (code, err) == (1, "")
    (run,) = log.runs
    rules = [rule.id for rule in run.tool.driver.rules or ()]
    assert rules == ["decision", "answer", "determining", "policyType", "hangsOn"]
    results = [
        (result.rule_id, rules[result.rule_index or 0], result.message.text.split("\ns3:")[0]) for result in run.results or ()
    ]
    assert results == [
        ("decision", "decision", "wrong: expected explicitDeny, got allowed by Read"),
        ("determining", "determining", f"{NASTY}: expected allowed by no statement with a Sid, got allowed by Read"),
    ]
    locations = [
        location["physicalLocation"] for result in json.loads(out)["runs"][0]["results"] for location in result["locations"]
    ]
    assert locations == [
        {"artifactLocation": {"uri": "with%20space.json"}, "region": {"startLine": line}} for line in lines_of("wrong", NASTY)
    ]


def lines_of(*names: str) -> list[int]:
    """Return the lines of these ids in the file with failing cases."""
    cases = [case("fine"), case("wrong", decision="explicitDeny"), case(NASTY, determining=[])]
    lines = json.dumps(cases, indent=1).splitlines()
    return [lines.index(f'  "id": {json.dumps(name)},') + 1 for name in names]


def test_sarif_of_a_passing_suite_has_no_result(cli: Cli) -> None:
    code, out, _ = cli("test", "good.json", "--format", "sarif")

    assert (code, json.loads(out)["runs"][0]["results"]) == (0, [])


def test_github_gets_an_annotation_for_each_failure_and_a_summary(cli: Cli, tmp_path: Path) -> None:
    """A line break or a comma in a name does not end the workflow command."""
    summary = tmp_path / "summary.md"
    summary.write_text("before\n", "utf-8")

    code, out, err = cli("test", ".", "--format", "github", GITHUB_STEP_SUMMARY=str(summary))

    first, second = lines_of("wrong", NASTY)
    statements = "expected allowed by no statement with a Sid, got allowed by Read"
    assert (code, err) == (1, "")
    lines = [line.partition("%0As3:GetObject on *: allowed%0A")[0] for line in out.split("\n")]
    assert lines == [
        f"::error file=with space.json,line={first},title=wrong::expected explicitDeny, got allowed by Read",
        f'::error file=with space.json,line={second},title=a|b%2Cc%3Ad%25e <f> `g` "h" é%0A\\x00::{statements}',
        "2 passed, 2 failed",
        "",
    ]
    before, heading, blank, titles, rule, *rows = summary.read_text("utf-8").splitlines()
    assert (before, heading, blank) == ("before", "### Policy tests: 2 passed, 2 failed", "")
    assert (titles, rule) == ("| case | file | result | reason |", "| --- | --- | --- | --- |")
    assert [row.rpartition(" | ")[0] for row in rows] == [
        "| wrong | with space.json | expected explicitDeny, got allowed by Read",
        f'| a\\|b,c:d%e &lt;f> \\`g\\` "h" é \\x00 | with space.json | {statements}',
    ]
    assert all("s3:GetObject" in row.rpartition(" | ")[2] for row in rows)


def test_the_summary_of_a_passing_suite_is_one_line(cli: Cli, tmp_path: Path) -> None:
    summary = tmp_path / "summary.md"

    assert cli("test", "good.json", "--format", "github", GITHUB_STEP_SUMMARY=str(summary)).out == "1 passed, 0 failed\n"
    assert summary.read_text("utf-8") == "### Policy tests: 1 passed, 0 failed\n\n"


def test_the_line_of_a_case_is_found_in_yaml(cli: Cli, tmp_path: Path) -> None:
    request = json.dumps(case("")["request"])
    (tmp_path / "suite.yaml").write_text(
        f"fixtures:\n  asked: {{request: {request}, policies: {{identity: []}}, expect: {{decision: allowed}}}}\n"
        "cases:\n- id: plain name  # the first\n  use: asked\n- {use: asked, id: 'quoted'}\n",
        "utf-8",
    )

    lines = cli("test", "suite.yaml", "--format", "github").out.splitlines()

    assert [line.partition("::expected")[0] for line in lines[:-1]] == [
        "::error file=suite.yaml,line=4,title=plain name",
        "::error file=suite.yaml,line=6,title=quoted",
    ]


def test_an_unknown_format_is_invalid_input(cli: Cli) -> None:
    code, out, err = cli("test", ".", "--format", "tap")

    assert (code, out) == (2, "")
    assert "'junit'" in err


def test_a_long_suite_has_a_progress_bar_on_a_terminal(tmp_path: Path) -> None:
    (tmp_path / "long.json").write_text(json.dumps([case(f"c{number}") for number in range(1100)]), "utf-8")

    long, short = on_a_terminal(tmp_path, "long.json"), on_a_terminal(tmp_path, "good.json")

    assert long[0] == "1100 passed, 0 failed\n"
    assert "evaluating policies" in long[1]
    assert "1100" in long[1]
    assert short == ("1 passed, 0 failed\n", "")


def on_a_terminal(folder: Path, file: str) -> tuple[str, str]:
    """Run with a terminal as stderr; return stdout and what the terminal shows."""
    terminal, other_end = pty.openpty()
    command = [sys.executable, "-c", "import sys; from guardedbedrock.cli import main; sys.exit(main())", "test", file]
    environ = {"PATH": os.environ["PATH"], "TERM": "xterm", "COLUMNS": "80"}
    with subprocess.Popen(command, cwd=folder, env=environ, stdout=subprocess.PIPE, stderr=other_end, text=True) as process:  # noqa: S603 - a command of this test
        os.close(other_end)
        shown = b""
        while chunk := read(terminal):
            shown += chunk
        os.close(terminal)
        assert process.stdout is not None
        return process.stdout.read(), shown.decode()


def read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux reports a closed other end in this way
        return b""
