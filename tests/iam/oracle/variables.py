"""Policy variables and their values."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from iam.oracle.questions import ABSENT, UNKNOWN, Asked
from iam.oracle.wildcards import SEGMENTS, STAR

VARIABLE: Final = re.compile(r"\$\{(.*?)\}", re.DOTALL)
DEFAULT: Final = re.compile(r"\s*([^,]*?)\s*,\s*'(.*)'\s*", re.DOTALL)


@dataclass(frozen=True)
class Filled:
    """A policy string with the values of its variables; an unknown value is a star."""

    pattern: tuple[str, ...]
    is_open: bool = False
    early: bool = False


def fill(text: str, read: Callable[[str], tuple[str, ...]], question: Asked) -> Filled | None:
    """Replace variables by their values; return None if one has no value."""
    if not question.variables:
        return Filled(read(text))
    pattern: tuple[str, ...] = ()
    is_open = early = seen = False
    pieces = VARIABLE.split(text)
    for index, piece in enumerate(pieces):
        if index % 2 == 0:
            pattern += read(piece)
        elif piece in ("*", "?", "$"):
            pattern += (piece,)
        else:
            early = early or (not seen and pattern.count(":") < SEGMENTS - 1)
            seen = True
            value = variable(piece, question)
            if value is ABSENT:
                return None
            is_open = is_open or value is UNKNOWN
            pattern += (STAR,) if value is UNKNOWN else tuple(str(value))
    return Filled(pattern, is_open, early)


def variable(inner: str, question: Asked) -> object:
    """Return the value of a variable, UNKNOWN or ABSENT. A multivalued key counts as absent."""
    default = DEFAULT.fullmatch(inner)
    value = question.value(default[1] if default else inner.strip())
    if value is ABSENT and default:
        return default[2]
    return ABSENT if isinstance(value, tuple) else value
