"""
Who hears of a call: listeners, and what each makes of one call.

A listener opens an observation with the call; the observation hears events in their order and closes with the call or with its
stream. It never steers, and a listener that fails is silenced for that call: `Observers` sees to it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, Protocol, Self

from guardedbedrock.core.events import ContentReceived, Event
from guardedbedrock.core.records import Call

_LOG: Final = logging.getLogger("guardedbedrock.core.events")
_LOG.addHandler(logging.NullHandler())


class Observation(Protocol):
    """
    What one listener makes of one call.

    Optional attributes: `wants_routine` (default True; False receives no `Routine` events, except `PreflightDecided` of a
    denied call) and `wants_content` (default False; True receives `ContentReceived`).
    """

    def enter(self) -> None:
        """The call is under way in this context; a span becomes the current one."""

    def leave(self) -> None:
        """The call has returned; its stream may still go on, in any thread."""

    def on_event(self, event: Event) -> None:
        """Take note of an event."""

    def close(self, error: BaseException | None) -> None:
        """The call, or its stream, has ended; called once."""


@dataclass(frozen=True, slots=True)
class PutOff:
    """
    Stands for an observation that is opened only when there is something to hear, which of most calls there never is.

    It is neither entered nor left nor closed.

    Args:
        open: Opens it.
    """

    open: Callable[[Call], Observation]


@dataclass(frozen=True, slots=True)
class Others:
    """
    Stands for the observations of other listeners, which are to be asked instead.

    Args:
        listeners: Those.
    """

    listeners: tuple[Listener, ...]


class Listener(Protocol):
    """Somebody who wants to know of calls."""

    def open(self, call: Call) -> Observation | PutOff | Others | None:
        """A call begins; None when nothing of it matters to this listener."""


class Observers:
    """
    The observations of one call, as one that never fails.

    It begins with the call, and is left when that returns: at the end of a ``with``, or by `leave`. A listener that raises is
    logged, without what it was told.

    Args:
        listeners: Who wants to know.
        call: Of what.
        client: Whose call it is, for whoever derives from this.
    """

    __slots__ = ("_call", "_client", "_closed", "_observations", "_put_off", "active", "wants_content", "wants_routine")

    def __init__(self, listeners: Iterable[Listener], call: Call, client: Any = None) -> None:
        self._call, self._client = call, client
        self._closed = self.wants_routine = self.wants_content = False
        self._observations: tuple[Observation, ...] = ()
        self.active: tuple[Observation, ...] = ()
        self._put_off: tuple[PutOff, ...] = ()
        asked = [*listeners]
        for listener in asked:
            try:
                observation = listener.open(call)
                if observation is None:
                    continue
                if isinstance(observation, PutOff):
                    self._put_off = (*self._put_off, observation)
                elif isinstance(observation, Others):
                    asked += observation.listeners
                else:
                    self._attend(observation)
            except Exception as error:  # noqa: BLE001  # whatever it is, it is the listener's
                _failed(listener, error)

    def _attend(self, observation: Observation) -> None:
        self.active = self._observations = (*self._observations, observation)
        self.wants_routine |= getattr(observation, "wants_routine", True)
        self.wants_content |= getattr(observation, "wants_content", False)
        observation.enter()

    def _open(self, put_off: PutOff) -> None:
        try:
            self._observations = (*self._observations, put_off.open(self._call))
        except Exception as error:  # noqa: BLE001
            _failed(put_off.open, error)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, _error: BaseException | None, _trace: object) -> None:
        self.leave()

    def leave(self) -> None:
        """The call has returned."""
        for observation in reversed(self.active):
            try:
                observation.leave()
            except Exception as error:  # noqa: BLE001
                _failed(observation, error)

    def emit(self, event: Event) -> None:
        """Tell every observation."""
        if self._put_off:
            put_off, self._put_off = self._put_off, ()
            for each in put_off:
                self._open(each)
        for observation in self._observations:
            if type(event) is ContentReceived and not getattr(observation, "wants_content", False):
                continue
            try:
                observation.on_event(event)
            except Exception as error:  # noqa: BLE001
                _failed(observation, error)

    def close(self, error: BaseException | None = None) -> None:
        """Close every observation; a second time does nothing."""
        if self._closed:
            return
        self._closed = True
        for observation in self.active:
            try:
                observation.close(error)
            except Exception as failure:  # noqa: BLE001
                _failed(observation, failure)


def _failed(who: object, error: Exception) -> None:
    _LOG.warning("listener %s failed with %s", type(who).__name__, type(error).__name__)
