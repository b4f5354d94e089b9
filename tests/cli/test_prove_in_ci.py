"""The GitHub action that proves a statement about policies is valid and works."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

ACTION: Final = Path(__file__).parents[2] / ".github" / "actions" / "prove" / "action.yml"
BIN: Final = Path(sys.executable).parent
APPROVED: Final = "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456:3"
BOTH: Final = ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"]
ALLOW: Final = {"Sid": "All", "Effect": "Allow", "Action": "bedrock:*", "Resource": "*"}


def test_the_action_is_valid_by_githubs_schema() -> None:
    command = [f"{BIN}/check-jsonschema", "--builtin-schema", "vendor.github-actions", str(ACTION)]
    assert subprocess.run(command, check=False).returncode == 0  # noqa: S603  # a command of this test


def run(folder: Path, step: str = "Prove", **inputs: str) -> tuple[int, str]:
    """Run a step in bash as a GitHub runner does, with the defaults of the other inputs."""
    action: dict[str, Any] = yaml.safe_load(ACTION.read_text("utf-8"))
    (found,) = (each for each in action["runs"]["steps"] if each["name"] == step)
    values = {f"inputs.{key}": str(given["default"]) for key, given in action["inputs"].items()}
    values |= {f"inputs.{key}": value for key, value in inputs.items()} | {"github.action_path": str(ACTION.parent)}
    environ = {key: values[value.removeprefix("${{ ").removesuffix(" }}")] for key, value in found["env"].items()}
    if step == "Prove":
        (folder / "guardedbedrock").symlink_to(BIN.parent)
    environ |= {"RUNNER_TEMP": str(folder), "HOME": str(folder), "PATH": f"{folder}:{os.environ['PATH']}"}
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", found["run"]]
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603
    return done.returncode, done.stdout + done.stderr


def write(file: Path, *statements: dict[str, Any]) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps({"Version": "2012-10-17", "Statement": list(statements)}), "utf-8")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Write policies; the name of one folder has a space."""
    condition = {"StringNotEquals": {"bedrock:GuardrailIdentifier": APPROVED}}
    deny = {"Sid": "Guardrail", "Effect": "Deny", "Resource": "*", "Condition": condition}
    write(tmp_path / "my policies" / "leaky.json", ALLOW, {**deny, "Action": BOTH[0]})
    write(tmp_path / "scp.json", {**ALLOW, "Action": "*"}, {**deny, "Action": BOTH})
    return tmp_path


def test_the_action_annotates_the_statement_that_lets_a_request_through(repository: Path) -> None:
    code, output = run(repository, identity="my policies/leaky.json\n", approved=f"{APPROVED}\n")

    assert code == 1
    assert output.startswith('::error file=my policies/leaky.json::refuted: statement "no inference request is allowed')


def test_the_action_combines_policy_types(repository: Path) -> None:
    code, output = run(repository, identity="my policies/leaky.json", scp="scp.json", approved=APPROVED)

    assert (code, output.startswith("proved for ")) == (0, True)


def test_the_action_compares_two_versions(repository: Path) -> None:
    write(repository / "new.json", ALLOW)
    old, new = "my policies/leaky.json", "new.json"

    assert run(repository, question="no-new-access", arguments=f"{old}\n{new}\n")[0] == 1
    (repository / "guardedbedrock").unlink()
    assert run(repository, question="no-new-access", arguments=f"{new}\n{old}\n")[0] == 0


def test_the_action_limits_never(repository: Path) -> None:
    code, output = run(
        repository,
        question="never",
        arguments="bedrock:InvokeModel\narn:aws:bedrock:*::foundation-model/*",
        when=f"bedrock:GuardrailIdentifier={APPROVED[:-1]}4",
        assume="aws:RequestedRegion=us-east-1",
        identity="my policies/leaky.json",
    )

    assert (code, output.startswith("proved for ")) == (0, True)


def test_the_action_asks_for_every_principal_of_a_snapshot(repository: Path) -> None:
    def role(name: str, *statements: dict[str, Any]) -> dict[str, Any]:
        document = {"Version": "2012-10-17", "Statement": list(statements)}
        policies = [{"PolicyName": "p", "PolicyDocument": document}]
        arn = f"arn:aws:iam::123456789012:role/{name}"
        return {"Arn": arn, "RoleName": name, "RoleId": f"AROA{name}", "Path": "/", "RolePolicyList": policies}

    roles = [role("Reader", {**ALLOW, "Action": "s3:*"}), role("Caller", ALLOW)]
    details = {"RoleDetailList": roles, "UserDetailList": [], "GroupDetailList": [], "Policies": []}
    (repository / "details.json").write_text(json.dumps(details), "utf-8")

    code, output = run(repository, snapshot="details.json", approved=APPROVED)

    assert code == 3
    assert "proved for arn:aws:iam::123456789012:role/Reader" in output
    assert '::warning file=details.json::unknown: statement "no inference request' in output


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"question": "--help"}, "question: --help is not a question of guardedbedrock prove"),
        ({"identity": "missing.json"}, "missing.json"),
        ({"identity": "scp.json", "timeout": "0"}, "--timeout"),
    ],
)
def test_invalid_input_fails_the_action_with_2(repository: Path, inputs: dict[str, str], message: str) -> None:
    code, output = run(repository, **inputs)

    assert code == 2
    assert message in output


def test_the_action_installs_its_own_version_with_the_solver(tmp_path: Path) -> None:
    """A stand-in for python3 creates an environment whose pip records its arguments."""
    python = tmp_path / "python3"
    python.write_text(
        '#!/bin/sh\nmkdir -p "$3/bin"\nprintf \'#!/bin/sh\\nprintf "%%s\\\\n" "$@" > pip-arguments\\n\' > "$3/bin/pip"\n'
        'chmod +x "$3/bin/pip"\n',
        "utf-8",
    )
    python.chmod(0o755)

    assert run(tmp_path, "Install guardedbedrock") == (0, "")
    assert (tmp_path / "pip-arguments").read_text("utf-8").splitlines()[-1] == f"{ACTION.parent}/../../..[cli,proof]"
