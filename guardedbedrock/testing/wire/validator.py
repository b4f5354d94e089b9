"""Validates parameters against a shape of the service model: required members, lengths, ranges, patterns, enums, unions."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.testing.wire.messages import ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_compiled = cache(re.compile)


@dataclass(frozen=True, slots=True)
class ShapeValidator:
    """
    The validation of one service.

    Args:
        patterns: Shape name to the pattern that replaces the pattern of the service model.
        texts: Shape name to the complete message for an invalid value of that shape.
    """

    patterns: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)

    def check(self, shape: Any, value: Any) -> None:
        """
        Check a value.

        Raises:
            ServiceError: ``ValidationException`` (400) with AWS's message, which lists every violation.
        """
        found = list(self.violations(shape, value)) if shape is not None else []
        if not found:
            return
        for name, _, _ in found:
            if name in self.texts:
                raise ServiceError.invalid(self.texts[name])
        count = f"{len(found)} validation error{'s' if len(found) > 1 else ''} detected: "
        said = (f"Value at '{path}' failed to satisfy constraint: Member must {constraint}" for _, path, constraint in found)
        raise ServiceError.invalid(count + "; ".join(said))

    def violations(self, shape: Any, value: Any, path: str = "") -> Iterator[tuple[str, str, str]]:
        """Yield the shape name, the path and the constraint of each violation."""
        if shape.type_name == "structure":
            yield from self._structure(shape, value, path)
        elif shape.type_name == "list":
            yield from _sized(shape, len(value), path, "have length")
            for number, item in enumerate(value, 1):
                yield from self.violations(shape.member, item, f"{path}.{number}.member")
        elif shape.type_name == "map":
            yield from _sized(shape, len(value), path, "have length")
            for key, item in value.items():
                yield from self.violations(shape.key, key, f"{path}.key")
                yield from self.violations(shape.value, item, f"{path}.{key}.member")
        else:
            yield from self._scalar(shape, value, path)

    def _structure(self, shape: Any, value: Any, path: str) -> Iterator[tuple[str, str, str]]:
        if shape.is_document_type or shape.serialization.get("eventstream"):
            return
        if shape.is_tagged_union and len(value) != 1:
            yield shape.name, path, "have exactly one of its fields set"
        for name, member in shape.members.items():
            here = f"{path}.{name}" if path else name
            if name in value:
                yield from self.violations(member, value[name], here)
            elif name in shape.required_members:
                yield shape.name, here, "not be null"

    def _scalar(self, shape: Any, value: Any, path: str) -> Iterator[tuple[str, str, str]]:
        if measure := _MEASURES.get(shape.type_name):
            yield from _sized(shape, *measure(value, path))
        if shape.type_name != "string":
            return
        if shape.enum and value not in shape.enum:
            yield shape.name, path, f"satisfy enum value set: [{', '.join(shape.enum)}]"
        pattern = self.patterns.get(shape.name, shape.metadata.get("pattern"))
        if pattern and not _compiled(pattern).fullmatch(value):
            yield shape.name, path, f"satisfy regular expression pattern: {pattern}"


def _sized(shape: Any, size: float, path: str, verb: str) -> Iterator[tuple[str, str, str]]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and size < low:
        yield shape.name, path, f"{verb} greater than or equal to {low}"
    if high is not None and size > high:
        yield shape.name, path, f"{verb} less than or equal to {high}"


def _length(value: Any, path: str) -> tuple[float, str, str]:
    return len(value), path, "have length"


def _amount(value: Any, path: str) -> tuple[float, str, str]:
    return value, path, "have value"


_MEASURES: Final[Mapping[str, Callable[[Any, str], tuple[float, str, str]]]] = {
    "string": _length,
    "blob": _length,
    "integer": _amount,
    "long": _amount,
    "float": _amount,
    "double": _amount,
}
