"""Worker processes: a Ctrl-C ends them without a traceback, while they start and while they work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from guardedbedrock.governance.worker_pool import WorkerPool

PROGRAM = """
import signal, sys, time
from guardedbedrock.governance.worker_pool import WorkerPool
seconds, ignored = map(float, sys.argv[1:])
signal.signal(signal.SIGINT, signal.SIG_IGN if ignored else signal.default_int_handler)
try:
    with WorkerPool(2) as pool:
        tasks = [pool.submit(time.sleep, seconds) for _ in range(2)]
        print("submitted", flush=True)
        for task in tasks:
            task.result()
except KeyboardInterrupt:
    sys.exit(130)
"""


def interrupted(*, after: float, task: float, ignored: bool) -> tuple[int, str]:
    """Send Ctrl-C to a process and its workers, and return the exit code and stderr."""
    with subprocess.Popen(  # noqa: S603 - a command of this test
        [sys.executable, "-c", PROGRAM, str(task), str(int(ignored))],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "submitted\n"
        time.sleep(after)
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=30)
        return process.returncode, err


@pytest.mark.parametrize("after", [0, 0.05, 2], ids=["start", "imports", "task"])
def test_ctrl_c_ends_workers_without_a_traceback(after: float) -> None:
    assert interrupted(after=after, task=60, ignored=False) == (130, "")


@pytest.mark.parametrize("after", [0, 1], ids=["start", "task"])
def test_workers_of_a_background_job_ignore_ctrl_c(after: float) -> None:
    """A shell without job control starts background jobs with the signal ignored."""
    assert interrupted(after=after, task=2, ignored=True) == (0, "")


def test_a_pool_initializes_its_workers_and_returns_results() -> None:
    with WorkerPool(1, time.monotonic) as pool:
        assert list(pool.map(abs, [-1, 2])) == [1, 2]
