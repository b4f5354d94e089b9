"""
Listeners that tell operators what the guard did: spans, metrics, a log event for each decision, records for auditors.

Prompts, completions, matched text and credentials have no way in: listeners take names, ARNs, versions, outcomes and numbers.
"""

from __future__ import annotations

from guardedbedrock.events import Listener
from guardedbedrock.telemetry.logs import DecisionLog
from guardedbedrock.telemetry.metrics import CallMetrics
from guardedbedrock.telemetry.spans import CallSpans


def default_listeners() -> tuple[Listener, ...]:
    """Give the listeners of a guard that was told nothing of listeners."""
    return CallSpans(), CallMetrics(), DecisionLog()
