"""
One span for each guarded call, and one for the request where nobody else makes it.

The span of the call is INTERNAL. Where OpenTelemetry's instrumentor of botocore is active its CLIENT span becomes our child, and
gets the guardrail's attributes; where none is, we make one ourselves by the GenAI conventions. The preflight has a span of its
own only when it was slow or denied.
Source: OpenTelemetry Semantic Conventions, "Semantic conventions for AWS Bedrock operations".
"""

from __future__ import annotations

import time
from contextvars import Token
from typing import Any, Final

from botocore.exceptions import ClientError
from opentelemetry import context, trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer

from guardedbedrock.core.events import (
    CallRefused,
    ContentReceived,
    Event,
    GuardrailInjected,
    GuardrailIntervened,
    PreflightDecided,
    PreflightDiverged,
    ReplyUnguarded,
    RequestSending,
    RequestVerified,
    ResponseReceived,
    Retried,
    RetriesExhausted,
    StreamStarted,
)
from guardedbedrock.core.records import Call, Verdict
from guardedbedrock.errors import AccessDeniedError
from guardedbedrock.telemetry import names
from guardedbedrock.telemetry.content.capture import captures_content
from guardedbedrock.telemetry.providers import is_suppressed, tracer_provider
from guardedbedrock.telemetry.spans.request_spans import RequestSpan

SLOW_PREFLIGHT: Final = 0.005  # s


class CallSpans:
    """
    Opens a span ``guardedbedrock <operation>`` with every call.

    Args:
        tracer: Where spans go; the global provider's unless given, looked up with every call so that it may be set later.
        slow_preflight: Seconds from which on a preflight has a span of its own.
    """

    def __init__(self, tracer: Tracer | None = None, *, slow_preflight: float = SLOW_PREFLIGHT) -> None:
        self._slow_preflight = slow_preflight
        self._is_global = tracer is None
        self._tracer = tracer or trace.get_tracer(names.SCOPE)

    def open(self, call: Call) -> CallSpan | None:
        """Open the span of a call; None when there is no SDK to make one, or the application suppresses spans here."""
        if (self._is_global and tracer_provider() is None) or is_suppressed():
            return None
        span = self._tracer.start_span(f"{names.SCOPE} {call.name}", kind=SpanKind.INTERNAL)
        if span.is_recording():
            span.set_attributes({names.RPC_METHOD: call.name, names.REGION: call.region})
            if call.model:
                span.set_attribute(names.MODEL, call.model)
        elif span.get_span_context().span_id == trace.get_current_span().get_span_context().span_id:
            return None
        return CallSpan(span, self._tracer, call, self._slow_preflight)


