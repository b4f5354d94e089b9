"""The fixtures of guarded clients, and structlog as a new process has it: `capture_logs` leaves it configured."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import structlog
from harness.clients import make_harness, make_plain

__all__ = ["make_harness", "make_plain"]


@pytest.fixture(autouse=True)
def _unconfigured() -> Iterator[None]:
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()
