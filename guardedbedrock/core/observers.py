"""
Listeners and observations: how telemetry, audit and applications follow calls.

A `Listener` opens an `Observation` for each call. It receives the events of the call in order and is closed when the call,
or its stream, has ended. It cannot change the call, and an observation that raises never breaks it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Final, Protocol, Self, get_args

from guardedbedrock.core.events import ContentReceived, Event, PreflightDecided, Routine
from guardedbedrock.core.records import Call

_LOG: Final = logging.getLogger("guardedbedrock.core.events")
_LOG.addHandler(logging.NullHandler())

_ROUTINE: Final = frozenset(get_args(Routine))


class Observation(Protocol):
    """
    Follows one call. Derive from this class to implement only the methods that you need.

    Optional attributes, which must not change after `enter`:

    - `wants_routine` (default True): whether to receive the events of every call. If False, only `Rare` events are received, and
      `PreflightDecided` if the decision is not ``allowed``.
    - `wants_content` (default False): whether to receive `ContentReceived`, which has the model's words.
    """

    def enter(self) -> None:
        """Called in the caller's context when the call begins. If it raises, the observation is dropped."""
        return  # for mypy, which takes a method without a body for an abstract one

    def leave(self) -> None:
        """Called in the same context when the call returns or raises; its stream may still be read, in any thread."""
        return  # for mypy, which takes a method without a body for an abstract one

    def on_event(self, event: Event) -> None:  # noqa: ARG002
        """
        Receive an event.

        Args:
            event: One of the classes in `guardedbedrock.events`.
        """
        return  # for mypy, which takes a method without a body for an abstract one

    def close(self, error: BaseException | None) -> None:  # noqa: ARG002
        """
        Called once, when the call or its stream has ended.

        Args:
            error: The error that it ended with; None if it succeeded or its stream was left early.
        """
        return  # for mypy, which takes a method without a body for an abstract one


class Listener(Protocol):
    """
    Follows calls; passed to a guard as ``Guard(listeners=[...])``.

    Methods are called in the threads of the calls, so a listener must be thread-safe.
    """

    def open(self, call: Call) -> Observation | None:
        """
        Begin to follow a call.

        Args:
            call: The call as the application made it. Its `params` contain the prompt.

        Returns:
            The observation, or None to ignore the call.
        """


class Observers:
    """
    The observations of one call.

    Used with ``with``, or ended by `leave`. An observation that raises is logged, without the event.

    Args:
        listeners: The listeners of the client.
        call: The call.
    """

    def __init__(self, listeners: Iterable[Listener], call: Call) -> None:
        self._is_closed = self.wants_routine = self.wants_content = False
        self._observations: list[Observation] = []
        for listener in listeners:
            try:
                observation = listener.open(call)
                if observation is not None:
                    observation.enter()
                    self._observations.append(observation)
                    self.wants_routine = self.wants_routine or getattr(observation, "wants_routine", True)
                    self.wants_content = self.wants_content or getattr(observation, "wants_content", False)
            except Exception as error:  # noqa: BLE001  # a listener may raise anything, and the call goes on
                _log_failure(listener, error)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, _error: BaseException | None, _trace: object) -> None:
        self.leave()

    def leave(self) -> None:
        """Tell every observation that the call has returned."""
        for observation in reversed(self._observations):
            try:
                observation.leave()
            except Exception as error:  # noqa: BLE001
                _log_failure(observation, error)

    def emit(self, event: Event) -> None:
        """Send an event to every observation that wants it."""
        for observation in self._observations:
            try:
                if _wants(observation, event):
                    observation.on_event(event)
            except Exception as error:  # noqa: BLE001
                _log_failure(observation, error)

    def close(self, error: BaseException | None = None) -> None:
        """Close every observation; a second call does nothing."""
        if self._is_closed:
            return
        self._is_closed = True
        for observation in self._observations:
            try:
                observation.close(error)
            except Exception as failure:  # noqa: BLE001
                _log_failure(observation, failure)


def _wants(observation: Observation, event: Event) -> bool:
    if isinstance(event, ContentReceived):
        return getattr(observation, "wants_content", False)
    if type(event) not in _ROUTINE or getattr(observation, "wants_routine", True):
        return True
    return isinstance(event, PreflightDecided) and event.verdict.decision != "allowed"


def _log_failure(failed: object, error: Exception) -> None:
    _LOG.warning("listener %s failed with %s", type(failed).__name__, type(error).__name__)
