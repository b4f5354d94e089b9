"""Suggest the name that was probably meant, in a leaf module that every room can import."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches


def nearest(name: str, known: Collection[str], kind: str = "keys") -> str:
    """
    Guess the intended name, or list the known ones.

    Args:
        name: The unknown name.
        known: The known names.
        kind: What the names are.

    >>> nearest("vocabluary", ["mode", "vocabulary"])
    'did you mean `vocabulary`?'
    """
    near = get_close_matches(name, known, n=1)
    return f"did you mean `{near[0]}`?" if near else f"the known {kind} are {', '.join(known)}"
