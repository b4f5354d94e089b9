"""Which statements cover an action, found without asking every statement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from guardedbedrock.iam.statements import Compiled


class ActionIndex:
    """
    Statements by what their Action elements begin with.

    A plain action is found by its name, a pattern within one service by the service; only NotAction and patterns that begin
    with a wildcard are asked for every action.
    """

    def __init__(self, statements: Iterable[Compiled]) -> None:
        self._shelves: dict[str, list[Compiled]] = {}
        for compiled in statements:
            for shelf in {""} if compiled.statement.not_action else {_shelf(a.lower()) for a in compiled.statement.actions}:
                self._shelves.setdefault(shelf, []).append(compiled)

    def covering(self, action: str) -> Iterator[Compiled]:
        """Find the statements that cover an action in lower case, in no order, some twice."""
        service = action.partition(":")[0] + ":"
        for shelf in (action, service, ""):
            yield from (compiled for compiled in self._shelves.get(shelf, ()) if compiled.covers(action))


def _shelf(pattern: str) -> str:
    service, _, name = pattern.partition(":")
    if "*" in service or "?" in service:
        return ""
    return f"{service}:" if "*" in name or "?" in name else pattern
