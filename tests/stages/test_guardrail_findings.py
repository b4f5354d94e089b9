"""The records about a guardrail: equal for a reply and a stream, with the source, and with detections that had no action."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
import structlog
from harness.clients import HR, Recorder, ask, read

import guardedbedrock
from guardedbedrock.bedrock import GuardrailFinding
from guardedbedrock.bedrock.guardrail.intervention import GuardrailTrace, read_intervention
from guardedbedrock.core.events import GuardrailDetected, GuardrailIntervened
from guardedbedrock.telemetry import DecisionLog
from guardedbedrock.testing import FakeGuardrail

if TYPE_CHECKING:
    from harness.clients import Harness, Make

METHODS: Final = ("converse", "converse_stream", "invoke_model", "invoke_model_with_response_stream")
TRACED: Final[dict[str, dict[str, Any]]] = {
    "converse": {"guardrailConfig": {"trace": "enabled"}},
    "converse_stream": {"guardrailConfig": {"trace": "enabled"}},
    "invoke_model": {"trace": "ENABLED"},
    "invoke_model_with_response_stream": {"trace": "ENABLED"},
}
TOPIC: Final[dict[str, Any]] = {"denied_topics": {"Salaries": ("salary",)}, "detect_only": frozenset({"Salaries"})}
DETECTED: Final = tuple(GuardrailFinding("topicPolicy", "Salaries", "detected", side) for side in ("INPUT", "OUTPUT"))


def detecting(harness: Make, **options: Any) -> tuple[Harness, Recorder]:
    recorder = Recorder()
    guardrail = FakeGuardrail(HR.arn, version=HR.version, **TOPIC, denied_words=("merger",))
    return harness(listeners=[recorder], fake={"guardrails": [guardrail]}, **options), recorder


def finished(response: dict[str, Any]) -> dict[str, Any]:
    """Read a stream to its end; a body stays unread."""
    for name in ("stream", "body"):
        if name in response and not hasattr(response[name], "read"):
            list(response[name])
    return response


@pytest.mark.parametrize("trace", [True, False], ids=["trace", "no trace"])
@pytest.mark.parametrize("text", ["my salary", "hello there"])
def test_intervention_gives_the_same_answer_for_every_operation(harness: Make, text: str, *, trace: bool) -> None:
    client = harness().client
    found = [
        guardedbedrock.intervention(
            finished(getattr(client, method)(**{**ask(method, text), **(TRACED[method] if trace else {})}))
        )
        for method in METHODS
    ]

    if text == "hello there":
        assert found == [None] * 4
    else:
        assert all(one is not None and (one.guardrail, one.version) == (HR.id, HR.version) for one in found)
        assert len({(one.action, one.policies, one.sources) for one in found if one is not None}) == 1


@pytest.mark.parametrize("source", ["INPUT", "OUTPUT"])
def test_apply_guardrail_is_recorded_with_the_source_of_the_call(harness: Make, source: str) -> None:
    recorder = Recorder()
    client = harness(listeners=[recorder, DecisionLog()]).client
    text = [{"text": {"text": "my salary"}}]

    with structlog.testing.capture_logs() as entries:
        response = client.apply_guardrail(guardrailIdentifier=HR.id, guardrailVersion=HR.version, source=source, content=text)

    found = guardedbedrock.intervention(response)
    assert found is not None
    assert (found.sources, found.guardrail, found.version) == ((source,), HR.id, HR.version)
    assert {finding.source for finding in found.findings} == {source}
    assert [event.intervention for event in recorder.last.of(GuardrailIntervened)] == [found]
    assert entries[-1]["sources"] == [source]


@pytest.mark.parametrize("method", METHODS)
def test_a_detect_only_finding_is_an_event_and_no_intervention(harness: Make, method: str) -> None:
    env, recorder = detecting(harness, on_intervention="raise")

    response = finished(getattr(env.client, method)(**ask(method, "my salary"), **TRACED[method]))

    found = guardedbedrock.intervention(response)
    assert found is not None
    assert (found.action, found.is_detect_only, found.policies, found.sources) == ("detected", True, (), ())
    assert set(found.findings) == set(found.detected) == set(DETECTED)
    assert [event.intervention for event in recorder.last.of(GuardrailDetected)] == [found]
    assert recorder.last.of(GuardrailIntervened) == []


def test_a_guardrail_that_blocks_and_detects_reports_both(harness: Make) -> None:
    env, recorder = detecting(harness)

    env.client.converse(**ask("converse", "my salary after the merger"), **TRACED["converse"])

    (blocked,), (detected,) = recorder.last.of(GuardrailIntervened), recorder.last.of(GuardrailDetected)
    assert blocked.intervention == detected.intervention
    assert (blocked.intervention.action, blocked.intervention.policies) == ("blocked", ("wordPolicy",))
    assert {str(finding) for finding in blocked.intervention.findings} == {"topicPolicy Salaries", "wordPolicy"}
    assert {str(finding) for finding in detected.intervention.detected} == {"topicPolicy Salaries"}


def test_a_detect_only_finding_of_apply_guardrail_is_recorded(harness: Make) -> None:
    env, recorder = detecting(harness)
    text = [{"text": {"text": "my salary"}}]

    response = env.client.apply_guardrail(guardrailIdentifier=HR.id, guardrailVersion=HR.version, source="OUTPUT", content=text)

    assert response["action"] == "NONE"
    found = guardedbedrock.intervention(response)
    assert found is not None
    assert found.detected == (GuardrailFinding("topicPolicy", "Salaries", "detected", "OUTPUT"),)
    assert len(recorder.last.of(GuardrailDetected)) == 1


def test_matched_text_is_in_no_finding(harness: Make) -> None:
    env, recorder = detecting(harness)

    env.client.converse(**ask("converse", "my salary after the merger"), **TRACED["converse"])

    written = str(recorder.last.of(GuardrailDetected)) + str(recorder.last.of(GuardrailIntervened))
    assert "merger" not in written
    assert "my salary" not in written


REASONING: Final = ("valid", "invalid", "satisfiable", "impossible", "translationAmbiguous", "tooComplex", "noTranslations")


@pytest.mark.parametrize("result", REASONING)
def test_every_result_of_automated_reasoning_is_a_finding(result: str) -> None:
    assessment: dict[str, Any] = {"automatedReasoningPolicy": {"findings": [{result: {"translation": {"premises": []}}}]}}
    trace = {"outputAssessments": {"abc123def456": [assessment]}}

    found = read_intervention("Converse", GuardrailTrace(None, trace))

    assert found is not None
    assert (found.action, found.guardrail) == ("detected", "abc123def456")
    assert found.findings == (GuardrailFinding("automatedReasoningPolicy", result, "detected", "OUTPUT"),)


@pytest.mark.parametrize(
    "finding",
    [
        {"type": "HATE", "confidence": "LOW", "action": "NONE", "detected": False},
        {"type": "HATE", "confidence": "LOW", "action": "NONE"},
        {"type": "HATE", "confidence": "LOW", "action": "NONE", "detected": "true"},
    ],
    ids=["not detected", "no word of it", "not a boolean"],
)
def test_a_filter_that_detected_nothing_is_no_finding(finding: dict[str, Any]) -> None:
    trace = {"inputAssessment": {"abc123def456": {"contentPolicy": {"filters": [finding]}}}}

    assert read_intervention("Converse", GuardrailTrace(None, trace)) is None


def test_an_unguarded_client_does_not_know_the_source_of_apply_guardrail(harness: Make, plain: Any) -> None:
    client = plain(harness().fake)
    text = [{"text": {"text": "my salary"}}]
    response = client.apply_guardrail(guardrailIdentifier=HR.id, guardrailVersion=HR.version, source="OUTPUT", content=text)

    found = guardedbedrock.intervention(response)

    assert found is not None
    assert (found.action, found.sources) == ("blocked", ())


def test_a_reply_of_a_guarded_client_is_what_boto3_returns_but_for_one_member_of_its_metadata(harness: Make, plain: Any) -> None:
    env = harness()
    named = {"guardrailConfig": {"guardrailIdentifier": HR.arn, "guardrailVersion": HR.version}}

    ours, theirs = env.client.converse(**ask("converse")), plain(env.fake).converse(**ask("converse"), **named)

    assert read(ours) == read(theirs)
    assert ours["ResponseMetadata"].keys() - theirs["ResponseMetadata"].keys() == {"GuardedBedrock"}
    assert ours["ResponseMetadata"]["GuardedBedrock"] == {"guardrail": HR.arn, "version": HR.version}
