"""
The listener that writes log events; `names.LOG_EVENTS` lists them and their keys.

Keys have underscores and no dots, so that filter patterns of CloudWatch Logs can name them.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from opentelemetry import context, trace

from guardedbedrock.core.events import Event, GuardrailInjected, PreflightDecided
from guardedbedrock.core.observers import Observation
from guardedbedrock.core.records import Call
from guardedbedrock.telemetry.logs.entries import entry_for
from guardedbedrock.telemetry.logs.writer import is_enabled, write
from guardedbedrock.telemetry.sentences import sentence_for


class DecisionLog:
    """Logs the decision about each call, and everything that few calls have."""

    def open(self, call: Call) -> CallLog:
        """Begin the log of one call."""
        return CallLog(call, wants_routine=is_enabled(logging.INFO))


class CallLog(Observation):
    """
    The log of one call.

    Args:
        call: The call.
        wants_routine: Whether decisions that allow are logged.
    """

    _guardrail: str | None = None
    _principal = ""
    _trace: Mapping[str, str] = MappingProxyType({})

    def __init__(self, call: Call, *, wants_routine: bool = True) -> None:
        self._call, self.wants_routine = call, wants_routine
        self._note_trace()  # events of a stream may come in another context

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
