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
    environment = {"PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(cwd), "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(  # noqa: S603 - a command of this test
        command, cwd=cwd, env={**environment, **(environ or {})}, capture_output=True, text=True, timeout=120, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_the_action_is_valid_by_githubs_schema() -> None:
    assert run([f"{BIN}/check-jsonschema", "--builtin-schema", "vendor.github-actions", str(ACTION)], ROOT)[0] == 0


def step(name: str, inputs: Mapping[str, str], folder: Path) -> tuple[int, str]:
    """Run a step of the action in bash as a GitHub runner does, and return its exit code and output."""
    action: dict[str, Any] = yaml.safe_load(ACTION.read_text("utf-8"))
    (found,) = (each for each in action["runs"]["steps"] if each["name"] == name)
    values = {f"inputs.{key}": value for key, value in inputs.items()} | {"github.action_path": str(ACTION.parent)}
    environ = {key: values[value.removeprefix("${{ ").removesuffix(" }}")] for key, value in found["env"].items()}
    environ |= {
        "RUNNER_TEMP": str(folder),
        "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
        "PATH": f"{folder}:{os.environ['PATH']}",
    }
    return run(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", found["run"]], folder, environ)


@pytest.mark.parametrize(("decision", "code"), [("allowed", 0), ("explicitDeny", 1), ("maybe", 2)])
def test_the_action_runs_the_files_in_its_input(tmp_path: Path, decision: str, code: int) -> None:
    """The names contain a space, a glob, and a leading dash, which is not read as an option."""
    (tmp_path / "more tests").mkdir()
    (tmp_path / "more tests" / "a.json").write_text(suite(decision), "utf-8")
    (tmp_path / "b.json").write_text(suite("allowed").replace("reads", "b"), "utf-8")
    (tmp_path / "--version").write_text(suite("allowed").replace("reads", "c"), "utf-8")
    (tmp_path / "guardedbedrock").symlink_to(BIN.parent)

    ended, output = step("Run the policy tests", {"files": "more tests\n*.json\n--version\n", "junit-xml": "out.xml"}, tmp_path)

    assert ended == code, output
    assert ("::error file=more tests/a.json,line=1,title=reads::" in output) is (code == 1)
    assert ("3 passed, 0 failed" in output) is (code == 0)
    assert (tmp_path / "out.xml").exists() is (code != 2)
    assert (tmp_path / "summary.md").exists() is (code != 2)


@pytest.mark.parametrize(
    ("requirement", "installed"),
    [
        ("", f"{ACTION.parent}/../../..[cli,testing,proof]"),
        ("guardedbedrock[cli,testing]==0.1.0", "guardedbedrock[cli,testing]==0.1.0"),
        ("--index-url=https://example.com", "--index-url=https://example.com"),
    ],
)
def test_the_action_installs_its_own_version_with_pinned_dependencies(tmp_path: Path, requirement: str, installed: str) -> None:
    """A stand-in for python3 creates an environment whose pip records its arguments."""
    python = tmp_path / "python3"
    python.write_text(
        '#!/bin/sh\nmkdir -p "$3/bin"\nprintf \'#!/bin/sh\\nprintf "%%s\\\\n" "$@" > pip-arguments\\n\' > "$3/bin/pip"\n'
        'chmod +x "$3/bin/pip"\n',
        "utf-8",
    )
    python.chmod(0o755)

    ended, output = step("Install guardedbedrock", {"requirement": requirement}, tmp_path)

    assert ended == 0, output
    *_, option, constraints, separator, last = (tmp_path / "pip-arguments").read_text("utf-8").splitlines()
    assert (option, separator, last) == ("--constraint", "--", installed)
    assert Path(constraints).resolve() == ROOT / "tests" / "constraints.txt"


def test_every_input_of_the_action_has_a_default() -> None:
    inputs = yaml.safe_load(ACTION.read_text("utf-8"))["inputs"]

    assert {name: given["default"] for name, given in inputs.items()} == {
        "files": "policy-tests",
        "junit-xml": "",
        "requirement": "",
    }


def test_pre_commit_accepts_the_hook(tmp_path: Path) -> None:
    assert run([f"{BIN}/pre-commit", "validate-manifest", str(HOOKS)], tmp_path) == (0, "")


@pytest.mark.parametrize(
    ("decision", "code_of_hook", "message"), [("allowed", 0, "Passed"), ("explicitDeny", 1, "FAILED reads: ")]
)
def test_the_hook_runs_the_policy_tests_of_a_repository(tmp_path: Path, decision: str, code_of_hook: int, message: str) -> None:
    """pre-commit runs the hook as the manifest defines it, except for the language, so that it installs nothing."""
    hook = next(one for one in yaml.safe_load(HOOKS.read_text("utf-8")) if one["id"] == "guardedbedrock-policy-tests")
    local = {name: value for name, value in hook.items() if name != "additional_dependencies"} | {"language": "system"}
    (tmp_path / "policy-tests").mkdir()
    (tmp_path / "policy-tests" / "a.json").write_text(suite(decision), "utf-8")
    (tmp_path / ".pre-commit-config.yaml").write_text(json.dumps({"repos": [{"repo": "local", "hooks": [local]}]}), "utf-8")
    for command in (["git", "init", "-q"], ["git", "add", "."]):
        assert run(command, tmp_path)[0] == 0

    code, out = run([f"{BIN}/pre-commit", "run", "--all-files"], tmp_path, {"PRE_COMMIT_HOME": str(tmp_path / "home")})

    assert code == code_of_hook, out
    assert message in out
