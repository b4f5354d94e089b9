"""
A chat over documents: embed the question, ask the knowledge base, and let a model shorten the answer.

Shows one guarded session that creates the clients of both services. The guard adds the guardrail to the calls that can carry
one; the embedding model takes none, which the guard reports. A fake Bedrock on loopback replaces AWS.
"""

from __future__ import annotations

import json

import boto3

from guardedbedrock import Guard, Guardrail
from guardedbedrock.testing import FakeBedrock, FakeGuardrail

HR_GUARDRAIL = "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456"
EMBEDDING_MODEL = "amazon.titan-embed-text-v2:0"
CHAT_MODEL = "anthropic.claude-3-haiku-20240307-v1:0"
KNOWLEDGE_BASE = {
    "type": "KNOWLEDGE_BASE",
    "knowledgeBaseConfiguration": {"knowledgeBaseId": "HRDOCS0001", "modelArn": CHAT_MODEL},
}
QUESTION = "How many days of leave do I have?"

with FakeBedrock(guardrails=[FakeGuardrail(HR_GUARDRAIL, version="3", denied_words=("salary",))]) as fake:
    guard = Guard(guardrails=[Guardrail(HR_GUARDRAIL, version="3", name="hr")])
    session = guard.session(boto3.Session())
    models = session.client("bedrock-runtime", **fake.client_kwargs())
    documents = session.client("bedrock-agent-runtime", **fake.client_kwargs())

    embedded = models.invoke_model(modelId=EMBEDDING_MODEL, body=json.dumps({"inputText": QUESTION}))
    print(f"embedded in {len(json.loads(embedded['body'].read())['embedding'])} dimensions")

    fake.reply("The handbook says: twenty-five days.", operation="RetrieveAndGenerate")
    found = documents.retrieve_and_generate(input={"text": QUESTION}, retrieveAndGenerateConfiguration=KNOWLEDGE_BASE)
    print(f"knowledge base: {found['output']['text']} (guardrail: {found['guardrailAction']})")

    fake.reply("Twenty-five.", operation="Converse")
    shorten = [{"role": "user", "content": [{"text": f"Shorten: {found['output']['text']}"}]}]
    reply = models.converse(modelId=CHAT_MODEL, messages=shorten)
    print(f"model: {reply['output']['message']['content'][0]['text']}")

    asked = documents.retrieve_and_generate(
        input={"text": "What is the salary of my boss?"}, retrieveAndGenerateConfiguration=KNOWLEDGE_BASE
    )
    print(f"knowledge base: {asked['output']['text']} (guardrail: {asked['guardrailAction']})")
    for request in fake.requests:
        print(f"{request.operation} was sent with {' version '.join(request.guardrail) if request.guardrail else 'no guardrail'}")
