"""A progress bar on stderr, for a suite that is long and a person who looks on."""

from __future__ import annotations

from collections.abc import Sized
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeVar

from rich.console import Console

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from rich.progress import Progress

T = TypeVar("T")

LONG: Final = 500
"""Cases; fewer are done before anybody could read how many."""


@contextmanager
def progress() -> Iterator[Callable[[Iterable[T], str], Iterator[T]]]:
    """
    Give a function that passes items on and shows how far it got: nothing unless stderr is a terminal.

    The bar comes with the 500th item and is wiped away in the end.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda items, _: iter(items)
        return
    bar = _bar(console)
    try:
        yield lambda items, what: _counted(bar, items, what)
    finally:
        bar.stop()


def _counted(bar: Progress, items: Iterable[T], what: str) -> Iterator[T]:
    task = bar.add_task(what, total=len(items) if isinstance(items, Sized) else None, visible=False)
    for number, item in enumerate(items, start=1):
        yield item
        if number % LONG == 0:
            bar.start()
            bar.update(task, completed=number, visible=True, refresh=True)
    bar.update(task, visible=False)


def _bar(console: Console) -> Progress:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415 - takes its time

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    return Progress(*columns, console=console, transient=True)
