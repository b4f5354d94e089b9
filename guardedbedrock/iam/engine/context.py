"""
The condition context of a request: what is present, what is absent, what nobody in this process can know.

Names of context keys ignore case; a value is one text or, for a multivalued key, a tuple of texts. Absent and unknown differ:
absent makes a negated operator true, unknown leaves every answer open (Kleene's logic: True, False, None).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import Enum
from typing import Final, TypeAlias


class Unknown(Enum):
    """The value of a key that the process cannot know."""

    UNKNOWN = "unknown"


UNKNOWN: Final = Unknown.UNKNOWN

LARGEST_EXPONENT: Final = 64
"""Decimal exponent beyond which a number is of no use in a condition."""

Scalar: TypeAlias = str | bool | int | float
Value: TypeAlias = str | tuple[str, ...] | Unknown
Context: TypeAlias = Mapping[str, Value]
Truth: TypeAlias = bool | None
"""True, False, or None for "hangs on what is unknown"."""


def normalize(given: Mapping[str, object], unknown: Iterable[str] = ()) -> dict[str, Value]:
    """
    Bring a context to the form that compiled conditions read.

    Args:
        given: Context key to a scalar or, for a multivalued key, a list, tuple or set of scalars. ``None`` and an empty list
            are absent.
        unknown: Names of unknown keys; ``aws:ResourceTag/*`` stands for every tag that is not given.

    Source: IAM User Guide, "Multivalued context keys" (an empty set counts as a missing key).
    """
    context: dict[str, Value] = {key.lower(): UNKNOWN for key in unknown}
    for key, value in given.items():
        if value.__class__ is str:
            context[key.lower()] = value  # quicker than isinstance
        elif isinstance(value, (list, tuple, set, frozenset)):
            if value:
                context[key.lower()] = tuple(text_of(item) for item in value)
        elif value is not None:
            context[key.lower()] = text_of(value)
    return context


def text_of(value: object) -> str:
    """Write a scalar as IAM compares it: Booleans in lower case, numbers without an exponent."""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, int | float | Decimal):
        return str(value)
    exact = Decimal(str(value)) if isinstance(value, float) else Decimal(value)
    # Nothing compares with a number beyond any use, and written out it would fill the memory.
    return format(exact, "f") if exact.is_finite() and abs(exact.adjusted()) <= LARGEST_EXPONENT else "NaN"


def family(key: str) -> str | None:
    """
    Name the wildcard under which a key may be unknown as one of many.

    >>> family("aws:resourcetag/team")
    'aws:resourcetag/*'
    """
    head, slash, _ = key.partition("/")
    return f"{head}/*" if slash else None


def lookup(context: Context, key: str) -> Value | None:
    """Read one key: its value, UNKNOWN, or None when it is absent."""
    value = context.get(key)
    if value is None and "/" in key:
        return context.get(f"{key.partition('/')[0]}/*")
    return value
