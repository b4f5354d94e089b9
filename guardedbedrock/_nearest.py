"""Suggest the name that was probably meant, in a leaf module that every room can import."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches


def suggest(name: str, known: Collection[str], kind: str = "keys", *, prefix: str = "") -> str:
    """
    Guess the intended name, or list the known ones.

    Args:
        name: The unknown name.
        known: The known names.
        kind: What the names are.
        prefix: Written in front of each known name.

    >>> suggest("vocabluary", ["mode", "vocabulary"])
    'did you mean `vocabulary`?'
    """
    near = closest(name, known)
    return f"did you mean `{prefix}{near}`?" if near else f"the known {kind} are {', '.join(prefix + one for one in known)}"


def closest(name: str, known: Collection[str], *, cutoff: float = 0.6) -> str | None:
    """
    Return the known name that a misspelt one probably means; None if none is similar.

    Case does not count. Names with the same prefix, such as ``bedrock:``, are compared without it, and before all others.

    >>> closest("bedrock:InvokeModle", ["bedrock:InvokeModel", "iam:PassRole"])
    'bedrock:InvokeModel'
    >>> closest("bedrock:Recall", ["bedrock:Rerank"]) is None
    True

    Args:
        name: The misspelt name.
        known: The known names.
        cutoff: How similar they must be, from 0 to 1.
    """
    prefix, own = _split(name)
    siblings = {_split(one)[1]: one for one in known if _split(one)[0] == prefix}
    others = {one.lower(): one for one in known if _split(one)[0] != prefix}
    for text, names in ((own, siblings), (name.lower(), others)):
        found = get_close_matches(text, names, n=1, cutoff=cutoff)
        if found:
            return names[found[0]]
    return None


def _split(name: str) -> tuple[str, str]:
    prefix, _, own = name.lower().rpartition(":")
    return prefix, own
