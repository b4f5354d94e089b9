"""Log events: one for each decision, and one for everything that few calls have."""

from __future__ import annotations

from guardedbedrock.telemetry.logs.decision_log import DecisionLog

__all__ = ["DecisionLog"]
