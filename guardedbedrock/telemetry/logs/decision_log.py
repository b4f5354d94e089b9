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
from guardedbedrock.telemetry.logs.writer import is_enabled, write
from guardedbedrock.telemetry.model_requests import model_of
from guardedbedrock.telemetry.sentences import sentence_for


class DecisionLog:
    """Logs the decision about each call, and every rare event."""

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

    def __init__(self, call: Call, *, wants_routine: bool = True) -> None:
        self._call, self.wants_routine = call, wants_routine
        self._context = context.get_current()  # events of a stream may come in another one

    def on_event(self, event: Event) -> None:
        """Log an event."""
        if isinstance(event, GuardrailInjected):
            self._guardrail = event.guardrail.key
        if isinstance(event, PreflightDecided):
            self._note_decision(event)
        entry = entry_for(event)
        if entry is None or not is_enabled(entry.level):
            return
        write(entry.level, entry.name, {"summary": sentence_for(event, self._call), **self._keys(), **entry.keys})

    def _note_decision(self, event: PreflightDecided) -> None:
        verdict = event.verdict
        self._principal = verdict.decisions[0].request.principal if verdict.decisions else ""
        self._guardrail = verdict.guardrail.key if verdict.guardrail else None

    def _keys(self) -> dict[str, Any]:
        """Return the keys that every event of the call has."""
        call = self._call
        keys = {
            "operation": call.name,
            "region": call.region,
            "model": model_of(call),
            "guardrail": self._guardrail,
            **self._trace(),
        }
        return {**keys, "principal": self._principal} if self._principal else keys

    def _trace(self) -> dict[str, str]:
        """Return the IDs of the span in which the call was made, else of the current one."""
        spans = (trace.get_current_span(one).get_span_context() for one in (self._context, None))
        span = next((one for one in spans if one.is_valid), None)
        if span is None:
            return {}
        return {"trace_id": trace.format_trace_id(span.trace_id), "span_id": trace.format_span_id(span.span_id)}
