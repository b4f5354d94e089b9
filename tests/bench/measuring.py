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
from typing import Final, NamedTuple

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


def in_turns(first: Callable[[], object], second: Callable[[], object], *, calls: int = 1500) -> tuple[float, float]:
    """Call two functions in turns, and give the ratio of their medians and the difference, in us."""
    times: tuple[list[float], list[float]] = ([], [])
    gc.collect()
    gc.disable()
    for turn in range(calls + WARM):
        pairs = [(first, times[0]), (second, times[1])]
        for function, into in pairs if turn % 2 else reversed(pairs):
            started = perf_counter()
            function()
            into.append(perf_counter() - started)
    gc.enable()
    one, other = (statistics.median(taken[WARM:]) for taken in times)
    return one / other, (one - other) * 1e6


def milliseconds_in_a_fresh_process(before: str, measured: str) -> float:
    """Time a statement after another one, in ms of processor time, each time in a process of its own: the quickest of fifteen."""
    code = f"import time\n{before}\nt = time.process_time()\n{measured}\nprint(time.process_time() - t)"
    command = [sys.executable, "-c", code]
    runs = [subprocess.run(command, capture_output=True, check=True, text=True) for _ in range(15)]  # noqa: S603  # our own code
    return min(float(run.stdout) for run in runs) * 1e3
