"""amazon-bedrock-haystack creates its own boto3 and aiobotocore clients, so a guard is installed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from frameworks.helpers import DENIED_MODEL, MODEL, denial, guarded
from haystack.dataclasses import ChatMessage
from haystack_integrations.common.amazon_bedrock.errors import AmazonBedrockInferenceError
from haystack_integrations.components.generators.amazon_bedrock import AmazonBedrockChatGenerator

from guardedbedrock import ExplicitDenyError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardedbedrock import Guard
    from guardedbedrock.testing import FakeBedrock

HELLO = [ChatMessage.from_user("hello there")]


@pytest.fixture(autouse=True)
def installed(guard: Guard) -> Iterator[None]:
    """Install the guard."""
    with guard.install():
        yield


def test_sync(fake: FakeBedrock) -> None:
    assert AmazonBedrockChatGenerator(MODEL).run(HELLO)["replies"][0].text == "You said: hello there"
    assert guarded(fake) == ["Converse"]


def test_sync_stream(fake: FakeBedrock) -> None:
    heard: list[str] = []
    AmazonBedrockChatGenerator(MODEL, streaming_callback=lambda chunk: heard.append(chunk.content)).run(HELLO)

    assert "".join(heard) == "You said: hello there"
    assert guarded(fake) == ["ConverseStream"]


def test_async(fake: FakeBedrock) -> None:
    reply = asyncio.run(AmazonBedrockChatGenerator(MODEL).run_async(HELLO))

    assert reply["replies"][0].text == "You said: hello there"
    assert guarded(fake) == ["Converse"]


def test_async_stream(fake: FakeBedrock) -> None:
    heard: list[str] = []

    async def on_event(chunk: Any) -> None:
        heard.append(chunk.content)

    asyncio.run(AmazonBedrockChatGenerator(MODEL).run_async(HELLO, streaming_callback=on_event))

    assert "".join(heard) == "You said: hello there"
    assert guarded(fake) == ["ConverseStream"]


@pytest.mark.parametrize("awaited", [False, True])
def test_a_denial_is_the_cause_of_the_framework_error(fake: FakeBedrock, awaited: bool) -> None:  # noqa: FBT001
    generator = AmazonBedrockChatGenerator(DENIED_MODEL)
    with pytest.raises(AmazonBedrockInferenceError) as denied:
        asyncio.run(generator.run_async(HELLO)) if awaited else generator.run(HELLO)

    assert isinstance(denial(denied.value), ExplicitDenyError)
    assert fake.requests == []
