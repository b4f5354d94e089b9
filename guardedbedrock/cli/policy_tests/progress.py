"""A progress bar on stderr for long suites, if stderr is a terminal."""

from __future__ import annotations

from collections.abc import Sized
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeVar

from rich.console import Console

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from rich.progress import Progress

T = TypeVar("T")

INTERVAL: Final = 500
"""Cases between two updates of the bar. Shorter suites finish too quickly for a bar to be useful."""


@contextmanager
def progress() -> Iterator[Callable[[Iterable[T], str], Iterator[T]]]:
    """
    Yield a function that passes items through and shows the progress on stderr; without a terminal it shows nothing.

    The bar appears with item 500 and is removed at the end.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda items, _: iter(items)
        return
    bar = _bar(console)
    try:
        yield lambda items, label: _count(bar, items, label)
    finally:
        bar.stop()


def _count(bar: Progress, items: Iterable[T], label: str) -> Iterator[T]:
    task = bar.add_task(label, total=len(items) if isinstance(items, Sized) else None, visible=False)
    for number, item in enumerate(items, start=1):
        yield item
        if number % INTERVAL == 0:
            bar.start()
            bar.update(task, completed=number, visible=True, refresh=True)
    bar.update(task, visible=False)


def _bar(console: Console) -> Progress:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415 - slow to import

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    return Progress(*columns, console=console, transient=True)
