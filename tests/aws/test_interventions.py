"""Interventions of the guardrail: reported for every operation, and raised if configured."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

import pytest
from harness.clients import Recorder, ask, read

from guardedbedrock import GuardrailInterventionError
from guardedbedrock.core.events import GuardrailIntervened

if TYPE_CHECKING:
    from harness.clients import Harness, Make

METHODS: Final = ("converse", "converse_stream", "invoke_model", "invoke_model_with_response_stream")
BLOCKED: Final = "Sorry, the model cannot answer this question."


def watched(harness: Make, **options: Any) -> tuple[Harness, Recorder]:
    """Create a harness with a recording listener."""
    recorder = Recorder()
    return harness(listeners=[recorder], **options), recorder


@pytest.mark.parametrize("method", METHODS)
def test_intervention_is_reported_once(harness: Make, method: str) -> None:
    env, recorder = watched(harness)

    reply = read(getattr(env.client, method)(**ask(method, "what is my salary?")))

    assert [event.intervention.operation for event in recorder.last.of(GuardrailIntervened)] == [recorder.last.call.name]
    assert BLOCKED in said(reply)
    assert recorder.last.closed == [None]


@pytest.mark.parametrize("method", METHODS)
def test_reply_without_intervention_reports_nothing(harness: Make, method: str) -> None:
    env, recorder = watched(harness, on_intervention="raise")

    reply = read(getattr(env.client, method)(**ask(method)))

    assert recorder.last.of(GuardrailIntervened) == []
    assert "hello" in said(reply)


def said(reply: dict[str, Any]) -> str:
    """Return all the text of a reply, in any format."""
    chunks = [event["chunk"]["bytes"].decode() for event in reply.get("body", ()) if isinstance(event, dict)]
    deltas = [event["contentBlockDelta"]["delta"]["text"] for event in reply.get("stream", ()) if "contentBlockDelta" in event]
    whole = reply["body"].decode() if isinstance(reply.get("body"), bytes) else json.dumps(reply.get("output", ""))
    texts = (json.loads(chunk).get("delta", {}).get("text", "") for chunk in chunks)
    return "".join((*texts, *deltas, whole))


def test_intervention_has_the_reason_of_the_service(harness: Make) -> None:
    env, recorder = watched(harness)

    env.client.converse(**ask("converse", "what is my salary?"), guardrailConfig={"trace": "enabled"})

    assert [event.intervention.reason for event in recorder.last.of(GuardrailIntervened)] == ["Guardrail blocked."]


@pytest.mark.parametrize("method", METHODS)
def test_intervention_raises_under_on_intervention_raise(harness: Make, method: str) -> None:
    env, recorder = watched(harness, on_intervention="raise")

    with pytest.raises(GuardrailInterventionError) as stepped_in:
        read(getattr(env.client, method)(**ask(method, "what is my salary?")))

    error = stepped_in.value
    assert error.operation_name == recorder.last.call.name
    assert len(recorder.last.of(GuardrailIntervened)) == 1
    assert recorder.last.closed == [error]
    assert "salary" not in str(error)
    assert error.request_id == env.fake.requests[0].request_id


def test_intervention_error_contains_the_reply(harness: Make) -> None:
    client = harness(on_intervention="raise").client

    with pytest.raises(GuardrailInterventionError) as converse:
        client.converse(**ask("converse", "my salary"))
    with pytest.raises(GuardrailInterventionError) as invoke:
        client.invoke_model(**ask("invoke_model", "my salary"))

    assert BLOCKED in said(converse.value.response)
    assert json.load(invoke.value.response["body"])["amazon-bedrock-guardrailAction"] == "INTERVENED"


def test_reader_that_stops_at_message_stop_has_the_intervention_reported(harness: Make) -> None:
    env, recorder = watched(harness)

    with closing(env.client.converse_stream(**ask("converse_stream", "my salary"))["stream"]) as stream:
        for event in stream:
            if "messageStop" in event:
                break

    assert len(recorder.last.of(GuardrailIntervened)) == 1


def test_reader_that_stops_at_message_stop_gets_the_error(harness: Make) -> None:
    stream = harness(on_intervention="raise").client.converse_stream(**ask("converse_stream", "my salary"))["stream"]

    def until_stop() -> None:
        for event in stream:
            if "messageStop" in event:
                return

    with closing(stream), pytest.raises(GuardrailInterventionError):
        until_stop()


@pytest.mark.parametrize("mode", ["return", "raise"])
def test_intervention_of_apply_guardrail_never_raises(harness: Make, mode: str) -> None:
    env, recorder = watched(harness, on_intervention=mode)

    reply = env.client.apply_guardrail(
        guardrailIdentifier="abc123def456", guardrailVersion="3", source="INPUT", content=[{"text": {"text": "my salary"}}]
    )

    assert reply["action"] == "GUARDRAIL_INTERVENED"
    assert [event.intervention.reason for event in recorder.last.of(GuardrailIntervened)] == ["Guardrail blocked."]
    assert recorder.last.closed == [None]
