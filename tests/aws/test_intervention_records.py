"""``guardedbedrock.intervention`` on every kind of reply, and replies without a guardrail trace."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.awsrequest import AWSResponse
from botocore.response import StreamingBody
from harness.clients import HR, ON_THE_SERVER, Recorder, ask, read

import guardedbedrock
from guardedbedrock import GuardrailInterventionError, UnguardedReplyError
from guardedbedrock.bedrock.guardrail.intervention import Coverage
from guardedbedrock.core.events import GuardrailIntervened, ReplyUnguarded
from guardedbedrock.testing import FakeBedrock, FakeGuardrail
from guardedbedrock.testing.wire.eventstream import CONTENT_TYPE, event

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.clients import Harness, Make

METHODS: Final = ("converse", "converse_stream", "invoke_model", "invoke_model_with_response_stream")
TRACED: Final[dict[str, dict[str, Any]]] = {
    "converse": {"guardrailConfig": {"trace": "enabled"}},
    "converse_stream": {"guardrailConfig": {"trace": "enabled"}},
    "invoke_model": {"trace": "ENABLED"},
    "invoke_model_with_response_stream": {"trace": "ENABLED"},
}
MASKING: Final = FakeGuardrail(HR.arn, version=HR.version, denied_words=("salary",), pii={"EMAIL": "anonymize"})
FAKE: Final = {"guardrails": (MASKING, *ON_THE_SERVER[1:])}
NAMED: Final = {"guardrailIdentifier": HR.arn, "guardrailVersion": HR.version}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("text", "action", "policy"),
    [("my salary", "blocked", "wordPolicy"), ("write to ann@example.com", "masked", "sensitiveInformationPolicy")],
)
def test_intervention_distinguishes_block_and_mask(harness: Make, method: str, text: str, action: str, policy: str) -> None:
    recorder = Recorder()
    client = harness(listeners=[recorder], fake=FAKE).client

    response = getattr(client, method)(**ask(method, text), **TRACED[method])
    for name in ("stream", "body"):
        if not hasattr(response.get(name, b""), "read"):
            list(response.get(name, ()))
    found = guardedbedrock.intervention(response)

    assert found is not None
    assert (found.action, found.policies, found.guardrail, found.version) == (action, (policy,), HR.id, HR.version)
    assert found.sources == ("INPUT",)
    assert isinstance(found.coverage, Coverage)
    assert found.coverage.guarded >= len(text)
    assert found.text_units["wordPolicyUnits"] >= 1
    assert [event.intervention for event in recorder.last.of(GuardrailIntervened)] == [found]


@pytest.mark.parametrize("method", METHODS)
def test_intervention_without_a_trace_has_the_known_facts(harness: Make, method: str) -> None:
    recorder = Recorder()

    read(getattr(harness(listeners=[recorder]).client, method)(**ask(method, "my salary")))

    (told,) = recorder.last.of(GuardrailIntervened)
    assert told.intervention == guardedbedrock.Intervention(recorder.last.call.name, guardrail=HR.id, version=HR.version)


def test_body_is_readable_after_intervention_read_it(harness: Make) -> None:
    response = harness().client.invoke_model(**ask("invoke_model", "my salary"))

    before = guardedbedrock.intervention(response)
    body = json.loads(response["body"].read())

    assert before is not None
    assert body["amazon-bedrock-guardrailAction"] == "INTERVENED"
    assert guardedbedrock.intervention(response) == before


def test_intervention_reads_the_reply_of_a_plain_client(plain: Callable[[FakeBedrock], Any]) -> None:
    with FakeBedrock(guardrails=ON_THE_SERVER) as fake:
        client = plain(fake)
        body = client.invoke_model(**ask("invoke_model", "my salary"), **NAMED)
        whole = client.converse(**ask("converse", "my salary"), guardrailConfig=NAMED)
        events = list(client.converse_stream(**ask("converse_stream", "my salary"), guardrailConfig=NAMED)["stream"])
        method = "invoke_model_with_response_stream"
        chunks = list(client.invoke_model_with_response_stream(**ask(method, "my salary"), **NAMED)["body"])
        applied = client.apply_guardrail(**NAMED, source="INPUT", content=[{"text": {"text": "my salary"}}])
        harmless = client.converse(**ask("converse"), guardrailConfig=NAMED)

    found = [guardedbedrock.intervention(reply) for reply in (body, whole, events, chunks, applied)]
    names = ["InvokeModel", "Converse", "ConverseStream", "InvokeModelWithResponseStream", "ApplyGuardrail"]
    assert [each and each.operation for each in found] == names
    assert [each and each.action for each in found] == [None, None, None, None, "blocked"]
    assert json.loads(body["body"].read())["amazon-bedrock-guardrailAction"] == "INTERVENED"
    assert guardedbedrock.intervention(harmless) is None


def test_intervention_rejects_what_it_cannot_read() -> None:
    body = StreamingBody(io.BytesIO(b"{}"), 2)
    body.read(1)
    for reply in ({"stream": iter(())}, {"body": iter(())}, iter(())):
        with pytest.raises(TypeError):
            guardedbedrock.intervention(reply)
    with pytest.raises(ValueError, match="was read already"):
        guardedbedrock.intervention({"body": body})


def test_intervention_error_of_a_stream_has_the_whole_trace(harness: Make) -> None:
    client = harness(on_intervention="raise").client
    passed: list[Any] = []

    with pytest.raises(GuardrailInterventionError) as intervened:
        passed.extend(client.converse_stream(**ask("converse_stream", "my salary"), **TRACED["converse_stream"])["stream"])

    assert intervened.value.intervention.policies == ("wordPolicy",)


def test_stream_intervention_reflects_the_events_read_so_far(harness: Make) -> None:
    recorder = Recorder()
    stream = harness(listeners=[recorder]).client.converse_stream(
        **ask("converse_stream", "my salary"), **TRACED["converse_stream"]
    )["stream"]

    known: list[tuple[str, Any, int]] = []
    for one in stream:
        found = guardedbedrock.intervention(stream)
        known.append((next(iter(one)), found and found.policies, len(recorder.last.of(GuardrailIntervened))))

    assert known[0][1:] == (None, 0)
    assert known[-2:] == [("messageStop", (), 0), ("metadata", ("wordPolicy",), 0)]
    assert [one.intervention.policies for one in recorder.last.of(GuardrailIntervened)] == [("wordPolicy",)]


STRIPPED: Final[dict[str, bytes]] = {
    "converse": b'{"stopReason": "end_turn", "output": {"message": {"role": "assistant", "content": [{"text": "hi"}]}}}',
    "converse_stream": event("messageStop", {"stopReason": "end_turn"}) + event("metadata", {"usage": {}, "metrics": {}}),
    "invoke_model": b'{"content": [{"type": "text", "text": "hi"}]}',
    "invoke_model_with_response_stream": event("chunk", {"bytes": "eyJ0eXBlIjogIm1lc3NhZ2Vfc3RvcCJ9"}),
}
"""Replies of a service that did not run the guardrail."""


def unguarded(env: Harness, method: str, body: bytes, **params: Any) -> Any:
    """Make a call whose HTTP response has this body."""

    class Raw(io.BytesIO):
        def stream(self, *_: object, **__: object) -> Any:
            yield self.read()

    def answer(request: Any, **_: object) -> AWSResponse:
        kind = CONTENT_TYPE if "stream" in method else "application/json"
        return AWSResponse(request.url, 200, {"content-type": kind, "x-amzn-requestid": "r-1"}, Raw(body))

    env.client.meta.events.register("before-send.bedrock-runtime", answer)
    return read(getattr(env.client, method)(**ask(method), **params))


@pytest.mark.parametrize("method", METHODS)
def test_reply_without_guardrail_trace_is_reported(harness: Make, method: str) -> None:
    recorder = Recorder()

    unguarded(harness(listeners=[recorder]), method, STRIPPED[method], **TRACED[method])

    assert recorder.last.of(ReplyUnguarded) == [ReplyUnguarded(HR.arn, HR.version, "r-1")]
    assert recorder.last.closed == [None]


@pytest.mark.parametrize("method", METHODS)
def test_reply_without_guardrail_trace_raises_if_configured(harness: Make, method: str) -> None:
    recorder = Recorder()
    env = harness(listeners=[recorder], on_unguarded_reply="raise")

    with pytest.raises(UnguardedReplyError, match=f"guardrail {HR.arn} version {HR.version} did not run") as raised:
        unguarded(env, method, STRIPPED[method], **TRACED[method])

    assert (raised.value.request_id, recorder.last.closed) == ("r-1", [raised.value])


@pytest.mark.parametrize("method", METHODS)
def test_reply_with_guardrail_trace_is_not_reported(harness: Make, method: str) -> None:
    recorder = Recorder()
    client = harness(listeners=[recorder], on_unguarded_reply="raise").client

    for extra in ({}, TRACED[method]):
        read(getattr(client, method)(**ask(method), **extra))
        assert recorder.last.of(ReplyUnguarded) == []


@pytest.mark.parametrize(
    ("method", "body"),
    [
        ("converse", STRIPPED["converse"]),
        ("converse_stream", STRIPPED["converse_stream"]),
        ("invoke_model", b"\x89PNG"),
        ("invoke_model_with_response_stream", event("chunk", {"bytes": "iVBORw=="})),
        ("invoke_model_with_response_stream", b""),
    ],
    ids=["converse-untraced", "converse-stream-untraced", "image", "chunk-of-an-image", "no-event"],
)
def test_reply_that_need_not_show_a_trace_is_not_reported(harness: Make, method: str, body: bytes) -> None:
    recorder = Recorder()

    unguarded(harness(listeners=[recorder], on_unguarded_reply="raise"), method, body)

    assert recorder.last.of(ReplyUnguarded) == []


def replace_stream(parsed: dict[str, Any], **_: Any) -> None:
    """Replace the stream by a generator of its events, as a handler of an application may."""
    member = "stream" if "stream" in parsed else "body"
    events = parsed[member]
    parsed[member] = (event for event in events)


def parse_body(parsed: dict[str, Any], **_: Any) -> None:
    """Parse the body of a reply."""
    parsed["body"] = json.loads(parsed["body"].read())


@pytest.mark.parametrize(
    ("method", "handler"),
    [
        ("converse_stream", replace_stream),
        ("invoke_model_with_response_stream", replace_stream),
        ("invoke_model", replace_stream),
        ("invoke_model", parse_body),
    ],
)
def test_reply_that_a_handler_replaced_is_returned(harness: Make, method: str, handler: Callable[..., None]) -> None:
    """It cannot show whether the guardrail ran."""
    recorder = Recorder()
    client = harness(listeners=[recorder], on_unguarded_reply="raise").client
    client.meta.events.register("after-call.bedrock-runtime", handler)

    assert read(getattr(client, method)(**ask(method), **TRACED[method]))
    assert (recorder.last.of(ReplyUnguarded), recorder.last.closed) == ([], [None])
