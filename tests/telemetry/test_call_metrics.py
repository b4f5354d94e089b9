"""The metrics, in a real meter with a reader in memory; nothing that botocore's instrumentor counts is counted twice."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest
from harness.clients import DENIED_MODEL, MODEL, POLICY, WEAK, ask, read
from opentelemetry import context
from opentelemetry.instrumentation.botocore import BotocoreInstrumentor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from guardedbedrock import AccessDeniedError
from guardedbedrock.bedrock import GuardrailFinding, Intervention
from guardedbedrock.core.events import GuardrailDetected, ReplyUnguarded, SourceRead
from guardedbedrock.core.observers import Observers
from guardedbedrock.core.records import Call
from guardedbedrock.telemetry import CallMetrics, CallSpans
from guardedbedrock.telemetry.metrics.table import METRICS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.clients import Harness, Make

SESSION: Final = "User: x is not authorized to perform: bedrock:InvokeModel with an explicit deny in a session policy"
METHODS: Final = ("converse", "converse_stream", "invoke_model", "invoke_model_with_response_stream")
REQUEST: Final = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "aws.bedrock", "gen_ai.request.model": MODEL}


class Counted:
    """A meter whose counts can be read."""

    def __init__(self) -> None:
        self.reader = InMemoryMetricReader()
        self.provider = MeterProvider([self.reader])
        self.listener = CallMetrics(self.provider.get_meter("guardedbedrock"))

    def points(self) -> dict[str, list[Any]]:
        """Return the data points by the name of the metric."""
        data = self.reader.get_metrics_data()
        scopes = [scope for resource in data.resource_metrics for scope in resource.scope_metrics] if data else []
        return {metric.name: list(metric.data.data_points) for scope in scopes for metric in scope.metrics}

    def counts(self, name: str) -> list[tuple[dict[str, Any], Any]]:
        """Return attributes and value, or count, of a metric's points."""
        points = self.points().get(name, [])
        return [(dict(point.attributes), getattr(point, "value", getattr(point, "count", None))) for point in points]


@pytest.fixture
def counted() -> Iterator[Counted]:
    """Count."""
    env = Counted()
    yield env
    env.provider.shutdown()


def all_that_happens(harness: Make, counted: Counted) -> Harness:
    """Make one call of every kind."""
    env = harness(listeners=[counted.listener])
    for method in METHODS:
        read(getattr(env.client, method)(**ask(method)))
    env.client.converse(**ask("converse", "my salary"), guardrailConfig={"trace": "enabled"})
    env.client.converse(**ask("converse", "my salary"))
    env.fake.fail_next(429, "ThrottlingException", "slow")
    env.client.converse(**ask("converse"))
    env.fake.deny_next(SESSION)
    for params in ({}, {"modelId": DENIED_MODEL}, {"guardrailConfig": WEAK}):
        with pytest.raises(AccessDeniedError):
            env.client.converse(**{**ask("converse"), **params})
    observers = Observers([counted.listener], Call.of("InvokeModel", {}, "us-east-1"))
    observers.emit(ReplyUnguarded("abc123def456", "3"))
    findings = tuple(GuardrailFinding("contentPolicy", name, "detected") for name in ("HATE", "HATE", ""))
    observers.emit(GuardrailDetected(Intervention("InvokeModel", action="detected", findings=findings)))
    return env


def test_every_metric_of_the_table_is_recorded_with_no_other_attributes(harness: Make, counted: Counted) -> None:
    all_that_happens(harness, counted)

    points = counted.points()
    assert set(points) == {metric.name for metric in METRICS}
    for metric in METRICS:
        seen = {name for point in points[metric.name] for name in point.attributes}
        assert seen <= set(metric.attributes), metric.name
        if metric.buckets:
            assert tuple(points[metric.name][0].explicit_bounds) == metric.buckets


def test_retries_denials_refusals_interventions_and_findings_are_counted(harness: Make, counted: Counted) -> None:
    all_that_happens(harness, counted)
    method, policy = {"rpc.method": "Converse"}, {"guardedbedrock.intervention.policy": "contentPolicy"}

    assert counted.counts("guardedbedrock.retries") == [
        ({**method, "error.type": "ThrottlingException", "guardedbedrock.retry.by": "guard"}, 1)
    ]
    assert counted.counts("guardedbedrock.preflight.divergences") == [({**method, "guardedbedrock.policy_type": "session"}, 1)]
    assert counted.counts("guardedbedrock.refusals") == [
        ({**method, "error.type": "GuardrailNotApprovedError", "guardedbedrock.enforced": True}, 1)
    ]
    assert sorted(value for _, value in counted.counts("guardedbedrock.denials")) == [1, 1, 1]
    kinds = {attributes["guardedbedrock.intervention.policy"] for attributes, _ in counted.counts("guardedbedrock.interventions")}
    assert kinds == {"wordPolicy", "unknown"}
    assert counted.counts("guardedbedrock.findings") == [
        ({"rpc.method": "InvokeModel", **policy, "guardedbedrock.finding": "HATE"}, 2),
        ({"rpc.method": "InvokeModel", **policy}, 1),
    ]
    denied = [value for found, value in counted.counts("guardedbedrock.decisions") if found.get("guardedbedrock.policy_type")]
    assert denied == [1]


