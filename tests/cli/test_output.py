"""The standard streams of all commands: a full disk, a closed pipe, a closed stream."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from guardedbedrock.cli.output import escape_controls

if TYPE_CHECKING:
    from collections.abc import Callable

SCRIPT = "import sys; from guardedbedrock.cli import main; sys.exit(main())"
FULL = Path("/dev/full")
BUFFERING = pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
needs_full_device = pytest.mark.skipif(not FULL.exists(), reason="only Linux has /dev/full")


@pytest.fixture
def folder(tmp_path: Path, cli: Callable[..., Any]) -> Path:
    assert cli("init").code == 0
    return tmp_path


def run(folder: Path, *arguments: str, unbuffered: str = "", **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the command line with the given streams."""
    command = [sys.executable, "-X", "dev", "-c", SCRIPT, *arguments]
    environ = {**os.environ, "PYTHONUNBUFFERED": unbuffered}
    return subprocess.run(command, cwd=folder, env=environ, text=True, timeout=60, check=False, **options)  # noqa: S603 - a command of this test


@needs_full_device
@BUFFERING
@pytest.mark.parametrize(
    "arguments", [["check"], ["backstop"], ["demo"], ["generate", "scp"], ["serve", "--port", "0"], ["--help"], ["--version"]]
)
def test_a_full_disk_is_one_line_and_exit_code_2(folder: Path, arguments: list[str], unbuffered: str) -> None:
    with FULL.open("w") as full:
        done = run(folder, *arguments, unbuffered=unbuffered, stdout=full, stderr=subprocess.PIPE)

    problem = "standard output cannot be written: No space left on device"
    assert (done.returncode, done.stderr) == (2, f"guardedbedrock: {problem}\n")


@needs_full_device
@BUFFERING
def test_an_error_that_cannot_be_printed_is_still_exit_code_2(folder: Path, unbuffered: str) -> None:
    with FULL.open("w") as full:
        done = run(folder, "tset", unbuffered=unbuffered, stdout=subprocess.PIPE, stderr=full)

    assert (done.returncode, done.stdout) == (2, "")


def test_a_pipe_that_closes_before_a_short_output_causes_no_error(folder: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = run(folder, "check", stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)

    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize("arguments", [["backstop"], ["check"], ["--version"]])
def test_closed_standard_output_is_one_line_and_exit_code_2(folder: Path, arguments: list[str]) -> None:
    done = run(folder, *arguments, stderr=subprocess.PIPE, preexec_fn=lambda: os.close(1))

    problem = "standard output is closed; redirect it to a file or to /dev/null"
    assert (done.returncode, done.stderr) == (2, f"guardedbedrock: {problem}\n")


def test_closed_standard_error_changes_no_exit_code(folder: Path) -> None:
    done = run(folder, "tset", stdout=subprocess.PIPE, preexec_fn=lambda: os.close(2))

    assert (done.returncode, done.stdout) == (2, "")


ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have only file names in Unicode")
@pytest.mark.parametrize("environ", [{}, ASCII], ids=["utf-8", "ascii"])
@pytest.mark.parametrize("argument", ["policies", "policies/a\udcff.json"], ids=["folder", "file"])
@pytest.mark.parametrize("form", ["text", "json", "github", "sarif", "junit"])
def test_lint_reports_a_file_whose_name_is_not_utf_8(
    tmp_path: Path, cli: Callable[..., Any], argument: str, form: str, environ: dict[str, str]
) -> None:
    (tmp_path / "policies").mkdir()
    statement = {"Effect": "Allow", "Action": "bedrock:InvokeModle", "Resource": "*"}
    (tmp_path / "policies" / "a\udcff.json").write_text(json.dumps({"Version": "2012-10-17", "Statement": [statement]}), "utf-8")

    code, out, err = cli("lint", argument, "--format", form, **environ)

    assert (code, err) == (1, "")
    shown = {"sarif": "a%FF.json", "junit": "a\ufffd.json" if not environ else "a\\ufffd.json"}
    assert shown.get(form, "a\\udcff.json") in out


HOSTILE = "a\x1b]0;b\x07\x7f\x9bc"
ESCAPED = "a\\x1b]0;b\\x07\\x7f\\x9bc"


@pytest.mark.parametrize("form", ["text", "github", "json"])
def test_control_characters_of_a_file_are_escaped(tmp_path: Path, cli: Callable[..., Any], form: str) -> None:
    request = {"principal": "arn:aws:iam::123456789012:role/a", "action": "bedrock:InvokeModel", "resource": "*"}
    deny = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    case = {"id": HOSTILE, "policies": {"identity": [{"Version": "2012-10-17", "Statement": deny}]}, "request": request}
    (tmp_path / "cases.json").write_text(json.dumps([{**case, "expect": {"decision": "allowed"}}]), "utf-8")

    code, out, err = cli("test", "cases.json", "--format", form)

    assert (code, err) == (1, "")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", out)
    if form == "json":
        assert json.loads(out)[0]["id"] == HOSTILE
    else:
        assert ESCAPED in out


def test_control_characters_of_an_error_are_escaped(cli: Callable[..., Any]) -> None:
    code, _, err = cli("lint", HOSTILE)

    assert code == 2
    assert ESCAPED in err


def test_a_text_keeps_tabs_and_line_ends() -> None:
    assert escape_controls("a\tb\r\nc\nd\re") == "a\tb\r\nc\nd\\x0de"


def test_a_name_of_a_guardrail_with_a_control_character_is_invalid(folder: Path, cli: Callable[..., Any]) -> None:
    file = folder / "guardedbedrock.toml"
    file.write_text(file.read_text("utf-8").replace("[[guardrails]]", '[[guardrails]]\nname = "a\\u001bb"', 1), "utf-8")

    code, out, err = cli("check")

    assert (code, out) == (2, "")
    assert "the name 'a\\x1bb' contains a control character; remove it" in err
