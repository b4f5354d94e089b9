"""
An HR chatbot whose every model call carries the HR guardrail, although the application code never names it.

Shows an answer, an intervention of the guardrail on a denied word, and a call for another team's model that is denied
before anything is sent. A fake Bedrock on loopback replaces AWS.
"""

from __future__ import annotations

from typing import Any

from guardedbedrock import Guard, Guardrail, PolicyDeniedError, iam
from guardedbedrock.testing import FakeBedrock, FakeGuardrail

HR_GUARDRAIL = "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456"
HR_ROLE = "arn:aws:iam::123456789012:role/HRBotServiceRole"
HR_MODEL = "anthropic.claude-3-haiku-20240307-v1:0"
FINANCE_MODEL = "amazon.titan-text-premier-v1:0"
HR_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "UseTheHRModelWithTheHRGuardrail",
            "Effect": "Allow",
            "Action": "bedrock:InvokeModel",
            "Resource": f"arn:aws:bedrock:us-east-1::foundation-model/{HR_MODEL}",
            "Condition": {"StringEquals": {"bedrock:GuardrailIdentifier": f"{HR_GUARDRAIL}:3"}},
        },
        {"Sid": "ApplyTheHRGuardrail", "Effect": "Allow", "Action": "bedrock:ApplyGuardrail", "Resource": HR_GUARDRAIL},
    ],
}


def ask(client: Any, model: str, question: str) -> None:
    """Ask a model and print the result."""
    print(f"\n{question}  [{model}]")
    try:
        reply = client.converse(modelId=model, messages=[{"role": "user", "content": [{"text": question}]}])
    except PolicyDeniedError as denied:
        print(f"  denied before sending: {denied.action} on {denied.resource}\n  fix: {denied.hint}")
    else:
        print(f"  {reply['stopReason']}: {reply['output']['message']['content'][0]['text']}")


with FakeBedrock(guardrails=[FakeGuardrail(HR_GUARDRAIL, version="3", denied_words=("salary",))]) as fake:
    guard = Guard(
        guardrails=[Guardrail(HR_GUARDRAIL, version="3", name="hr")],
        policies=iam.PolicySet(identity=[HR_POLICY]),
        principal=HR_ROLE,
    )
    bedrock = guard.client("bedrock-runtime", **fake.client_kwargs())
    fake.reply("You have twelve days left.")
    ask(bedrock, HR_MODEL, "How many days off do I have?")
    ask(bedrock, HR_MODEL, "What is the salary of my boss?")
    ask(bedrock, FINANCE_MODEL, "What did we earn last quarter?")
    guarded = all(request.guardrail == (HR_GUARDRAIL, "3") for request in fake.requests)
    print(f"\n{len(fake.requests)} requests were sent, {'all' if guarded else 'NOT all'} with the HR guardrail")
