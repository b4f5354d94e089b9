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
import sys, time
from guardedbedrock.governance.worker_pool import WorkerPool
try:
    with WorkerPool(2) as pool:
        tasks = [pool.submit(time.sleep, 60) for _ in range(4)]
        print("submitted", flush=True)
        tasks[0].result()
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a signal reaches a group of processes only on POSIX")
@pytest.mark.parametrize("seconds", [0, 0.05, 2], ids=["start", "imports", "task"])
def test_ctrl_c_ends_workers_without_a_traceback(seconds: float) -> None:
    with subprocess.Popen(  # noqa: S603 - a command of this test
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "submitted\n"
        time.sleep(seconds)
        os.killpg(process.pid, signal.SIGINT)

        _, err = process.communicate(timeout=30)

    assert (process.returncode, err) == (130, "")


def test_a_pool_initializes_its_workers_and_returns_results() -> None:
    with WorkerPool(1, time.monotonic) as pool:
        assert list(pool.map(abs, [-1, 2])) == [1, 2]
