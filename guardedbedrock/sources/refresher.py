"""
One daemon thread of the process that reads every source again when it is due.

A forked child has no threads: the first call in the child starts a new one. The thread ends with the process.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final, Protocol
from weakref import WeakSet

from guardedbedrock.forks import renew_in_children

_LONGEST_WAIT: Final = 3600.0  # s


class Refreshable(Protocol):
    """A source that is read again."""

    def due(self) -> float:
        """Return the time of the next read, in seconds of `time.monotonic`."""

    def refresh(self) -> None:
        """Read the source. It must not raise."""


class Refresher:
    """
    Reads sources when they are due, in one thread that starts with the first source.

    Args:
        clock: Returns the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._sources: WeakSet[Refreshable] = WeakSet()
        self._condition = threading.Condition()
        self._thread: threading.Thread | None = None
        renew_in_children(self)

    def add(self, source: Refreshable) -> None:
        """Read a source from now on, while it is referenced elsewhere. A second call does nothing."""
        if self._thread is not None and source in self._sources:
            return
        with self._condition:
            self._sources.add(source)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="guardedbedrock-sources", daemon=True)
                self._thread.start()
            self._condition.notify()

    @property
    def is_running(self) -> bool:
        """Whether the thread runs in this process."""
        return self._thread is not None

    def wake(self) -> None:
        """Look at the sources again: one of them is due earlier."""
        with self._condition:
            self._condition.notify()

    def renew(self) -> None:
        """Forget the thread of the parent, in a forked child."""
        self._condition = threading.Condition()
        self._thread = None

    def _refresh_due(self) -> None:
        # In a method, so that no local variable keeps a source alive while the thread waits.
        with self._condition:
            sources = list(self._sources)
        for source in sources:
            if source.due() <= self._clock():
                source.refresh()

    def _next_due(self) -> float:
        return min((source.due() for source in self._sources), default=float("inf"))

    def _run(self) -> None:
        while True:
            self._refresh_due()
            with self._condition:
                wait = min(self._next_due() - self._clock(), _LONGEST_WAIT)
                if wait > 0:
                    self._condition.wait(wait)


REFRESHER: Final = Refresher()
"""The refresher of the process."""
