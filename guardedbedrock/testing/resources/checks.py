"""Checks of the arguments of the fake's resources: one clear error at once, and not a wrong or failing answer later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from guardedbedrock.errors import ConfigurationError


def check_text(place: str, value: object) -> None:
    """
    Check that a value is a text.

    Raises:
        ConfigurationError: It is not.
    """
    if not isinstance(value, str):
        raise ConfigurationError(f"{place}: expected a text, got {value!r}")


def check_texts(place: str, values: object) -> None:
    """
    Check that a value is a list of texts, none of them empty. A single text would be read as a list of its letters.

    Raises:
        ConfigurationError: It is not.
    """
    for value in check_list(place, values):
        if not isinstance(value, str) or not value.strip():
            raise ConfigurationError(f"{place}: {value!r} is not a text with at least one visible character")


def check_list(place: str, values: object) -> list[Any]:
    """
    Return the items of a list, tuple or set.

    Raises:
        ConfigurationError: The value is something else.
    """
    if isinstance(values, str):
        raise ConfigurationError(f"{place}: expected a list, got the text {values!r}; put it in a list")
    if not isinstance(values, list | tuple | set | frozenset):
        raise ConfigurationError(f"{place}: expected a list, got {values!r}")
    return list(values)


def check_mapping(place: str, value: object) -> None:
    """
    Check that a value is a mapping with texts as keys.

    Raises:
        ConfigurationError: It is not.
    """
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{place}: expected a mapping, got {value!r}")
    for key in value:
        if not isinstance(key, str):
            raise ConfigurationError(f"{place}: the key {key!r} is not a text")


def check_known(place: str, names: Iterable[object], known: Iterable[str]) -> None:
    """
    Check that all names are known.

    Raises:
        ConfigurationError: One is not. The message lists the known ones.
    """
    words = sorted(known)
    for name in names:
        if name not in words:
            raise ConfigurationError(f"{place}: {name!r} is unknown; known are {', '.join(words)}")


def check_unique(place: str, names: Iterable[str]) -> None:
    """
    Check that no name is repeated: one of two objects would have no effect.

    Raises:
        ConfigurationError: One is.
    """
    found: set[str] = set()
    for name in names:
        if name in found:
            raise ConfigurationError(f"{place}: {name} is given twice; remove one")
        found.add(name)


def check_number(place: str, value: object, low: float, high: float) -> None:
    """
    Check that a value is a number within limits.

    Raises:
        ConfigurationError: It is not.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ConfigurationError(f"{place}: expected a number from {low:g} to {high:g}, got {value!r}")


def check_count(place: str, value: object) -> None:
    """
    Check that a value is a whole number of at least 0.

    Raises:
        ConfigurationError: It is not.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ConfigurationError(f"{place}: expected a whole number of at least 0, got {value!r}")


def check_instances(place: str, values: object, kinds: type | tuple[type, ...]) -> tuple[Any, ...]:
    """
    Return the objects of an iterable, all of one of some classes.

    Raises:
        ConfigurationError: The value is not an iterable of such objects.
    """
    expected = " or ".join(kind.__name__ for kind in (kinds if isinstance(kinds, tuple) else (kinds,)))
    if isinstance(values, str | Mapping) or not isinstance(values, Iterable):
        raise ConfigurationError(f"{place}: expected a list of {expected}, got {values!r}")
    found = tuple(values)
    for value in found:
        if not isinstance(value, kinds):
            raise ConfigurationError(f"{place}: expected {expected}, got {value!r}")
    return found
