"""The GitHub action and the pre-commit hook are valid and work."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT: Final = Path(__file__).parents[2]
ACTION: Final = ROOT / ".github" / "actions" / "policy-tests" / "action.yml"
HOOKS: Final = ROOT / ".pre-commit-hooks.yaml"
BIN: Final = Path(sys.executable).parent

ALLOW = {"Version": "2012-10-17", "Statement": {"Sid": "Read", "Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}}


def suite(decision: str) -> str:
    request = {"principal": "arn:aws:iam::123456789012:role/App", "action": "s3:GetObject", "resource": "*"}
    case = {"id": "reads", "policies": {"identity": [ALLOW]}, "request": request, "expect": {"decision": decision}}
    return json.dumps([case])


def run(command: list[str], cwd: Path, environ: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Run a command with this environment's scripts on the path; return its exit code, and stdout and stderr together."""
    clean = {"PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(cwd), "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(  # noqa: S603 - a command of this test
        command, cwd=cwd, env={**clean, **(environ or {})}, capture_output=True, text=True, timeout=120, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_the_action_is_valid_by_githubs_schema() -> None:
    assert run([f"{BIN}/check-jsonschema", "--builtin-schema", "vendor.github-actions", str(ACTION)], ROOT)[0] == 0


@pytest.mark.parametrize(("decision", "code"), [("allowed", 0), ("explicitDeny", 1), ("maybe", 2)])
def test_the_action_runs_the_files_in_its_input(tmp_path: Path, decision: str, code: int) -> None:
    """Run its last step in bash as a GitHub runner does, with a name that contains a space and with a glob."""
    action: dict[str, Any] = yaml.safe_load(ACTION.read_text("utf-8"))
    (tmp_path / "more tests").mkdir()
    (tmp_path / "more tests" / "a.json").write_text(suite(decision), "utf-8")
    (tmp_path / "b.json").write_text(suite("allowed").replace("reads", "b"), "utf-8")
    (tmp_path / "guardedbedrock").symlink_to(BIN.parent)
    step = action["runs"]["steps"][-1]
    inputs = {"files": "more tests\n*.json\n", "junit-xml": "out.xml"}
    environ = {name: inputs[value.removeprefix("${{ inputs.").removesuffix(" }}")] for name, value in step["env"].items()}
    environ |= {"RUNNER_TEMP": str(tmp_path), "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}

    code_of_step, output = run(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]], tmp_path, environ)

    assert code_of_step == code, output
    assert ("::error file=more tests/a.json,line=1,title=reads::" in output) is (code == 1)
    assert (tmp_path / "out.xml").exists() is (code != 2)
    assert (tmp_path / "summary.md").exists() is (code != 2)


def test_every_input_of_the_action_has_a_default() -> None:
    inputs = yaml.safe_load(ACTION.read_text("utf-8"))["inputs"]

    assert {name: given["default"] for name, given in inputs.items()} == {
        "files": "policy-tests",
        "junit-xml": "",
        "requirement": "guardedbedrock[cli,testing]",
    }


def test_pre_commit_accepts_the_hook(tmp_path: Path) -> None:
    assert run([f"{BIN}/pre-commit", "validate-manifest", str(HOOKS)], tmp_path) == (0, "")


@pytest.mark.parametrize(
    ("decision", "code_of_hook", "message"), [("allowed", 0, "Passed"), ("explicitDeny", 1, "FAILED reads: ")]
)
def test_the_hook_runs_the_policy_tests_of_a_repository(tmp_path: Path, decision: str, code_of_hook: int, message: str) -> None:
    """pre-commit runs the hook as the manifest defines it, except for the language, so that it installs nothing."""
    (hook,) = yaml.safe_load(HOOKS.read_text("utf-8"))
    local = {name: value for name, value in hook.items() if name != "additional_dependencies"} | {"language": "system"}
    (tmp_path / "policy-tests").mkdir()
    (tmp_path / "policy-tests" / "a.json").write_text(suite(decision), "utf-8")
    (tmp_path / ".pre-commit-config.yaml").write_text(json.dumps({"repos": [{"repo": "local", "hooks": [local]}]}), "utf-8")
    for command in (["git", "init", "-q"], ["git", "add", "."]):
        assert run(command, tmp_path)[0] == 0

    code, out = run([f"{BIN}/pre-commit", "run", "--all-files"], tmp_path, {"PRE_COMMIT_HOME": str(tmp_path / "home")})

    assert code == code_of_hook, out
    assert message in out
