"""Faults of the network: answers that come late, in part, or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from guardedbedrock.errors import ConfigurationError
from guardedbedrock.testing.faults.fault import Fault, HangUpError, Pieces, Sleep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from random import Random

Spread: TypeAlias = Literal["fixed", "uniform", "exponential", "lognormal"]
"""How latencies are distributed about their mean."""

Part: TypeAlias = Literal["head", "body"]
"""From where bytes are counted: the first of the status line, or the first of the body."""

_SIGMA: Final = 0.5  # of a lognormal latency: one in forty takes over twice the mean

_DRAWS: Final[Mapping[Spread, Callable[[Random, float], float]]] = {
    "fixed": lambda _, mean: mean,
    "uniform": lambda random, mean: random.uniform(0, 2 * mean),
    "exponential": lambda random, mean: random.expovariate(1 / mean) if mean else 0,
    "lognormal": lambda random, mean: mean * random.lognormvariate(-(_SIGMA**2) / 2, _SIGMA),
}


@dataclass(frozen=True, slots=True)
class Latency(Fault):
    """
    A pause before the first byte of the answer.

    Args:
        seconds: How long, or how long in the mean.
        spread: ``fixed``, or how it varies: ``uniform`` from 0 to twice the mean, ``exponential``, ``lognormal``.

    Raises:
        ConfigurationError: The pause is negative, or the spread not one of them.
    """

    seconds: float
    spread: Spread = "fixed"

    def __post_init__(self) -> None:
        if self.seconds < 0 or self.spread not in _DRAWS:
            raise ConfigurationError(f"Latency: seconds is not negative, and spread one of {', '.join(_DRAWS)}")

    def begin(self, random: Random) -> Fault:
        """Take the dice along."""
        return _Delay(self, random)


class _Delay(Fault):
    __slots__ = ("_latency", "_random")

    def __init__(self, latency: Latency, random: Random) -> None:
        self._latency, self._random = latency, random

    def send(self, pieces: Pieces, sleep: Sleep) -> Pieces:
        sleep(_DRAWS[self._latency.spread](self._random, self._latency.seconds))
        yield from pieces


@dataclass(frozen=True, slots=True)
class Stall(Fault):
    """
    A pause in the middle of the answer.

    Args:
        seconds: How long.
        after: Bytes that come before it.
        part: Where they are counted from.
    """

    seconds: float
    after: int = 0
    part: Part = "body"

    def send(self, pieces: Pieces, sleep: Sleep) -> Pieces:
        """Send some bytes, wait, send the others."""
        for before, piece in _cut(pieces, self.after, self.part):
            if not before:
                sleep(self.seconds)
            yield piece


@dataclass(frozen=True, slots=True)
class HangUp(Fault):
    """
    The connection ends before the answer does.

    Args:
        after: Bytes that come before it; an answer that is shorter comes whole, and the connection ends then.
        part: Where they are counted from: ``head``, to break off before or within status line and headers; ``body``, to break off
            a body or a stream.
        reset: By a reset, as when a machine dies; else in good order, as when a proxy gives up. Over TLS most clients see no
            difference.
    """

    after: int = 0
    part: Part = "head"
    reset: bool = True

    def send(self, pieces: Pieces, sleep: Sleep) -> Pieces:  # noqa: ARG002
        """Send some bytes, then hang up."""
        for before, piece in _cut(pieces, self.after, self.part):
            if not before:
                break
            yield piece
        raise HangUpError(reset=self.reset)


def _cut(pieces: Pieces, after: int, part: Part) -> Iterator[tuple[bool, bytes]]:
    """Yield the pieces, the one at the place cut in two there; each with whether it stands before the place, once only if not."""
    if part == "body":
        yield True, next(pieces)
    for piece in pieces:
        if len(piece) < after:
            after -= len(piece)
            yield True, piece
            continue
        if after:
            yield True, piece[:after]
        yield False, piece[after:]
        break
    yield from ((True, piece) for piece in pieces)
