"""Kleene's logic: True, False, and None for "depends on an unknown value or on an undocumented rule"."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeAlias

Truth: TypeAlias = bool | None


def every(answers: Iterable[Truth]) -> Truth:
    """AND."""
    known = list(answers)
    return False if False in known else None if None in known else True


def some(answers: Iterable[Truth]) -> Truth:
    """OR."""
    known = list(answers)
    return True if True in known else None if None in known else False


def opposite(answer: Truth) -> Truth:
    """NOT."""
    return None if answer is None else not answer
