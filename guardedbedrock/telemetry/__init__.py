"""
Listeners that tell operators what the guard did: spans, metrics, a log event for each decision, records for auditors.

Prompts, completions, matched text and credentials have no way in: listeners take names, ARNs, versions, outcomes and numbers.
"""

from __future__ import annotations

import logging
import sys

from guardedbedrock.core.observers import Listener, Others, PutOff
from guardedbedrock.core.records import Call
from guardedbedrock.telemetry.logs import LATER, QUIET, DecisionLog, is_configured
from guardedbedrock.telemetry.metrics import CallMetrics
from guardedbedrock.telemetry.presence import meter_provider, tracer_provider
from guardedbedrock.telemetry.spans import CallSpans


class Telemetry:
    """Spans, metrics and log events; one look tells whether anybody takes any of them, which many a process never does."""

    def __init__(self) -> None:
        self._all = Others((CallSpans(), CallMetrics(), DecisionLog()))

    def open(self, _: Call) -> Others | PutOff:
        """Ask all of them, or none until something out of the ordinary is to be logged."""
        is_logged = ("structlog" in sys.modules and is_configured()) or QUIET.isEnabledFor(logging.INFO)
        return self._all if is_logged or tracer_provider() is not None or meter_provider() is not None else LATER


def default_listeners() -> tuple[Listener, ...]:
    """Give the listeners of a guard that was told nothing of listeners."""
    return (Telemetry(),)
