"""The cost of telemetry: without listeners, with the OpenTelemetry API alone, and with an SDK that exports to memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import count
from typing import Any

from measuring import NO_BUDGET, Row, microseconds
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from samples import ALLOWING, ARN, CALL, ROLE

from guardedbedrock import Guard, Guardrail
from guardedbedrock.auditing import Audit
from guardedbedrock.core.observers import Listener, Observers
from guardedbedrock.core.records import Call
from guardedbedrock.stages.authorize import authorize
from guardedbedrock.stages.inject import inject
from guardedbedrock.stages.reply import settle
from guardedbedrock.stages.retry.policy import RetryPolicy
from guardedbedrock.stages.send import send
from guardedbedrock.telemetry import CallMetrics, CallSpans, default_listeners

_KEPT = 5000  # spans, after which the memory is emptied


def telemetry() -> Iterator[Row]:
    """The stages of a call over no network, with listeners against without."""
    alone = microseconds(_call(()))
    yield Row("telemetry of a call, no SDK configured", 6, microseconds(_call(default_listeners())) - alone, "us")
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    tracers, meters = TracerProvider(), MeterProvider([reader])
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    spans, metrics = CallSpans(tracers.get_tracer("bench")), CallMetrics(meters.get_meter("bench"))
    for what, listeners in (("spans", (spans,)), ("metrics", (metrics,)), ("spans and metrics", (spans, metrics))):
        told = microseconds(_emptied(_call(listeners), exporter), number=500) - alone
        yield Row(f"telemetry of a call, SDK in memory: {what}", NO_BUDGET, told, "us")
    recorded = microseconds(_call((Audit([_Nowhere()], records="all"),)), number=500) - alone
    yield Row("audit record of a call, without a sink", NO_BUDGET, recorded, "us")
    tracers.shutdown()
    meters.shutdown()


class _Nowhere:
    def write(self, _: object) -> None:
        """Keep nothing."""


def _call(listeners: Iterable[Listener]) -> Callable[[], None]:
    rules = Guard(guardrails=[Guardrail(ARN, version="3")], policies=ALLOWING, principal=ROLE, listeners=()).rules
    heard, retry = tuple(listeners), RetryPolicy()
    usage = {"inputTokens": 12, "outputTokens": 34, "totalTokens": 46}
    metadata = {"HTTPStatusCode": 200, "RequestId": "r-1", "RetryAttempts": 0, "HTTPHeaders": {}}
    reply: dict[str, Any] = {"ResponseMetadata": metadata, "stopReason": "end_turn", "usage": usage}

    def call() -> None:
        made = Call.of("Converse", CALL, "us-east-1")
        observers = Observers(heard, made)
        with observers:
            authorized = authorize(inject(made, rules, observers), rules, observers)
            settle(send(authorized, lambda *_: reply, lambda read: (read, None), retry, observers), rules, observers)
            observers.close()

    return call


def _emptied(call: Callable[[], None], exporter: InMemorySpanExporter) -> Callable[[], None]:
    turns = count(1)

    def emptied() -> None:
        call()
        if next(turns) % _KEPT == 0:
            exporter.clear()

    return emptied
