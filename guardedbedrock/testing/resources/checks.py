"""Checks of the arguments of the fake's resources. An invalid argument raises immediately, instead of a wrong response later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from guardedbedrock.errors import ConfigurationError


def check_string(location: str, value: object) -> None:
    """
    Check that a value is a string.

    Raises:
        ConfigurationError: The value is not a string.
    """
    if not isinstance(value, str):
        raise ConfigurationError(f"{location}: expected a string, got {value!r}")


def check_strings(location: str, values: object) -> None:
    """
    Check that a value is a list of strings, none of them blank. A single string would be read as a list of its letters.

    Raises:
        ConfigurationError: The value is not a list, or an item is not a string or is blank.
    """
    for value in check_list(location, values):
        if not isinstance(value, str) or not value.strip():
            raise ConfigurationError(f"{location}: {value!r} is not a string with at least one visible character")


def check_list(location: str, values: object) -> list[Any]:
    """
    Return the items of a list, tuple or set.

    Raises:
        ConfigurationError: The value is something else.
    """
    if isinstance(values, str):
        raise ConfigurationError(f"{location}: expected a list, got the string {values!r}; put it in a list")
    if not isinstance(values, list | tuple | set | frozenset):
        raise ConfigurationError(f"{location}: expected a list, got {values!r}")
    return list(values)


def check_mapping(location: str, value: object) -> None:
    """
    Check that a value is a mapping with strings as keys.

    Raises:
        ConfigurationError: The value is not a mapping, or a key is not a string.
    """
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{location}: expected a mapping, got {value!r}")
    for key in value:
        if not isinstance(key, str):
            raise ConfigurationError(f"{location}: the key {key!r} is not a string")


def check_known(location: str, names: Iterable[object], known: Iterable[str]) -> None:
    """
    Check that all names are known.

    Raises:
        ConfigurationError: A name is unknown. The message lists the known names.
    """
    words = sorted(known)
    for name in names:
        if name not in words:
            raise ConfigurationError(f"{location}: {name!r} is unknown; known values are {', '.join(words)}")


def check_unique(location: str, names: Iterable[str]) -> None:
    """
    Check that no name is repeated: one of two objects would have no effect.

    Raises:
        ConfigurationError: A name is repeated.
    """
    found: set[str] = set()
    for name in names:
        if name in found:
            raise ConfigurationError(f"{location}: {name} is given twice; remove one")
        found.add(name)


def check_number(location: str, value: object, low: float, high: float) -> None:
    """
    Check that a value is a number within limits.

    Raises:
        ConfigurationError: The value is not a number, or exceeds a limit.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ConfigurationError(f"{location}: expected a number from {low:g} to {high:g}, got {value!r}")


def check_count(location: str, value: object) -> None:
    """
    Check that a value is a whole number of at least 0.

    Raises:
        ConfigurationError: The value is anything else.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ConfigurationError(f"{location}: expected a whole number of at least 0, got {value!r}")


def check_instances(location: str, values: object, kinds: type | tuple[type, ...]) -> tuple[Any, ...]:
    """
    Return the items of an iterable, after a check that each is an instance of one of the classes.

    Raises:
        ConfigurationError: The value is not an iterable of such objects.
    """
    expected = " or ".join(kind.__name__ for kind in (kinds if isinstance(kinds, tuple) else (kinds,)))
    if isinstance(values, str | Mapping) or not isinstance(values, Iterable):
        raise ConfigurationError(f"{location}: expected a list of {expected}, got {values!r}")
    found = tuple(values)
    for value in found:
        if not isinstance(value, kinds):
            raise ConfigurationError(f"{location}: expected {expected}, got {value!r}")
    return found
