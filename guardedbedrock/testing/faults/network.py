"""Faults of the network: late, partial and missing responses."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, ClassVar, Final, Literal, TypeAlias

from guardedbedrock.testing.faults.fault import Fault, HangUpError, Pieces, Sleep, check_field, check_types, check_wait

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from random import Random

Spread: TypeAlias = Literal["fixed", "uniform", "exponential", "lognormal"]
"""Distribution of a latency."""

ReplyPart: TypeAlias = Literal["head", "body"]
"""Where bytes are counted from: the start of the status line, or the start of the body."""

_PARTS: Final[tuple[ReplyPart, ...]] = ("head", "body")

_SLOWEST_RATE: Final = 1e-6  # events per second: one in twelve days
_SIGMA: Final = 0.5  # of a lognormal latency: one of forty is over twice the mean

_DRAWS: Final[Mapping[Spread, Callable[[Random, float], float]]] = {
    "fixed": lambda _, mean: mean,
    "uniform": lambda random, mean: random.uniform(0, 2 * mean),
    "exponential": lambda random, mean: random.expovariate(1 / mean) if mean else 0,
    "lognormal": lambda random, mean: mean * random.lognormvariate(-(_SIGMA**2) / 2, _SIGMA),
}


@dataclass(frozen=True, slots=True)
class Latency(Fault):
    """
    A pause before the first byte of the response.

    Args:
        seconds: Mean of the pause.
        spread: Distribution: ``fixed``, ``uniform`` (0 to twice the mean), ``exponential`` or ``lognormal``.

    Raises:
        ConfigurationError: The pause is negative or not finite, or the distribution is unknown.
    """

    seconds: float
    spread: Spread = "fixed"

    def __post_init__(self) -> None:
        check_types(self)
        check_wait(self)
        check_field(self, "spread", fits=self.spread in _DRAWS, expected=f"one of {', '.join(_DRAWS)}")

    def begin(self, random: Random) -> Fault:
        """Return a delay with the random numbers of the fake."""
        return _Delay(self, random)


class _Delay(Fault):
    __slots__ = ("_latency", "_random")

    def __init__(self, latency: Latency, random: Random) -> None:
        self._latency, self._random = latency, random

    def filter_bytes(self, pieces: Pieces, sleep: Sleep) -> Pieces:
        sleep(_DRAWS[self._latency.spread](self._random, self._latency.seconds))
        yield from pieces


@dataclass(frozen=True, slots=True)
class TokenRate(Fault):
    """
    A stream whose events arrive at the speed of a model. Each text delta is one word.

    Args:
        per_second: Events per second.

    Raises:
        ConfigurationError: The rate is not positive, or not finite.
    """

    per_second: float

    streams: ClassVar[bool | None] = True

    def __post_init__(self) -> None:
        check_types(self)
        fits = _SLOWEST_RATE <= self.per_second < inf
        check_field(self, "per_second", fits=fits, expected=f"a finite number of at least {_SLOWEST_RATE:g} events")

    def filter_bytes(self, pieces: Pieces, sleep: Sleep) -> Pieces:
        """Wait before each event."""
        yield next(pieces)
        for piece in pieces:
            sleep(1 / self.per_second)
            yield piece


@dataclass(frozen=True, slots=True)
class Stall(Fault):
    """
    A pause within the response.

    Args:
        seconds: Length of the pause.
        after: Bytes before the pause.
        part: Where the bytes are counted from.

    Raises:
        ConfigurationError: The pause or the position is negative, or the part is unknown.
    """

    seconds: float
    after: int = 0
    part: ReplyPart = "body"

    def __post_init__(self) -> None:
        check_types(self)
        check_wait(self)
        _check_position(self)

    def filter_bytes(self, pieces: Pieces, sleep: Sleep) -> Pieces:
        """Send the bytes before the pause, wait, and send the rest."""
        for before, piece in _cut(pieces, self.after, self.part):
            if not before:
                sleep(self.seconds)
            yield piece


@dataclass(frozen=True, slots=True)
class HangUp(Fault):
    """
    A connection that ends before the response is complete.

    Args:
        after: Bytes that are sent. A shorter response is sent whole, and then the connection ends.
        part: Where the bytes are counted from: ``head`` or ``body``.
        reset: True sends a TCP reset, as after a crash; False closes in order, as a proxy does. Over TLS most clients see no
            difference.

    Raises:
        ConfigurationError: The position is negative, or the part is unknown.
    """

    after: int = 0
    part: ReplyPart = "head"
    reset: bool = True

    def __post_init__(self) -> None:
        check_types(self)
        _check_position(self)

    def filter_bytes(self, pieces: Pieces, sleep: Sleep) -> Pieces:  # noqa: ARG002
        """Send the bytes before the end, then hang up."""
        for before, piece in _cut(pieces, self.after, self.part):
            if not before:
                break
            yield piece
        raise HangUpError(reset=self.reset)


def _check_position(fault: Stall | HangUp) -> None:
    check_field(fault, "after", fits=fault.after >= 0, expected="0 or more bytes")
    check_field(fault, "part", fits=fault.part in _PARTS, expected=f"one of {', '.join(_PARTS)}")


def _cut(pieces: Pieces, after: int, part: ReplyPart) -> Iterator[tuple[bool, bytes]]:
    """Yield each piece with True before the position, and once with False for the piece that begins at the position."""
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
