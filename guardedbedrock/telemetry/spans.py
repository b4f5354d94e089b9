"""
One span for each guarded call.

The span is INTERNAL: the CLIENT span is the business of whoever instruments botocore, and becomes its child. Private
attributes stand under ``guardedbedrock.``; ``aws.bedrock.guardrail.id`` is the convention's.
Source: OpenTelemetry Semantic Conventions, "Semantic conventions for AWS Bedrock operations".
"""

from __future__ import annotations

from contextvars import Token
from typing import Final

from botocore.exceptions import ClientError
from opentelemetry import context, trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, Tracer

from guardedbedrock.calls import Call, Verdict
from guardedbedrock.events import Decided, Diverged, Event, Injected, Intervened, Refused, Retried

GUARDRAIL_ID: Final = "aws.bedrock.guardrail.id"
GUARDRAIL_VERSION: Final = "guardedbedrock.guardrail.version"
DECISION: Final = "guardedbedrock.decision"
POLICY_TYPE: Final = "guardedbedrock.policy_type"
STATEMENTS: Final = "guardedbedrock.statements"
HANGS_ON: Final = "guardedbedrock.hangs_on"


class CallSpans:
    """
    Opens a span ``guardedbedrock <operation>`` with every call.

    Args:
        tracer: Where spans go; the global provider's unless given, looked up with every call so that it may be set later.
    """

    def __init__(self, tracer: Tracer | None = None) -> None:
        self._is_global = tracer is None
        self._tracer = tracer or trace.get_tracer("guardedbedrock")

    def open(self, call: Call) -> CallSpan | None:
        """Open the span of a call; None when there is no SDK to make one."""
        if self._is_global and getattr(trace, "_TRACER_PROVIDER", self) is None:
            return None  # the public way to ask reads the environment with every call
        span = self._tracer.start_span(f"guardedbedrock {call.name}", kind=SpanKind.INTERNAL)
        if span.is_recording():
            span.set_attributes({"rpc.method": call.name, "cloud.region": call.region})
            if call.model:
                span.set_attribute("gen_ai.request.model", call.model)
        elif span.get_span_context().span_id == trace.get_current_span().get_span_context().span_id:
            return None
        return CallSpan(span)


class CallSpan:
    """The span of one call."""

    __slots__ = ("_recording", "_span", "_token")
    hears_routine = True

    def __init__(self, span: Span) -> None:
        self._span = span
        self._recording = span.is_recording()
        self._token: Token[context.Context] | None = None

    def enter(self) -> None:
        """Make the span current, so that botocore's becomes its child."""
        self._token = context.attach(trace.set_span_in_context(self._span))

    def leave(self) -> None:
        """Make the span current no longer."""
        if self._token is not None:
            context.detach(self._token)

    def hear(self, event: Event) -> None:
        """Write an event down."""
        if not self._recording:
            return
        if isinstance(event, Injected):
            self._span.set_attributes({GUARDRAIL_ID: event.guardrail.id, GUARDRAIL_VERSION: event.guardrail.version})
        elif isinstance(event, Decided):
            self._decided(event.verdict)
        elif isinstance(event, Retried):
            self._span.add_event("guardedbedrock.retry", {"attempt": event.attempt, "code": event.code, "wait": event.wait})
        elif isinstance(event, Diverged):
            self._span.add_event("preflight.diverged", {DECISION: event.verdict.decision})
        elif isinstance(event, Intervened):
            self._span.set_attribute("guardedbedrock.intervention", event.intervention.reason or "intervened")
        elif isinstance(event, Refused) and not event.enforced:
            self._span.add_event("guardedbedrock.would_refuse", {"error.type": type(event.error).__name__})

    def close(self, error: BaseException | None) -> None:
        """End the span."""
        if error is not None and self._recording:
            self._span.set_attribute("error.type", type(error).__name__)
            if isinstance(error, ClientError):
                status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
                self._span.set_attribute("http.response.status_code", status or 0)
            self._span.set_status(Status(StatusCode.ERROR))
        self._span.end()

    def _decided(self, verdict: Verdict) -> None:
        self._span.set_attribute(DECISION, verdict.decision)
        if verdict.denied:
            decision = verdict.denied.decision
            self._span.set_attribute(POLICY_TYPE, decision.policy_type or "")
            self._span.set_attribute(STATEMENTS, [str(statement) for statement in decision.statements])
        if verdict.hangs_on:
            self._span.set_attribute(HANGS_ON, list(verdict.hangs_on))
