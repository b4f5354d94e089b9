"""
A program for Claude 2 and its Text Completions API, streamed, with a guardrail, in both vocabularies.

Shows that a program with ``invoke_model_with_response_stream`` needs no change except its client. The policy names the action of
AWS, or the action of the article on IAM enforcement for guardrails. A fake Bedrock on loopback replaces AWS.
"""

from __future__ import annotations

import json
from typing import Any

from guardedbedrock import Guard, Guardrail, iam
from guardedbedrock.testing import FakeBedrock, FakeGuardrail

MODEL = "anthropic.claude-v2"
ROLE = "arn:aws:iam::123456789012:role/HRBot"
ACTIONS = {
    "aws": ["bedrock:InvokeModelWithResponseStream", "bedrock:ApplyGuardrail"],
    "invoke-with-guardrail": ["bedrock:InvokeModelWithGuardrail"],
}
IDS = {"aws": "hr0000000001", "invoke-with-guardrail": "G-HR-Compliance"}


def complete(client: Any, question: str) -> str:
    """Stream a completion and return its text."""
    body = json.dumps({"prompt": f"\n\nHuman: {question}\n\nAssistant:", "max_tokens_to_sample": 300})
    response = client.invoke_model_with_response_stream(modelId=MODEL, body=body)
    return "".join(json.loads(event["chunk"]["bytes"])["completion"] for event in response["body"])


for vocabulary, actions in ACTIONS.items():
    allow = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": actions, "Resource": "*"}}
    options: dict[str, Any] = {"policies": iam.PolicySet(identity=[allow]), "principal": ROLE, "vocabulary": vocabulary}
    arn = f"arn:aws:bedrock:us-east-1:123456789012:guardrail/{IDS[vocabulary]}"
    strict = FakeGuardrail(arn, denied_words=("salary",), blocked_input="Ask HR.")
    with FakeBedrock(guardrails=[strict], **options) as fake:
        guard = Guard(guardrails=[Guardrail(arn, version="1")], **options)
        bedrock = guard.client("bedrock-runtime", **fake.client_kwargs())
        print(f"{vocabulary}: {complete(bedrock, 'How many days of leave do I have?')}")
        print(f"{vocabulary}: {complete(bedrock, 'What is the salary of Jane?')}")
