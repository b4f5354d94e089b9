"""
The times at which a source is read again.

A fleet starts its processes together, so every wait is random: a refresh within 20 % around `refresh`, a retry within an
exponentially growing window ("full jitter").
Source: AWS Architecture Blog, "Exponential Backoff And Jitter".
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Final

SPREAD: Final = 0.2
FIRST_WINDOW: Final = 5.0  # s
EARLY_REFRESH: Final = 60.0  # s


@dataclass(slots=True)
class Schedule:
    """
    The time at which a source is read next. Times are seconds of a monotonic clock.

    Args:
        refresh: Seconds between two successful reads.
        random: The random number generator; tests pass one with a seed.

    Attributes:
        due: The time of the next read.
        failures: Number of failed reads since the last successful one.
    """

    refresh: float
    random: random.Random = field(default_factory=random.Random)
    due: float = 0.0
    failures: int = 0
    _earliest: float = float("-inf")

    def succeeded(self, now: float) -> None:
        """Set the time of the next read after a successful one."""
        self.failures = 0
        self.due = now + self.refresh * self.random.uniform(1 - SPREAD, 1 + SPREAD)

    def failed(self, now: float) -> None:
        """Set the time of the next read after a failed one."""
        window = min(self.refresh, FIRST_WINDOW * 2.0 ** min(self.failures, 16))
        self.failures += 1
        self.due = now + self.random.uniform(0, window)

    def hurry(self, now: float) -> bool:
        """Make the next read due now, at most once in `EARLY_REFRESH` seconds; return whether `due` changed."""
        if now < self._earliest:
            return False
        self._earliest = now + EARLY_REFRESH
        self.due = min(self.due, now)
        return True
