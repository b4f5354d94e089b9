"""
A guarded client inside LangChain: ``ChatBedrockConverse`` accepts it like any boto3 client.

Shows a reply, a stream, and a denial that reaches the application as the typed error. Requires ``langchain-aws``. A fake
Bedrock on loopback replaces AWS.
"""

from __future__ import annotations

import boto3
from langchain_aws import ChatBedrockConverse

from guardedbedrock import Guard, Guardrail, ImplicitDenyError, iam
from guardedbedrock.testing import FakeBedrock, FakeGuardrail

GUARDRAIL = Guardrail("arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456", version="3")
ALLOWED = "anthropic.claude-3-haiku-20240307-v1:0"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"],
            "Resource": f"arn:aws:bedrock:us-east-1::foundation-model/{ALLOWED}",
        },
        {"Effect": "Allow", "Action": "bedrock:ApplyGuardrail", "Resource": GUARDRAIL.arn},
    ],
}

with FakeBedrock(guardrails=[FakeGuardrail(GUARDRAIL.arn, version="3")]) as fake:
    guard = Guard(
        guardrails=[GUARDRAIL], policies=iam.PolicySet(identity=[POLICY]), principal="arn:aws:iam::123456789012:role/Chat"
    )
    runtime = guard.client("bedrock-runtime", **fake.client_kwargs())
    control = boto3.client("bedrock", **fake.client_kwargs())

    chat = ChatBedrockConverse(client=runtime, bedrock_client=control, model=ALLOWED)
    print(f"invoke: {chat.invoke('Hello there').text}")
    print(f"stream: {'|'.join(chunk.text for chunk in chat.stream('Hello again') if chunk.text)}")

    other = ChatBedrockConverse(client=runtime, bedrock_client=control, model="meta.llama3-8b-instruct-v1:0")
    try:
        other.invoke("Hello?")
    except ImplicitDenyError as denied:
        print(f"denied: {denied.action} on {denied.resource}\nfix:    {denied.hint}")

    for request in fake.requests:
        print(f"{request.operation} was sent with {' version '.join(request.guardrail or ('no guardrail',))}")
