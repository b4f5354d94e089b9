"""
What listeners hear of a call.

A listener opens an observation with the call; the observation hears events in their order and closes with the call or with its stream.
It never steers, and a listener that fails is silenced for that call: `Observers` sees to it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias

from guardedbedrock.bedrock import Guardrail, Intervention
from guardedbedrock.calls import Call, Verdict

_LOG: Final = logging.getLogger("guardedbedrock.events")
_LOG.addHandler(logging.NullHandler())


@dataclass(frozen=True, slots=True)
class Injected:
    """The guard put a guardrail into the call, or found an approved one there."""

    guardrail: Guardrail
    was_there: bool


@dataclass(frozen=True, slots=True)
class Decided:
    """The policies were asked, in `seconds`."""

    verdict: Verdict
    seconds: float


@dataclass(frozen=True, slots=True)
class Refused:
    """The guard refuses the call; in mode ``report`` it would have, and the call goes on."""

    error: Exception
    enforced: bool


@dataclass(frozen=True, slots=True)
class Retried:
    """An attempt failed and another follows after `wait` seconds."""

    attempt: int
    code: str
    wait: float


@dataclass(frozen=True, slots=True)
class Denied:
    """AWS denied the call."""

    error: Exception


@dataclass(frozen=True, slots=True)
class Diverged:
    """AWS denied what the preflight had allowed."""

    verdict: Verdict
    error: Exception


@dataclass(frozen=True, slots=True)
class Intervened:
    """The guardrail stepped in."""

    intervention: Intervention


Event: TypeAlias = Injected | Decided | Refused | Retried | Denied | Diverged | Intervened


class Observation(Protocol):
    """What one listener makes of one call."""

    def current(self) -> AbstractContextManager[Any]:
        """Make the observation's span current while the call is under way."""

    def hear(self, event: Event) -> None:
        """Take note of an event."""

    def close(self, error: BaseException | None) -> None:
        """The call, or its stream, has ended; called once."""


class Listener(Protocol):
    """Somebody who wants to know of calls."""

    def open(self, call: Call) -> Observation:
        """A call begins."""


class Observers:
    """The observations of one call, as one that never fails."""

    __slots__ = ("_closed", "_observations")

    def __init__(self, listeners: Iterable[Listener], call: Call) -> None:
        self._closed = False
        self._observations: list[Observation] = []
        for listener in listeners:
            with _silenced(listener):
                self._observations.append(listener.open(call))

    @contextmanager
    def current(self) -> Iterator[None]:
        """Make every observation current."""
        with ExitStack() as stack:
            for observation in self._observations:
                with _silenced(observation):
                    stack.enter_context(observation.current())
            yield

    def hear(self, event: Event) -> None:
        """Tell every observation."""
        for observation in self._observations:
            with _silenced(observation):
                observation.hear(event)

    def close(self, error: BaseException | None = None) -> None:
        """Close every observation; a second time does nothing."""
        if self._closed:
            return
        self._closed = True
        for observation in self._observations:
            with _silenced(observation):
                observation.close(error)


class _silenced:  # noqa: N801 - used like a keyword
    """Keep a failing listener from the call; its failure is logged without what it was told."""

    __slots__ = ("_who",)

    def __init__(self, who: object) -> None:
        self._who = who

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        if kind is None or not issubclass(kind, Exception):
            return False
        _LOG.warning("listener %s failed with %s", type(self._who).__name__, kind.__name__)
        return True
