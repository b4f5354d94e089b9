"""
The listener that makes spans: one for each guarded call, and one for its request if no instrumentor makes it.

The span of the call is INTERNAL. If OpenTelemetry's instrumentor of botocore is active, its CLIENT span becomes a child and gets
the attributes of the guardrail; otherwise this listener makes the CLIENT span, by the GenAI conventions. The preflight has
its own span only if it was slow or denied the call.
Source: OpenTelemetry Semantic Conventions, "Semantic conventions for AWS Bedrock operations".
"""

from __future__ import annotations

import time
from contextvars import Token
from typing import Any, Final

from opentelemetry import context, trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer

from guardedbedrock.core.events import (
    CallRefused,
    ContentReceived,
    Event,
    GuardrailDetected,
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
from guardedbedrock.core.observers import Observation
from guardedbedrock.core.records import Call, Verdict
from guardedbedrock.errors import AccessDeniedError
from guardedbedrock.telemetry import names
from guardedbedrock.telemetry.content.capture import captures_content
from guardedbedrock.telemetry.model_requests import guardrail_of, model_of
from guardedbedrock.telemetry.providers import is_suppressed, tracer_provider
from guardedbedrock.telemetry.sentences import decision_sentence, error_sentence
from guardedbedrock.telemetry.spans.request_spans import RequestSpan, error_attributes

SLOW_PREFLIGHT: Final = 0.005  # s


class CallSpans:
    """
    Makes a span ``guardedbedrock <operation>`` for every call.

    Args:
        tracer: Where spans go; the tracer of the global provider if None. It is looked up for every call, since the application
            may set the provider after it created its clients.
        slow_preflight: A preflight that takes at least this long has its own span; in seconds.
    """

    def __init__(self, tracer: Tracer | None = None, *, slow_preflight: float = SLOW_PREFLIGHT) -> None:
        self._slow_preflight = slow_preflight
        self._is_global = tracer is None
        self._tracer = tracer or trace.get_tracer(names.SCOPE)

    def open(self, call: Call) -> CallSpan | None:
        """Start the span of a call; None if no SDK is configured, or the application suppresses instrumentation."""
        if (self._is_global and tracer_provider() is None) or is_suppressed():
            return None
        span = self._tracer.start_span(f"{names.SCOPE} {call.name}", kind=SpanKind.INTERNAL)
        if span.is_recording():
            span.set_attributes({names.RPC_METHOD: call.name, names.REGION: call.region})
            model = model_of(call)
            if model:
                span.set_attribute(names.MODEL, model)
        elif span.get_span_context().span_id == trace.get_current_span().get_span_context().span_id:
            return None  # the API without an SDK returns the current span
        return CallSpan(span, self._tracer, call, self._slow_preflight)


class CallSpan(Observation):
    """
    The span of one call, with its children.

    Args:
        span: The span; it may be one that does not record, to pass the sampling decision on.
        tracer: Makes the children.
        call: The call.
        slow_preflight: As in `CallSpans`.
    """

    __slots__ = (
        "_call",
        "_guardrail",
        "_is_recording",
        "_request",
        "_slow_preflight",
        "_span",
        "_tokens",
        "_tracer",
        "wants_content",
        "wants_routine",
    )

    def __init__(self, span: Span, tracer: Tracer, call: Call, slow_preflight: float) -> None:
        self._span, self._tracer, self._call, self._slow_preflight = span, tracer, call, slow_preflight
        self._is_recording = self.wants_routine = span.is_recording()
        self.wants_content = self._is_recording and captures_content()
        self._tokens: list[Token[context.Context]] = []
        self._guardrail: dict[str, Any] = {}
        self._request: RequestSpan | None = None

    def enter(self) -> None:
        """Make the span current, so that the spans of botocore become its children."""
        self._make_current(self._span)

    def leave(self) -> None:
        """Restore the context of the caller."""
        while self._tokens:
            context.detach(self._tokens.pop())

    def on_event(self, event: Event) -> None:
        """Write an event into the spans."""
        write = _WRITERS.get(type(event)) if self._is_recording else None
        if write is not None:
            write(self, event)

    def close(self, error: BaseException | None) -> None:
        """End the spans."""
        if self._request is not None:
            self._request.close(error)
        if self._is_recording and error is not None:
            self._span.set_attributes(error_attributes(error))
            if isinstance(error, AccessDeniedError):
                self._span.set_attribute(names.SIMULATED, error.simulated)
            self._span.set_status(Status(StatusCode.ERROR, error_sentence(self._call, error)))
        self._span.end()

    def _make_current(self, span: Span) -> None:
        self._tokens.append(context.attach(trace.set_span_in_context(span)))

    def _injected(self, event: GuardrailInjected) -> None:
        self._guardrail = {names.GUARDRAIL_ID: event.guardrail.id, names.GUARDRAIL_VERSION: event.guardrail.version}
        self._span.set_attributes({**self._guardrail, names.GUARDRAIL_INJECTED: not event.was_there})

    def _add_named_guardrail(self) -> None:
        """Add the guardrail that the application named, if the guard injected none."""
        named = None if self._guardrail else guardrail_of(self._call)
        if named is not None:
            identifier, version = named
            self._guardrail = {names.GUARDRAIL_ID: identifier.rpartition("/")[2]}
            self._guardrail |= {names.GUARDRAIL_VERSION: version} if version else {}
            self._span.set_attributes({**self._guardrail, names.GUARDRAIL_INJECTED: False})

    def _decided(self, event: PreflightDecided) -> None:
        self._add_named_guardrail()
        attributes = decision_attributes(event.verdict)
        self._span.set_attributes({**attributes, names.VOCABULARY: event.vocabulary})
        if event.verdict.denied or event.seconds >= self._slow_preflight:
            end = time.time_ns()
            began = end - int(event.seconds * 1e9)
            child = self._tracer.start_span(f"{names.SCOPE} preflight", start_time=began, attributes=attributes)
            if event.verdict.denied:
                child.set_status(Status(StatusCode.ERROR, decision_sentence(self._call, event.verdict)))
            child.end(end)

    def _sending(self, event: RequestSending) -> None:
        self._add_named_guardrail()  # without policies to evaluate, no decision came before
        if not event.instrumented and RequestSpan.is_for(self._call):
            self._request = RequestSpan(self._tracer, self._call, self._guardrail, with_content=self.wants_content)
            self._make_current(self._request.span)

    def _verified(self, event: RequestVerified) -> None:
        if self._request is not None:
            self._request.set_server(event.url)
            return
        current = trace.get_current_span()
        if current is not self._span and current.is_recording():
            current.set_attributes(self._guardrail)

    def _received(self, event: ResponseReceived) -> None:
        self._span.set_attributes({names.STATUS: event.status, names.REQUEST_ID: event.request_id})
        if self._request is not None:
            self._request.receive(event)

    def _stream_started(self, _: StreamStarted) -> None:
        if self._request is not None:
            self._request.start_stream()

    def _content(self, event: ContentReceived) -> None:
        if self._request is not None:
            self._request.add_content(event)

    def _retried(self, event: Retried) -> None:
        attributes: dict[str, Any] = {
            names.RETRY_ATTEMPT: event.attempt,
            names.ERROR_TYPE: event.code,
            names.RETRY_WAIT: event.wait,
            names.BY: event.by,
        }
        self._outer.add_event(names.EVENT_RETRY, attributes)

    def _exhausted(self, event: RetriesExhausted) -> None:
        attributes: dict[str, Any] = {names.RETRY_ATTEMPT: event.attempt, names.ERROR_TYPE: event.code}
        attributes[names.USED_UP] = event.used_up
        self._outer.add_event(names.EVENT_GAVE_UP, attributes)

    @property
    def _outer(self) -> Span:
        """The span around all attempts: that of the request if this listener made one."""
        return self._request.span if self._request is not None else self._span

    def _diverged(self, event: PreflightDiverged) -> None:
        denied_by = str(getattr(event.error, "policy_type", None) or "")
        attributes: dict[str, Any] = {names.DECISION: event.verdict.decision, names.POLICY_TYPE: denied_by}
        self._span.add_event(names.EVENT_DIVERGED, attributes)

    def _intervened(self, event: GuardrailIntervened) -> None:
        found = event.intervention
        attributes: dict[str, Any] = {names.INTERVENTION: found.action or "intervened"}
        if found.policies:
            attributes[names.INTERVENTION_POLICIES] = found.policies
        if found.sources:
            attributes[names.INTERVENTION_SOURCES] = found.sources
        if found.coverage:
            attributes |= {names.COVERAGE_GUARDED: found.coverage.guarded, names.COVERAGE_TOTAL: found.coverage.total}
        self._both(attributes)

    def _detected(self, event: GuardrailDetected) -> None:
        self._both({names.FINDINGS: tuple(dict.fromkeys(str(finding) for finding in event.intervention.detected))})

    def _unguarded(self, event: ReplyUnguarded) -> None:
        self._both({names.UNGUARDED: True})
        attributes: dict[str, Any] = {names.GUARDRAIL_ID: event.guardrail, names.GUARDRAIL_VERSION: event.version}
        self._span.add_event(names.EVENT_UNGUARDED, attributes)

    def _both(self, attributes: dict[str, Any]) -> None:
        self._span.set_attributes(attributes)
        if self._request is not None:
            self._request.span.set_attributes(attributes)

    def _refused(self, event: CallRefused) -> None:
        if not event.enforced:
            self._span.add_event(names.EVENT_WOULD_REFUSE, {names.ERROR_TYPE: type(event.error).__name__})


_WRITERS: Final[dict[type, Any]] = {
    GuardrailInjected: CallSpan._injected,  # noqa: SLF001  # methods of the class above
    PreflightDecided: CallSpan._decided,  # noqa: SLF001
    RequestSending: CallSpan._sending,  # noqa: SLF001
    RequestVerified: CallSpan._verified,  # noqa: SLF001
    ResponseReceived: CallSpan._received,  # noqa: SLF001
    StreamStarted: CallSpan._stream_started,  # noqa: SLF001
    ContentReceived: CallSpan._content,  # noqa: SLF001
    Retried: CallSpan._retried,  # noqa: SLF001
    RetriesExhausted: CallSpan._exhausted,  # noqa: SLF001
    PreflightDiverged: CallSpan._diverged,  # noqa: SLF001
    GuardrailIntervened: CallSpan._intervened,  # noqa: SLF001
    GuardrailDetected: CallSpan._detected,  # noqa: SLF001
    ReplyUnguarded: CallSpan._unguarded,  # noqa: SLF001
    CallRefused: CallSpan._refused,  # noqa: SLF001
}


def decision_attributes(verdict: Verdict) -> dict[str, Any]:
    """Return the attributes of a decision."""
    attributes: dict[str, Any] = {names.DECISION: verdict.decision}
    if verdict.denied:
        decision = verdict.denied.decision
        attributes[names.POLICY_TYPE] = decision.policy_type or ""
        attributes[names.STATEMENTS] = [str(statement) for statement in decision.statements]
    if verdict.explanation:
        attributes[names.EXPLANATION] = verdict.explanation
    if verdict.hangs_on:
        attributes[names.HANGS_ON] = list(verdict.hangs_on)
    return attributes
