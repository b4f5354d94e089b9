"""anthropic[bedrock] signs with botocore and sends with httpx: only `install(strict=True)` can check it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import pytest
from anthropic import AnthropicBedrock, AsyncAnthropicBedrock
from anthropic.lib.bedrock import AnthropicBedrockMantle
from frameworks.helpers import DENIED_MODEL, HR, MODEL, guarded

from guardedbedrock import ExplicitDenyError, GuardrailNotApprovedError, UnguardableOperationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardedbedrock import Guard
    from guardedbedrock.testing import FakeBedrock

ASK: Final[Any] = {"model": MODEL, "max_tokens": 9, "messages": [{"role": "user", "content": "hello there"}]}


@pytest.fixture(autouse=True)
def strict(guard: Guard) -> Iterator[None]:
    """Install the guard with strict=True."""
    with guard.install(strict=True):
        yield


def test_sync(fake: FakeBedrock) -> None:
    message = AnthropicBedrock().messages.create(**ASK)

    assert message.content[0].text == "You said: hello there"
    assert guarded(fake) == ["InvokeModel"]


def test_sync_stream(fake: FakeBedrock) -> None:
    with AnthropicBedrock().messages.stream(**ASK) as stream:
        assert "".join(stream.text_stream) == "You said: hello there"

    assert guarded(fake) == ["InvokeModelWithResponseStream"]


def test_async(fake: FakeBedrock) -> None:
    async def ask() -> str:
        async with AsyncAnthropicBedrock() as client:
            return (await client.messages.create(**ASK)).content[0].text

    assert asyncio.run(ask()) == "You said: hello there"
    assert guarded(fake) == ["InvokeModel"]


def test_async_stream(fake: FakeBedrock) -> None:
    async def ask() -> str:
        async with AsyncAnthropicBedrock() as client, client.messages.stream(**ASK) as stream:
            return "".join([text async for text in stream.text_stream])

    assert asyncio.run(ask()) == "You said: hello there"
    assert guarded(fake) == ["InvokeModelWithResponseStream"]


def test_a_denial_is_raised_unchanged(fake: FakeBedrock) -> None:
    with pytest.raises(ExplicitDenyError):
        AnthropicBedrock().messages.create(**{**ASK, "model": DENIED_MODEL})

    assert fake.requests == []


def test_a_guardrail_in_the_headers_must_be_approved(fake: FakeBedrock) -> None:
    own = {"X-Amzn-Bedrock-GuardrailIdentifier": HR.id, "X-Amzn-Bedrock-GuardrailVersion": HR.version}
    AnthropicBedrock(default_headers=own).messages.create(**ASK)
    assert [request.guardrail for request in fake.requests] == [(HR.id, HR.version)]

    with pytest.raises(GuardrailNotApprovedError):
        AnthropicBedrock(default_headers={**own, "X-Amzn-Bedrock-GuardrailVersion": "1"}).messages.create(**ASK)
    assert len(fake.requests) == 1


def test_mantle_is_refused_because_it_has_no_guardrails() -> None:
    with pytest.raises(UnguardableOperationError), AnthropicBedrockMantle() as client:
        client.messages.create(**ASK)


def test_a_request_with_an_api_key_is_not_guarded(fake: FakeBedrock) -> None:
    """A known limit: nothing is signed, so nothing is checked."""
    AnthropicBedrock(api_key="bedrock-api-key-for-tests").messages.create(**ASK)

    assert [request.guardrail for request in fake.requests] == [None]
