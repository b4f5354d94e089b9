"""Whether the application records spans and metrics in the current context."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from opentelemetry import context, trace
from opentelemetry.metrics import _internal as metrics_api

_UNKNOWN: Final = object()  # a later API may rename the attribute; then assume that there is a provider
_SUPPRESSED: Final = ("suppress_instrumentation", getattr(context, "_SUPPRESS_INSTRUMENTATION_KEY", ""))

tracer_provider: Final[Callable[[], Any]] = partial(getattr, trace, "_TRACER_PROVIDER", _UNKNOWN)
"""
The tracer provider that the application set, as a function without arguments; None if no provider is set.

The public function reads the environment in every call and creates a proxy, so it does not say whether one was set.
"""

meter_provider: Final[Callable[[], Any]] = partial(getattr, metrics_api, "_METER_PROVIDER", _UNKNOWN)
"""The meter provider that the application set, as a function without arguments; None if no provider is set."""


def is_suppressed() -> bool:
    """Return whether the application suppresses instrumentation in this context, as exporters do for their own requests."""
    return any(context.get_value(key) for key in _SUPPRESSED)
