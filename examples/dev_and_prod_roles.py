"""
One application, two roles: development may use the development guardrail only, production the production guardrail only.

Shows that each role gets through with its own guardrail, and that a role configured with the other's is denied before
anything is sent, with the statement that says so. A fake Bedrock on loopback stands in for AWS.
"""

from __future__ import annotations

from typing import Any

from guardedbedrock import ExplicitDenyError, Guard, Guardrail, iam
from guardedbedrock.testing import FakeBedrock, FakeGuardrail

MODEL = "anthropic.claude-3-haiku-20240307-v1:0"
GUARDRAILS = {
    "development": Guardrail("arn:aws:bedrock:us-east-1:123456789012:guardrail/dev000000001", version="7", name="development"),
    "production": Guardrail("arn:aws:bedrock:us-east-1:123456789012:guardrail/prod00000001", version="2", name="production"),
}


def policy(stage: str) -> dict[str, Any]:
    """Allow Bedrock, and deny every model call that does not carry the guardrail of a stage."""
    without = {"StringNotEquals": {"bedrock:GuardrailIdentifier": GUARDRAILS[stage].key}}
    models = {"Action": "bedrock:InvokeModel*", "Resource": "*"}
    deny = {"Sid": f"Only{stage.title()}", "Effect": "Deny", **models, "Condition": without}
    allow = {"Effect": "Allow", "Action": ["bedrock:InvokeModel", "bedrock:ApplyGuardrail"], "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [allow, deny]}


def call(fake: FakeBedrock, role: str, guardrail: str) -> str:
    """Make a call as a role, under a guardrail, and say what came of it."""
    guard = Guard(
        guardrails=[GUARDRAILS[guardrail]],
        policies=iam.PolicySet(identity=[policy(role)]),
        principal=f"arn:aws:iam::123456789012:role/{role.title()}",
    )
    client = guard.client("bedrock-runtime", **fake.client_kwargs())
    try:
        client.converse(modelId=MODEL, messages=[{"role": "user", "content": [{"text": "hello"}]}])
    except ExplicitDenyError as denied:
        statements = [one.sid for asked in denied.authorizations for one in asked.decision.statements if one.effect == "Deny"]
        return f"denied by {', '.join(statements)}"
    return "allowed"


with FakeBedrock(guardrails=[FakeGuardrail(one.arn, version=one.version) for one in GUARDRAILS.values()]) as server:
    for who in GUARDRAILS:
        for what in GUARDRAILS:
            print(f"the {who} role with the {what} guardrail: {call(server, who, what)}")
    print(f"{len(server.requests)} requests were sent")
