"""How quick this machine is just now: the same work every time, for reading the other rows."""

from __future__ import annotations

from collections.abc import Iterator

from measuring import NO_BUDGET, Row, microseconds


def machine() -> Iterator[Row]:
    """A fixed loop of plain Python: on a quiet core of 2024 about 300 us."""
    yield Row("this machine: 10,000 rounds of a plain loop, for scale", NO_BUDGET, microseconds(_loop, number=20), "us")


def _loop() -> int:
    total, counted = 0, {"a": 1, "b": 2}
    for number in range(10_000):
        total += counted["a"] if number % 2 else len("abc")
    return total
