"""One span for each guarded call, in a real tracer with an exporter in memory."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any, Final

import pytest
from harness.clients import DENIED_MODEL, HR, MODEL, PUBLIC, WEAK, ask, read
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode

from guardedbedrock import AccessDeniedError, GuardedBedrockError, iam
from guardedbedrock.core.records import Call
from guardedbedrock.telemetry import CallSpans

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.clients import Harness, Make
    from opentelemetry.trace import Tracer

SECRET: Final = "the merger with Acme"
SAID: Final = "sell everything tomorrow"
METHODS: Final = ("converse", "converse_stream", "invoke_model", "invoke_model_with_response_stream")
GUARDED: Final = {
    "cloud.region": "us-east-1",
    "gen_ai.request.model": MODEL,
    "aws.bedrock.guardrail.id": HR.id,
    "guardedbedrock.guardrail.version": HR.version,
    "guardedbedrock.guardrail.injected": True,
}
ALLOWED: Final = {"guardedbedrock.decision": "allowed", "guardedbedrock.vocabulary": "aws", "http.response.status_code": 200}
BY_ADDRESS: Final = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Action": "bedrock:*",
        "Resource": "*",
        "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}},
    },
}


@pytest.fixture
def exporter() -> InMemorySpanExporter:
    """Keep finished spans in memory."""
    return InMemorySpanExporter()


@pytest.fixture
def tracer(exporter: InMemorySpanExporter) -> Iterator[Tracer]:
    """Give a tracer of a provider of its own; the global one stays as it is."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield provider.get_tracer("guardedbedrock")
    provider.shutdown()


def only(exporter: InMemorySpanExporter) -> ReadableSpan:
    """Give the one span of a call there is."""
    (span,) = of_calls(exporter)
    return span


def of_calls(exporter: InMemorySpanExporter) -> list[ReadableSpan]:
    """Give the spans of calls, without those of requests and preflights."""
    finished = exporter.get_finished_spans()
    return [span for span in finished if span.kind is SpanKind.INTERNAL and span.name.split()[-1] != "preflight"]


def written(span: ReadableSpan) -> str:
    """Write out everything that a span says."""
    return f"{span.to_json()} {span.status.description} {[(event.name, event.attributes) for event in span.events]}"


def denied(env: Harness, **params: Any) -> AccessDeniedError:
    """Make a call that is denied, and give the error."""
    with pytest.raises(AccessDeniedError) as error:
        env.client.converse(**{**ask("converse", SECRET), **params})
    return error.value


@pytest.mark.parametrize("method", METHODS)
def test_a_call_is_one_span(harness: Make, tracer: Tracer, exporter: InMemorySpanExporter, method: str) -> None:
    """The span says what was called, where, on which model, with which guardrail, and what the policies said."""
    env = harness(listeners=[CallSpans(tracer, slow_preflight=600.0)])

    read(getattr(env.client, method)(**ask(method)))

    span, name = only(exporter), env.client.meta.method_to_api_mapping[method]
    assert (span.name, span.kind, span.status.status_code) == (f"guardedbedrock {name}", SpanKind.INTERNAL, StatusCode.UNSET)
    request_id = env.fake.requests[0].request_id
    assert dict(span.attributes or {}) == {**GUARDED, **ALLOWED, "rpc.method": name, "aws.request_id": request_id}
    assert list(span.events) == []


@pytest.mark.parametrize(("slow", "spans"), [(0.0, 1), (600.0, 0)])
def test_a_slow_preflight_has_a_span_of_its_own(
    harness: Make, tracer: Tracer, exporter: InMemorySpanExporter, slow: float, spans: int
) -> None:
    """One that took no time worth speaking of has none."""
    harness(listeners=[CallSpans(tracer, slow_preflight=slow)]).client.converse(**ask("converse"))

    found = [span for span in exporter.get_finished_spans() if span.name == "guardedbedrock preflight"]
    assert len(found) == spans
    assert all((span.end_time or 0) >= (span.start_time or 0) for span in found)


def test_a_call_without_a_guardrail_says_none(harness: Make, tracer: Tracer, exporter: InMemorySpanExporter) -> None:
    """ListAsyncInvokes has neither model nor guardrail."""
    env = harness(listeners=[CallSpans(tracer, slow_preflight=600.0)])

    env.client.list_async_invokes()

    expected = {**ALLOWED, "rpc.method": "ListAsyncInvokes", "cloud.region": "us-east-1"}
    expected["aws.request_id"] = env.fake.requests[0].request_id
    assert dict(only(exporter).attributes or {}) == expected


def test_the_chosen_guardrail_is_named(harness: Make, tracer: Tracer, exporter: InMemorySpanExporter) -> None:
    """Operators see which guardrail went along, not which is the default."""
    env = harness(listeners=[CallSpans(tracer, slow_preflight=600.0)])

    with env.guard.using("customer-facing"):
        env.client.converse(**ask("converse"))

    assert (only(exporter).attributes or {})["aws.bedrock.guardrail.id"] == PUBLIC.id


