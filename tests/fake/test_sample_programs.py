"""Nine everyday programs, each as short as its sample: they run over the fake without a change."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from guardedbedrock.testing import FakeBedrock, FakeGuardrail, named_tools

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MODEL = "anthropic.claude-sonnet-4-20250514-v1:0"
MODEL_ARN = f"arn:aws:bedrock:us-east-1::foundation-model/{MODEL}"
ROLE = "arn:aws:iam::123456789012:role/Jobs"
GUARDRAIL = {"guardrailIdentifier": "abc123def456", "guardrailVersion": "1"}


@pytest.fixture
def fake() -> Iterator[FakeBedrock]:
    """A fake with a guardrail."""
    with FakeBedrock(guardrails=[FakeGuardrail("abc123def456", denied_words=("salary",))]) as running:
        yield running


@pytest.fixture
def connect(fake: FakeBedrock) -> Callable[[str], Any]:
    """Return a function that creates a client of a service."""
    session = boto3.Session()
    return lambda service: session.client(service, **fake.client_kwargs())


def test_chat(connect: Callable[[str], Any]) -> None:
    """A conversation of several turns: the program appends each answer."""
    runtime = connect("bedrock-runtime")
    messages: list[dict[str, Any]] = []
    for question in ("Hello", "And now?", "Thanks"):
        messages.append({"role": "user", "content": [{"text": question}]})
        messages.append(runtime.converse(modelId=MODEL, messages=messages)["output"]["message"])

    assert [message["content"][0]["text"] for message in messages[1::2]] == [
        "You said: Hello",
        "You said: And now?",
        "You said: Thanks",
    ]


def test_tools(fake: FakeBedrock, connect: Callable[[str], Any]) -> None:
    """A loop that calls tools until the model stops asking for them."""
    fake.reply(named_tools(), times=None)
    schema = {"type": "object", "properties": {"sign": {"type": "string"}}, "required": ["sign"]}
    tools = {"tools": [{"toolSpec": {"name": "top_song", "inputSchema": {"json": schema}}}]}
    runtime = connect("bedrock-runtime")
    called: list[dict[str, Any]] = []
    messages: list[dict[str, Any]] = [{"role": "user", "content": [{"text": "Call top_song for WZPZ."}]}]

    while True:
        reply = runtime.converse(modelId=MODEL, messages=messages, toolConfig=tools)
        messages.append(reply["output"]["message"])
        if reply["stopReason"] != "tool_use":
            break
        uses = [block["toolUse"] for block in reply["output"]["message"]["content"] if "toolUse" in block]
        called += [use["input"] for use in uses]
        results = [{"toolResult": {"toolUseId": use["toolUseId"], "content": [{"json": {"song": "Elemental"}}]}} for use in uses]
        messages.append({"role": "user", "content": results})

    assert called == [{"sign": "text"}]
    assert "Elemental" in messages[-1]["content"][0]["text"]


def test_prompt_caching(connect: Callable[[str], Any]) -> None:
    """The second question reads the document from the cache."""
    runtime = connect("bedrock-runtime")
    system = [{"text": "The handbook. " * 400}, {"cachePoint": {"type": "default"}}]
    usages = []
    for question in ("What is it?", "Who wrote it?"):
        messages = [{"role": "user", "content": [{"text": question}]}]
        usages.append(runtime.converse(modelId=MODEL, system=system, messages=messages)["usage"])

    assert usages[0]["cacheWriteInputTokens"] == usages[1]["cacheReadInputTokens"] == 1400
    assert usages[0]["cacheReadInputTokens"] == usages[1]["cacheWriteInputTokens"] == 0


def test_multimodal(connect: Callable[[str], Any]) -> None:
    """A picture, a document and a question."""
    content = [
        {"image": {"format": "png", "source": {"bytes": b"\x89PNG"}}},
        {"document": {"name": "report", "format": "pdf", "source": {"bytes": b"%PDF"}}},
        {"text": "What is this?"},
    ]

    reply = connect("bedrock-runtime").converse(modelId=MODEL, messages=[{"role": "user", "content": content}])

    assert reply["output"]["message"]["content"] == [{"text": "You said: What is this?"}]


def test_apply_guardrail_to_a_stream(fake: FakeBedrock, connect: Callable[[str], Any]) -> None:
    """The program assesses the text in parts, and stops at the first intervention."""
    fake.reply("One two three. The salary is high. Never shown.")
    runtime, shown, part = connect("bedrock-runtime"), "", ""
    messages = [{"role": "user", "content": [{"text": "Tell me."}]}]
    with closing(runtime.converse_stream(modelId=MODEL, messages=messages)["stream"]) as stream:
        for event in stream:
            part += event.get("contentBlockDelta", {}).get("delta", {}).get("text", "")
            if part.endswith("."):
                found = runtime.apply_guardrail(**GUARDRAIL, source="OUTPUT", content=[{"text": {"text": part}}])
                if found["action"] == "GUARDRAIL_INTERVENED":
                    break
                shown, part = shown + part, ""

    assert shown == "One two three."


def test_retrieval_augmented_generation(connect: Callable[[str], Any]) -> None:
    """Create a knowledge base, ingest a document, wait for the job, and ask a question."""
    agents, vectors = connect("bedrock-agent"), {"embeddingModelArn": MODEL_ARN}
    made = agents.create_knowledge_base(
        name="handbook",
        roleArn=ROLE,
        knowledgeBaseConfiguration={"type": "VECTOR", "vectorKnowledgeBaseConfiguration": vectors},
    )
    base = {"knowledgeBaseId": made["knowledgeBase"]["knowledgeBaseId"]}
    source = agents.create_data_source(**base, name="notes", dataSourceConfiguration={"type": "CUSTOM"})["dataSource"]
    key = {**base, "dataSourceId": source["dataSourceId"]}
    note = {
        "customDocumentIdentifier": {"id": "leave"},
        "sourceType": "IN_LINE",
        "inlineContent": {"type": "TEXT", "textContent": {"data": "Leave is twelve days."}},
    }
    agents.ingest_knowledge_base_documents(**key, documents=[{"content": {"dataSourceType": "CUSTOM", "custom": note}}])
    job = agents.start_ingestion_job(**key)["ingestionJob"]
    while job["status"] not in {"COMPLETE", "FAILED"}:
        job = agents.get_ingestion_job(**key, ingestionJobId=job["ingestionJobId"])["ingestionJob"]

    reply = connect("bedrock-agent-runtime").retrieve_and_generate(
        input={"text": "How much leave?"},
        retrieveAndGenerateConfiguration={
            "type": "KNOWLEDGE_BASE",
            "knowledgeBaseConfiguration": {**base, "modelArn": MODEL_ARN},
        },
    )

    assert job["statistics"]["numberOfNewDocumentsIndexed"] == 1
    assert reply["output"]["text"] == "Leave is twelve days."
    assert len(reply["citations"]) == 1


def test_agent(connect: Callable[[str], Any]) -> None:
    """Create an agent with an action group, prepare it, publish it under an alias, ask it, and delete everything."""
    agents = connect("bedrock-agent")
    made = agents.create_agent(agentName="hr", foundationModel=MODEL, agentResourceRoleArn=ROLE)["agent"]
    draft = {"agentId": made["agentId"], "agentVersion": "DRAFT"}
    group = agents.create_agent_action_group(
        **draft,
        actionGroupName="leave",
        actionGroupExecutor={"customControl": "RETURN_CONTROL"},
        functionSchema={"functions": [{"name": "days_left"}]},
    )["agentActionGroup"]
    agents.prepare_agent(agentId=made["agentId"])
    alias = agents.create_agent_alias(agentId=made["agentId"], agentAliasName="live")["agentAlias"]
    call = {"agentId": made["agentId"], "agentAliasId": alias["agentAliasId"], "sessionId": "s1", "inputText": "How much leave?"}

    with closing(connect("bedrock-agent-runtime").invoke_agent(**call)["completion"]) as stream:
        answer = b"".join(event["chunk"]["bytes"] for event in stream if "chunk" in event).decode()

    assert "How much leave?" in answer
    agents.update_agent_action_group(
        **draft, actionGroupId=group["actionGroupId"], actionGroupName="leave", actionGroupState="DISABLED"
    )
    agents.delete_agent_action_group(**draft, actionGroupId=group["actionGroupId"])
    agents.delete_agent_alias(agentId=made["agentId"], agentAliasId=alias["agentAliasId"])
    agents.delete_agent(agentId=made["agentId"])
    assert agents.list_agents()["agentSummaries"] == []


def test_flow(connect: Callable[[str], Any]) -> None:
    """Create a flow, prepare it, publish a version under an alias, and run it."""
    agents = connect("bedrock-agent")
    flow = agents.create_flow(name="answer", executionRoleArn=ROLE)["id"]
    agents.prepare_flow(flowIdentifier=flow)
    version = agents.create_flow_version(flowIdentifier=flow)["version"]
    routes = [{"flowVersion": version}]
    alias = agents.create_flow_alias(flowIdentifier=flow, name="live", routingConfiguration=routes)["id"]
    inputs = [{"content": {"document": "hello"}, "nodeName": "FlowInputNode", "nodeOutputName": "document"}]
    call = {"flowIdentifier": flow, "flowAliasIdentifier": alias, "inputs": inputs}

    with closing(connect("bedrock-agent-runtime").invoke_flow(**call)["responseStream"]) as stream:
        events = list(stream)

    outputs = [event["flowOutputEvent"]["content"]["document"] for event in events if "flowOutputEvent" in event]
    assert outputs == ["You said: hello"]
    assert next(iter(events[-1])) == "flowCompletionEvent"


def test_batch(connect: Callable[[str], Any]) -> None:
    """Submit a job and poll it until it ends."""
    control = connect("bedrock")
    statuses: list[str] = []
    job = control.create_model_invocation_job(
        jobName="nightly",
        modelId=MODEL,
        roleArn=ROLE,
        inputDataConfig={"s3InputDataConfig": {"s3Uri": "s3://bucket/in.jsonl"}},
        outputDataConfig={"s3OutputDataConfig": {"s3Uri": "s3://bucket/out/"}},
    )
    while not statuses or statuses[-1] not in {"Completed", "Failed", "Stopped"}:
        statuses.append(control.get_model_invocation_job(jobIdentifier=job["jobArn"])["status"])

    assert statuses == ["Submitted", "InProgress", "Completed"]
