"""Other libraries with guarded clients: moto, botocore's stubs, OpenTelemetry's instrumentation."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import boto3
import pytest
from botocore.exceptions import ClientError, StubAssertionError
from botocore.stub import ANY, Stubber
from harness.clients import HR, INVOCATIONS, MODEL, PUBLIC, ask, read
from moto import mock_aws
from opentelemetry.instrumentation.botocore import BotocoreInstrumentor
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from guardedbedrock import ExplicitDenyError, Guard, GuardrailNotApprovedError
from guardedbedrock.stages.retry.policy import RetryPolicy
from guardedbedrock.telemetry.spans import CallSpans

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.clients import Make

HERE: Final = {"region_name": "us-east-1", "aws_access_key_id": "a", "aws_secret_access_key": "b"}
NAMED: Final = {"guardrailIdentifier": HR.arn, "guardrailVersion": HR.version}
ANSWER: Final = {
    "output": {"message": {"role": "assistant", "content": [{"text": "hi"}]}},
    "stopReason": "end_turn",
    "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2},
    "metrics": {"latencyMs": 1},
}


def guard(**options: Any) -> Guard:
    """Create a guard without listeners."""
    return Guard(**{"guardrails": [HR], "listeners": (), "retry": RetryPolicy(1), **options})


WAYS: Final[dict[str, Callable[[str], Any]]] = {
    "made": lambda service: guard().client(service, **HERE),
    "session": lambda service: guard().session(boto3.Session()).client(service, **HERE),
    "wrapped": lambda service: guard().wrap(boto3.client(service, **HERE)),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_moto_mocks_guarded_clients(way: Callable[[str], Any]) -> None:
    with mock_aws():
        control, runtime = way("bedrock"), way("bedrock-runtime")
        arn = control.create_model_customization_job(
            jobName="job",
            customModelName="mine",
            roleArn="arn:aws:iam::123456789012:role/Custom",
            baseModelIdentifier=MODEL,
            trainingDataConfig={"s3Uri": "s3://bucket/in"},
            outputDataConfig={"s3Uri": "s3://bucket/out"},
            hyperParameters={"a": "b"},
        )["jobArn"]
        answered = runtime.invoke_model(modelId=MODEL, body=json.dumps({"prompt": "hi"}).encode())
        with pytest.raises(GuardrailNotApprovedError):
            runtime.invoke_model(modelId=MODEL, body=b"{}", guardrailIdentifier="weak00000001", guardrailVersion="1")

    assert arn.startswith("arn:aws:bedrock:us-east-1:123456789012:model-customization-job/")
    assert answered["ResponseMetadata"]["HTTPStatusCode"] == 200


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_stubber_stubs_guarded_clients(way: Callable[[str], Any]) -> None:
    client = way("bedrock-runtime")
    with Stubber(client) as stubber:
        stubber.add_response("converse", ANSWER)
        stubber.add_response("converse", ANSWER, {**ask("converse"), "guardrailConfig": NAMED})
        stubber.add_response("converse", ANSWER, {**ask("converse"), "guardrailConfig": ANY})
        stubber.add_client_error("converse", "ThrottlingException", expected_params={**ask("converse"), "guardrailConfig": ANY})
        stubber.add_response("converse", ANSWER, ask("converse"))

        replies = [client.converse(**ask("converse")) for _ in range(3)]
        with pytest.raises(client.exceptions.ThrottlingException):
            client.converse(**ask("converse"))
        with pytest.raises(StubAssertionError, match="guardrailConfig"):
            client.converse(**ask("converse"))

    assert replies == [ANSWER] * 3


def test_stubbed_client_gets_the_guardrail(harness: Make) -> None:
    env = harness()
    with Stubber(env.client) as stubber:
        stubber.add_response("converse", ANSWER)
        with pytest.raises(ExplicitDenyError):
            env.client.converse(**ask("converse", model="anthropic.claude-3-opus-20240229-v1:0"))
        assert env.client.converse(**ask("converse"))["stopReason"] == "end_turn"
        stubber.assert_no_pending_responses()


@pytest.fixture(name="spans")
def make_spans() -> Iterator[tuple[TracerProvider, Callable[[], list[ReadableSpan]]]]:
    """Instrument botocore, and yield the provider and what was exported, in order of start."""
    exporter, provider, instrumentor = InMemorySpanExporter(), TracerProvider(), BotocoreInstrumentor()  # type: ignore[no-untyped-call]
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    instrumentor.instrument(tracer_provider=provider)
    yield provider, lambda: sorted(exporter.get_finished_spans(), key=lambda span: span.start_time or 0)
    instrumentor.uninstrument()


@pytest.mark.parametrize("way", ["made", "wrapped"])
@pytest.mark.parametrize("method", ["converse", "converse_stream", *INVOCATIONS])
def test_instrumentation_of_botocore_traces_every_call(
    harness: Make, plain: Callable[..., Any], spans: Any, method: str, way: str
) -> None:
    provider, finished = spans
    env = harness(listeners=[CallSpans(provider.get_tracer("guardedbedrock"), slow_preflight=600.0)], policies=None)
    client = env.client if way == "made" else env.guard.wrap(plain(env.fake))
    added = NAMED if method in INVOCATIONS else {"guardrailConfig": NAMED}
    expected = read(getattr(plain(env.fake), method)(**ask(method), **added))
    before = len(finished())

    actual = read(getattr(client, method)(**ask(method)))

    ours, theirs = finished()[before:]
    assert actual == expected
    assert theirs.parent is not None
    assert theirs.parent.span_id == ours.context.span_id
    assert (theirs.attributes or {})["gen_ai.request.model"] == MODEL
    assert ours.end_time >= theirs.end_time or method.endswith("stream")
    assert env.fake.requests[-1].guardrail == (HR.arn, HR.version)


def test_instrumentation_traces_failures_and_not_refusals(harness: Make, spans: Any) -> None:
    provider, finished = spans
    env = harness(listeners=[CallSpans(provider.get_tracer("guardedbedrock"), slow_preflight=600.0)], guardrails=[HR, PUBLIC])
    env.fake.fail_next(400, "ValidationException", "no")

    with pytest.raises(ClientError, match="ValidationException"):
        env.client.converse(**ask("converse"))
    with pytest.raises(ExplicitDenyError):
        env.client.converse(**ask("converse", model="anthropic.claude-3-opus-20240229-v1:0"))

    assert [span.status.is_ok for span in finished()] == [False, False, False, False]
    assert [span.kind.name for span in finished()] == ["INTERNAL", "CLIENT", "INTERNAL", "INTERNAL"]
