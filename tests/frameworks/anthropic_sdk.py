"""The tests of the Anthropic SDK with `http_client=` and an API key, on httpx2 and on httpx."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import anthropic
import pytest
from anthropic import AnthropicBedrock, AsyncAnthropicBedrock
from frameworks.helpers import API_KEY, DENIED_MODEL, HR, MODEL, async_http_client, denial, guarded, http_client

from guardedbedrock import ExplicitDenyError, GuardrailNotApprovedError, GuardrailTamperedError

if TYPE_CHECKING:
    from guardedbedrock import Guard
    from guardedbedrock.testing import FakeBedrock

ASK: Final[Any] = {"model": MODEL, "max_tokens": 9, "messages": [{"role": "user", "content": "hello there"}]}


def sync_client(guard: Guard, **options: Any) -> AnthropicBedrock:
    return AnthropicBedrock(http_client=http_client(guard), **{"api_key": API_KEY, **options})


def async_client(guard: Guard) -> AsyncAnthropicBedrock:
    return AsyncAnthropicBedrock(http_client=async_http_client(guard), api_key=API_KEY)


def test_sync(fake: FakeBedrock, guard: Guard) -> None:
    message = sync_client(guard).messages.create(**ASK)

    assert message.content[0].text == "You said: hello there"
    assert guarded(fake) == ["InvokeModel"]


def test_sync_stream(fake: FakeBedrock, guard: Guard) -> None:
    with sync_client(guard).messages.stream(**ASK) as stream:
        assert "".join(stream.text_stream) == "You said: hello there"

    assert guarded(fake) == ["InvokeModelWithResponseStream"]


def test_async(fake: FakeBedrock, guard: Guard) -> None:
    async def ask() -> str:
        async with async_client(guard) as client:
            return (await client.messages.create(**ASK)).content[0].text

    assert asyncio.run(ask()) == "You said: hello there"
    assert guarded(fake) == ["InvokeModel"]


def test_async_stream(fake: FakeBedrock, guard: Guard) -> None:
    async def ask() -> str:
        async with async_client(guard) as client, client.messages.stream(**ASK) as stream:
            return "".join([text async for text in stream.text_stream])

    assert asyncio.run(ask()) == "You said: hello there"
    assert guarded(fake) == ["InvokeModelWithResponseStream"]


def test_a_denial_is_the_permission_error_of_the_sdk(fake: FakeBedrock, guard: Guard) -> None:
    with pytest.raises(anthropic.PermissionDeniedError, match="explicit deny") as denied:
        sync_client(guard).messages.create(**{**ASK, "model": DENIED_MODEL})

    assert type(denial(denied.value)) is ExplicitDenyError
    assert fake.requests == []


def test_a_guardrail_in_the_headers_must_be_approved(fake: FakeBedrock, guard: Guard) -> None:
    own = {"X-Amzn-Bedrock-GuardrailIdentifier": HR.id, "X-Amzn-Bedrock-GuardrailVersion": "1"}

    with pytest.raises(anthropic.PermissionDeniedError) as refused:
        sync_client(guard, default_headers=own).messages.create(**ASK)

    assert isinstance(denial(refused.value), GuardrailNotApprovedError)
    assert fake.requests == []


def test_a_signed_request_needs_a_strict_installation(fake: FakeBedrock, guard: Guard) -> None:
    keys = {"aws_access_key": "testing", "aws_secret_key": "testing", "api_key": None}

    with pytest.raises(anthropic.PermissionDeniedError, match="install") as refused:
        sync_client(guard, **keys).messages.create(**ASK)
    assert isinstance(denial(refused.value), GuardrailTamperedError)
    assert fake.requests == []

    with guard.install(strict=True):
        sync_client(guard, **keys).messages.create(**ASK)
    assert guarded(fake) == ["InvokeModel"]
