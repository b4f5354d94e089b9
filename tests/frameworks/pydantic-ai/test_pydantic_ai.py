"""The provider of pydantic-ai accepts a client of boto3, and that of its OpenAI model an HTTP client."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from frameworks.helpers import DENIED_MODEL, MODEL, async_http_client, denial, guarded
from pydantic_ai import Agent
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.models.bedrock import BedrockConverseModel
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.bedrock import BedrockProvider
from pydantic_ai.providers.openai import OpenAIProvider

from guardedbedrock import ExplicitDenyError
from guardedbedrock.testing import ToolUse

if TYPE_CHECKING:
    from guardedbedrock import Guard
    from guardedbedrock.testing import FakeBedrock


def made(guard: Guard, model: str = MODEL) -> Agent:
    """Create the agent with a guarded client."""
    provider = BedrockProvider(bedrock_client=guard.client("bedrock-runtime", region_name="us-east-1"))
    return Agent(BedrockConverseModel(model, provider=provider))


def test_sync(fake: FakeBedrock, guard: Guard) -> None:
    assert made(guard).run_sync("hello there").output == "You said: hello there"
    assert guarded(fake) == ["Converse"]


def test_async(fake: FakeBedrock, guard: Guard) -> None:
    assert asyncio.run(made(guard).run("hello there")).output == "You said: hello there"
    assert guarded(fake) == ["Converse"]


def test_async_stream(fake: FakeBedrock, guard: Guard) -> None:
    async def ask() -> str:
        async with made(guard).run_stream("hello there") as stream:
            return "".join([text async for text in stream.stream_text(delta=True)])

    assert asyncio.run(ask()) == "You said: hello there"
    assert guarded(fake) == ["ConverseStream"]


def test_tools(fake: FakeBedrock, guard: Guard) -> None:
    fake.reply(ToolUse("days_of_leave", {"year": 2024}), "It is 24.")
    agent = made(guard)
    asked = []

    @agent.tool_plain
    def days_of_leave(year: int) -> int:
        """Count the days of leave of a year."""
        asked.append(year)
        return year - 2000

    assert agent.run_sync("How many days?").output == "It is 24."
    assert asked == [2024]
    assert guarded(fake) == ["Converse", "Converse"]


def test_a_model_by_name_creates_its_own_client(fake: FakeBedrock, guard: Guard) -> None:
    with guard.install():
        Agent(f"bedrock:{MODEL}").run_sync("hello there")

    assert guarded(fake) == ["Converse"]


def test_a_denial_is_the_cause_of_the_framework_error(fake: FakeBedrock, guard: Guard) -> None:
    with pytest.raises(ModelHTTPError) as denied:
        made(guard, DENIED_MODEL).run_sync("hello there")

    assert denied.value.status_code == 403
    assert isinstance(denial(denied.value), ExplicitDenyError)
    assert fake.requests == []


def openai_agent(guard: Guard, model: str = MODEL) -> Agent:
    """Create an agent that calls Chat Completions on the runtime endpoint."""
    return Agent(OpenAIChatModel(model, provider=OpenAIProvider(http_client=async_http_client(guard))))


def test_the_openai_model(fake: FakeBedrock, guard: Guard) -> None:
    assert openai_agent(guard).run_sync("hello there").output == "You said: hello there"
    assert guarded(fake) == ["ChatCompletions"]


def test_a_stream_of_the_openai_model(fake: FakeBedrock, guard: Guard) -> None:
    async def ask() -> str:
        async with openai_agent(guard).run_stream("hello there") as stream:
            return "".join([text async for text in stream.stream_text(delta=True)])

    assert asyncio.run(ask()) == "You said: hello there"
    assert guarded(fake) == ["ChatCompletionsStream"]


def test_a_denial_in_the_openai_model_is_a_403(fake: FakeBedrock, guard: Guard) -> None:
    with pytest.raises(ModelHTTPError) as denied:
        openai_agent(guard, DENIED_MODEL).run_sync("hello there")

    assert denied.value.status_code == 403
    assert isinstance(denial(denied.value), ExplicitDenyError)
    assert fake.requests == []
