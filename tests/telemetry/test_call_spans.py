"""One span for each guarded call, in a real tracer with an exporter in memory."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.exceptions import ParamValidationError
from harness.clients import DENIED_MODEL, HR, MODEL, POLICIES, PUBLIC, WEAK, ask, read
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode

from guardedbedrock import AccessDeniedError, GuardedBedrockError, iam
from guardedbedrock.core.records import Call
from guardedbedrock.telemetry import CallSpans
from guardedbedrock.telemetry.logs import DecisionLog

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
    """Return a tracer of a separate provider; the global provider does not change."""
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield provider.get_tracer("guardedbedrock")
    provider.shutdown()


def only(exporter: InMemorySpanExporter) -> ReadableSpan:
    """Return the only span of a call."""
    (span,) = of_calls(exporter)
    return span


def of_calls(exporter: InMemorySpanExporter) -> list[ReadableSpan]:
    """Return the spans of calls, without those of requests and preflights."""
    finished = exporter.get_finished_spans()
    return [span for span in finished if span.kind is SpanKind.INTERNAL and span.name.split()[-1] != "preflight"]


def written(span: ReadableSpan) -> str:
    """Return everything in a span as a string."""
    return f"{span.to_json()} {span.status.description} {[(event.name, event.attributes) for event in span.events]}"


def denied(env: Harness, **params: Any) -> AccessDeniedError:
    """Make a call that is denied, and return the error."""
    with pytest.raises(AccessDeniedError) as error:
        env.client.converse(**{**ask("converse", SECRET), **params})
    return error.value


@pytest.mark.parametrize("method", METHODS)
def test_a_call_has_one_span_with_its_attributes(
    harness: Make, tracer: Tracer, exporter: InMemorySpanExporter, method: str
) -> None:
    env = harness(listeners=[CallSpans(tracer, slow_preflight=600.0)])

    read(getattr(env.client, method)(**ask(method)))

    span, name = only(exporter), env.client.meta.method_to_api_mapping[method]
    assert (span.name, span.kind, span.status.status_code) == (f"guardedbedrock {name}", SpanKind.INTERNAL, StatusCode.UNSET)
    request_id = env.fake.requests[0].request_id
    assert dict(span.attributes or {}) == {**GUARDED, **ALLOWED, "rpc.method": name, "aws.request_id": request_id}
    assert list(span.events) == []


@pytest.mark.parametrize(("slow", "spans"), [(0.0, 1), (600.0, 0)])
def test_a_slow_preflight_has_its_own_span(
    harness: Make, tracer: Tracer, exporter: InMemorySpanExporter, slow: float, spans: int
) -> None:
    harness(listeners=[CallSpans(tracer, slow_preflight=slow)]).client.converse(**ask("converse"))

    found = [span for span in exporter.get_finished_spans() if span.name == "guardedbedrock preflight"]
    assert len(found) == spans
    assert all((span.end_time or 0) >= (span.start_time or 0) for span in found)


def test_the_span_of_a_call_without_a_guardrail_has_no_guardrail_attributes(
    harness: Make, tracer: Tracer, exporter: InMemorySpanExporter
) -> None:
    env = harness(listeners=[CallSpans(tracer, slow_preflight=600.0)])

    env.client.list_async_invokes()

    expected = {**ALLOWED, "rpc.method": "ListAsyncInvokes", "cloud.region": "us-east-1"}
    expected["aws.request_id"] = env.fake.requests[0].request_id
    assert dict(only(exporter).attributes or {}) == expected


@pytest.mark.parametrize("policies", [{"policies": POLICIES}, {"policies": None, "principal": None}], ids=["policies", "none"])
@pytest.mark.parametrize("identifier", [PUBLIC.arn, PUBLIC.id])
def test_the_spans_name_the_guardrail_that_the_application_applies(
    harness: Make, tracer: Tracer, exporter: InMemorySpanExporter, policies: dict[str, Any], identifier: str
) -> None:
    env = harness(listeners=[CallSpans(tracer, slow_preflight=600.0)], **policies)

    content = [{"text": {"text": SECRET}}]
    env.client.apply_guardrail(guardrailIdentifier=identifier, guardrailVersion="1", source="INPUT", content=content)

    request, call = exporter.get_finished_spans()
    named = {"aws.bedrock.guardrail.id": PUBLIC.id, "guardedbedrock.guardrail.version": "1"}
    assert named.items() <= dict(request.attributes or {}).items()
    assert {**named, "guardedbedrock.guardrail.injected": False}.items() <= dict(call.attributes or {}).items()


@pytest.mark.parametrize("method", ["converse", "invoke_model"])
def test_in_mode_report_the_spans_name_the_guardrail_that_is_sent(
    harness: Make, tracer: Tracer, exporter: InMemorySpanExporter, method: str
) -> None:
    env = harness(listeners=[CallSpans(tracer, slow_preflight=600.0)], mode="report")

    getattr(env.client, method)(**ask(method), **({"guardrailConfig": WEAK} if method == "converse" else WEAK))

    spans = exporter.get_finished_spans()
    assert [(span.attributes or {})["aws.bedrock.guardrail.id"] for span in spans] == [WEAK["guardrailIdentifier"]] * 2


def test_the_span_names_the_guardrail_that_was_chosen_by_name(
    harness: Make, tracer: Tracer, exporter: InMemorySpanExporter
) -> None:
    env = harness(listeners=[CallSpans(tracer, slow_preflight=600.0)])

    with env.guard.using("customer-facing"):
        env.client.converse(**ask("converse"))

    assert (only(exporter).attributes or {})["aws.bedrock.guardrail.id"] == PUBLIC.id


def test_the_span_of_a_denied_call_is_an_error_with_policy_type_and_statements(
    harness: Make, tracer: Tracer, exporter: InMemorySpanExporter
) -> None:
    env = harness(listeners=[CallSpans(tracer, slow_preflight=600.0)])

    denied(env, modelId=DENIED_MODEL)

    span = only(exporter)
    attributes = dict(span.attributes or {})
    assert span.status.status_code is StatusCode.ERROR
    assert attributes["error.type"] == "ExplicitDenyError"
    assert attributes["guardedbedrock.decision"] == "explicitDeny"
    assert attributes["guardedbedrock.policy_type"] == "identity"
    assert "NoOpus" in str(attributes["guardedbedrock.statements"])


def test_the_span_of_a_refused_call_is_an_error(harness: Make, tracer: Tracer, exporter: InMemorySpanExporter) -> None:
    env = harness(listeners=[CallSpans(tracer, slow_preflight=600.0)])

    denied(env, guardrailConfig=WEAK)

    span = only(exporter)
    assert span.status.status_code is StatusCode.ERROR
    assert (span.attributes or {})["error.type"] == "GuardrailNotApprovedError"


def test_the_span_of_a_failed_call_has_class_and_status_of_the_error(
    harness: Make, tracer: Tracer, exporter: InMemorySpanExporter
) -> None:
    env = harness(listeners=[CallSpans(tracer, slow_preflight=600.0)])
    env.fake.fail_next(400, "ValidationException", SECRET)

    with pytest.raises(env.client.exceptions.ValidationException):
        env.client.converse(**ask("converse"))

    span = only(exporter)
    attributes = dict(span.attributes or {})
    assert (attributes["error.type"], attributes["http.response.status_code"]) == ("ValidationException", 400)
    assert attributes["aws.request_id"] == env.fake.requests[0].request_id
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "failed Converse: ValidationException")
    assert SECRET not in written(span)


@pytest.mark.parametrize(
    ("by_aws", "params", "description"),
    [
        (True, {}, "AWS denied Converse: ExplicitDenyError by session policy for bedrock:InvokeModel"),
        (False, {"modelId": DENIED_MODEL}, "refused Converse: ExplicitDenyError by identity policy for bedrock:InvokeModel"),
        (False, {"guardrailConfig": WEAK}, "refused Converse: GuardrailNotApprovedError"),
    ],
)
def test_the_status_of_a_denied_call_says_who_denied_it_as_the_log_does(  # noqa: PLR0913, PLR0917 - fixtures and parameters
    harness: Make,
    tracer: Tracer,
    exporter: InMemorySpanExporter,
    caplog: pytest.LogCaptureFixture,
    by_aws: bool,  # noqa: FBT001
    params: dict[str, Any],
    description: str,
) -> None:
    env = harness(listeners=[CallSpans(tracer, slow_preflight=600.0), DecisionLog()])
    if by_aws:
        env.fake.deny_next("User: x is not authorized to perform: bedrock:InvokeModel with an explicit deny in a session policy")

    denied(env, **params)

    status = str(only(exporter).status.description)
    assert status.startswith(description)
    assert status in [record.getMessage() for record in caplog.records]
    attributes = dict(only(exporter).attributes or {})
    assert attributes.get("aws.request_id") == (env.fake.requests[0].request_id if by_aws else None)


@pytest.mark.parametrize("method", ["converse", "invoke_model"])
def test_a_model_that_is_no_text_is_no_attribute(
    harness: Make, tracer: Tracer, exporter: InMemorySpanExporter, method: str
) -> None:
    env = harness(listeners=[CallSpans(tracer, slow_preflight=600.0)], policies=None, principal=None)

    with pytest.raises(ParamValidationError):
        getattr(env.client, method)(**ask(method) | {"modelId": 3})

    spans = exporter.get_finished_spans()
    assert [span.name.split()[0] for span in spans] == ["chat", "guardedbedrock"]
    assert [(span.attributes or {}).get("gen_ai.request.model") for span in spans] == [None, None]


def test_retries_divergence_and_would_be_refusals_are_span_events(
    harness: Make, tracer: Tracer, exporter: InMemorySpanExporter
) -> None:
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


def test_the_span_names_the_keys_of_an_indeterminate_decision(
    harness: Make, tracer: Tracer, exporter: InMemorySpanExporter
) -> None:
    env = harness(listeners=[CallSpans(tracer, slow_preflight=600.0)], policies=iam.PolicySet(identity=[BY_ADDRESS]))

    env.client.converse(**ask("converse"))

    attributes = dict(only(exporter).attributes or {})
    assert attributes["guardedbedrock.decision"] == "indeterminate"
    assert attributes["guardedbedrock.hangs_on"] == ("aws:SourceIp",)


@pytest.mark.parametrize("method", METHODS)
def test_the_span_names_an_intervention_of_every_operation(
    harness: Make, tracer: Tracer, exporter: InMemorySpanExporter, method: str
) -> None:
    env = harness(listeners=[CallSpans(tracer, slow_preflight=600.0)])

    read(getattr(env.client, method)(**ask(method, "my salary")))

    assert (only(exporter).attributes or {})["guardedbedrock.intervention"]


@pytest.mark.parametrize("method", ["converse_stream", "invoke_model_with_response_stream"])
def test_the_span_of_a_stream_ends_with_the_stream(
    harness: Make, tracer: Tracer, exporter: InMemorySpanExporter, method: str
) -> None:
    """It is open while the stream is read, and not the current span of the reader."""
    env = harness(listeners=[CallSpans(tracer, slow_preflight=600.0)])
    response = getattr(env.client, method)(**ask(method))

    assert of_calls(exporter) == []
    assert not trace.get_current_span().get_span_context().is_valid
    read(response)
    assert only(exporter).status.status_code is StatusCode.UNSET


def left(stream: Any) -> None:
    """Read one event, and drop the stream."""
    next(iter(stream))


def closed(stream: Any) -> None:
    """Read one event, and close."""
    next(iter(stream))
    stream.close()


@pytest.mark.parametrize("end", [left, closed, list])
@pytest.mark.parametrize("method", ["converse_stream", "invoke_model_with_response_stream"])
def test_the_spans_of_a_stream_end_once_if_it_is_read_closed_or_dropped(
    harness: Make, tracer: Tracer, exporter: InMemorySpanExporter, method: str, end: Any
) -> None:
    env = harness(listeners=[CallSpans(tracer, slow_preflight=600.0)])
    response = getattr(env.client, method)(**ask(method))
    assert exporter.get_finished_spans() == ()

    end(response.pop("stream" if method == "converse_stream" else "body"))
    gc.collect()

    ended = [(span.kind.name, span.status.status_code.name) for span in exporter.get_finished_spans()]
    assert ended == [("CLIENT", "UNSET"), ("INTERNAL", "UNSET")]


def test_the_span_of_a_stream_that_breaks_is_an_error(harness: Make, tracer: Tracer, exporter: InMemorySpanExporter) -> None:
    """The span ends when the stream breaks."""
    env = harness(listeners=[CallSpans(tracer, slow_preflight=600.0)])
    env.fake.break_stream()

    with pytest.raises(GuardedBedrockError):
        read(env.client.converse_stream(**ask("converse_stream")))

    span = only(exporter)
    assert (span.status.status_code, (span.attributes or {})["error.type"]) == (StatusCode.ERROR, "StreamInterruptedError")


def test_a_span_that_is_made_while_botocore_sends_is_a_child_of_the_request(
    harness: Make, tracer: Tracer, exporter: InMemorySpanExporter
) -> None:
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
def test_no_span_contains_prompt_completion_or_matched_text(
    harness: Make, tracer: Tracer, exporter: InMemorySpanExporter, method: str
) -> None:
    env = harness(listeners=[CallSpans(tracer, slow_preflight=600.0)])
    env.fake.reply(SAID)

    read(getattr(env.client, method)(**ask(method, SECRET)))
    read(getattr(env.client, method)(**ask(method, f"salary {SECRET}")))
    with pytest.raises(AccessDeniedError):
        getattr(env.client, method)(**ask(method, SECRET, model=DENIED_MODEL))

    told = "".join(written(span) for span in exporter.get_finished_spans())
    assert len(of_calls(exporter)) == 3
    assert [word for word in ("merger", "Acme", "tomorrow", "salary", "testing") if word in told] == []


def test_without_an_sdk_no_span_is_made(harness: Make) -> None:
    spans = CallSpans(trace.NoOpTracer())

    assert spans.open(Call.of("Converse", ask("converse"), "us-east-1")) is None
    harness(listeners=[spans]).client.converse(**ask("converse"))


def test_a_span_that_is_not_sampled_is_current_and_passes_the_decision_on(harness: Make) -> None:
    provider = TracerProvider(sampler=ALWAYS_OFF)
    env = harness(listeners=[CallSpans(provider.get_tracer("guardedbedrock"))])
    seen: list[Any] = []
    env.client.meta.events.register("before-send", lambda **_: seen.append(trace.get_current_span().get_span_context()))

    env.client.converse(**ask("converse"))

    assert [(context.is_valid, context.trace_flags.sampled) for context in seen] == [(True, False)]
