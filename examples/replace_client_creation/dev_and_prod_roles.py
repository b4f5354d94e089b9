"""
One application, two roles: development may use the development guardrail only, production the production guardrail only.

Shows that each role may call with its own guardrail. A role that is configured with the other guardrail is denied before
anything is sent, and the statement that denies it is printed. A fake Bedrock on loopback replaces AWS.
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
    """Write a policy that denies every model call without the guardrail of a stage."""
    without = {"StringNotEquals": {"bedrock:GuardrailIdentifier": GUARDRAILS[stage].key}}
    models = {"Action": "bedrock:InvokeModel*", "Resource": "*"}
    deny = {"Sid": f"Only{stage.title()}", "Effect": "Deny", **models, "Condition": without}
    allow = {"Effect": "Allow", "Action": ["bedrock:InvokeModel", "bedrock:ApplyGuardrail"], "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [allow, deny]}


def call(fake: FakeBedrock, role: str, guardrail: str) -> str:
    """Call a model as a role with a guardrail, and return the result in words."""
    guard = Guard(
        guardrails=[GUARDRAILS[guardrail]],
        policies=iam.PolicySet(identity=[policy(role)]),
        principal=f"arn:aws:iam::123456789012:role/{role.title()}",
    )
    client = guard.client("bedrock-runtime", **fake.client_kwargs())
    try:
        client.converse(modelId=MODEL, messages=[{"role": "user", "content": [{"text": "hello"}]}])
    except ExplicitDenyError as denied:
        deciding = [statement for item in denied.authorizations for statement in item.decision.statements]
        statements = [statement.sid for statement in deciding if statement.effect == "Deny"]
        return f"denied by {', '.join(statements)}"
    return "allowed"


with FakeBedrock(guardrails=[FakeGuardrail(one.arn, version=one.version) for one in GUARDRAILS.values()]) as server:
    for stage in GUARDRAILS:
        for other in GUARDRAILS:
            print(f"the {stage} role with the {other} guardrail: {call(server, stage, other)}")
    print(f"{len(server.requests)} requests were sent")
