"""Whether anybody takes spans and metrics here and now."""

from __future__ import annotations

from opentelemetry import context, trace
from opentelemetry.metrics import _internal as metrics_api

_SUPPRESSED = ("suppress_instrumentation", getattr(context, "_SUPPRESS_INSTRUMENTATION_KEY", ""))


def has_tracer_provider() -> bool:
    """Say whether the application set a provider of tracers; the public way to ask reads the environment with every call."""
    return getattr(trace, "_TRACER_PROVIDER", True) is not None


def has_meter_provider() -> bool:
    """Say whether the application set a provider of meters."""
    return getattr(metrics_api, "_METER_PROVIDER", True) is not None


def is_suppressed() -> bool:
    """Say whether the application suppresses instrumentation in this context, as exporters do around their own requests."""
    return any(context.get_value(key) for key in _SUPPRESSED)
