"""One thread reads every source again when it is due."""

from __future__ import annotations

import gc
import os
import random
import threading
import time
from typing import Final

import pytest

from guardedbedrock.sources.refresher import Refresher
from guardedbedrock.sources.schedule import EARLY_REFRESH, Schedule

PATIENCE: Final = 10.0  # s


class Counted:
    """A source that counts its reads."""

    def __init__(self, every: float = 0.01) -> None:
        self.every, self.reads, self.next = every, 0, 0.0
        self.read_twice = threading.Event()

    def due(self) -> float:
        """Return when it is read next."""
        return self.next

    def refresh(self) -> None:
        """Count a read."""
        self.reads += 1
        self.next = time.monotonic() + self.every
        if self.reads > 1:
            self.read_twice.set()


def threads() -> int:
    """Count the threads of refreshers."""
    return sum(thread.name == "guardedbedrock-sources" for thread in threading.enumerate())


def test_one_daemon_thread_reads_all_sources() -> None:
    """However many there are."""
    before, refresher, sources = threads(), Refresher(), [Counted() for _ in range(5)]
    for source in sources:
        refresher.add(source)
        refresher.add(source)

    assert all(source.read_twice.wait(PATIENCE) for source in sources)
    assert threads() == before + 1
    assert all(thread.daemon for thread in threading.enumerate() if thread.name == "guardedbedrock-sources")


def test_source_that_the_application_dropped_is_read_no_more() -> None:
    """The thread holds no reference."""
    refresher, source, kept = Refresher(), Counted(), Counted(every=1000.0)
    refresher.add(source)
    refresher.add(kept)
    assert source.read_twice.wait(PATIENCE)
    reads = source.__dict__
    del source
    gc.collect()
    seen = reads["reads"]
    time.sleep(0.1)

    assert reads["reads"] <= seen + 1


def test_earlier_time_wakes_the_thread() -> None:
    """Otherwise it would wait for the old time."""
    refresher, source = Refresher(), Counted(every=1000.0)
    refresher.add(source)
    while source.reads == 0:
        time.sleep(0.01)
    source.next = 0.0
    refresher.wake()

    assert source.read_twice.wait(PATIENCE)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_forked_child_starts_its_own_thread() -> None:
    """The thread of the parent does not exist there."""
    refresher, source = Refresher(), Counted()
    refresher.add(source)
    assert source.read_twice.wait(PATIENCE)
    child = os.fork()
    if child == 0:
        source.read_twice.clear()
        running = refresher.is_running
        refresher.add(source)
        os._exit(0 if not running and source.read_twice.wait(PATIENCE) else 1)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_refreshes_are_spread_and_retries_grow_up_to_the_refresh() -> None:
    """Uniform around the setting, and full jitter below a bound that doubles."""
    schedule = Schedule(100.0, random.Random(1))  # noqa: S311
    waits = []
    for _ in range(500):
        schedule.succeeded(1000.0)
        waits.append(schedule.due - 1000.0)
    assert 80 <= min(waits) < 82
    assert 118 < max(waits) <= 120

    bounds = [5.0, 10.0, 20.0, 40.0, 80.0, 100.0, 100.0]
    for bound in bounds:
        schedule.failed(0.0)
        assert 0 <= schedule.due <= bound
    assert schedule.failures == len(bounds)
    schedule.succeeded(0.0)
    assert schedule.failures == 0


def test_early_refresh_happens_at_most_once_a_minute() -> None:
    """A burst of denials does not become a burst of reads."""
    schedule = Schedule(3600.0, random.Random(1))  # noqa: S311
    schedule.succeeded(0.0)

    assert schedule.hurry(10.0)
    assert schedule.due == 10.0
    schedule.succeeded(11.0)
    assert not schedule.hurry(12.0)
    assert schedule.due > 1000
    assert schedule.hurry(10.0 + EARLY_REFRESH)
