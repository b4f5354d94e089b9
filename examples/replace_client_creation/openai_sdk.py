"""
The OpenAI SDK against Bedrock's Chat Completions API, with an approved guardrail in every request.

Shows a reply, a stream and a denial. The SDK sends a Bedrock API key with a guarded HTTP client, which adds the guardrail and
checks the policies. A denied request raises the SDK's own permission error. A fake Bedrock on loopback replaces AWS.
"""

from __future__ import annotations

from openai import OpenAI, PermissionDeniedError

from guardedbedrock import Guard, Guardrail, iam
from guardedbedrock.testing import FakeBedrock, FakeGuardrail

GUARDRAIL = "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456"
MODEL = "openai.gpt-oss-20b-1:0"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"],
            "Resource": f"arn:aws:bedrock:us-east-1::foundation-model/{MODEL}",
            "Condition": {"StringEquals": {"bedrock:GuardrailIdentifier": f"{GUARDRAIL}:3"}},
        },
        {"Effect": "Allow", "Action": "bedrock:ApplyGuardrail", "Resource": GUARDRAIL},
        {"Effect": "Allow", "Action": "bedrock:CallWithBearerToken", "Resource": "*"},
    ],
}
HELLO = [{"role": "user", "content": "Hello there"}]

with FakeBedrock(guardrails=[FakeGuardrail(GUARDRAIL, version="3", denied_words=("salary",))]) as fake:
    guard = Guard(
        guardrails=[Guardrail(GUARDRAIL, version="3", name="hr")],
        policies=iam.PolicySet(identity=[POLICY]),
        principal="arn:aws:iam::123456789012:role/HRBotServiceRole",
    )
    # At AWS, base_url is https://bedrock-runtime.us-east-1.amazonaws.com/openai/v1, and endpoint_url is not needed.
    http_client = guard.httpx2_client(endpoint_url=fake.endpoint_url, region_name=fake.region)
    with OpenAI(base_url=f"{fake.endpoint_url}/openai/v1", api_key="bedrock-api-key-example", http_client=http_client) as client:
        reply = client.chat.completions.create(model=MODEL, messages=HELLO)
        print("reply:", reply.choices[0].message.content)

        chunks = client.chat.completions.create(model=MODEL, messages=HELLO, stream=True)
        print("stream:", "|".join(chunk.choices[0].delta.content for chunk in chunks if chunk.choices[0].delta.content))

        try:
            client.chat.completions.create(model="openai.gpt-oss-120b-1:0", messages=HELLO)
        except PermissionDeniedError as error:
            denied = error.response.extensions["guardedbedrock_error"]
            print("denied:", denied.action, "on", denied.resource)

    for request in fake.requests:
        print(f"{request.operation} was sent with {' version '.join(request.guardrail)}")
