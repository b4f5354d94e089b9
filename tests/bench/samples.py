"""Inputs that several parts of the bench share: one guardrail, one role, one call, one policy set."""

from __future__ import annotations

from typing import Any, Final

from guardedbedrock import iam

ARN: Final = "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456"
ROLE: Final = "arn:aws:iam::123456789012:role/Bench"
CALL: Final[dict[str, Any]] = {
    "modelId": "anthropic.claude-3-haiku-20240307-v1:0",
    "messages": [{"role": "user", "content": [{"text": "How many days of leave do I have, and who approves them?"}]}],
}
NAMED: Final = {**CALL, "guardrailConfig": {"guardrailIdentifier": ARN, "guardrailVersion": "3"}}
"""The call as a plain client makes it."""

ALLOW: Final = {"Effect": "Allow", "Action": ["bedrock:InvokeModel*", "bedrock:ApplyGuardrail"], "Resource": "*"}
ALLOWING: Final = iam.PolicySet(identity=[{"Version": "2012-10-17", "Statement": ALLOW}])
