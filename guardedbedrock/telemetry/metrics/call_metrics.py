"""
Counts and durations of calls; `metric_names` says which.

Metrics of the GenAI conventions are left to OpenTelemetry's instrumentor of botocore where it is active, apart from the time to
the first chunk, which it has not.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Any, Final

from opentelemetry import metrics
from opentelemetry.metrics import Meter

from guardedbedrock.bedrock.guardrail.reply_metadata import NO_METADATA, ReplyMetadata
from guardedbedrock.core.events import (
    CallRefused,
    Event,
    GuardrailIntervened,
    PreflightDecided,
    PreflightDiverged,
    ReplyUnguarded,
    RequestSending,
    ResponseReceived,
    Retried,
    StreamStarted,
)
from guardedbedrock.core.records import Call
from guardedbedrock.errors import AccessDeniedError
from guardedbedrock.telemetry import names
from guardedbedrock.telemetry.metrics import table
from guardedbedrock.telemetry.model_requests import operation_of
from guardedbedrock.telemetry.providers import is_suppressed, meter_provider

_UNKNOWN: Final = "unknown"


class CallMetrics:
    """
    Counts calls.

    Args:
        meter: What counts; the global provider's unless given, asked for when there is one.
        clock: Seconds since the epoch; the guard that makes this listener has just read its policies.
    """

    def __init__(self, meter: Meter | None = None, clock: Callable[[], float] = time.time) -> None:
        self._meter = meter
        self._clock = clock
        self._read_at = clock()
        self._instruments: dict[str, Any] = {}

    def open(self, call: Call) -> CallMeter | None:
        """Begin to count a call; None when there is no SDK, or the application suppresses instrumentation here."""
        if (self._meter is None and meter_provider() is None) or is_suppressed():
            return None
        return CallMeter(call, self._record, self._age)

    def _age(self) -> float:
        return max(0.0, self._clock() - self._read_at)

    def _record(self, metric: table.Metric, amount: float, attributes: dict[str, Any]) -> None:
        instrument = self._instruments.get(metric.name)
        if instrument is None:
            instrument = self._instruments.setdefault(metric.name, self._made(metric))
        instrument(amount, {name: value for name, value in attributes.items() if value is not None})

    def _made(self, metric: table.Metric) -> Callable[[float, dict[str, Any]], None]:
        meter = self._meter or metrics.get_meter(names.SCOPE)
        about: dict[str, Any] = {"unit": metric.unit, "description": metric.meaning}
        if metric.instrument == "counter":
            return meter.create_counter(metric.name, **about).add
        if metric.instrument == "gauge":
            return meter.create_gauge(metric.name, **about).set
        return meter.create_histogram(metric.name, **about, explicit_bucket_boundaries_advisory=metric.buckets).record


class CallMeter:
    """What is counted of one call."""

    __slots__ = ("_age", "_answer", "_began", "_call", "_instrumented", "_record")
    wants_routine = True

    def __init__(
        self, call: Call, record: Callable[[table.Metric, float, dict[str, Any]], None], age: Callable[[], float]
    ) -> None:
        self._call, self._age = call, age
        self._record = partial(_of, call.name, record)
        self._began: float | None = None
        self._instrumented = False
        self._answer = NO_METADATA

    def enter(self) -> None:
        """Nothing to do."""

    def leave(self) -> None:
        """Nothing to do."""

    def on_event(self, event: Event) -> None:
        """Count an event."""
        count = _COUNTERS.get(type(event))
        if count is not None:
            count(self, event)

    def close(self, error: BaseException | None) -> None:
        """Count the request, where nobody else does, and the denial that it may have ended in."""
        if isinstance(error, AccessDeniedError):
            told = {
                names.ERROR_TYPE: type(error).__name__,
                names.POLICY_TYPE: error.policy_type,
                names.SIMULATED: error.simulated,
            }
            self._record(table.DENIALS, 1, told)
        if self._began is None or self._instrumented or not self._call.operation.reply:
            return
        attributes = self._request(self._answer)
        failed = {names.ERROR_TYPE: type(error).__name__} if error is not None else {}
        self._record(table.DURATION, perf_counter() - self._began, attributes | failed)
        for kind, tokens in (("input", self._answer.input_tokens), ("output", self._answer.output_tokens)):
            if tokens is not None:
                self._record(table.TOKENS, tokens, {**attributes, names.TOKEN_TYPE: kind})

    def _request(self, answer: ReplyMetadata) -> dict[str, Any]:
        call = self._call
        about = {names.OPERATION: operation_of(call), names.PROVIDER: names.PROVIDER_NAME, names.MODEL: call.model}
        return {**about, names.RESPONSE_MODEL: answer.model}

    def _decided(self, event: PreflightDecided) -> None:
        verdict = event.verdict
        policy_type = verdict.denied.decision.policy_type if verdict.denied else None
        self._record(table.DECISIONS, 1, {names.DECISION: verdict.decision, names.POLICY_TYPE: policy_type})
        self._record(table.PREFLIGHT, event.seconds, {names.DECISION: verdict.decision})
        self._record(table.SOURCE_AGE, self._age(), {})

    def _sending(self, event: RequestSending) -> None:
        self._began, self._instrumented = perf_counter(), event.instrumented

    def _stream_began(self, _: StreamStarted) -> None:
        if self._began is not None:
            self._record(table.FIRST_CHUNK, perf_counter() - self._began, self._request(NO_METADATA))

    def _answered(self, event: ResponseReceived) -> None:
        self._answer = event.answer

    def _refused(self, event: CallRefused) -> None:
        if not isinstance(event.error, AccessDeniedError) or event.error.authorizations:
            return  # a policy's doing, which is counted as a decision
        self._record(table.REFUSALS, 1, {names.ERROR_TYPE: type(event.error).__name__, names.ENFORCED: event.enforced})

    def _retried(self, event: Retried) -> None:
        self._record(table.RETRIES, 1, {names.ERROR_TYPE: event.code or _UNKNOWN, names.BY: event.by})

    def _diverged(self, event: PreflightDiverged) -> None:
        self._record(table.DIVERGENCES, 1, {names.POLICY_TYPE: getattr(event.error, "policy_type", None)})

    def _intervened(self, event: GuardrailIntervened) -> None:
        found = event.intervention
        for kind in found.policies or (_UNKNOWN,):
            told = {names.INTERVENTION: found.action or "intervened", names.POLICY_KIND: kind}
            self._record(table.INTERVENTIONS, 1, told)

    def _unguarded(self, _: ReplyUnguarded) -> None:
        self._record(table.UNGUARDED, 1, {})


def _of(
    operation: str,
    record: Callable[[table.Metric, float, dict[str, Any]], None],
    metric: table.Metric,
    amount: float,
    attributes: dict[str, Any],
) -> None:
    """Record with the operation, where the metric is told apart by it, and with nothing that it is not."""
    whole = {names.RPC_METHOD: operation, **attributes}
    record(metric, amount, {name: whole.get(name) for name in metric.attributes})


_COUNTERS: Final[dict[type, Any]] = {
    PreflightDecided: CallMeter._decided,  # noqa: SLF001  # its own class's
    RequestSending: CallMeter._sending,  # noqa: SLF001
    StreamStarted: CallMeter._stream_began,  # noqa: SLF001
    ResponseReceived: CallMeter._answered,  # noqa: SLF001
    CallRefused: CallMeter._refused,  # noqa: SLF001
    Retried: CallMeter._retried,  # noqa: SLF001
    PreflightDiverged: CallMeter._diverged,  # noqa: SLF001
    GuardrailIntervened: CallMeter._intervened,  # noqa: SLF001
    ReplyUnguarded: CallMeter._unguarded,  # noqa: SLF001
}