def test_a_denial_is_an_error_with_its_reasons(harness: Make, tracer: Tracer, exporter: InMemorySpanExporter) -> None:
    """Decision, policy type and statement stand in the span, and its status is an error."""
    env = harness(listeners=[CallSpans(tracer, slow_preflight=600.0)])

    denied(env, modelId=DENIED_MODEL)

    span = only(exporter)
    attributes = dict(span.attributes or {})
    assert span.status.status_code is StatusCode.ERROR
    assert attributes["error.type"] == "ExplicitDenyError"
    assert attributes["guardedbedrock.decision"] == "explicitDeny"
    assert attributes["guardedbedrock.policy_type"] == "identity"
    assert "NoOpus" in str(attributes["guardedbedrock.statements"])


def test_a_refusal_is_an_error(harness: Make, tracer: Tracer, exporter: InMemorySpanExporter) -> None:
    """What the guard itself refuses ends the span as well."""
    env = harness(listeners=[CallSpans(tracer, slow_preflight=600.0)])

    denied(env, guardrailConfig=WEAK)

    span = only(exporter)
    assert span.status.status_code is StatusCode.ERROR
    assert (span.attributes or {})["error.type"] == "GuardrailNotApprovedError"


def test_an_error_of_the_service_is_named(harness: Make, tracer: Tracer, exporter: InMemorySpanExporter) -> None:
    """Class and status of what AWS answered."""
    env = harness(listeners=[CallSpans(tracer, slow_preflight=600.0)])
    env.fake.fail_next(400, "ValidationException", SECRET)

    with pytest.raises(env.client.exceptions.ValidationException):
        env.client.converse(**ask("converse"))

    span = only(exporter)
    attributes = dict(span.attributes or {})
    assert (attributes["error.type"], attributes["http.response.status_code"]) == ("ValidationException", 400)
    assert span.status.status_code is StatusCode.ERROR
    assert SECRET not in written(span)


def test_retries_divergence_and_reports_are_events(harness: Make, tracer: Tracer, exporter: InMemorySpanExporter) -> None:
    """What happens within a call is an event of its span."""
    env = harness(listeners=[CallSpans(tracer, slow_preflight=600.0)], mode="report")
    env.fake.fail_next(429, "ThrottlingException", "slow")
    env.fake.deny_next("User: x is not authorized to perform: bedrock:InvokeModel with an explicit deny in a session policy")

    denied(env)
    env.client.converse(**ask("converse"), guardrailConfig=WEAK)

    first, second = of_calls(exporter)
    (retry,), (diverged,) = exporter.get_finished_spans()[0].events, first.events
    assert (retry.name, (retry.attributes or {})["error.type"]) == ("guardedbedrock.retry", "ThrottlingException")
    assert diverged.name == "preflight.diverged"
    assert dict(diverged.attributes or {}) == {"guardedbedrock.decision": "allowed", "guardedbedrock.policy_type": "session"}
    assert [(event.name, dict(event.attributes or {})) for event in second.events] == [
        ("guardedbedrock.would_refuse", {"error.type": "GuardrailNotApprovedError"})
    ]


def test_an_open_question_is_named(harness: Make, tracer: Tracer, exporter: InMemorySpanExporter) -> None:
    """What an indeterminate answer hangs on stands in the span."""
    env = harness(listeners=[CallSpans(tracer, slow_preflight=600.0)], policies=iam.PolicySet(identity=[BY_ADDRESS]))

    env.client.converse(**ask("converse"))

    attributes = dict(only(exporter).attributes or {})
    assert attributes["guardedbedrock.decision"] == "indeterminate"
    assert attributes["guardedbedrock.hangs_on"] == ("aws:SourceIp",)


@pytest.mark.parametrize("method", METHODS)
def test_an_intervention_is_named(harness: Make, tracer: Tracer, exporter: InMemorySpanExporter, method: str) -> None:
    """Whether the guardrail stepped in, in every operation."""
    env = harness(listeners=[CallSpans(tracer, slow_preflight=600.0)])

    read(getattr(env.client, method)(**ask(method, "my salary")))

    assert (only(exporter).attributes or {})["guardedbedrock.intervention"]


@pytest.mark.parametrize("method", ["converse_stream", "invoke_model_with_response_stream"])
def test_the_span_of_a_stream_ends_with_the_stream(
    harness: Make, tracer: Tracer, exporter: InMemorySpanExporter, method: str
) -> None:
    """While somebody reads, the span is open, and it is not the current one in the reader's code."""
    env = harness(listeners=[CallSpans(tracer, slow_preflight=600.0)])
    response = getattr(env.client, method)(**ask(method))

    assert of_calls(exporter) == []
    assert not trace.get_current_span().get_span_context().is_valid
    read(response)
    assert only(exporter).status.status_code is StatusCode.UNSET


