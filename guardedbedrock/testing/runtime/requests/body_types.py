"""
Checks the types of the members of a request body that the fake reads, with the messages of the service.

AWS checks whole bodies with a JSON schema for each model. The fake checks only what it reads, so that tests can leave
out the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.testing.wire import ServiceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_TYPES: Final[Mapping[str, type]] = {
    "Null": type(None),
    "JSONObject": dict,
    "JSONArray": list,
    "String": str,
    "Boolean": bool,  # before Integer, because a Python bool is an int
    "Integer": int,
    "Double": float,
}
"""The names of types in the messages of the service."""


def malformed(problem: str) -> ServiceError:
    """Return the error of a model for an invalid request body."""
    return ServiceError.invalid(f"Malformed input request: {problem}, please reformat your input and try again.")


def check_types(body: Mapping[str, Any], members: Mapping[str, tuple[str, ...]]) -> None:
    """
    Check the types of members. A member that is missing or null is not checked.

    Args:
        body: The body of a request.
        members: JSON pointer to the accepted types; an error names the first. ``*`` is every item of an array.

    Raises:
        ServiceError: ``ValidationException`` (400) for the first member with another type.
    """
    for pointer, accepted in members.items():
        for location, value in _values(body, pointer.split("/")[1:], "#"):
            found = next(name for name, kind in _TYPES.items() if isinstance(value, kind))
            if found not in accepted:
                raise malformed(f"{location}: expected type: {accepted[0]}, found: {found}")


def check_range(pointer: str, value: int, low: int, high: int | None = None) -> None:
    """
    Check that a number is within its limits.

    Raises:
        ServiceError: ``ValidationException`` (400) for another number.
    """
    if value < low:
        raise malformed(f"#{pointer}: {value} is not greater or equal to {low}")
    if high is not None and value > high:
        raise malformed(f"#{pointer}: {value} is not less or equal to {high}")


def _values(value: Any, names: list[str], location: str) -> Iterator[tuple[str, Any]]:
    if not names:
        yield location, value
    elif names[0] == "*" and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _values(item, names[1:], f"{location}/{index}")
    elif isinstance(value, dict) and value.get(names[0]) is not None:
        yield from _values(value[names[0]], names[1:], f"{location}/{names[0]}")
