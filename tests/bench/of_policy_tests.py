"""Measure a run of policy tests, from the start of the process to its end."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from measuring import Row, processor_time

CASES: Final = 2000
ACTIONS: Final = ("bedrock:InvokeModel", "bedrock:*", "s3:GetObject", "s3:Put*", "bedrock:ApplyGuardrail", "iam:PassRole")
RUN: Final = "import sys; from guardedbedrock.cli import main; main()"


def policy_tests() -> Iterator[Row]:
    """Run 2,000 cases in one file, each with its own policies."""
    dice = random.Random(7)  # noqa: S311  # the same cases in every run
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "cases.json"
        file.write_text(json.dumps([_case(dice, number) for number in range(CASES)]), "utf-8")
        command = [sys.executable, "-c", RUN, "test", str(file)]
        taken = processor_time(lambda: subprocess.run(command, capture_output=True, check=True))  # noqa: S603  # a command of this benchmark
        yield Row("2,000 policy tests in one file, the start included", 5, taken, "s")


def _case(dice: random.Random, number: int) -> dict[str, Any]:
    layers = {"identity": [_policy(dice, 3)], "boundary": [_policy(dice, 2)], "scp": [[_policy(dice, 2)], [_policy(dice, 2)]]}
    context = {"aws:PrincipalTag/team": f"t{dice.randrange(50)}", "aws:SourceIp": "10.1.2.3"}
    action = dice.choice(("s3:GetObject", "bedrock:InvokeModel"))
    principal, resource = "arn:aws:iam::123456789012:role/App", "arn:aws:s3:::b7/k"
    request = {"principal": principal, "action": action, "resource": resource, "context": context}
    decision = dice.choice(("allowed", "implicitDeny", "explicitDeny"))
    return {"id": f"case {number}", "policies": layers, "request": request, "expect": {"decision": decision}}


def _policy(dice: random.Random, statements: int) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": [_statement(dice, index) for index in range(statements)]}


def _statement(dice: random.Random, index: int) -> dict[str, Any]:
    return {
        "Sid": f"S{index}x{dice.randrange(10**6)}",
        "Effect": dice.choice(("Allow", "Allow", "Deny")),
        "Action": dice.sample(ACTIONS, 2),
        "Resource": dice.choice(("*", f"arn:aws:s3:::b{dice.randrange(99)}/*")),
        "Condition": {
            "StringLike": {"aws:PrincipalTag/team": f"t{dice.randrange(50)}"},
            "IpAddress": {"aws:SourceIp": f"10.{dice.randrange(255)}.0.0/16"},
        },
    }
