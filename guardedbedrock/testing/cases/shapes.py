"""
Shapes of JSON values in case files.

A shape is a function of a value and its location. It returns if the value is valid, and raises if it is not.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, NoReturn, TypeAlias

from guardedbedrock._nearest import closest
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.iam.language.documents import Object

_KINDS: Final[tuple[tuple[type, str], ...]] = (
    (Mapping, "an object"),
    (list, "an array"),
    (str, "a string"),
    (bool, "a Boolean"),
    (type(None), "null"),
    (int, "a number"),
    (float, "a number"),
    (Decimal, "a number"),
)
_INFINITE: Final = float("inf")
_SCALARS: Final = (str, bool, int, float, Decimal)


@dataclass(frozen=True, slots=True)
class Location:
    """
    The location of a value in a case file.

    Args:
        head: File and case.
        pointer: JSON pointer (RFC 6901) inside the case.
    """

    head: str
    pointer: str = ""

    def __truediv__(self, key: object) -> Location:
        return Location(self.head, f"{self.pointer}/{str(key).replace('~', '~0').replace('/', '~1')}")

    def __str__(self) -> str:
        return f"{self.head} at {self.pointer}" if self.pointer else self.head

    def fail(self, problem: object) -> NoReturn:
        """
        Reject the value at this location.

        Raises:
            ConfigurationError: Always.
        """
        raise ConfigurationError(f"{self}: {problem}") from None


Shape: TypeAlias = Callable[[object, Location], None]


def text(value: object, location: Location) -> None:
    """A string."""
    if not isinstance(value, str):
        _wrong_type(location, "a string", value)


def name(value: object, location: Location) -> None:
    """A string that is not empty."""
    text(value, location)
    if not value:
        location.fail("must not be empty")


def scalar(value: object, location: Location) -> None:
    """A string, number, Boolean or null. Null means that the key is absent."""
    if value is not None and not isinstance(value, _SCALARS):
        _wrong_type(location, "a string, number or Boolean", value)


def positive_number(value: object, location: Location) -> None:
    """A number above zero."""
    if not isinstance(value, int | float | Decimal) or isinstance(value, bool):
        _wrong_type(location, "a number", value)
    if not 0 < value < _INFINITE:
        location.fail("must be a number above 0")


def context_value(value: object, location: Location) -> None:
    """One scalar or, for a multivalued key, an array of scalars."""
    if isinstance(value, list):
        array_of(scalar)(value, location)
    else:
        scalar(value, location)


def anything(_value: object, _location: Location) -> None:
    """Any value."""


def one_of(words: Collection[str]) -> Shape:
    """One of a few strings."""

    def check(value: object, location: Location) -> None:
        text(value, location)
        if value not in words:
            listed = ", ".join(word or '""' for word in words)
            location.fail(f"`{value}` is not one of {listed}{suggestion(str(value), words)}")

    return check


def array_of(item: Shape) -> Shape:
    """An array whose items all have one shape."""

    def check(value: object, location: Location) -> None:
        if not isinstance(value, list):
            _wrong_type(location, "an array", value)
        for index, each in enumerate(value):
            item(each, location / index)

    return check


def object_of(item: Shape) -> Shape:
    """An object with keys of any name, whose values all have one shape."""

    def check(value: object, location: Location) -> None:
        for key, each in _members(value, location).items():
            item(each, location / key)

    return check


def fields(needed: Mapping[str, Shape], optional: Mapping[str, Shape]) -> Shape:
    """An object with known fields. An unknown field is reported first, because it is often a misspelling of a missing one."""
    known = {**needed, **optional}

    def check(value: object, location: Location) -> None:
        given = _members(value, location)
        for key in given:
            if key not in known:
                location.fail(f"unknown field `{key}`{suggestion(key, known) or '; known fields are ' + ', '.join(known)}")
        for key in needed:
            if key not in given:
                location.fail(f"the field `{key}` is missing")
        for key, each in given.items():
            known[key](each, location / key)

    return check


def check_json(value: object, location: Location) -> None:
    """
    Reject repeated keys, and what only YAML allows: keys that are not strings, and values of other types.

    Raises:
        ConfigurationError: With the location.
    """
    if isinstance(value, Mapping):
        if isinstance(value, Object) and value.repeated is not None:
            location.fail(f"has the key `{value.repeated}` twice; remove one")
        for key, each in value.items():
            if not isinstance(key, str):
                location.fail(f"the key `{key}` is not a string; put it in quotes")
            if each.__class__ is not str:
                check_json(each, location / key)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            if each.__class__ is not str:
                check_json(each, location / index)
    else:
        scalar(value, location)


def _members(value: object, location: Location) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        _wrong_type(location, "an object", value)
    return value


def _wrong_type(location: Location, wanted: str, value: object) -> NoReturn:
    found = next((kind for type_, kind in _KINDS if isinstance(value, type_)), f"a {type(value).__name__}")
    location.fail(f"expected {wanted}, got {found}")


def suggestion(given: str, known: Collection[str]) -> str:
    """Return the end of a message that suggests the known name that is most like the given one; ``""`` if none is."""
    near = closest(given, known)
    return f"; did you mean `{near}`?" if near else ""
