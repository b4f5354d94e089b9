"""The example for Node, against the fake. Run by `make clients`."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from guardedbedrock import iam
from guardedbedrock.testing import FakeBedrock, FakeGuardrail

EXAMPLE: Final = Path(__file__).parents[2] / "examples" / "node"
GUARDRAIL: Final = "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456"
WITHOUT_GUARDRAIL: Final = {
    "Effect": "Deny",
    "Action": "bedrock:InvokeModel",
    "Resource": "*",
    "Condition": {"Null": {"bedrock:GuardrailIdentifier": "true"}},
}
POLICY: Final[dict[str, Any]] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "bedrock:*", "Resource": "*"}, WITHOUT_GUARDRAIL],
}


def _run(fake: FakeBedrock, question: str) -> list[str]:
    environment = {**os.environ, **fake.environment, "GUARDRAIL_ID": "abc123def456"}
    command = [shutil.which("node") or "node", "converse.mjs", question]
    done = subprocess.run(  # noqa: S603 - our example
        command, cwd=EXAMPLE, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("question", "answer", "reason"),
    [("How much leave?", "You said: How much leave?", "end_turn"), ("My salary?", "blocked", "guardrail_intervened")],
)
def test_node_streams_and_is_denied(question: str, answer: str, reason: str) -> None:
    """The stream is guarded; the call without a guardrail gets the denial of AWS."""
    policies = iam.PolicySet(identity=[iam.parse(POLICY)])
    guardrail = FakeGuardrail("abc123def456", denied_words=("salary",), blocked_input="blocked")
    with FakeBedrock(guardrails=[guardrail], policies=policies) as fake:
        streamed, stopped, denied = _run(fake, question)

    assert (streamed, stopped) == (answer, reason)
    assert denied.startswith(
        "AccessDeniedException (403): User: arn:aws:iam::123456789012:role/FakeBedrockCaller is not authorized"
    )
    assert "with an explicit deny in an identity-based policy" in denied
    assert [(request.operation, request.status) for request in fake.requests] == [("ConverseStream", 200), ("Converse", 403)]
