"""Streams that trace their guardrail several times, such as those of agents: before and after the model answers."""

from __future__ import annotations

import base64
import io
import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest
from botocore.awsrequest import AWSResponse
from harness.clients import HR, Recorder, ask
from harness.routes import ROUTES

from guardedbedrock import GuardrailInterventionError
from guardedbedrock.core.events import GuardrailDetected, GuardrailIntervened
from guardedbedrock.testing.wire.eventstream import CONTENT_TYPE, event

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from harness.clients import Make

DETECTED: Final = {"contentPolicy": {"filters": [{"type": "HATE", "confidence": "LOW", "action": "NONE", "detected": True}]}}
MASKED: Final = {"sensitiveInformationPolicy": {"piiEntities": [{"type": "EMAIL", "match": "x", "action": "ANONYMIZED"}]}}
BLOCKED: Final = {"wordPolicy": {"customWords": [{"match": "x", "action": "BLOCKED"}]}}


class Stream(NamedTuple):
    """A stream of a client, and how it writes a trace of the prompt, a trace of the reply, and a part of the reply."""

    service: str
    method: str
    params: Mapping[str, Any]
    member: str

    def prompt(self, assessment: Any) -> bytes:
        """Write the assessment of the prompt."""
        return self._trace("NONE", assessment, "inputAssessments", "input")

    def reply(self, assessment: Any) -> bytes:
        """Write the assessment of the reply, on which the guardrail acted."""
        return self._trace("INTERVENED", assessment, "outputAssessments", "outputs")

    def text(self) -> bytes:
        """Write a part of the reply."""
        return event("chunk", {"bytes": base64.b64encode(b'{"outputText": "hi"}').decode()})

    def _trace(self, action: str, assessment: Any, of_agent: str, of_model: str) -> bytes:
        if self.member == "completion":
            return event("trace", {"trace": {"guardrailTrace": {"action": action, of_agent: [assessment]}}})
        found = {HR.id: assessment} if of_model == "input" else [{HR.id: [assessment]}]
        chunk = {"amazon-bedrock-guardrailAction": action, "amazon-bedrock-trace": {"guardrail": {of_model: found}}}
        return event("chunk", {"bytes": base64.b64encode(json.dumps(chunk).encode()).decode()})


METHOD: Final = "invoke_model_with_response_stream"
MODEL: Final = Stream("bedrock-runtime", METHOD, ask(METHOD), "body")
AGENT: Final = Stream("bedrock-agent-runtime", "invoke_inline_agent", ROUTES["inline-agent"].write({}), "completion")
"""Its traces do not show what was only detected."""


def events_of(harness: Make, stream: Stream, body: bytes, recorder: Recorder, on_intervention: str) -> Generator[Any]:
    """Make the call, answer it with this body, and yield the events that the caller gets."""

    class Raw(io.BytesIO):
        def stream(self, *_: object, **__: object) -> Any:
            yield self.read()

    env = harness(listeners=[recorder], on_intervention=on_intervention)
    client = env.guard.client(stream.service, **env.fake.client_kwargs())
    answer = AWSResponse("http://x", 200, {"content-type": CONTENT_TYPE}, Raw(body))
    client.meta.events.register("before-send", lambda **_: answer)
    yield from getattr(client, stream.method)(**stream.params)[stream.member]


@pytest.mark.parametrize(
    ("stream", "first"),
    [(MODEL, DETECTED), (MODEL, MASKED), (AGENT, MASKED)],
    ids=["model-detected", "model-masked", "agent-masked"],
)
def test_every_trace_of_a_stream_is_reported_at_its_end(harness: Make, stream: Stream, first: Any) -> None:
    recorder = Recorder()
    body = stream.prompt(first) + stream.text() + stream.reply(BLOCKED) + stream.text()

    passed = list(events_of(harness, stream, body, recorder, "return"))

    (reported,) = recorder.last.of(GuardrailIntervened)
    found = reported.intervention
    assert (len(passed), found.action, len(found.findings)) == (4, "blocked", 2)
    assert [finding.source for finding in found.findings] == ["INPUT", "OUTPUT"]
    assert [one.intervention for one in recorder.last.of(GuardrailDetected)] == ([found] if first is DETECTED else [])


def test_assessments_of_one_side_count_together(harness: Make) -> None:
    recorder = Recorder()
    body = AGENT.reply(MASKED) + AGENT.text() + AGENT.reply(BLOCKED) + AGENT.reply(BLOCKED)

    list(events_of(harness, AGENT, body, recorder, "return"))

    (reported,) = recorder.last.of(GuardrailIntervened)
    assert [finding.policy for finding in reported.intervention.findings] == ["sensitiveInformationPolicy", "wordPolicy"]


def test_a_block_after_a_finding_is_raised_when_it_is_traced(harness: Make) -> None:
    recorder = Recorder()
    body = MODEL.prompt(DETECTED) + MODEL.text() + MODEL.reply(BLOCKED) + MODEL.text()
    events = events_of(harness, MODEL, body, recorder, "raise")

    next(events), next(events)
    with pytest.raises(GuardrailInterventionError) as raised:
        next(events)

    assert raised.value.intervention.action == "blocked"
    assert recorder.last.closed == [raised.value]


@pytest.mark.parametrize("on_intervention", ["return", "raise"])
def test_a_finding_without_an_intervention_is_reported_once(harness: Make, on_intervention: str) -> None:
    recorder = Recorder()
    body = MODEL.prompt(DETECTED) + MODEL.text() + MODEL.prompt(DETECTED) + MODEL.text()

    passed = list(events_of(harness, MODEL, body, recorder, on_intervention))

    (reported,) = recorder.last.of(GuardrailDetected)
    assert (len(passed), len(reported.intervention.findings)) == (4, 1)
    assert recorder.last.of(GuardrailIntervened) == []


def test_a_finding_of_a_stream_that_is_left_early_is_reported(harness: Make) -> None:
    recorder = Recorder()
    events = events_of(harness, MODEL, MODEL.prompt(DETECTED) + MODEL.text(), recorder, "return")

    next(events)
    events.close()

    assert len(recorder.last.of(GuardrailDetected)) == 1
