"""
An alert in the process: too many denials in a window of time.

Like an alarm of CloudWatch it fires once, and again only after the count has fallen to the threshold.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Thread
from typing import Any, Final

from guardedbedrock.forks import ForkSafeLock, renew_in_children
from guardedbedrock.telemetry.audit.cloudtrail_record import is_denial

_NAMED: Final = 20


@dataclass(frozen=True, slots=True)
class Alert:
    """
    More denials than the threshold.

    Args:
        denials: The number of denials in the window.
        within: The window, in seconds.
        principals: ARNs of the denied principals, at most 20.
        event_names: The operations that they called, at most 20.
        latest: The latest record.
    """

    denials: int
    within: float
    principals: tuple[str, ...]
    event_names: tuple[str, ...]
    latest: Mapping[str, Any] = field(repr=False)

    @property
    def sentence(self) -> str:
        """The alert in one sentence."""
        who = ", ".join(self.principals) or "unknown principals"
        return f"{self.denials} denied Bedrock calls ({', '.join(self.event_names)}) in {self.within:g} s by {who}"


class DenialAlert:
    """
    A sink that calls a hook when a window has more denials than a threshold.

    Args:
        more_than: The number of denials to tolerate.
        within: The window, in seconds.
        hook: Called with the alert in a separate thread, so that no call waits for it.
        clock: A monotonic clock, in seconds.
    """

    def __init__(
        self,
        more_than: int,
        within: float,
        hook: Callable[[Alert], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._more_than, self._within, self._hook, self._clock = more_than, within, hook, clock
        self._denials: deque[tuple[float, str, str]] = deque(maxlen=max(1000, 2 * more_than + 2))
        self._lock = ForkSafeLock()
        self._is_firing = False
        self._hooks: list[Thread] = []
        renew_in_children(self)

    def renew(self) -> None:
        """Forget the denials and the threads of the parent in a forked child: each process counts its own denials."""
        self._denials.clear()
        self._is_firing, self._hooks = False, []

    def write(self, record: Mapping[str, Any]) -> None:
        """Count a record if it is a denial."""
        if not is_denial(record):
            return
        with self._lock:
            alert = self._counted(record)
        if alert is not None:
            thread = Thread(target=self._hook, args=(alert,), name="guardedbedrock-alert", daemon=True)
            self._hooks = [each for each in self._hooks if each.is_alive()] + [thread]
            thread.start()

    def close(self) -> None:
        """Wait for running hooks, up to 5 s for each."""
        for thread in self._hooks:
            thread.join(5)

    def _counted(self, record: Mapping[str, Any]) -> Alert | None:
        now = self._clock()
        who = str(record.get("userIdentity", {}).get("arn", ""))
        while self._denials and self._denials[0][0] <= now - self._within:
            self._denials.popleft()
        if len(self._denials) <= self._more_than:
            self._is_firing = False
        self._denials.append((now, who, str(record.get("eventName", ""))))
        if self._is_firing or len(self._denials) <= self._more_than:
            return None
        self._is_firing = True
        principals = tuple(dict.fromkeys(arn for _, arn, _ in self._denials if arn))[:_NAMED]
        names = tuple(dict.fromkeys(name for _, _, name in self._denials))[:_NAMED]
        return Alert(len(self._denials), self._within, principals, names, record)