def left(stream: Any) -> None:
    """Read one event, and hold the stream no longer."""
    next(iter(stream))


def closed(stream: Any) -> None:
    """Read one event, and close."""
    next(iter(stream))
    stream.close()


@pytest.mark.parametrize("end", [left, closed, list])
@pytest.mark.parametrize("method", ["converse_stream", "invoke_model_with_response_stream"])
def test_the_spans_of_a_stream_end_however_it_is_left(
    harness: Make, tracer: Tracer, exporter: InMemorySpanExporter, method: str, end: Any
) -> None:
    """Read to its end, closed, or dropped: request and call have ended, once, and neither is an error."""
    env = harness(listeners=[CallSpans(tracer, slow_preflight=600.0)])
    response = getattr(env.client, method)(**ask(method))
    assert exporter.get_finished_spans() == ()

    end(response.pop("stream" if method == "converse_stream" else "body"))
    gc.collect()

    ended = [(span.kind.name, span.status.status_code.name) for span in exporter.get_finished_spans()]
    assert ended == [("CLIENT", "UNSET"), ("INTERNAL", "UNSET")]


def test_the_span_of_a_stream_that_breaks_is_an_error(harness: Make, tracer: Tracer, exporter: InMemorySpanExporter) -> None:
    """The end of a broken stream is that of its span."""
    env = harness(listeners=[CallSpans(tracer, slow_preflight=600.0)])
    env.fake.break_stream()

    with pytest.raises(GuardedBedrockError):
        read(env.client.converse_stream(**ask("converse_stream")))

    span = only(exporter)
    assert (span.status.status_code, (span.attributes or {})["error.type"]) == (StatusCode.ERROR, "StreamInterruptedError")


def test_botocores_span_would_be_a_child(harness: Make, tracer: Tracer, exporter: InMemorySpanExporter) -> None:
    """While botocore works the span is the current one, and its parent is the application's."""
    env = harness(listeners=[CallSpans(tracer, slow_preflight=600.0)])

    def instrument(**_: Any) -> None:
        tracer.start_span("chat").end()

    env.client.meta.events.register("before-send", instrument)
    with tracer.start_as_current_span("application"):
        env.client.converse(**ask("converse"))
        after = trace.get_current_span()
        assert isinstance(after, ReadableSpan)
        assert after.name == "application"

    inner, request, ours, outer = exporter.get_finished_spans()
    assert [span.name for span in (inner, request, ours, outer)] == [
        "chat",
        f"chat {MODEL}",
        "guardedbedrock Converse",
        "application",
    ]
    assert inner.parent == request.context
    assert request.parent == ours.context
    assert ours.parent == outer.context


@pytest.mark.parametrize("method", METHODS)
def test_no_word_of_the_conversation_is_in_a_span(
    harness: Make, tracer: Tracer, exporter: InMemorySpanExporter, method: str
) -> None:
    """Neither prompt nor completion nor what the guardrail found, whether the call ends well or not."""
    env = harness(listeners=[CallSpans(tracer, slow_preflight=600.0)])
    env.fake.reply(SAID)

    read(getattr(env.client, method)(**ask(method, SECRET)))
    read(getattr(env.client, method)(**ask(method, f"salary {SECRET}")))
    with pytest.raises(AccessDeniedError):
        getattr(env.client, method)(**ask(method, SECRET, model=DENIED_MODEL))

    told = "".join(written(span) for span in exporter.get_finished_spans())
    assert len(of_calls(exporter)) == 3
    assert [word for word in ("merger", "Acme", "tomorrow", "salary", "testing") if word in told] == []


def test_without_an_sdk_nothing_is_opened(harness: Make) -> None:
    """The API alone records nothing, so there is nothing to observe, and the call is as ever."""
    spans = CallSpans(trace.NoOpTracer())

    assert spans.open(Call("Converse", ask("converse"), "us-east-1")) is None
    harness(listeners=[spans]).client.converse(**ask("converse"))


def test_a_span_that_is_not_sampled_still_carries_the_context(harness: Make) -> None:
    """What is not recorded says nothing, and is the current span all the same, so that the decision not to sample goes on."""
    provider = TracerProvider(sampler=ALWAYS_OFF)
    env = harness(listeners=[CallSpans(provider.get_tracer("guardedbedrock"))])
    seen: list[Any] = []
    env.client.meta.events.register("before-send", lambda **_: seen.append(trace.get_current_span().get_span_context()))

    env.client.converse(**ask("converse"))

    assert [(context.is_valid, context.trace_flags.sampled) for context in seen] == [(True, False)]
