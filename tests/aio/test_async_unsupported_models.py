"""Calls to models that take no guardrail, through guarded async clients: as through sync clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aws.test_unsupported_models import EMBED, TITAN
from harness.aio import read
from harness.clients import HR, Recorder, ask

from guardedbedrock import GuardrailTamperedError, UnguardableOperationError
from guardedbedrock.events import CallRefused, SentWithoutGuardrail

if TYPE_CHECKING:
    from harness.aio import Make

pytestmark = pytest.mark.anyio


async def test_one_client_embeds_and_chats(harness: Make) -> None:
    """The embedding goes out without a guardrail and is reported; the chat call has the guardrail."""
    recorder = Recorder()
    env = await harness(listeners=[recorder])

    embedded = await read(await env.client.invoke_model(**EMBED))
    events = recorder.last.of(SentWithoutGuardrail)
    await read(await env.client.converse(**ask("converse")))

    assert b"embedding" in embedded["body"]
    assert [guardrail for _, _, guardrail in env.arrived] == [None, (HR.arn, HR.version)]
    assert [(event.model, event.kind) for event in events] == [(TITAN, "embedding")]
    assert recorder.last.of(SentWithoutGuardrail) == []


async def test_an_embedding_is_refused_with_unsupported_models_refuse(harness: Make) -> None:
    """Nothing is sent, and the refusal is an event."""
    recorder = Recorder()
    env = await harness(listeners=[recorder], unsupported_models="refuse")

    with pytest.raises(UnguardableOperationError, match="takes no guardrail"):
        await env.client.invoke_model(**EMBED)

    assert env.arrived == []
    assert len(recorder.last.of(CallRefused)) == 1


async def test_a_handler_cannot_change_the_model_of_an_unguarded_call(harness: Make) -> None:
    """The gate compares the model, so a call to an embedding model cannot become an unguarded chat call."""
    env = await harness()

    def change_model(params: dict[str, Any], **_: Any) -> None:
        params["modelId"] = "amazon.nova-lite-v1:0"

    env.client.meta.events.register("before-parameter-build.bedrock-runtime.InvokeModel", change_model)

    with pytest.raises(GuardrailTamperedError, match="names another"):
        await env.client.invoke_model(**EMBED)

    assert env.arrived == []
