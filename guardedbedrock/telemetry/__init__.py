"""
The default listeners: spans, metrics, and log events; records for auditors are in `audit`.

Listeners record names, ARNs, versions, outcomes and numbers, never prompts, completions, matched text or credentials.
"""

from __future__ import annotations

from guardedbedrock.core.observers import Listener
from guardedbedrock.telemetry.logs import DecisionLog
from guardedbedrock.telemetry.metrics import CallMetrics
from guardedbedrock.telemetry.spans import CallSpans

__all__ = ["CallMetrics", "CallSpans", "DecisionLog", "default_listeners"]


def default_listeners() -> tuple[Listener, ...]:
    """Return the listeners of a guard that is created without `listeners`; each is silent unless the application wants it."""
    return CallSpans(), CallMetrics(), DecisionLog()
