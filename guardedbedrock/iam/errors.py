"""What the engine raises: one error, for a policy document that can not be read."""

from __future__ import annotations

from typing import Any

from guardedbedrock._root import ConfigurationError


class PolicySyntaxError(ConfigurationError):
    """
    A policy document that AWS would refuse, or that nobody can read for sure.

    Args:
        problem: What is wrong and what would mend it, one clause.
        pointer: JSON pointer (RFC 6901) to the place, ``""`` for the whole document.
        file: Name of the file or of the document, if it has one.
    """

    def __init__(self, problem: str, *, pointer: str = "", file: str | None = None) -> None:
        super().__init__(f"{file or 'policy'}{f' at {pointer}' if pointer else ''}: {problem}")
        self.problem = problem
        self.pointer = pointer
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        """Survive pickling with every field and note."""
        return _revive, (self.problem, self.pointer, self.file), dict(self.__dict__)


def _revive(problem: str, pointer: str, file: str | None) -> PolicySyntaxError:
    return PolicySyntaxError(problem, pointer=pointer, file=file)
