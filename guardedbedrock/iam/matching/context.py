"""
The condition context of a request: the keys that are present, absent and unknown.

Names of context keys ignore case. A value is a string or, for a multivalued key, a tuple of strings. Absent and unknown differ: a
negated operator is true for an absent key, but undecided for an unknown one (Kleene's logic: True, False, None).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import Final, TypeAlias


class Unknown(Enum):
    """The type of `UNKNOWN`, the value of a key that this process cannot know."""

    UNKNOWN = "unknown"


UNKNOWN: Final = Unknown.UNKNOWN


@dataclass(frozen=True, slots=True)
class PartlyKnown:
    """
    The value of a key that is present and single-valued, but of which only a part is known.

    Args:
        patterns: The value matches one of these patterns, in which ``*`` replaces unknown text.
    """

    patterns: tuple[str, ...]


LARGEST_EXPONENT: Final = 64
"""The largest decimal exponent of a number in a condition; a larger number is converted to ``NaN``."""

Value: TypeAlias = str | tuple[str, ...] | PartlyKnown | Unknown
Context: TypeAlias = Mapping[str, Value]
Truth: TypeAlias = bool | None
"""True, False, or None: the answer depends on an unknown value, or AWS documents no rule."""


def normalize(
    given: Mapping[str, object], unknown: Iterable[str] = (), partly_known: Mapping[str, Iterable[str]] | None = None
) -> dict[str, Value]:
    """
    Convert a context to the form that compiled conditions read.

    Args:
        given: Context key to a scalar or, for a multivalued key, a list, tuple or set of scalars. ``None`` and an empty list mean
            that the key is absent.
        unknown: Names of unknown keys. ``aws:ResourceTag/*`` means every tag that `given` does not list.
        partly_known: Names of keys to the patterns of which their value matches one.

    Source: IAM User Guide, "Multivalued context keys" (an empty set counts as a missing key).
    """
    context: dict[str, Value] = {key.lower(): UNKNOWN for key in unknown}
    if partly_known:
        context |= {key.lower(): PartlyKnown(tuple(patterns)) for key, patterns in partly_known.items()}
    for key, value in given.items():
        if value.__class__ is str:
            context[key.lower()] = value  # measured: quicker than isinstance, and most values are strings
        elif isinstance(value, (list, tuple, set, frozenset)):
            if value:
                context[key.lower()] = tuple(text_of(item) for item in value)
        elif value is not None:
            context[key.lower()] = text_of(value)
    return context


def is_unresolved(value: Value | None) -> bool:
    """Return whether a value is unknown, or known only in part."""
    return value is UNKNOWN or value.__class__ is PartlyKnown


def text_of(value: object) -> str:
    """Convert a scalar to the string that IAM compares: Booleans in lower case, numbers without an exponent."""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, int | float | Decimal):
        return str(value)
    exact = Decimal(str(value)) if isinstance(value, float) else Decimal(value)
    # A number such as 1e999999999 would fill the memory if it were written without its exponent.
    return format(exact, "f") if exact.is_finite() and abs(exact.adjusted()) <= LARGEST_EXPONENT else "NaN"


def family(key: str) -> str | None:
    """
    Return the wildcard name under which a request may list a key as unknown.

    >>> family("aws:resourcetag/team")
    'aws:resourcetag/*'
    """
    head, slash, _ = key.partition("/")
    return f"{head}/*" if slash else None


def lookup(context: Context, key: str) -> Value | None:
    """Return the value of a key in lower case, UNKNOWN, or None when it is absent."""
    value = context.get(key)
    if value is None and "/" in key:
        return context.get(f"{key.partition('/')[0]}/*")
    return value
