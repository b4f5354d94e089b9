"""Which statements cover an action, found without asking every statement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

from guardedbedrock.iam.engine.statements import Compiled

_ASK_ALWAYS: Final = ("",)


class ActionIndex:
    """
    Statements by what their Action elements begin with.

    A plain action is found by its name, a pattern within one service by the service; only NotAction and patterns that begin
    with a wildcard are asked for every action.
    """

    def __init__(self, statements: Iterable[Compiled]) -> None:
        self._shelves: dict[str, list[Compiled]] = {}
        for compiled in statements:
            statement = compiled.statement
            for shelf in _ASK_ALWAYS if statement.not_action else set(map(_shelf, statement.actions)):
                self._shelves.setdefault(shelf, []).append(compiled)

    def covering(self, action: str) -> Iterator[Compiled]:
        """Find the statements that cover an action in lower case, in no order, some twice."""
        service = action.partition(":")[0] + ":"
        known: dict[tuple[str, ...], bool] = {}
        for compiled in (compiled for shelf in (action, service, "") for compiled in self._shelves.get(shelf, ())):
            actions = compiled.statement.actions
            if actions not in known:
                known[actions] = compiled.names(action)
            if known[actions] is not compiled.statement.not_action:
                yield compiled


@lru_cache(maxsize=4096)
def _shelf(pattern: str) -> str:
    service, _, name = pattern.lower().partition(":")
    if "*" in service or "?" in service:
        return ""
    return f"{service}:" if "*" in name or "?" in name else f"{service}:{name}"
