"""Worker processes that end without a traceback when the user presses Ctrl-C."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from types import TracebackType
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class WorkerPool(ProcessPoolExecutor):
    """
    A pool of spawned processes, which inherit neither threads nor locks of this one.

    A terminal sends Ctrl-C to every process of a command. This process handles it; the workers end silently. If this process
    ignores Ctrl-C, as background jobs of a shell script do, the workers ignore it too.

    Args:
        workers: The number of processes.
        initialize: Called in each process before its first task.
    """

    def __init__(self, workers: int, initialize: Callable[[], object] = dict) -> None:
        super().__init__(workers, get_context("spawn"), _start_worker, (initialize,))

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Submit a task. A process that starts for it inherits the blocked signal, so that its imports are not interrupted."""
        with _sigint_blocked():
            return super().submit(fn, *args, **kwargs)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.shutdown(cancel_futures=kind is not None)


def _start_worker(initialize: Callable[[], object]) -> None:
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:  # a shell ignores it for background jobs
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    initialize()


@contextmanager
def _sigint_blocked() -> Iterator[None]:
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
