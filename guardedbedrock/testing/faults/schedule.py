"""Chooses the faults for each request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from guardedbedrock.errors import ConfigurationError
from guardedbedrock.forks import ForkSafeLock
from guardedbedrock.testing.faults.fault import Fault
from guardedbedrock.testing.operation_names import check_operation
from guardedbedrock.testing.resources.checks import check_number
from guardedbedrock.testing.resources.model_patterns import fits_model
from guardedbedrock.testing.times import check_times

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(slots=True)
class _Rule:
    given: tuple[Fault, ...]
    acting: tuple[Fault, ...]
    operation: str | None
    model: str | None
    left: int | None
    chance: float
    on_take: Callable[[], None] | None = None

    def fits(self, operation: str, model: str, *, streams: bool) -> bool:
        if self.operation not in {None, operation} or not fits_model(self.model, model):
            return False
        return all(fault.streams in {None, streams} for fault in self.given)


class FaultSchedule:
    """
    The scheduled faults. Safe to use from several threads.

    Faults without `times` happen to every matching request. Of the faults with `times`, only the first that is left happens.

    Args:
        seed: Seed of the random numbers. The same seed and the same sequence of requests result in the same faults.
    """

    def __init__(self, seed: int = 0) -> None:
        self._seed, self._lock = seed, ForkSafeLock()
        self.clear()

    def clear(self) -> None:
        """Remove all faults, and restart the random numbers."""
        with self._lock:
            self._rules: list[_Rule] = []
            self._random = Random(self._seed)  # noqa: S311 - not a secret

    def add(  # noqa: PLR0913 - one parameter for each part of a rule
        self,
        faults: Sequence[Fault],
        *,
        operation: str | None,
        times: int | None,
        chance: float,
        model: str | None = None,
        on_take: Callable[[], None] | None = None,
    ) -> None:
        """
        Schedule faults that happen together.

        `on_take` is called each time they happen.

        Raises:
            ConfigurationError: The chance is not a probability, the operation is unknown, there is no fault, or `times` is less
                than 1.
        """
        check_times(times)
        check_operation(operation)
        check_number("chance", chance, 0, 1)
        for fault in faults:
            if not isinstance(fault, Fault):
                raise ConfigurationError(f"fault: expected a fault such as Latency(0.2), got {fault!r}")
        if not faults:
            raise ConfigurationError("fault: needs at least one fault")
        acting = tuple(fault.begin(self._random) for fault in faults)
        with self._lock:
            self._rules.append(_Rule(tuple(faults), acting, operation, model, times, chance, on_take))

    def take(self, operation: str, model: str = "", *, streams: bool) -> tuple[tuple[Fault, ...], tuple[Fault, ...]]:
        """
        Choose the faults for a request.

        Args:
            operation: For example ``Converse``.
            model: Model ID of the request; empty if it has none.
            streams: Whether the response is a stream.

        Returns:
            The faults as configured, and the objects that `Fault.begin` returned for them.
        """
        with self._lock:
            if not self._rules:
                return (), ()
            chosen = list(self._choose(operation, model, streams=streams))
            self._rules = [rule for rule in self._rules if rule.left != 0]
        return tuple(f for rule in chosen for f in rule.given), tuple(f for rule in chosen for f in rule.acting)

    def _choose(self, operation: str, model: str, *, streams: bool) -> Iterator[_Rule]:
        counted = False
        for rule in self._rules:
            if not rule.fits(operation, model, streams=streams) or (counted and rule.left is not None):
                continue
            if rule.chance < 1 and self._random.random() >= rule.chance:
                continue
            if rule.left is not None:
                rule.left, counted = rule.left - 1, True
            if rule.on_take is not None:
                rule.on_take()
            yield rule
