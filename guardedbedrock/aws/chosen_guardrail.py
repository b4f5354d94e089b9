"""The guardrail that `Guard.using` chose in the current context."""

from __future__ import annotations

import asyncio
import threading
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final


def _here() -> tuple[int, Any]:
    """Return the running thread and task."""
    try:
        return threading.get_ident(), asyncio.current_task()
    except RuntimeError:  # no event loop runs in this thread
        return threading.get_ident(), None


@dataclass(slots=True, eq=False)
class _Block:
    """A `using` block: the chosen name, where the block was entered, and whether it has been left."""

    name: str
    entered_in: tuple[int, Any] = field(default_factory=_here)
    left: bool = False

    def holds(self) -> bool:
        """
        Return whether the choice holds here.

        A generator may be closed in another context than the one it was entered in, and cannot change that context's variables.
        A task that was started inside the block keeps the choice after the block.
        """
        return not self.left or self.entered_in != _here()


class ChosenGuardrail:
    """
    The guardrail that `Guard.using` chose in the current context.

    Blocks of generators are left in any order and in any context, so leaving one removes its block only. A token of a
    `ContextVar` would restore the value of whichever block came before, and raises in another context.
    """

    def __init__(self) -> None:
        self._blocks: ContextVar[tuple[_Block, ...]] = ContextVar("guardedbedrock_using_blocks", default=())

    def get(self) -> str | None:
        """Return the name that the innermost block chose; None outside of all blocks."""
        for block in reversed(self._blocks.get()):
            if block.holds():
                return block.name
        return None

    def enter(self, name: str) -> _Block:
        """Enter a block, and return it for `leave`."""
        block = _Block(name)
        self._blocks.set((*(each for each in self._blocks.get() if each.holds()), block))
        return block

    def leave(self, block: _Block) -> None:
        """Leave a block, in any order and context."""
        block.left = True
        self._blocks.set(tuple(each for each in self._blocks.get() if each is not block))


chosen: Final = ChosenGuardrail()
"""The guardrail that `Guard.using` chose in the current context."""
