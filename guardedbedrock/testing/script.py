"""A queue of things that are to happen, in order, some of them more than once or to one operation only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(slots=True)
class _Entry(Generic[T]):
    item: T
    left: int | None
    operation: str | None
    on_take: Callable[[], None] | None = None


class Script(Generic[T]):
    """First in, first out; safe to use from many threads."""

    def __init__(self) -> None:
        self._entries: list[_Entry[T]] = []
        self._lock = Lock()

    def add(
        self, item: T, *, times: int | None = 1, operation: str | None = None, on_take: Callable[[], None] | None = None
    ) -> None:
        """
        Put something at the end.

        Args:
            item: What is to happen.
            times: How often; None means from then on.
            operation: The only operation it happens to, such as ``Converse``; None means any.
            on_take: Called each time it happens.
        """
        with self._lock:
            self._entries.append(_Entry(item, times, operation, on_take))

    def take(self, operation: str) -> T | None:
        """Take the first entry that is meant for an operation, or None."""
        with self._lock:
            for entry in self._entries:
                if entry.operation in {None, operation}:
                    self._spend(entry)
                    if entry.on_take is not None:
                        entry.on_take()
                    return entry.item
        return None

    def _spend(self, entry: _Entry[T]) -> None:
        if entry.left is None:
            return
        entry.left -= 1
        if entry.left <= 0:
            self._entries.remove(entry)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()
