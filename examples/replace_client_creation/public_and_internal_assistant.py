"""
One client, two audiences: the internal guardrail is the default, and ``guard.using`` chooses the stricter one for customers.

Shows the same question answered for an employee and blocked for a customer. A fake Bedrock on loopback replaces AWS.
"""

from __future__ import annotations

from typing import Any

from guardedbedrock import Guard, Guardrail
from guardedbedrock.testing import FakeBedrock, FakeGuardrail

MODEL = "anthropic.claude-3-haiku-20240307-v1:0"
INTERNAL = "arn:aws:bedrock:us-east-1:123456789012:guardrail/internal0001"
CUSTOMER = "arn:aws:bedrock:us-east-1:123456789012:guardrail/customer0001"
QUESTION = "When does project Falcon launch?"


def answer(client: Any, question: str) -> str:
    """Ask the model. This function does not choose the guardrail."""
    reply = client.converse(modelId=MODEL, messages=[{"role": "user", "content": [{"text": question}]}])
    return reply["output"]["message"]["content"][0]["text"]


guard = Guard(
    guardrails=[
        Guardrail(INTERNAL, version="1", name="internal"),
        Guardrail(CUSTOMER, version="4", name="customer-facing"),
    ]
)
on_the_server = [
    FakeGuardrail(INTERNAL, version="1", pii={"EMAIL": "anonymize"}),
    FakeGuardrail(CUSTOMER, version="4", denied_topics={"unreleased": ("falcon",)}, blocked_input="I cannot talk about that."),
]

with FakeBedrock(guardrails=on_the_server) as fake:
    bedrock = guard.client("bedrock-runtime", **fake.client_kwargs())
    fake.reply("In May, says boss@example.com.")
    print(f"internal:        {answer(bedrock, QUESTION)}")
    with guard.using("customer-facing"):
        print(f"customer-facing: {answer(bedrock, QUESTION)}")
    for request in fake.requests:
        print(f"{request.operation} was sent with {' version '.join(request.guardrail or ('no guardrail',))}")
