"""
Ways to measure, and the row that each part of the bench gives back.

What only computes is measured in processor time, of which the quickest of many rounds is the one least disturbed by whatever else
runs; what also waits is measured by the clock, and two things compared are measured in turns.
"""

from __future__ import annotations

import gc
import statistics
import subprocess
import sys
from collections.abc import Callable
from time import perf_counter, process_time
from typing import Final, NamedTuple, TypeAlias

Measured: TypeAlias = Callable[[], tuple[float, ...]]
"""Does something once, and gives what it took in s, one number for each quantity."""

NO_BUDGET: Final = float("nan")
WARM: Final = 100


class Row(NamedTuple):
    """One budget: what, how much is allowed, how much was measured, in one unit; and what cedarpy took for the same."""

    what: str
    budget: float
    measured: float
    unit: str
    cedar: float | None = None


def microseconds(function: Callable[[], object], *, repeats: int = 15, number: int = 2000) -> float:
    """Time one call of a function, in us of processor time: the quickest of several rounds."""
    best = float("inf")
    for _ in range(repeats):
        started = process_time()
        for _ in range(number):
            function()
        best = min(best, (process_time() - started) / number)
    return best * 1e6


def clocked(function: Callable[[], object]) -> Measured:
    """Make a measurement of a call by the clock."""

    def measured() -> tuple[float]:
        started = perf_counter()
        function()
        return (perf_counter() - started,)

    return measured


def in_turns(first: Measured, second: Measured, *, calls: int = 1500) -> list[tuple[float, float]]:
    """Measure two things in turns, and give of each quantity the ratio of its medians and their difference, in us."""
    taken: tuple[list[tuple[float, ...]], list[tuple[float, ...]]] = ([], [])
    gc.collect()
    gc.disable()
    for turn in range(calls + WARM):
        pairs = [(first, taken[0]), (second, taken[1])]
        for measure, into in pairs if turn % 2 else reversed(pairs):
            into.append(measure())
    gc.enable()
    one, other = ([statistics.median(values) for values in zip(*rows[WARM:], strict=True)] for rows in taken)
    return [(mine / theirs, (mine - theirs) * 1e6) for mine, theirs in zip(one, other, strict=True)]


def milliseconds_in_a_fresh_process(before: str, measured: str) -> float:
    """Time a statement after another one, in ms of processor time, each time in a process of its own: the quickest of fifteen."""
    code = f"import time\n{before}\nt = time.process_time()\n{measured}\nprint(time.process_time() - t)"
    command = [sys.executable, "-c", code]
    runs = [subprocess.run(command, capture_output=True, check=True, text=True) for _ in range(15)]  # noqa: S603  # our own code
    return min(float(run.stdout) for run in runs) * 1e3