class CallSpan:
    """The span of one call, with its children."""

    __slots__ = (
        "_call",
        "_guardrail",
        "_recording",
        "_request",
        "_slow",
        "_span",
        "_tokens",
        "_tracer",
        "wants_content",
        "wants_routine",
    )

    def __init__(self, span: Span, tracer: Tracer, call: Call, slow_preflight: float) -> None:
        self._span, self._tracer, self._call, self._slow = span, tracer, call, slow_preflight
        self._recording = self.wants_routine = span.is_recording()
        self.wants_content = self._recording and captures_content()
        self._tokens: list[Token[context.Context]] = []
        self._guardrail: dict[str, Any] = {}
        self._request: RequestSpan | None = None

    def enter(self) -> None:
        """Make the span current, so that what botocore does becomes its child."""
        self._make_current(self._span)

    def leave(self) -> None:
        """Make the spans current no longer."""
        while self._tokens:
            context.detach(self._tokens.pop())

    def on_event(self, event: Event) -> None:
        """Write an event down."""
        write = _WRITERS.get(type(event)) if self._recording else None
        if write is not None:
            write(self, event)

    def close(self, error: BaseException | None) -> None:
        """End the spans."""
        if self._request is not None:
            self._request.close(error)
        if self._recording and error is not None:
            self._span.set_attributes(error_attributes(error))
            self._span.set_status(Status(StatusCode.ERROR))
        self._span.end()

    def _make_current(self, span: Span) -> None:
        self._tokens.append(context.attach(trace.set_span_in_context(span)))

    def _injected(self, event: GuardrailInjected) -> None:
        self._guardrail = {names.GUARDRAIL_ID: event.guardrail.id, names.GUARDRAIL_VERSION: event.guardrail.version}
        self._span.set_attributes({**self._guardrail, names.GUARDRAIL_INJECTED: not event.was_there})

    def _decided(self, event: PreflightDecided) -> None:
        attributes = decision_attributes(event.verdict)
        self._span.set_attributes({**attributes, names.VOCABULARY: event.vocabulary})
        if event.verdict.denied or event.seconds >= self._slow:
            end = time.time_ns()
            began = end - int(event.seconds * 1e9)
            child = self._tracer.start_span(f"{names.SCOPE} preflight", start_time=began, attributes=attributes)
            if event.verdict.denied:
                child.set_status(Status(StatusCode.ERROR))
            child.end(end)

    def _sending(self, event: RequestSending) -> None:
        if not event.instrumented and RequestSpan.is_for(self._call):
            self._request = RequestSpan(self._tracer, self._call, self._guardrail, with_content=self.wants_content)
            self._make_current(self._request.span)

    def _at_the_gate(self, event: RequestVerified) -> None:
        if self._request is not None:
            self._request.leaves(event.url)
            return
        current = trace.get_current_span()
        if current is not self._span and current.is_recording():
            current.set_attributes(self._guardrail)

    def _answered(self, event: ResponseReceived) -> None:
        self._span.set_attributes({names.STATUS: event.status, names.REQUEST_ID: event.request_id})
        if self._request is not None:
            self._request.answered(event)

    def _began(self, _: StreamStarted) -> None:
        if self._request is not None:
            self._request.began()

    def _said(self, event: ContentReceived) -> None:
        if self._request is not None:
            self._request.said(event)

    def _retried(self, event: Retried) -> None:
        told: dict[str, Any] = {
            names.RETRY_ATTEMPT: event.attempt,
            names.ERROR_TYPE: event.code,
            names.RETRY_WAIT: event.wait,
            names.BY: event.by,
        }
        self._outer.add_event(names.EVENT_RETRY, told)

    def _gave_up(self, event: RetriesExhausted) -> None:
        told: dict[str, Any] = {names.RETRY_ATTEMPT: event.attempt, names.ERROR_TYPE: event.code}
        told[names.USED_UP] = event.used_up
        self._outer.add_event(names.EVENT_GAVE_UP, told)

    @property
    def _outer(self) -> Span:
        """The span around all attempts: the request's own where there is one."""
        return self._request.span if self._request is not None else self._span

    def _diverged(self, event: PreflightDiverged) -> None:
        denied_by = str(getattr(event.error, "policy_type", None) or "")
        told: dict[str, Any] = {names.DECISION: event.verdict.decision, names.POLICY_TYPE: denied_by}
        self._span.add_event(names.EVENT_DIVERGED, told)

    def _intervened(self, event: GuardrailIntervened) -> None:
        found = event.intervention
        told: dict[str, Any] = {names.INTERVENTION: found.action or "intervened"}
        if found.policies:
            told[names.INTERVENTION_POLICIES] = found.policies
        if found.coverage:
            told |= {names.COVERAGE_GUARDED: found.coverage.guarded, names.COVERAGE_TOTAL: found.coverage.total}
        self._both(told)

    def _unguarded(self, event: ReplyUnguarded) -> None:
        self._both({names.UNGUARDED: True})
        told: dict[str, Any] = {names.GUARDRAIL_ID: event.guardrail, names.GUARDRAIL_VERSION: event.version}
        self._span.add_event(names.EVENT_UNGUARDED, told)

    def _both(self, attributes: dict[str, Any]) -> None:
        self._span.set_attributes(attributes)
        if self._request is not None:
            self._request.span.set_attributes(attributes)

    def _refused(self, event: CallRefused) -> None:
        if not event.enforced:
            self._span.add_event(names.EVENT_WOULD_REFUSE, {names.ERROR_TYPE: type(event.error).__name__})


_WRITERS: Final[dict[type, Any]] = {
    GuardrailInjected: CallSpan._injected,  # noqa: SLF001  # its own class's
    PreflightDecided: CallSpan._decided,  # noqa: SLF001
    RequestSending: CallSpan._sending,  # noqa: SLF001
    RequestVerified: CallSpan._at_the_gate,  # noqa: SLF001
    ResponseReceived: CallSpan._answered,  # noqa: SLF001
    StreamStarted: CallSpan._began,  # noqa: SLF001
    ContentReceived: CallSpan._said,  # noqa: SLF001
    Retried: CallSpan._retried,  # noqa: SLF001
    RetriesExhausted: CallSpan._gave_up,  # noqa: SLF001
    PreflightDiverged: CallSpan._diverged,  # noqa: SLF001
    GuardrailIntervened: CallSpan._intervened,  # noqa: SLF001
    ReplyUnguarded: CallSpan._unguarded,  # noqa: SLF001
    CallRefused: CallSpan._refused,  # noqa: SLF001
}


def decision_attributes(verdict: Verdict) -> dict[str, Any]:
    """Give the attributes of a decision: outcome, and what determined it."""
    told: dict[str, Any] = {names.DECISION: verdict.decision}
    if verdict.denied:
        decision = verdict.denied.decision
        told[names.POLICY_TYPE] = decision.policy_type or ""
        told[names.STATEMENTS] = [str(statement) for statement in decision.statements]
    if verdict.hangs_on:
        told[names.HANGS_ON] = list(verdict.hangs_on)
    return told


def error_attributes(error: BaseException) -> dict[str, Any]:
    """Give the attributes of a failure: its class and status, never its text, which may quote what was said."""
    told: dict[str, Any] = {names.ERROR_TYPE: type(error).__name__}
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") if isinstance(error, ClientError) else None
    if status:
        told[names.STATUS] = status
    if isinstance(error, AccessDeniedError):
        told[names.SIMULATED] = error.simulated
    return told
