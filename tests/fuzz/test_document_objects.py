"""Python objects that are not JSON, in every place of a document: they are parsed like JSON, or rejected."""

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
    """A constant that is not a string."""

    ALLOW = "Allow"


class Text(enum.StrEnum):
    """A constant that is a string."""

    ALLOW = "Allow"


DOCUMENT: Final[Json] = {
    "Version": "2012-10-17",
    "Id": "I",
    "Statement": [
        {
            "Sid": "S",
            "Effect": "Allow",
            "Principal": {"AWS": ["1", "2"], "Service": "s"},
            "Action": ["a:b", "a:c"],
            "NotResource": "*",
            "Condition": {"NumericEquals": {"k": [1, "2"], "l": 1.5}},
        }
    ],
}
MAX_LENGTH: Final = 1_000
"""Maximum length of an error or of a parsed document; some of the unusual values are far longer."""
ENDLESS: Final[Json] = {}
ENDLESS["Statement"] = [ENDLESS]
INNERMOST: Final[list[Json]] = []
INNERMOST.append(INNERMOST)
DEEP: Final[list[Json]] = []
for _ in range(50_000):
    DEEP[:] = [list(DEEP)]
UNUSUAL: Final[dict[str, Json]] = {
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
    "read-only object": MappingProxyType({"AWS": "1"}),
    "object of a class": UserDict({"AWS": "1"}),
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
    "zero of many places": Decimal("0e-999999"),
    "integer of many digits": 10**5_000,
}
"""Numbers that cannot occur in JSON text and that no value can be compared with."""


def nodes(value: Json, path: Path = ()) -> Iterator[Path]:
    """Yield the path of every value of a document."""
    yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from nodes(inner, (*path, key))


def replaced(value: Json, path: Path, new: Json, *, key: bool = False) -> Json:
    """Return a copy with one value replaced, or with the key of that value replaced."""
    if not path:
        return new
    first, *rest = path
    if key and not rest:
        return {new if name == first else name: inner for name, inner in value.items()}
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[first] = replaced(value[first], tuple(rest), new, key=key)
    return copy


def can_be_a_key(value: Json) -> bool:
    """Return whether an object can be a key of a dict."""
    try:
        hash(value)
    except (TypeError, RecursionError):
        return False
    return True


def documents_with(value: Json) -> Iterator[Json]:
    """Yield documents with the object in one place: as a value and, if possible, as a key."""
    for path in nodes(DOCUMENT):
        yield replaced(DOCUMENT, path, value)
        if path and isinstance(path[-1], str) and can_be_a_key(value):
            yield replaced(DOCUMENT, path, value, key=True)


def parse(source: Json) -> iam.PolicyDocument | None:
    """Parse a document; return None if it is rejected. The error must not be long."""
    found: iam.PolicyDocument | None = None
    try:
        found = iam.parse(source, "resource")
    except iam.PolicySyntaxError as refused:
        message = str(refused)
    assert len(repr(found) if found else message) <= MAX_LENGTH
    return found


@pytest.mark.parametrize("value", UNUSUAL.values(), ids=UNUSUAL)
def test_unusual_object_is_parsed_or_rejected(value: Json) -> None:
    """What is parsed can be written and measured."""
    for source in documents_with(value):
        found = parse(source) if not isinstance(source, str) else None

        if found is not None:
            assert iam.parse(write(found), "resource") == found
            assert len(findings(source, "resource")) <= MAX_LENGTH


@pytest.mark.parametrize("number", UNUSABLE.values(), ids=UNUSABLE)
def test_unusable_number_is_rejected_everywhere(number: Json) -> None:
    """It would exhaust the memory or equal nothing, also as the value of a condition."""
    assert [source for source in documents_with(number) if parse(source) is not None] == []
