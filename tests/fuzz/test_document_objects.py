"""Python objects that JSON does not have, in every location of a document: read as JSON would be, or rejected."""

from __future__ import annotations

import enum
from collections import UserDict
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import pytest

from guardedbedrock import iam
from guardedbedrock.iam.language.limits import findings
from guardedbedrock.iam.language.writer import write

Json: TypeAlias = Any
Path: TypeAlias = tuple[Json, ...]


class Word(enum.Enum):
    """A member of an enum that is no string."""

    ALLOW = "Allow"


class Text(enum.StrEnum):
    """A member of a string enum."""

    ALLOW = "Allow"


DOCUMENT: Final[Json] = {
    "Version": "2012-10-17",
    "Id": "I",
    "Statement": [
        {
            "Sid": "S",
            "Effect": "Allow",
            "Principal": {"AWS": ["111122223333", "222222222222"], "Service": "s"},
            "Action": ["a:b", "a:c"],
            "NotResource": "*",
            "Condition": {"NumericEquals": {"k": [1, "2"], "l": 1.5}},
        }
    ],
}
LONGEST: Final = 1_000
"""Characters that a document with one odd value may have; the odd ones that are long have far more."""
ENDLESS: Final[Json] = {}
ENDLESS["Statement"] = [ENDLESS]
INNERMOST: Final[list[Json]] = []
INNERMOST.append(INNERMOST)
DEEP: Final[list[Json]] = []
for _ in range(50_000):
    DEEP[:] = [list(DEEP)]
ODD: Final[dict[str, Json]] = {
    "bytes": b"Allow",
    "bytearray": bytearray(b"*"),
    "memoryview": memoryview(b"*"),
    "set": {"a:b"},
    "frozenset": frozenset(("a:b",)),
    "complex": 1j,
    "fraction": Fraction(1, 3),
    "ellipsis": ...,
    "class": dict,
    "function": len,
    "constant": Word.ALLOW,
    "constant text": Text.ALLOW,
    "read-only object": MappingProxyType({"AWS": "111122223333"}),
    "object of a class": UserDict({"AWS": "111122223333"}),
    "tuple": ("a:b",),
    "range": range(2),
    "object in itself": ENDLESS,
    "array in itself": INNERMOST,
    "deep array": DEEP,
    "decimal": Decimal("1.50"),
    "half a character": "\ud800",
}
UNUSABLE: Final[dict[str, Json]] = {
    "not a number": float("nan"),
    "infinity": float("inf"),
    "signalling decimal": Decimal("sNaN"),
    "infinite decimal": Decimal("-Infinity"),
    "large exponent": Decimal("1e999999"),
    "small exponent": Decimal("1e-999999"),
    "zero with many digits": Decimal("0e-999999"),
    "integer of many digits": 10**5_000,
}
"""Numbers that JSON cannot represent and that compare with nothing."""


def nodes(value: Json, path: Path = ()) -> Iterator[Path]:
    """Yield the path of every node of a document."""
    yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from nodes(inner, (*path, key))


def replaced(value: Json, path: Path, new: Json, *, key: bool = False) -> Json:
    """Replace the node at a path, or the key that leads to it."""
    if not path:
        return new
    first, *rest = path
    if key and not rest:
        return {new if name == first else name: inner for name, inner in value.items()}
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[first] = replaced(value[first], tuple(rest), new, key=key)
    return copy


def can_be_a_key(odd: Json) -> bool:
    """Return whether a value can be a key of a dict."""
    try:
        hash(odd)
    except (TypeError, RecursionError):
        return False
    return True


def with_one(odd: Json) -> Iterator[Json]:
    """Yield the documents that have the odd value at one path: as value and, if it can be one, as key."""
    for path in nodes(DOCUMENT):
        yield replaced(DOCUMENT, path, odd)
        if path and isinstance(path[-1], str) and can_be_a_key(odd):
            yield replaced(DOCUMENT, path, odd, key=True)


def read(source: Json) -> iam.PolicyDocument | None:
    """Read a document; None if it is rejected with a message of limited length."""
    found: iam.PolicyDocument | None = None
    try:
        found = iam.parse(source, "resource")
    except iam.PolicySyntaxError as refused:
        said = str(refused)
    assert len(repr(found) if found else said) <= LONGEST
    return found


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
def test_an_odd_object_is_read_or_refused(odd: Json) -> None:
    """And what is read can be written and measured."""
    for source in with_one(odd):
        found = read(source) if not isinstance(source, str) else None

        if found is not None:
            assert iam.parse(write(found), "resource") == found
            assert len(findings(source, "resource")) <= LONGEST


@pytest.mark.parametrize("number", UNUSABLE.values(), ids=UNUSABLE)
def test_an_unusable_number_is_refused_everywhere(number: Json) -> None:
    """As value of a condition too: it would fill the memory, or equal nothing."""
    assert [source for source in with_one(number) if read(source) is not None] == []
