"""The GitHub action and the pre-commit hook: valid, and run as they are written."""

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


def ran(command: list[str], cwd: Path, environ: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Run a command with our scripts on the path, and give its exit code and all it said."""
    clean = {"PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(cwd), "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(  # noqa: S603 - our own
        command, cwd=cwd, env={**clean, **(environ or {})}, capture_output=True, text=True, timeout=120, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_the_action_fits_githubs_schema() -> None:
    assert ran([f"{BIN}/check-jsonschema", "--builtin-schema", "vendor.github-actions", str(ACTION)], ROOT)[0] == 0


@pytest.mark.parametrize(("decision", "code"), [("allowed", 0), ("explicitDeny", 1), ("maybe", 2)])
def test_the_action_runs_the_files_of_its_input(tmp_path: Path, decision: str, code: int) -> None:
    """Its last step as bash runs it on a runner, on a name with a space and a glob."""
    action: dict[str, Any] = yaml.safe_load(ACTION.read_text("utf-8"))
    (tmp_path / "more tests").mkdir()
    (tmp_path / "more tests" / "a.json").write_text(suite(decision), "utf-8")
    (tmp_path / "b.json").write_text(suite("allowed").replace("reads", "b"), "utf-8")
    (tmp_path / "guardedbedrock").symlink_to(BIN.parent)
    step = action["runs"]["steps"][-1]
    inputs = {"files": "more tests\n*.json\n", "junit-xml": "out.xml"}
    environ = {name: inputs[value.removeprefix("${{ inputs.").removesuffix(" }}")] for name, value in step["env"].items()}
    environ |= {"RUNNER_TEMP": str(tmp_path), "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}

    ended, said = ran(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]], tmp_path, environ)

    assert ended == code, said
    assert ("::error file=more tests/a.json,line=1,title=reads::" in said) is (code == 1)
    assert (tmp_path / "out.xml").exists() is (code != 2)
    assert (tmp_path / "summary.md").exists() is (code != 2)


def test_the_action_needs_no_input() -> None:
    """And what it installs by default is this package, with the command line."""
    inputs = yaml.safe_load(ACTION.read_text("utf-8"))["inputs"]

    assert {name: given["default"] for name, given in inputs.items()} == {
        "files": "policy-tests",
        "junit-xml": "",
        "requirement": "guardedbedrock[cli,testing]",
    }


def test_the_hook_is_one_that_pre_commit_takes(tmp_path: Path) -> None:
    assert ran([f"{BIN}/pre-commit", "validate-manifest", str(HOOKS)], tmp_path) == (0, "")


@pytest.mark.parametrize(("decision", "ends", "said"), [("allowed", 0, "Passed"), ("explicitDeny", 1, "FAILED reads: ")])
def test_the_hook_runs_the_policy_tests_of_a_repository(tmp_path: Path, decision: str, ends: int, said: str) -> None:
    """By pre-commit itself; only the language differs from the manifest, so that nothing is installed."""
    (hook,) = yaml.safe_load(HOOKS.read_text("utf-8"))
    local = {name: value for name, value in hook.items() if name != "additional_dependencies"} | {"language": "system"}
    (tmp_path / "policy-tests").mkdir()
    (tmp_path / "policy-tests" / "a.json").write_text(suite(decision), "utf-8")
    (tmp_path / ".pre-commit-config.yaml").write_text(json.dumps({"repos": [{"repo": "local", "hooks": [local]}]}), "utf-8")
    for command in (["git", "init", "-q"], ["git", "add", "."]):
        assert ran(command, tmp_path)[0] == 0

    code, out = ran([f"{BIN}/pre-commit", "run", "--all-files"], tmp_path, {"PRE_COMMIT_HOME": str(tmp_path / "home")})

    assert code == ends, out
    assert said in out
