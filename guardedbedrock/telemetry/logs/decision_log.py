"""
The listener that writes log events; `names.LOG_EVENTS` lists them and their keys.

Keys have underscores and no dots, so that filter patterns of CloudWatch Logs can name them.
"""

from __future__ import annotations

import logging
from typing import Any

from opentelemetry import context, trace

from guardedbedrock.core.events import Event, GuardrailInjected, PreflightDecided
from guardedbedrock.core.observers import Observation
from guardedbedrock.core.records import Call
from guardedbedrock.telemetry.logs.entries import entry_for
from guardedbedrock.telemetry.logs.writer import has_readers, is_enabled, write
from guardedbedrock.telemetry.sentences import sentence_for


class DecisionLog:
    """Logs the decision about each call, and everything that few calls have."""

    def open(self, call: Call) -> CallLog | None:
        """Begin the log of one call; None if the application configured no logging."""
        return CallLog(call, wants_routine=is_enabled(logging.INFO)) if has_readers() else None


class CallLog(Observation):
    """
    The log of one call.

    Args:
        call: The call.
        wants_routine: Whether decisions that allow are logged.
    """

    __slots__ = ("_call", "_guardrail", "_principal", "_trace", "wants_routine")

    def __init__(self, call: Call, *, wants_routine: bool = True) -> None:
        self._call, self.wants_routine = call, wants_routine
        self._guardrail: str | None = None
        self._principal = ""
        self._trace: dict[str, str] = {}

    def enter(self) -> None:
        """Note the current span."""
        self._note_trace()

    def on_event(self, event: Event) -> None:
        """Log an event."""
        if isinstance(event, GuardrailInjected):
            self._guardrail = event.guardrail.key
        if isinstance(event, PreflightDecided):
            self._note_decision(event)
        entry = entry_for(event)
        if entry is None or not is_enabled(entry.level):
            return
        if not self._trace:
            self._note_trace()
        write(entry.level, entry.name, {"summary": sentence_for(event, self._call), **self._context(), **entry.keys})

    def _note_trace(self) -> None:
        if not context.get_current():  # most applications have no span, and this is the quicker test
            return
        span = trace.get_current_span().get_span_context()
        if span.is_valid:
            self._trace = {"trace_id": trace.format_trace_id(span.trace_id), "span_id": trace.format_span_id(span.span_id)}

    def _note_decision(self, event: PreflightDecided) -> None:
        verdict = event.verdict
        self._principal = verdict.decisions[0].request.principal if verdict.decisions else ""
        self._guardrail = verdict.guardrail.key if verdict.guardrail else None

    def _context(self) -> dict[str, Any]:
        call = self._call
        keys = {"operation": call.name, "region": call.region, "model": call.model, "guardrail": self._guardrail, **self._trace}
        return {**keys, "principal": self._principal} if self._principal else keys
