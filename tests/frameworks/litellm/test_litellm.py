"""litellm signs with botocore and sends with httpx: only `install(strict=True)` can check it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import litellm
import pytest
from frameworks.helpers import DENIED_MODEL, HR, MODEL, denial, guarded

from guardedbedrock import ExplicitDenyError, GuardrailNotApprovedError, GuardrailTamperedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardedbedrock import Guard
    from guardedbedrock.testing import FakeBedrock

CONVERSE: Final = f"bedrock/{MODEL}"
INVOKE: Final = f"bedrock/invoke/{MODEL}"
ASK: Final[Any] = {"messages": [{"role": "user", "content": "hello there"}]}
CONFIG: Final[Any] = {"guardrailConfig": {"guardrailIdentifier": HR.arn, "guardrailVersion": HR.version}}


@pytest.fixture(autouse=True)
def strict(guard: Guard) -> Iterator[None]:
    """Install the guard with strict=True."""
    litellm.suppress_debug_info = True
    with guard.install(strict=True):
        yield


def said(chunks: list[Any]) -> str:
    """Join the text of a stream."""
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


@pytest.mark.parametrize(("model", "more", "operation"), [(CONVERSE, CONFIG, "Converse"), (INVOKE, {}, "InvokeModel")])
def test_sync(fake: FakeBedrock, model: str, more: Any, operation: str) -> None:
    reply = litellm.completion(model, **ASK, **more)

    assert reply.choices[0].message.content == "You said: hello there"
    assert guarded(fake) == [operation]


STREAMS = [(CONVERSE, CONFIG, "ConverseStream"), (INVOKE, {}, "InvokeModelWithResponseStream")]


@pytest.mark.parametrize(("model", "more", "operation"), STREAMS)
def test_sync_stream(fake: FakeBedrock, model: str, more: Any, operation: str) -> None:
    assert said(list(litellm.completion(model, **ASK, **more, stream=True))) == "You said: hello there"
    assert guarded(fake) == [operation]


@pytest.mark.parametrize(("model", "more", "operation"), [(CONVERSE, CONFIG, "Converse"), (INVOKE, {}, "InvokeModel")])
def test_async(fake: FakeBedrock, model: str, more: Any, operation: str) -> None:
    reply = asyncio.run(litellm.acompletion(model, **ASK, **more))

    assert reply.choices[0].message.content == "You said: hello there"
    assert guarded(fake) == [operation]


@pytest.mark.parametrize(("model", "more", "operation"), STREAMS)
def test_async_stream(fake: FakeBedrock, model: str, more: Any, operation: str) -> None:
    async def ask() -> str:
        return said([chunk async for chunk in await litellm.acompletion(model, **ASK, **more, stream=True)])

    assert asyncio.run(ask()) == "You said: hello there"
    assert guarded(fake) == [operation]


@pytest.mark.parametrize("stream", [False, True])
def test_converse_without_a_guardrail_is_refused(fake: FakeBedrock, stream: bool) -> None:  # noqa: FBT001
    """The guard cannot change a body that another library sends, so it cannot inject the guardrail."""
    with pytest.raises(litellm.APIConnectionError) as refused:
        litellm.completion(CONVERSE, **ASK, stream=stream)

    assert isinstance(denial(refused.value), GuardrailTamperedError)
    assert fake.requests == []


def test_a_caller_cannot_choose_another_guardrail(fake: FakeBedrock) -> None:
    own = {"guardrailConfig": {"guardrailIdentifier": "weak00000001", "guardrailVersion": "1"}}
    with pytest.raises(litellm.APIConnectionError) as refused:
        litellm.completion(CONVERSE, **ASK, **own)

    assert isinstance(denial(refused.value), GuardrailNotApprovedError)
    assert fake.requests == []


@pytest.mark.parametrize(("model", "more"), [(CONVERSE, CONFIG), (INVOKE, {})])
def test_a_denial_is_the_context_of_the_framework_error(fake: FakeBedrock, model: str, more: Any) -> None:
    with pytest.raises(litellm.APIConnectionError) as denied:
        litellm.completion(model.replace(MODEL, DENIED_MODEL), **ASK, **more)

    assert isinstance(denial(denied.value), ExplicitDenyError)
    assert fake.requests == []


def test_a_request_with_an_api_key_is_not_guarded(fake: FakeBedrock) -> None:
    """A known limit: nothing is signed, so nothing is checked."""
    litellm.completion(CONVERSE, **ASK, api_key="bedrock-api-key-for-tests")

    assert [request.guardrail for request in fake.requests] == [None]


def test_a_client_that_is_passed_in_is_not_used(fake: FakeBedrock, guard: Guard) -> None:
    """LiteLLM reads only its credentials, so the guarded client guards nothing; `install(strict=True)` does."""
    client = guard.client("bedrock-runtime", region_name="us-east-1")
    with pytest.raises(litellm.APIConnectionError):
        litellm.completion(CONVERSE, **ASK, aws_bedrock_client=client)

    assert fake.requests == []
