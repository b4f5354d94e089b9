"""The GitHub action that replays a trail is valid and works."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from harness.replay import BASELINE, entry, record, write_json, write_trail

ACTION: Final = Path(__file__).parents[2] / ".github" / "actions" / "replay" / "action.yml"
BIN: Final = Path(sys.executable).parent
DENY: Final = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}


def test_the_action_is_valid_by_githubs_schema() -> None:
    command = [f"{BIN}/check-jsonschema", "--builtin-schema", "vendor.github-actions", str(ACTION)]
    assert subprocess.run(command, check=False).returncode == 0  # noqa: S603  # a command of this test


def run(folder: Path, **inputs: str) -> tuple[int, str]:
    """Run the replay step in bash as a GitHub runner does; `gh` records its arguments."""
    action: dict[str, Any] = yaml.safe_load(ACTION.read_text("utf-8"))
    (step,) = (each for each in action["runs"]["steps"] if each["name"] == "Replay the trail")
    values = {f"inputs.{key}": str(given.get("default", "")) for key, given in action["inputs"].items()}
    values |= {f"inputs.{key.replace('_', '-')}": value for key, value in inputs.items()}
    environ = {key: values[value.removeprefix("${{ ").removesuffix(" }}")] for key, value in step["env"].items()}
    gh = folder / "gh"
    gh.write_text('#!/bin/sh\nprintf "%s\\n" "$@" > gh-arguments\n')
    gh.chmod(0o755)
    if not (folder / "guardedbedrock").exists():
        (folder / "guardedbedrock").symlink_to(BIN.parent)
    environ |= {"RUNNER_TEMP": str(folder), "GITHUB_STEP_SUMMARY": str(folder / "summary.md"), "HOME": str(folder)}
    environ["PATH"] = f"{folder}:{os.environ['PATH']}"
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Write a trail whose folder has a space in its name, a log and policies."""
    user = {"type": "IAMUser", "arn": "arn:aws:iam::123456789012:user/<b>|`x`", "accountId": "123456789012"}
    write_trail(tmp_path / "my trail", record(1), record(2, userIdentity=user))
    write_json(tmp_path / "logs" / "1.json", entry(1))
    write_json(tmp_path / "deny.json", DENY)
    write_json(tmp_path / "allow.json", BASELINE)
    return tmp_path


def test_the_action_comments_the_newly_denied_calls(repository: Path) -> None:
    code, output = run(
        repository,
        trails="my trail\n",
        policies="deny.json",
        baseline="allow.json",
        invocation_logs="logs\n",
        pull_request="7",
        token="t",
    )
    assert (code, output) == (1, "")
    summary = (repository / "summary.md").read_text()
    assert "would newly deny 2 of 2 recorded calls" in summary
    assert r"user/\<b\>\|\`x\`" in summary
    assert (repository / "gh-arguments").read_text().split("\n")[:4] == ["pr", "comment", "7", "--body-file"]


def test_the_action_succeeds_if_no_call_is_newly_denied(repository: Path) -> None:
    code, output = run(repository, trails="my trail", policies="allow.json")
    assert (code, output) == (0, "")
    assert "deny none of the 2 recorded calls" in (repository / "summary.md").read_text()
    assert not (repository / "gh-arguments").exists()


def test_invalid_input_fails_the_action_without_a_comment(repository: Path) -> None:
    code, output = run(repository, trails="nothing", policies="allow.json", pull_request="7", token="t")
    assert code == 2
    assert "nothing: there is no such file or folder" in output
    assert not (repository / "gh-arguments").exists()
