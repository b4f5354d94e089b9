"""Spans: one for each guarded call, and one for its request if no instrumentor makes it."""

from __future__ import annotations

from guardedbedrock.telemetry.spans.call_spans import CallSpans

__all__ = ["CallSpans"]
