"""strands-agents accepts a session."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from frameworks.helpers import DENIED_KNOWLEDGE_BASE, DENIED_MODEL, KNOWLEDGE_BASE, MODEL, guarded
from strands import Agent, tool
from strands.models import BedrockModel
from strands_tools import retrieve

from guardedbedrock import ExplicitDenyError
from guardedbedrock.testing import ToolUse

if TYPE_CHECKING:
    from guardedbedrock import Guard
    from guardedbedrock.testing import FakeBedrock


@tool
def days_of_leave(year: int) -> int:
    """Count the days of leave of a year."""
    return year - 2000


def made(guard: Guard, model: str = MODEL, **more: Any) -> Agent:
    """Create the agent with a guarded session."""
    return Agent(BedrockModel(model_id=model, boto_session=guard.session(boto3.Session()), **more), callback_handler=None)


def test_sync(fake: FakeBedrock, guard: Guard) -> None:
    assert str(made(guard, streaming=False)("hello there")).strip() == "You said: hello there"
    assert guarded(fake) == ["Converse"]


def test_sync_stream(fake: FakeBedrock, guard: Guard) -> None:
    assert str(made(guard)("hello there")).strip() == "You said: hello there"
    assert guarded(fake) == ["ConverseStream"]


def test_async(fake: FakeBedrock, guard: Guard) -> None:
    assert str(asyncio.run(made(guard, streaming=False).invoke_async("hello there"))).strip() == "You said: hello there"
    assert guarded(fake) == ["Converse"]


def test_async_stream(fake: FakeBedrock, guard: Guard) -> None:
    async def ask() -> str:
        return "".join([event["data"] async for event in made(guard).stream_async("hello there") if "data" in event])

    assert asyncio.run(ask()) == "You said: hello there"
    assert guarded(fake) == ["ConverseStream"]


@pytest.mark.parametrize(("streaming", "operation"), [(True, "ConverseStream"), (False, "Converse")])
def test_tools(fake: FakeBedrock, guard: Guard, streaming: bool, operation: str) -> None:  # noqa: FBT001
    fake.reply(ToolUse("days_of_leave", {"year": 2024}), "It is 24.")
    agent = made(guard, streaming=streaming)
    agent.tool_registry.process_tools([days_of_leave])

    assert str(agent("How many days?")).strip() == "It is 24."
    assert guarded(fake) == [operation, operation]


def test_a_model_that_creates_its_own_session(fake: FakeBedrock, guard: Guard) -> None:
    with guard.install():
        Agent(BedrockModel(model_id=MODEL), callback_handler=None)("hello there")

    assert guarded(fake) == ["ConverseStream"]


@pytest.mark.parametrize("streaming", [True, False])
def test_a_denial_is_raised_unchanged(fake: FakeBedrock, guard: Guard, streaming: bool) -> None:  # noqa: FBT001
    with pytest.raises(ExplicitDenyError):
        made(guard, DENIED_MODEL, streaming=streaming)("hello there")

    assert fake.requests == []


def test_a_tool_that_asks_a_knowledge_base(fake: FakeBedrock, guard: Guard) -> None:
    asked = {"text": "leave", "knowledgeBaseId": KNOWLEDGE_BASE, "region": "us-east-1"}
    fake.reply(ToolUse("retrieve", asked), "24 days of leave", "It is 24.")
    with guard.install():
        agent = Agent(BedrockModel(model_id=MODEL), tools=[retrieve], callback_handler=None)
        assert str(agent("How many days?")).strip() == "It is 24."

    assert "24 days of leave" in str(agent.messages[2]["content"])
    assert guarded(fake) == ["ConverseStream", "Retrieve", "ConverseStream"]


def test_a_denied_knowledge_base_is_an_error_of_the_tool(fake: FakeBedrock, guard: Guard) -> None:
    asked = {"text": "leave", "knowledgeBaseId": DENIED_KNOWLEDGE_BASE, "region": "us-east-1"}
    fake.reply(ToolUse("retrieve", asked), "I may not ask.")
    with guard.install():
        agent = Agent(BedrockModel(model_id=MODEL), tools=[retrieve], callback_handler=None)
        agent("How many days?")

    assert "explicit deny" in str(agent.messages[2]["content"])
    assert guarded(fake) == ["ConverseStream", "ConverseStream"]
