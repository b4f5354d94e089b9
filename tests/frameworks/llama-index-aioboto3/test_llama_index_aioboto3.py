"""llama-index-llms-bedrock-converse with aioboto3 installed: async calls use a separate client."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from frameworks.helpers import DENIED_KNOWLEDGE_BASE, DENIED_MODEL, KNOWLEDGE_BASE, MODEL, guarded
from llama_index.llms.bedrock_converse import BedrockConverse
from llama_index.retrievers.bedrock import AmazonKnowledgeBasesRetriever

from guardedbedrock import ExplicitDenyError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from guardedbedrock import Guard
    from guardedbedrock.testing import FakeBedrock


def made(guard: Guard, model: str = MODEL, **more: Any) -> BedrockConverse:
    """Create the model with a guarded client."""
    client = guard.client("bedrock-runtime", region_name="us-east-1")
    return BedrockConverse(model=model, client=client, region_name="us-east-1", **more)


def asked(guard: Guard, ask: Callable[[BedrockConverse], Awaitable[str]], model: str = MODEL) -> str:
    """Ask with a guarded async client."""

    async def run() -> str:
        async with guard.async_client("bedrock-runtime", region_name="us-east-1") as client:
            return await ask(made(guard, model, async_client=client))

    return asyncio.run(run())


async def complete(model: BedrockConverse) -> str:
    """Send a call and return the answer."""
    return str(await model.acomplete("hello there"))


async def stream(model: BedrockConverse) -> str:
    """Send a call and read the stream."""
    return "".join([str(chunk.delta) async for chunk in await model.astream_complete("hello there")])


def test_sync(fake: FakeBedrock, guard: Guard) -> None:
    assert str(made(guard).complete("hello there")) == "You said: hello there"
    assert guarded(fake) == ["Converse"]


def test_async(fake: FakeBedrock, guard: Guard) -> None:
    assert asked(guard, complete) == "You said: hello there"
    assert guarded(fake) == ["Converse"]


def test_async_stream(fake: FakeBedrock, guard: Guard) -> None:
    assert asked(guard, stream) == "You said: hello there"
    assert guarded(fake) == ["ConverseStream"]


@pytest.mark.parametrize("ask", [complete, stream])
def test_a_sync_client_alone_leaves_async_calls_unguarded(fake: FakeBedrock, guard: Guard, ask: Any) -> None:
    """A known limit: async calls do not use the client that was passed."""
    asyncio.run(ask(made(guard)))

    assert [request.guardrail for request in fake.requests] == [None]


@pytest.mark.parametrize("ask", [complete, stream])
def test_an_installed_guard_guards_them(fake: FakeBedrock, guard: Guard, ask: Any) -> None:
    with guard.install():
        asyncio.run(ask(made(guard)))

    assert len(guarded(fake)) == 1


@pytest.mark.parametrize("ask", [complete, stream])
def test_a_denial_is_raised_unchanged(fake: FakeBedrock, guard: Guard, ask: Any) -> None:
    with pytest.raises(ExplicitDenyError):
        asked(guard, ask, DENIED_MODEL)

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
