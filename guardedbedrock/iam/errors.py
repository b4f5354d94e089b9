"""The error that the engine raises for an invalid policy document."""

from __future__ import annotations

from typing import Any

from guardedbedrock._root import ConfigurationError


class PolicySyntaxError(ConfigurationError):
    """
    A policy document that AWS would reject, or whose meaning is ambiguous.

    Args:
        problem: What is wrong and how to fix it, in one clause.
        pointer: JSON pointer (RFC 6901) to the location, ``""`` for the whole document.
        file: Name of the file or of the document, if it has one.
    """

    __module__ = "guardedbedrock"

    def __init__(self, problem: str, *, pointer: str = "", file: str | None = None) -> None:
        super().__init__(f"{file or 'policy'}{f' at {pointer}' if pointer else ''}: {problem}")
        self.problem = problem
        self.pointer = pointer
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle every field, and the notes."""
        return _unpickle, (self.problem, self.pointer, self.file), dict(self.__dict__)


def _unpickle(problem: str, pointer: str, file: str | None) -> PolicySyntaxError:
    return PolicySyntaxError(problem, pointer=pointer, file=file)