def test_the_age_of_the_policies_begins_when_the_guard_is_created(harness: Make, counted: Counted, tmp_path: Path) -> None:
    """A file that changes afterwards is not read again."""
    now = [1000.0]
    files = {kind: tmp_path / f"{kind}.json" for kind in ("identity", "boundary")}
    for file in files.values():
        file.write_text(json.dumps(POLICY), "utf-8")
    listener = CallMetrics(counted.provider.get_meter("guardedbedrock"), lambda: now[0])
    env = harness(policies={kind: str(file) for kind, file in files.items()}, listeners=[listener])
    files["identity"].write_text('{"Version": "2012-10-17", "Statement": []}', "utf-8")
    ages = []

    for now[0] in (1000.0, 1060.0, 900.0):
        env.client.converse(**ask("converse"))
        ages += counted.counts("guardedbedrock.source.age")

    assert ages == [({}, 0.0), ({}, 60.0), ({}, 0.0)]


@pytest.mark.parametrize("method", METHODS)
def test_a_request_is_recorded_by_the_genai_conventions(harness: Make, counted: Counted, method: str) -> None:
    read(getattr(harness(listeners=[counted.listener]).client, method)(**ask(method)))

    durations, tokens = counted.counts("gen_ai.client.operation.duration"), counted.points()["gen_ai.client.token.usage"]
    assert [(value, attributes.items() >= REQUEST.items()) for attributes, value in durations] == [(1, True)]
    assert {point.attributes["gen_ai.token.type"]: point.sum > 0 for point in tokens} == {"input": True, "output": True}
    first = counted.counts("gen_ai.client.operation.time_to_first_chunk")
    assert [value for _, value in first] == ([1] if "stream" in method else [])


@pytest.mark.parametrize("order", ["before", "after"])
def test_metrics_of_an_active_instrumentor_are_not_recorded_twice(harness: Make, counted: Counted, order: str) -> None:
    instrumentor, tracers = BotocoreInstrumentor(), TracerProvider()  # type: ignore[no-untyped-call]
    env = harness(listeners=[counted.listener]) if order == "after" else None
    instrumentor.instrument(tracer_provider=tracers, meter_provider=MeterProvider(), skip_dep_check=True)
    try:
        client = (env or harness(listeners=[counted.listener])).client
        read(client.converse_stream(**ask("converse_stream")))
    finally:
        instrumentor.uninstrument()

    assert {name for name in counted.points() if name.startswith("gen_ai.")} == {"gen_ai.client.operation.time_to_first_chunk"}


def test_a_failed_request_is_recorded_with_the_class_of_its_error(harness: Make, counted: Counted) -> None:
    env = harness(listeners=[counted.listener])
    env.fake.fail_next(400, "ValidationException", "no")
    with pytest.raises(env.client.exceptions.ValidationException):
        env.client.converse(**ask("converse"))
    with pytest.raises(AccessDeniedError):
        env.client.converse(**ask("converse", model=DENIED_MODEL))

    durations = counted.counts("gen_ai.client.operation.duration")
    assert [attributes.get("error.type") for attributes, _ in durations] == ["ValidationException"]


def test_suppressed_instrumentation_records_no_metric(harness: Make, counted: Counted) -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    env = harness(listeners=[counted.listener, CallSpans(provider.get_tracer("x"))])
    token = context.attach(context.set_value(context._SUPPRESS_INSTRUMENTATION_KEY, value=True))
    try:
        env.client.converse(**ask("converse"))
    finally:
        context.detach(token)

    assert counted.points() == {}
    assert exporter.get_finished_spans() == ()


def test_without_an_sdk_no_metric_is_recorded(harness: Make) -> None:
    assert CallMetrics().open(Call.of("Converse", ask("converse"), "us-east-1")) is None
    harness(listeners=[CallMetrics()]).client.converse(**ask("converse"))


def test_the_age_of_the_policies_restarts_when_their_source_is_read(harness: Make, counted: Counted) -> None:
    now = [1000.0]
    listener = CallMetrics(counted.provider.get_meter("guardedbedrock"), lambda: now[0])
    env = harness(listeners=[listener])
    ages = []

    for begun, has_policies in ((1060.0, False), (1090.0, True), (1100.0, False)):
        now[0] = begun
        listener.on_source_event(SourceRead('policies = "account"', has_policies=has_policies))
        now[0] = begun + 5.0
        env.client.converse(**ask("converse"))
        ages += [age for _, age in counted.counts("guardedbedrock.source.age")]

    assert ages == [65.0, 5.0, 15.0]
