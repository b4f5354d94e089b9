"""
Shapes of JSON values: what a case file may hold, checked with the place at hand.

A shape is a function of a value and its place; it returns when the value fits and raises when not.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from typing import Final, NoReturn, TypeAlias

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
_SCALARS: Final = (str, bool, int, float, Decimal)


@dataclass(frozen=True, slots=True)
class Place:
    """
    Where a value stands.

    Args:
        head: File and case.
        pointer: JSON pointer (RFC 6901) inside the case.
    """

    head: str
    pointer: str = ""

    def __truediv__(self, key: object) -> Place:
        return Place(self.head, f"{self.pointer}/{str(key).replace('~', '~0').replace('/', '~1')}")

    def __str__(self) -> str:
        return f"{self.head} at {self.pointer}" if self.pointer else self.head

    def fail(self, problem: object) -> NoReturn:
        """
        Refuse what stands here.

        Raises:
            ConfigurationError: Always.
        """
        raise ConfigurationError(f"{self}: {problem}") from None


Shape: TypeAlias = Callable[[object, Place], None]


def text(value: object, place: Place) -> None:
    """A string."""
    if not isinstance(value, str):
        _misfit(place, "a string", value)


def name(value: object, place: Place) -> None:
    """A string that is not empty."""
    text(value, place)
    if not value:
        place.fail("should not be empty")


def scalar(value: object, place: Place) -> None:
    """A string, number or Boolean; null is an absent value."""
    if value is not None and not isinstance(value, _SCALARS):
        _misfit(place, "a string, number or Boolean", value)


def context_value(value: object, place: Place) -> None:
    """One scalar or, for a multivalued key, an array of scalars."""
    if isinstance(value, list):
        array_of(scalar)(value, place)
    else:
        scalar(value, place)


def anything(_value: object, _place: Place) -> None:
    """Whatever there is."""


def one_of(words: Collection[str]) -> Shape:
    """One of some words."""

    def check(value: object, place: Place) -> None:
        text(value, place)
        if value not in words:
            place.fail(f"`{value}` is none of {', '.join(words)}{_meant(str(value), words)}")

    return check


def array_of(item: Shape) -> Shape:
    """An array whose items all have one shape."""

    def check(value: object, place: Place) -> None:
        if not isinstance(value, list):
            _misfit(place, "an array", value)
        for index, each in enumerate(value):
            item(each, place / index)

    return check


def object_of(item: Shape) -> Shape:
    """An object with keys of any name, whose values all have one shape."""

    def check(value: object, place: Place) -> None:
        for key, each in _members(value, place).items():
            item(each, place / key)

    return check


def fields(needed: Mapping[str, Shape], optional: Mapping[str, Shape]) -> Shape:
    """An object with known fields; a stray one is spoken of first, since it is often why another is missing."""
    known = {**needed, **optional}

    def check(value: object, place: Place) -> None:
        given = _members(value, place)
        for key in given:
            if key not in known:
                place.fail(f"the field `{key}` is not known{_meant(key, known) or '; known are ' + ', '.join(known)}")
        for key in needed:
            if key not in given:
                place.fail(f"the field `{key}` is missing")
        for key, each in given.items():
            known[key](each, place / key)

    return check


def check_json(value: object, place: Place) -> None:
    """
    Refuse what JSON does not say: a key twice and, from YAML, keys that are no strings and values of other types.

    Raises:
        ConfigurationError: With the place.
    """
    if isinstance(value, Mapping):
        if isinstance(value, Object) and value.repeated is not None:
            place.fail(f"has the key `{value.repeated}` twice; keep one")
        for key, each in value.items():
            if not isinstance(key, str):
                place.fail(f"the key `{key}` is no string; put it in quotes")
            if each.__class__ is not str:
                check_json(each, place / key)
    elif isinstance(value, list):
        for index, each in enumerate(value):
            if each.__class__ is not str:
                check_json(each, place / index)
    else:
        scalar(value, place)


def _members(value: object, place: Place) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        _misfit(place, "an object", value)
    return value


def _misfit(place: Place, wanted: str, value: object) -> NoReturn:
    found = next((kind for type_, kind in _KINDS if isinstance(value, type_)), f"a {type(value).__name__}")
    place.fail(f"should be {wanted}, not {found}")


def _meant(given: str, known: Collection[str]) -> str:
    near = get_close_matches(given, known, n=1)
    return f"; did you mean `{near[0]}`?" if near else ""
