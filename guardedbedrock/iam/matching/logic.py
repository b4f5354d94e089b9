"""Three-valued logic (Kleene): True, False, and None for "depends on a value that is unknown"."""

from __future__ import annotations

from collections.abc import Iterable

from guardedbedrock.iam.matching.context import Truth


def either(answers: Iterable[Truth]) -> Truth:
    """Join answers with OR: one True decides, whatever the others are."""
    joined: Truth = False
    for answer in answers:
        if answer:
            return True
        if answer is None:
            joined = None
    return joined


def both(left: Truth, right: Truth) -> Truth:
    """Join two answers with AND: one False decides, whatever the other is."""
    if left is False or right is False:
        return False
    return None if left is None or right is None else True


def negate(answer: Truth) -> Truth:
    """Negate an answer; None stays None."""
    return None if answer is None else not answer
