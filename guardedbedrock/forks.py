"""
Locks and threads in forked processes.

A forked child has only the thread that forked. A lock that another thread of the parent held stays locked in the child forever,
and a background thread is missing. So every object of the library with a lock, a thread or an open file renews it in the child.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from threading import Lock
from typing import Any, Final, Protocol
from weakref import WeakSet


class Renewable(Protocol):
    """An object that must not share its locks, threads or files with the parent of a forked process."""

    def renew(self) -> None:
        """Renew them; called in the child, which has one thread."""


_renewables: Final[WeakSet[Any]] = WeakSet()


def renew_in_children(owner: Renewable) -> None:
    """Call ``owner.renew()`` in every forked child, as long as the object exists."""
    _renewables.add(owner)


def _renew_all() -> None:
    for owner in list(_renewables):
        owner.renew()


if hasattr(os, "register_at_fork"):  # not on Windows, which cannot fork
    os.register_at_fork(after_in_child=_renew_all)


class ForkSafeLock:
    """
    A lock that is free in a forked child, even if a thread of the parent held it.

    Args:
        make: Makes the lock: ``Lock`` or ``RLock`` of ``threading``.
    """

    __slots__ = ("__weakref__", "_lock", "_make")

    def __init__(self, make: Callable[[], Any] = Lock) -> None:
        self._make = make
        self._lock = make()
        renew_in_children(self)

    def renew(self) -> None:
        """Replace the lock by a free one."""
        self._lock = self._make()

    def acquire(self, timeout: float = -1) -> bool:
        """Acquire the lock within `timeout` seconds, -1 for no limit; return whether that succeeded."""
        return bool(self._lock.acquire(timeout=timeout))

    def release(self) -> None:
        """Release the lock. In a child that the holder itself forked, the lock is free already."""
        with suppress(RuntimeError):
            self._lock.release()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()
