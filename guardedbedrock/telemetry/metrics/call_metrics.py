"""
The listener that records metrics; `table` lists them.

If an OpenTelemetry instrumentor of botocore is active, it records the metrics of the GenAI conventions. It does not measure the
time to the first chunk, which is always recorded here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from time import perf_counter
from typing import Any, Final

from opentelemetry import metrics
from opentelemetry.metrics import Meter

from guardedbedrock.bedrock.guardrail.reply_metadata import NO_METADATA, ReplyMetadata
from guardedbedrock.core.events import (
    CallRefused,
    Event,
    GuardrailDetected,
    GuardrailIntervened,
    PreflightDecided,
    PreflightDiverged,
    ReplyUnguarded,
    RequestSending,
    ResponseReceived,
    Retried,
    SourceEvent,
    SourceRead,
    StreamStarted,
)
from guardedbedrock.core.observers import Observation
from guardedbedrock.core.records import Call
from guardedbedrock.errors import AccessDeniedError
from guardedbedrock.telemetry import names
from guardedbedrock.telemetry.metrics.table import (
    DECISIONS,
    DENIALS,
    DIVERGENCES,
    DURATION,
    FINDINGS,
    FIRST_CHUNK,
    INTERVENTIONS,
    PREFLIGHT,
    REFUSALS,
    RETRIES,
    SOURCE_AGE,
    TOKENS,
    UNGUARDED,
    Metric,
)
from guardedbedrock.telemetry.model_requests import model_of, operation_of
from guardedbedrock.telemetry.providers import is_suppressed, meter_provider

_UNKNOWN: Final = "unknown"

Record = Callable[[Metric, float, Mapping[str, Any]], None]


class CallMetrics:
    """
    Records metrics of calls.

    Args:
        meter: Where they go; the meter of the global provider if None.
        clock: Returns the time in seconds, for the age of the policies. The guard creates this listener when it reads its files;
            a source sends `SourceRead` when it was read again.
    """

    def __init__(self, meter: Meter | None = None, clock: Callable[[], float] = time.time) -> None:
        self._meter = meter
        self._clock = clock
        self._read_at = clock()
        # Cache, keyed by the name of the metric: OpenTelemetry creates an instrument once.
        self._instruments: dict[str, Callable[[float, dict[str, Any]], None]] = {}

    def open(self, call: Call) -> CallMeter | None:
        """Follow a call; None if no SDK is configured, or the application suppresses instrumentation."""
        if (self._meter is None and meter_provider() is None) or is_suppressed():
            return None
        return CallMeter(call, self._record, self._age)

    def on_source_event(self, event: SourceEvent) -> None:
        """Restart the age of the policies when their source was read."""
        if isinstance(event, SourceRead) and event.has_policies:
            self._read_at = self._clock()

    def _age(self) -> float:
        return max(0.0, self._clock() - self._read_at)

    def _record(self, metric: Metric, amount: float, attributes: Mapping[str, Any]) -> None:
        instrument = self._instruments.get(metric.name)
        if instrument is None:
            instrument = self._instruments.setdefault(metric.name, self._create(metric))
        known = {name: attributes[name] for name in metric.attributes if attributes.get(name) is not None}
        instrument(amount, known)

    def _create(self, metric: Metric) -> Callable[[float, dict[str, Any]], None]:
        meter = self._meter or metrics.get_meter(names.SCOPE)
        options: dict[str, Any] = {"unit": metric.unit, "description": metric.meaning}
        if metric.instrument == "counter":
            return meter.create_counter(metric.name, **options).add
        if metric.instrument == "gauge":
            return meter.create_gauge(metric.name, **options).set
        return meter.create_histogram(metric.name, **options, explicit_bucket_boundaries_advisory=metric.buckets).record


class CallMeter(Observation):
    """The metrics of one call."""

    __slots__ = ("_age", "_began", "_call", "_is_instrumented", "_metadata", "_record_metric")

    def __init__(self, call: Call, record: Record, age: Callable[[], float]) -> None:
        self._call, self._record_metric, self._age = call, record, age
        self._began: float | None = None
        self._is_instrumented = False
        self._metadata = NO_METADATA

    def on_event(self, event: Event) -> None:
        """Record an event."""
        record = _RECORDERS.get(type(event))
        if record is not None:
            record(self, event)

    def close(self, error: BaseException | None) -> None:
        """Record a denial, and the request if no instrumentor does."""
        if isinstance(error, AccessDeniedError):
            self._record(DENIALS, 1, {**_error(error), names.POLICY_TYPE: error.policy_type, names.SIMULATED: error.simulated})
        if self._began is None or self._is_instrumented or not self._call.operation.reply:
            return
        request = self._request(self._metadata)
        self._record(DURATION, perf_counter() - self._began, {**request, **(_error(error) if error is not None else {})})
        for kind, tokens in (("input", self._metadata.input_tokens), ("output", self._metadata.output_tokens)):
            if tokens is not None:
                self._record(TOKENS, tokens, {**request, names.TOKEN_TYPE: kind})

    def _record(self, metric: Metric, amount: float, attributes: Mapping[str, Any]) -> None:
        self._record_metric(metric, amount, {names.RPC_METHOD: self._call.name, **attributes})

    def _request(self, metadata: ReplyMetadata) -> dict[str, Any]:
        return {
            names.OPERATION: operation_of(self._call),
            names.PROVIDER: names.PROVIDER_NAME,
            names.MODEL: model_of(self._call),
            names.RESPONSE_MODEL: metadata.model,
        }

    def _decided(self, event: PreflightDecided) -> None:
        verdict = event.verdict
        policy_type = verdict.denied.decision.policy_type if verdict.denied else None
        self._record(DECISIONS, 1, {names.DECISION: verdict.decision, names.POLICY_TYPE: policy_type})
        self._record(PREFLIGHT, event.seconds, {names.DECISION: verdict.decision})
        self._record(SOURCE_AGE, self._age(), {})

    def _sending(self, event: RequestSending) -> None:
        self._began, self._is_instrumented = perf_counter(), event.instrumented

    def _stream_started(self, _: StreamStarted) -> None:
        if self._began is not None:
            self._record(FIRST_CHUNK, perf_counter() - self._began, self._request(NO_METADATA))

    def _received(self, event: ResponseReceived) -> None:
        self._metadata = event.answer

    def _refused(self, event: CallRefused) -> None:
        # A denial by the policies has authorizations, and is recorded as a decision.
        if isinstance(event.error, AccessDeniedError) and not event.error.authorizations:
            self._record(REFUSALS, 1, {**_error(event.error), names.ENFORCED: event.enforced})

    def _retried(self, event: Retried) -> None:
        self._record(RETRIES, 1, {names.ERROR_TYPE: event.code or _UNKNOWN, names.BY: event.by})

    def _diverged(self, event: PreflightDiverged) -> None:
        self._record(DIVERGENCES, 1, {names.POLICY_TYPE: getattr(event.error, "policy_type", None)})

    def _intervened(self, event: GuardrailIntervened) -> None:
        found = event.intervention
        for policy in found.policies or (_UNKNOWN,):
            self._record(INTERVENTIONS, 1, {names.INTERVENTION: found.action or "intervened", names.POLICY_KIND: policy})

    def _detected(self, event: GuardrailDetected) -> None:
        for finding in event.intervention.detected:
            self._record(FINDINGS, 1, {names.POLICY_KIND: finding.policy, names.FINDING: finding.name or None})

    def _unguarded(self, _: ReplyUnguarded) -> None:
        self._record(UNGUARDED, 1, {})


def _error(error: BaseException) -> dict[str, Any]:
    return {names.ERROR_TYPE: type(error).__name__}


_RECORDERS: Final[Mapping[type, Callable[[CallMeter, Any], None]]] = {
    PreflightDecided: CallMeter._decided,  # noqa: SLF001  # methods of the class above
    RequestSending: CallMeter._sending,  # noqa: SLF001
    StreamStarted: CallMeter._stream_started,  # noqa: SLF001
    ResponseReceived: CallMeter._received,  # noqa: SLF001
    CallRefused: CallMeter._refused,  # noqa: SLF001
    Retried: CallMeter._retried,  # noqa: SLF001
    PreflightDiverged: CallMeter._diverged,  # noqa: SLF001
    GuardrailIntervened: CallMeter._intervened,  # noqa: SLF001
    GuardrailDetected: CallMeter._detected,  # noqa: SLF001
    ReplyUnguarded: CallMeter._unguarded,  # noqa: SLF001
}
