"""Whether anybody takes spans and metrics here and now."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from opentelemetry import context, trace
from opentelemetry.metrics import _internal as metrics_api

_UNKNOWN: Final = object()  # an API without the name may well have a provider
_SUPPRESSED = ("suppress_instrumentation", getattr(context, "_SUPPRESS_INSTRUMENTATION_KEY", ""))


tracer_provider: Final[Callable[[], Any]] = partial(getattr, trace, "_TRACER_PROVIDER", _UNKNOWN)
"""
Gives the provider of tracers that the application set, or None.

The public way to ask reads the environment with every call, and a function of Python's would cost more than what it asks.
"""

meter_provider: Final[Callable[[], Any]] = partial(getattr, metrics_api, "_METER_PROVIDER", _UNKNOWN)
"""Gives the provider of meters that the application set, or None."""


def is_suppressed() -> bool:
    """Say whether the application suppresses instrumentation in this context, as exporters do around their own requests."""
    return any(context.get_value(key) for key in _SUPPRESSED)
