"""Metrics: `table` lists them, `CallMetrics` records them."""

from __future__ import annotations

from guardedbedrock.telemetry.metrics.call_metrics import CallMetrics

__all__ = ["CallMetrics"]
