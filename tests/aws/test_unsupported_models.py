"""Calls to models that take no guardrail, through guarded clients and the fake."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from harness.clients import HR, Make, Recorder, ask, read

from guardedbedrock import GuardrailTamperedError, UnguardableOperationError
from guardedbedrock.events import CallRefused, SentWithoutGuardrail

TITAN: Final = "amazon.titan-embed-text-v2:0"
EMBED: Final[dict[str, Any]] = {"modelId": TITAN, "body": json.dumps({"inputText": "hello"})}


def test_one_client_embeds_and_chats(harness: Make) -> None:
    """The embedding goes out without a guardrail and is reported; the chat call has the guardrail."""
    recorder = Recorder()
    env = harness(listeners=[recorder])

    env.client.invoke_model(**EMBED)
    events = recorder.last.of(SentWithoutGuardrail)
    read(env.client.converse(**ask("converse")))

    assert [guardrail for _, _, guardrail in env.arrived] == [None, (HR.arn, HR.version)]
    assert [(event.model, event.kind) for event in events] == [(TITAN, "embedding")]
    assert recorder.last.of(SentWithoutGuardrail) == []


def test_an_embedding_is_refused_with_unsupported_models_refuse(harness: Make) -> None:
    """Nothing is sent, and the refusal is an event."""
    recorder = Recorder()
    env = harness(listeners=[recorder], unsupported_models="refuse")

    with pytest.raises(UnguardableOperationError, match="takes no guardrail"):
        env.client.invoke_model(**EMBED)

    assert env.arrived == []
    assert len(recorder.last.of(CallRefused)) == 1


def test_a_handler_cannot_change_the_model_of_an_unguarded_call(harness: Make) -> None:
    """The gate compares the model, so a call to an embedding model cannot become an unguarded chat call."""
    env = harness()

    def change_model(params: dict[str, Any], **_: Any) -> None:
        params["modelId"] = "amazon.nova-lite-v1:0"

    env.client.meta.events.register("before-parameter-build.bedrock-runtime.InvokeModel", change_model)

    with pytest.raises(GuardrailTamperedError, match="names another"):
        env.client.invoke_model(**EMBED)

    assert env.arrived == []
