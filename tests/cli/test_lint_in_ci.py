"""The GitHub action and the pre-commit hook for the linter are valid and work."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

ROOT: Final = Path(__file__).parents[2]
ACTION: Final = ROOT / ".github" / "actions" / "lint" / "action.yml"
HOOKS: Final = ROOT / ".pre-commit-hooks.yaml"
BIN: Final = Path(sys.executable).parent
GOOD, BAD = "bedrock:GetGuardrail", "bedrock:Converse"


def policy(action: str) -> str:
    resource = "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456"
    statement = {"Sid": "Read", "Effect": "Deny", "Action": action, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": statement})


def run(command: list[str], cwd: Path, **environ: str) -> tuple[int, str]:
    """Run a command with this environment's scripts on the path; return its exit code and its output."""
    environment = {"PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(cwd), "GIT_CONFIG_NOSYSTEM": "1", **environ}
    done = subprocess.run(  # noqa: S603 - a command of this test
        command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_the_action_is_valid_by_githubs_schema() -> None:
    assert run([f"{BIN}/check-jsonschema", "--builtin-schema", "vendor.github-actions", str(ACTION)], ROOT)[0] == 0


@pytest.mark.parametrize(("action", "code"), [(GOOD, 0), (BAD, 1)])
@pytest.mark.parametrize("config", ["", "g.toml"])
def test_the_action_lints_the_paths_in_its_input(tmp_path: Path, action: str, code: int, config: str) -> None:
    """One name begins with a dash, which is not read as an option."""
    (tmp_path / "more policies").mkdir()
    (tmp_path / "more policies" / "a.json").write_text(policy(action), "utf-8")
    (tmp_path / "--version.json").write_text(policy(GOOD), "utf-8")
    (tmp_path / "g.toml").write_text('[[lint.suppressions]]\nrule = "INVALID_*"\nsid = "Read"\nreason = "test"\n', "utf-8")
    (tmp_path / "guardedbedrock").symlink_to(BIN.parent)
    found: dict[str, Any] = yaml.safe_load(ACTION.read_text("utf-8"))["runs"]["steps"][-1]
    environ = {"PATHS": "more policies\n--version.json\n", "CONFIG": config, "RUNNER_TEMP": str(tmp_path)}

    ended, output = run(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", found["run"]], tmp_path, **environ)

    reported = code == 1 and not config
    assert ended == int(reported), output
    assert ("::error file=more policies/a.json,line=1" in output) is reported


@pytest.mark.parametrize(("action", "code"), [(GOOD, 0), (BAD, 1)])
def test_the_hook_lints_the_folder(tmp_path: Path, action: str, code: int) -> None:
    """pre-commit runs the hook as the manifest defines it, except for the language, so that it installs nothing."""
    hook = next(one for one in yaml.safe_load(HOOKS.read_text("utf-8")) if one["id"] == "guardedbedrock-lint")
    local = {name: value for name, value in hook.items() if name != "additional_dependencies"} | {"language": "system"}
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "a.json").write_text(policy(action), "utf-8")
    (tmp_path / ".pre-commit-config.yaml").write_text(json.dumps({"repos": [{"repo": "local", "hooks": [local]}]}), "utf-8")
    for command in (["git", "init", "-q"], ["git", "add", "."]):
        assert run(command, tmp_path)[0] == 0

    ended, output = run([f"{BIN}/pre-commit", "run", "--all-files"], tmp_path, PRE_COMMIT_HOME=str(tmp_path / "home"))

    assert ended == code, output
    assert ("INVALID_ACTION" in output) is (code == 1)
