"""Which faults happen to which request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from threading import Lock
from typing import TYPE_CHECKING

from guardedbedrock.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardedbedrock.testing.faults.fault import Fault


@dataclass(slots=True)
class _Rule:
    given: tuple[Fault, ...]
    acting: tuple[Fault, ...]
    operation: str | None
    left: int | None
    chance: float
    on_take: Callable[[], None] | None = None

    def fits(self, operation: str, *, streams: bool) -> bool:
        return self.operation in {None, operation} and all(fault.streams in {None, streams} for fault in self.given)


class Schedule:
    """
    What is to go wrong, for many threads at once.

    Standing faults happen to every request that they are meant for; of those that happen so many times, the first that is left.

    Args:
        seed: Of the dice; the same seed and the same requests, one after another, meet the same faults.
    """

    def __init__(self, seed: int = 0) -> None:
        self._seed, self._lock = seed, Lock()
        self.clear()

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        with self._lock:
            self._rules: list[_Rule] = []
            self._random = Random(self._seed)  # noqa: S311 - dice, no secret

    def add(
        self,
        faults: Sequence[Fault],
        *,
        operation: str | None,
        times: int | None,
        chance: float,
        on_take: Callable[[], None] | None = None,
    ) -> None:
        """
        Schedule faults that happen together; `on_take` is called each time they happen.

        Raises:
            ConfigurationError: The chance is no probability, or there is no fault.
        """
        if not faults or not 0 <= chance <= 1:
            raise ConfigurationError("fault: at least one fault, and a chance from 0 to 1")
        acting = tuple(fault.begin(self._random) for fault in faults)
        with self._lock:
            self._rules.append(_Rule(tuple(faults), acting, operation, times, chance, on_take))

    def take(self, operation: str, *, streams: bool) -> tuple[tuple[Fault, ...], tuple[Fault, ...]]:
        """
        Decide what happens to a request.

        Args:
            operation: Such as ``Converse``.
            streams: Whether its answer is a stream.

        Returns:
            The faults as they were given, and what is to act in their place.
        """
        with self._lock:
            if not self._rules:
                return (), ()
            chosen = list(self._choose(operation, streams=streams))
            self._rules = [rule for rule in self._rules if rule.left != 0]
        return tuple(f for rule in chosen for f in rule.given), tuple(f for rule in chosen for f in rule.acting)

    def _choose(self, operation: str, *, streams: bool) -> Iterator[_Rule]:
        counted = False
        for rule in self._rules:
            if not rule.fits(operation, streams=streams) or (counted and rule.left is not None):
                continue
            if rule.chance < 1 and self._random.random() >= rule.chance:
                continue
            if rule.left is not None:
                rule.left, counted = rule.left - 1, True
            if rule.on_take is not None:
                rule.on_take()
            yield rule
