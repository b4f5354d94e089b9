"""The tests of the OpenAI SDK with `http_client=`, on httpx2 and on httpx."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import openai
import pytest
from frameworks.helpers import DENIED_MODEL, HR, MODEL, async_http_client, denial, guarded, http_client
from openai import AsyncOpenAI, OpenAI

from guardedbedrock import ExplicitDenyError, GuardrailInterventionError, GuardrailNotApprovedError, UnguardableOperationError

if TYPE_CHECKING:
    from guardedbedrock import Guard
    from guardedbedrock.testing import FakeBedrock

ASK: Final[Any] = {"model": MODEL, "messages": [{"role": "user", "content": "hello there"}]}


def sync_client(guard: Guard) -> OpenAI:
    return OpenAI(http_client=http_client(guard))


def test_sync(fake: FakeBedrock, guard: Guard) -> None:
    reply = sync_client(guard).chat.completions.create(**ASK)

    assert reply.choices[0].message.content == "You said: hello there"
    assert guarded(fake) == ["ChatCompletions"]


def test_sync_stream(fake: FakeBedrock, guard: Guard) -> None:
    chunks = sync_client(guard).chat.completions.create(**ASK, stream=True)

    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "You said: hello there"
    assert guarded(fake) == ["ChatCompletionsStream"]


def test_async(fake: FakeBedrock, guard: Guard) -> None:
    async def ask() -> str | None:
        async with AsyncOpenAI(http_client=async_http_client(guard)) as client:
            return (await client.chat.completions.create(**ASK)).choices[0].message.content

    assert asyncio.run(ask()) == "You said: hello there"
    assert guarded(fake) == ["ChatCompletions"]


def test_async_stream(fake: FakeBedrock, guard: Guard) -> None:
    async def ask() -> str:
        async with AsyncOpenAI(http_client=async_http_client(guard)) as client:
            chunks = await client.chat.completions.create(**ASK, stream=True)
            return "".join([chunk.choices[0].delta.content or "" async for chunk in chunks])

    assert asyncio.run(ask()) == "You said: hello there"
    assert guarded(fake) == ["ChatCompletionsStream"]


def test_a_denial_is_the_permission_error_of_the_sdk_and_is_not_retried(fake: FakeBedrock, guard: Guard) -> None:
    with pytest.raises(openai.PermissionDeniedError, match="explicit deny") as denied:
        sync_client(guard).chat.completions.create(**{**ASK, "model": DENIED_MODEL})

    assert type(denial(denied.value)) is ExplicitDenyError
    assert fake.requests == []


def test_an_async_denial_is_the_permission_error_of_the_sdk(fake: FakeBedrock, guard: Guard) -> None:
    async def ask() -> None:
        async with AsyncOpenAI(http_client=async_http_client(guard)) as client:
            await client.chat.completions.create(**{**ASK, "model": DENIED_MODEL})

    with pytest.raises(openai.PermissionDeniedError):
        asyncio.run(ask())

    assert fake.requests == []


def test_a_denial_of_aws_is_typed(fake: FakeBedrock, guard: Guard) -> None:
    fake.deny(by="scp")

    with pytest.raises(openai.AuthenticationError) as denied:
        sync_client(guard).chat.completions.create(**ASK)

    assert (denial(denied.value).policy_type, denial(denied.value).simulated) == ("scp", False)


def test_a_guardrail_in_the_headers_must_be_approved(fake: FakeBedrock, guard: Guard) -> None:
    own = {"X-Amzn-Bedrock-GuardrailIdentifier": HR.id, "X-Amzn-Bedrock-GuardrailVersion": "1"}

    with pytest.raises(openai.PermissionDeniedError) as refused:
        sync_client(guard).chat.completions.create(**ASK, extra_headers=own)

    assert isinstance(denial(refused.value), GuardrailNotApprovedError)
    assert fake.requests == []


def test_the_responses_api_is_refused_because_it_takes_no_guardrail(fake: FakeBedrock, guard: Guard) -> None:
    with pytest.raises(openai.PermissionDeniedError) as refused:
        sync_client(guard).responses.create(model=MODEL, input="hello there")

    assert isinstance(denial(refused.value), UnguardableOperationError)
    assert fake.requests == []


def test_the_reply_of_an_intervention_can_be_raised(fake: FakeBedrock, guard: Guard) -> None:
    strict = type(guard)(guardrails=[HR], listeners=(), on_intervention="raise")
    asked = {**ASK, "messages": [{"role": "user", "content": "my salary"}]}

    with pytest.raises(openai.PermissionDeniedError) as raised:
        sync_client(strict).chat.completions.create(**asked)
    with pytest.raises(GuardrailInterventionError):
        list(sync_client(strict).chat.completions.create(**asked, stream=True))

    assert isinstance(raised.value.response.extensions["guardedbedrock_error"], GuardrailInterventionError)
    assert len(fake.requests) == 2
