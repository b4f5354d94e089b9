"""Log events: one for each decision, and one for each rare event."""

from __future__ import annotations

from guardedbedrock.telemetry.logs.decision_log import DecisionLog

__all__ = ["DecisionLog"]
