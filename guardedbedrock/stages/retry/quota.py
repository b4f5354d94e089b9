"""
What keeps retries from becoming a storm.

A bucket of tokens, shared by the calls of a client: an attempt that is not the first takes some, a call that is answered gives
some back. Source: AWS SDKs and Tools Reference Guide, "Retry behavior", "Standard retry mode".
"""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock
from typing import Final

from guardedbedrock.stages.retry.failure_classes import Kind

CAPACITY: Final = 500
COST: Final[Mapping[Kind, int]] = {"throttling": 5, "server": 5, "connection": 10}
"""Tokens that another attempt takes: a service that does not answer at all is asked more sparingly."""
REFILL: Final = 1
"""Tokens that an answer at the first attempt gives back."""


class Bucket:
    """
    Tokens; safe to use from many threads.

    Args:
        capacity: Tokens when it is full.
    """

    __slots__ = ("_capacity", "_lock", "tokens")

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = self.tokens = capacity
        self._lock = Lock()

    def take(self, tokens: int) -> bool:
        """Take tokens, or none if there are not enough."""
        with self._lock:
            if tokens > self.tokens:
                return False
            self.tokens -= tokens
            return True

    def give(self, tokens: int = REFILL) -> None:
        """
        Give tokens back, up to what there is room for.

        Cost: a comparison while it is full, which is the rule.
        """
        if self.tokens == self._capacity:
            return
        with self._lock:
            self.tokens = min(self._capacity, self.tokens + tokens)
