"""langchain-aws accepts a client; its chat on the Anthropic SDK accepts none."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import boto3
import pytest
from frameworks.helpers import DENIED_KNOWLEDGE_BASE, DENIED_MODEL, HR, KNOWLEDGE_BASE, MODEL, guarded
from langchain_aws import (
    AmazonKnowledgeBasesRetriever,
    BedrockEmbeddings,
    BedrockRerank,
    ChatAnthropicBedrock,
    ChatBedrock,
    ChatBedrockConverse,
)
from langchain_core.tools import tool

from guardedbedrock import ExplicitDenyError, GuardrailNotApprovedError
from guardedbedrock.testing import FakeBedrock, FakeKnowledgeBase, ToolUse

if TYPE_CHECKING:
    from guardedbedrock import Guard

REGION: Final = "us-east-1"
CHATS: Final = [
    (ChatBedrockConverse, "Converse", "ConverseStream"),
    (ChatBedrock, "InvokeModel", "InvokeModelWithResponseStream"),
]


@tool
def days_of_leave(year: int) -> int:
    """Count the days of leave of a year."""
    return year - 2000


def made(chat: Any, guard: Guard, model: str = MODEL) -> Any:
    """Create the chat with a guarded client."""
    return chat(model=model, client=guard.client("bedrock-runtime", region_name=REGION), region_name=REGION)


@pytest.mark.parametrize(("chat", "operation", "_"), CHATS)
def test_sync(fake: FakeBedrock, guard: Guard, chat: Any, operation: str, _: str) -> None:
    assert made(chat, guard).invoke("hello there").text == "You said: hello there"
    assert guarded(fake) == [operation]


@pytest.mark.parametrize(("chat", "_", "operation"), CHATS)
def test_sync_stream(fake: FakeBedrock, guard: Guard, chat: Any, operation: str, _: str) -> None:
    assert "".join(chunk.text for chunk in made(chat, guard).stream("hello there")) == "You said: hello there"
    assert guarded(fake) == [operation]


@pytest.mark.parametrize(("chat", "operation", "_"), CHATS)
def test_async(fake: FakeBedrock, guard: Guard, chat: Any, operation: str, _: str) -> None:
    assert asyncio.run(made(chat, guard).ainvoke("hello there")).text == "You said: hello there"
    assert guarded(fake) == [operation]


@pytest.mark.parametrize(("chat", "_", "operation"), CHATS)
def test_async_stream(fake: FakeBedrock, guard: Guard, chat: Any, operation: str, _: str) -> None:
    async def ask() -> str:
        return "".join([chunk.text async for chunk in made(chat, guard).astream("hello there")])

    assert asyncio.run(ask()) == "You said: hello there"
    assert guarded(fake) == [operation]


@pytest.mark.parametrize(("chat", "operation", "_"), CHATS)
def test_tools(fake: FakeBedrock, guard: Guard, chat: Any, operation: str, _: str) -> None:
    fake.reply(ToolUse("days_of_leave", {"year": 2024}))
    (call,) = made(chat, guard).bind_tools([days_of_leave]).invoke("How many days?").tool_calls

    assert days_of_leave.invoke(call).content == "24"
    assert guarded(fake) == [operation]


@pytest.mark.parametrize(("chat", "_", "operation"), CHATS)
def test_tools_in_a_stream(fake: FakeBedrock, guard: Guard, chat: Any, operation: str, _: str) -> None:
    fake.reply(ToolUse("days_of_leave", {"year": 2024}))
    first, *rest = made(chat, guard).bind_tools([days_of_leave]).stream("How many days?")

    assert [call["args"] for call in sum(rest, first).tool_calls] == [{"year": 2024}]
    assert guarded(fake) == [operation]


@pytest.mark.parametrize(("chat", "operation", "_"), CHATS)
def test_a_chat_that_creates_its_own_client(fake: FakeBedrock, guard: Guard, chat: Any, operation: str, _: str) -> None:
    with guard.install():
        chat(model=MODEL, region_name=REGION).invoke("hello there")

    assert guarded(fake) == [operation]


@pytest.mark.parametrize("chat", [ChatBedrockConverse, ChatBedrock])
def test_a_denial_is_raised_unchanged(fake: FakeBedrock, guard: Guard, chat: Any) -> None:
    with pytest.raises(ExplicitDenyError):
        made(chat, guard, DENIED_MODEL).invoke("hello there")

    assert fake.requests == []


def retriever(guard: Guard, knowledge_base: str = KNOWLEDGE_BASE, **more: Any) -> AmazonKnowledgeBasesRetriever:
    client = guard.client("bedrock-agent-runtime", region_name=REGION)
    return AmazonKnowledgeBasesRetriever(knowledge_base_id=knowledge_base, client=client, region_name=REGION, **more)


def test_a_retriever(fake: FakeBedrock, guard: Guard) -> None:
    assert [document.page_content for document in retriever(guard).invoke("hello there")] == ["You said: hello there"]
    assert guarded(fake) == ["Retrieve"]


def test_an_async_retriever(fake: FakeBedrock, guard: Guard) -> None:
    (document,) = asyncio.run(retriever(guard).ainvoke("hello there"))

    assert document.page_content == "You said: hello there"
    assert guarded(fake) == ["Retrieve"]


def test_a_retriever_that_creates_its_own_client(fake: FakeBedrock, guard: Guard) -> None:
    with guard.install():
        AmazonKnowledgeBasesRetriever(knowledge_base_id=KNOWLEDGE_BASE, region_name=REGION).invoke("hello there")

    assert guarded(fake) == ["Retrieve"]


def test_a_denied_knowledge_base_is_not_asked(fake: FakeBedrock, guard: Guard) -> None:
    with pytest.raises(ExplicitDenyError):
        retriever(guard, DENIED_KNOWLEDGE_BASE).invoke("hello there")

    assert fake.requests == []


def test_the_guardrail_of_a_retriever_must_be_approved(fake: FakeBedrock, guard: Guard) -> None:
    with pytest.raises(GuardrailNotApprovedError):
        retriever(guard, guardrail_config={"guardrailId": HR.id, "guardrailVersion": "1"}).invoke("hello there")

    assert fake.requests == []


DOCUMENTS: Final = ["Lunch is at noon.", "Employees have twelve days of leave."]


def test_a_retriever_finds_documents_of_the_fake() -> None:
    """The best document comes first, with its source and its score."""
    with FakeBedrock(knowledge_bases=[FakeKnowledgeBase("HANDBOOK01", DOCUMENTS)]) as own:
        client = boto3.client("bedrock-agent-runtime", **own.client_kwargs())
        documents = AmazonKnowledgeBasesRetriever(
            knowledge_base_id="HANDBOOK01",
            client=client,
            region_name=REGION,
            retrieval_config={"vectorSearchConfiguration": {"numberOfResults": 1}},
        ).invoke("days of leave")

    assert [document.page_content for document in documents] == [DOCUMENTS[1]]
    assert documents[0].metadata["location"]["s3Location"]["uri"] == "s3://knowledge-base/HANDBOOK01/2.txt"
    assert documents[0].metadata["score"] == 1.0


@pytest.mark.parametrize(
    ("model", "size"),
    [("amazon.titan-embed-text-v1", 1536), ("amazon.titan-embed-text-v2:0", 1024), ("cohere.embed-english-v3", 1024)],
)
def test_embeddings_have_the_size_of_their_model(model: str, size: int) -> None:
    """The same text has the same vector."""
    with FakeBedrock() as own:
        client = boto3.client("bedrock-runtime", **own.client_kwargs())
        embeddings = BedrockEmbeddings(client=client, model_id=model, region_name=REGION)
        first, second, other = embeddings.embed_documents(["hello", "hello", "there"])

    assert first == second != other
    assert len(first) == size


def test_rerank_orders_documents() -> None:
    """The best first, with its index."""
    with FakeBedrock() as own:
        client = boto3.client("bedrock-agent-runtime", **own.client_kwargs())
        arn = f"arn:aws:bedrock:{REGION}::foundation-model/amazon.rerank-v1:0"
        ranked = BedrockRerank(client=client, model_arn=arn, region_name=REGION).rerank(DOCUMENTS, "days of leave", top_n=1)

    assert [(each["index"], each["relevance_score"]) for each in ranked] == [(1, 1.0)]


def anthropic_chat(model: str = MODEL) -> ChatAnthropicBedrock:
    return ChatAnthropicBedrock(model=model, region_name=REGION, max_tokens=9, max_retries=0)


def test_the_chat_of_the_anthropic_sdk(fake: FakeBedrock, guard: Guard) -> None:
    with guard.install(strict=True):
        assert anthropic_chat().invoke("hello there").text == "You said: hello there"
        assert asyncio.run(anthropic_chat().ainvoke("hello there")).text == "You said: hello there"

    assert guarded(fake) == ["InvokeModel", "InvokeModel"]


def test_a_stream_of_the_chat_of_the_anthropic_sdk(fake: FakeBedrock, guard: Guard) -> None:
    with guard.install(strict=True):
        assert "".join(chunk.text for chunk in anthropic_chat().stream("hello there")) == "You said: hello there"

    assert guarded(fake) == ["InvokeModelWithResponseStream"]


def test_a_denial_in_the_chat_of_the_anthropic_sdk_is_raised_unchanged(fake: FakeBedrock, guard: Guard) -> None:
    with guard.install(strict=True), pytest.raises(ExplicitDenyError):
        anthropic_chat(DENIED_MODEL).invoke("hello there")

    assert fake.requests == []
