"""
Ways to measure, and the row that each part of the bench returns.

Pure computation is measured in processor time, as the quickest of many rounds, which other processes disturbed least.
Functions that also wait are measured by the clock. Two things that are compared are measured in turns.
"""

from __future__ import annotations

import gc
import os
import resource
import statistics
import subprocess
import sys
from collections.abc import Callable
from time import perf_counter, process_time
from typing import Final, NamedTuple, TypeAlias

Measured: TypeAlias = Callable[[], tuple[float, ...]]
"""Does something once, and returns the seconds that it took, one number for each quantity."""

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
    """Return a function that measures a call: by the clock, and in processor time of this process."""

    def measured() -> tuple[float, float]:
        spent, started = process_time(), perf_counter()
        function()
        ended = perf_counter()
        return ended - started, process_time() - spent

    return measured


def in_turns(first: Measured, second: Measured, *, calls: int = 200, rounds: int = 9) -> list[tuple[float, float]]:
    """
    Measure two things in turns; return for each quantity the ratio of its medians and their difference, in us.

    Both are medians of several rounds. Choosing the round in which one of the two was quickest would favour it.
    """
    for _ in range(WARM):
        first(), second()
    gc.collect()
    gc.disable()
    taken = [_round(first, second, calls) for _ in range(rounds)]
    gc.enable()
    quantities = zip(*(zip(*medians, strict=True) for medians in taken), strict=True)
    return [_compared(list(quantity)) for quantity in quantities]


def _compared(rounds: list[tuple[float, float]]) -> tuple[float, float]:
    """Return the ratio and the difference, in us, of two medians: of each the median of all rounds."""
    return statistics.median(one / other for one, other in rounds), statistics.median(one - other for one, other in rounds) * 1e6


def _round(first: Measured, second: Measured, calls: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Alternate which of the two is measured first, and return the medians of both."""
    taken: tuple[list[tuple[float, ...]], list[tuple[float, ...]]] = ([], [])
    for turn in range(calls):
        pairs = [(first, taken[0]), (second, taken[1])]
        for measure, into in pairs if turn % 2 else reversed(pairs):
            into.append(measure())
    mine, theirs = (tuple(statistics.median(values) for values in zip(*rows, strict=True)) for rows in taken)
    return mine, theirs


def milliseconds_in_a_fresh_process(before: str, measured: str) -> float:
    """
    Time a statement after another one, in ms of processor time, each time in a new process: the quickest of fifteen.

    The first run compiles the modules, as an installation does.
    """
    code = f"import time\n{before}\nt = time.process_time()\n{measured}\nprint(time.process_time() - t)"
    command = [sys.executable, "-c", code]
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    runs = [subprocess.run(command, capture_output=True, check=True, text=True, env=env) for _ in range(15)]  # noqa: S603  # our own
    return min(float(run.stdout) for run in runs) * 1e3


def processor_time(run: Callable[[], object]) -> float:
    """Return the processor time, in s, of the processes that a function starts and waits for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
