"""
The quota that keeps retries from multiplying the load on a failing service.

All calls of a client share it: a retry acquires tokens, a successful call releases some. botocore's ``standard`` retry mode works
the same way.
Source: AWS SDKs and Tools Reference Guide, "Retry behavior", "Standard retry mode".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from guardedbedrock.forks import ForkSafeLock
from guardedbedrock.stages.retry.failure_classes import FailureKind

CAPACITY: Final = 500
COST: Final[Mapping[FailureKind, int]] = {"throttling": 5, "server": 5, "connection": 10}
"""Tokens that a retry costs, by the kind of failure."""
REFILL: Final = 1
"""Tokens that a call releases if its first attempt succeeds."""


class RetryQuota:
    """
    A number of tokens; safe to use from many threads.

    Args:
        capacity: The number of tokens at the start, and at most.
    """

    __slots__ = ("_capacity", "_lock", "tokens")

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = self.tokens = capacity
        self._lock = ForkSafeLock()

    def acquire(self, tokens: int) -> bool:
        """Take tokens; take none and return False if there are too few."""
        with self._lock:
            if tokens > self.tokens:
                return False
            self.tokens -= tokens
            return True

    def release(self, tokens: int = REFILL) -> None:
        """Return tokens, up to the capacity."""
        # Without the lock: nearly every call finds the quota full, and a token that another thread takes meanwhile is returned
        # by the next call.
        if self.tokens == self._capacity:
            return
        with self._lock:
            self.tokens = min(self._capacity, self.tokens + tokens)
