"""A queue of scripted items, each for one call or several, and for one operation or all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from guardedbedrock.forks import ForkSafeLock
from guardedbedrock.testing.operation_names import check_operation
from guardedbedrock.testing.resources.model_patterns import fits_model
from guardedbedrock.testing.times import check_times

T = TypeVar("T")


@dataclass(slots=True)
class _Entry(Generic[T]):
    item: T
    left: int | None
    operation: str | None
    model: str | None = None
    on_take: Callable[[], None] | None = None


class Script(Generic[T]):
    """
    A first-in, first-out queue. Safe to use from several threads.

    Args:
        check: Raises a `ConfigurationError` for an invalid item; None accepts all.
    """

    def __init__(self, check: Callable[[T], None] | None = None) -> None:
        self._check = check
        self._entries: list[_Entry[T]] = []
        self._lock = ForkSafeLock()

    def add(
        self,
        item: T,
        *,
        times: int | None = 1,
        operation: str | None = None,
        model: str | None = None,
        on_take: Callable[[], None] | None = None,
    ) -> None:
        """
        Append an item.

        Args:
            item: The item.
            times: How often `take` returns it; None means always.
            operation: The only operation that it is for, such as ``Converse``; None means all.
            model: Pattern of the model IDs that it is for; None means all.
            on_take: Called each time `take` returns the item.

        Raises:
            ConfigurationError: `times` is less than 1, the operation is unknown, or the item is invalid.
        """
        check_times(times)
        check_operation(operation)
        if self._check is not None:
            self._check(item)
        with self._lock:
            self._entries.append(_Entry(item, times, operation, model, on_take))

    def take(self, operation: str, model: str = "") -> T | None:
        """Return the first item for an operation and a model ID, or None."""
        with self._lock:
            for entry in self._entries:
                if entry.operation in {None, operation} and fits_model(entry.model, model):
                    self._use(entry)
                    if entry.on_take is not None:
                        entry.on_take()
                    return entry.item
        return None

    def _use(self, entry: _Entry[T]) -> None:
        if entry.left is None:
            return
        entry.left -= 1
        if entry.left <= 0:
            self._entries.remove(entry)

    def clear(self) -> None:
        """Remove all items."""
        with self._lock:
            self._entries.clear()
