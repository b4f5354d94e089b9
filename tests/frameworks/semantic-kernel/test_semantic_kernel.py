"""semantic-kernel accepts clients, although its documentation says that it does not support guardrails."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from frameworks.helpers import DENIED_MODEL, MODEL, guarded
from semantic_kernel.connectors.ai.bedrock import BedrockChatCompletion, BedrockChatPromptExecutionSettings
from semantic_kernel.contents import ChatHistory

from guardedbedrock import ExplicitDenyError

if TYPE_CHECKING:
    from guardedbedrock import Guard
    from guardedbedrock.testing import FakeBedrock

SETTINGS = BedrockChatPromptExecutionSettings()


def made(guard: Guard, model: str = MODEL) -> BedrockChatCompletion:
    """Create the service with guarded clients."""
    runtime, control = (guard.client(name, region_name="us-east-1") for name in ("bedrock-runtime", "bedrock"))
    return BedrockChatCompletion(model_id=model, runtime_client=runtime, client=control)


def history() -> ChatHistory:
    """Say hello."""
    said = ChatHistory()
    said.add_user_message("hello there")
    return said


async def ask(service: BedrockChatCompletion) -> str:
    """Send a call and return the answer."""
    return str(await service.get_chat_message_content(history(), SETTINGS))


def test_async(fake: FakeBedrock, guard: Guard) -> None:
    assert asyncio.run(ask(made(guard))) == "You said: hello there"
    assert guarded(fake) == ["Converse"]


def test_async_stream(fake: FakeBedrock, guard: Guard) -> None:
    async def stream() -> str:
        chunks = made(guard).get_streaming_chat_message_content(history(), SETTINGS)
        return "".join([str(chunk) async for chunk in chunks])

    assert asyncio.run(stream()) == "You said: hello there"
    assert guarded(fake) == ["ConverseStream"]


def test_a_service_that_creates_its_own_clients(fake: FakeBedrock, guard: Guard) -> None:
    with guard.install():
        asyncio.run(ask(BedrockChatCompletion(model_id=MODEL)))

    assert guarded(fake) == ["Converse"]


def test_a_denial_is_raised_unchanged(fake: FakeBedrock, guard: Guard) -> None:
    with pytest.raises(ExplicitDenyError):
        asyncio.run(ask(made(guard, DENIED_MODEL)))

    assert fake.requests == []
