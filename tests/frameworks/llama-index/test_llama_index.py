"""llama-index accepts a client for models; without aioboto3, async calls use it in threads. The retriever accepts none."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from frameworks.helpers import DENIED_KNOWLEDGE_BASE, DENIED_MODEL, KNOWLEDGE_BASE, MODEL, guarded
from llama_index.llms.bedrock_converse import BedrockConverse
from llama_index.retrievers.bedrock import AmazonKnowledgeBasesRetriever

from guardedbedrock import ExplicitDenyError

if TYPE_CHECKING:
    from guardedbedrock import Guard
    from guardedbedrock.testing import FakeBedrock


def made(guard: Guard, model: str = MODEL) -> BedrockConverse:
    """Create the model with a guarded client."""
    return BedrockConverse(model=model, client=guard.client("bedrock-runtime", region_name="us-east-1"), region_name="us-east-1")


def test_sync(fake: FakeBedrock, guard: Guard) -> None:
    assert str(made(guard).complete("hello there")) == "You said: hello there"
    assert guarded(fake) == ["Converse"]


def test_sync_stream(fake: FakeBedrock, guard: Guard) -> None:
    assert "".join(str(chunk.delta) for chunk in made(guard).stream_complete("hello there")) == "You said: hello there"
    assert guarded(fake) == ["ConverseStream"]


def test_async(fake: FakeBedrock, guard: Guard) -> None:
    async def ask() -> str:
        return str(await made(guard).acomplete("hello there"))

    assert asyncio.run(ask()) == "You said: hello there"
    assert guarded(fake) == ["Converse"]


def test_async_stream(fake: FakeBedrock, guard: Guard) -> None:
    async def ask() -> str:
        return "".join([str(chunk.delta) async for chunk in await made(guard).astream_complete("hello there")])

    assert asyncio.run(ask()) == "You said: hello there"
    assert guarded(fake) == ["ConverseStream"]


def test_a_model_that_creates_its_own_client(fake: FakeBedrock, guard: Guard) -> None:
    with guard.install():
        BedrockConverse(model=MODEL, region_name="us-east-1").complete("hello there")

    assert guarded(fake) == ["Converse"]


def test_a_denial_is_raised_unchanged(fake: FakeBedrock, guard: Guard) -> None:
    with pytest.raises(ExplicitDenyError):
        made(guard, DENIED_MODEL).complete("hello there")

    assert fake.requests == []


def retriever(knowledge_base: str = KNOWLEDGE_BASE) -> AmazonKnowledgeBasesRetriever:
    return AmazonKnowledgeBasesRetriever(knowledge_base_id=knowledge_base, retrieval_config={}, region_name="us-east-1")


def test_a_retriever(fake: FakeBedrock, guard: Guard) -> None:
    with guard.install():
        (found,) = retriever().retrieve("hello there")

    assert found.node.text == "You said: hello there"
    assert guarded(fake) == ["Retrieve"]


def test_an_async_retriever(fake: FakeBedrock, guard: Guard) -> None:
    with guard.install():
        (found,) = asyncio.run(retriever().aretrieve("hello there"))

    assert found.node.text == "You said: hello there"
    assert guarded(fake) == ["Retrieve"]


def test_a_denied_knowledge_base_is_not_asked(fake: FakeBedrock, guard: Guard) -> None:
    with guard.install(), pytest.raises(ExplicitDenyError):
        retriever(DENIED_KNOWLEDGE_BASE).retrieve("hello there")

    assert fake.requests == []
