"""An index from actions to the statements that cover them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

from guardedbedrock.iam.engine.statements import CompiledStatement

_ANY_SERVICE: Final = ("",)


class ActionIndex:
    """
    Statements, grouped by the literal start of their action patterns.

    The key of a group is one of three:

    1. the whole action, for an action without wildcards,
    2. the service, for a pattern within one service,
    3. ``""``, for NotAction and for patterns with a wildcard in the service. These are tested for every action.
    """

    def __init__(self, statements: Iterable[CompiledStatement]) -> None:
        self._groups: dict[str, list[CompiledStatement]] = {}
        for compiled in statements:
            statement = compiled.statement
            for key in _ANY_SERVICE if statement.not_action else set(map(_key, statement.actions)):
                self._groups.setdefault(key, []).append(compiled)

    def covering(self, action: str) -> Iterator[CompiledStatement]:
        """Yield the statements that cover an action in lower case: in no order, some of them twice."""
        service = action.partition(":")[0] + ":"
        answers: dict[tuple[str, ...], bool] = {}
        for compiled in (compiled for key in (action, service, "") for compiled in self._groups.get(key, ())):
            actions = compiled.statement.actions
            if actions not in answers:
                answers[actions] = compiled.covers(action)
            if answers[actions] is not compiled.statement.not_action:
                yield compiled


@lru_cache(maxsize=4096)  # keyed by the pattern: policies repeat few action patterns
def _key(pattern: str) -> str:
    service, _, name = pattern.lower().partition(":")
    if "*" in service or "?" in service:
        return ""
    return f"{service}:" if "*" in name or "?" in name else f"{service}:{name}"
