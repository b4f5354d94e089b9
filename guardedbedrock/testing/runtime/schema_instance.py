"""Makes an instance of a JSON schema, for tool calls and for structured output."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.testing.wire import ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_FORMATS: Final = {
    "date": "2026-01-01",
    "date-time": "2026-01-01T00:00:00Z",
    "time": "00:00:00Z",
    "duration": "P1D",
    "email": "name@example.com",
    "hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}
_COMBINATIONS: Final = ("anyOf", "oneOf")
_TEXT: Final = "text"
_LARGEST: Final = 100_000
"""Values and characters of an instance. A short schema can require any number of them."""

_INVALID: Final = "The schema of the tool or of the output is not a valid JSON schema."
_TOO_LARGE: Final = f"The fake Bedrock makes no instance of a schema that requires more than {_LARGEST:,} values and characters."


class _Root:
    """The complete schema, for references, and the number of values and characters that its instance may still add."""

    __slots__ = ("left", "schema")

    def __init__(self, schema: Any) -> None:
        self.schema, self.left = schema, _LARGEST

    def use(self, size: int) -> None:
        """Count values or characters of the instance."""
        self.left -= max(size, 0)
        if self.left < 0:
            raise ServiceError.invalid(_TOO_LARGE)


def schema_instance(schema: Any) -> Any:
    """
    Return a simple value that a JSON schema accepts.

    The keywords that Bedrock supports are used: types, ``enum``, ``const``, ``properties``, ``required``, ``items``, ``$ref``
    into the same schema, ``anyOf``, ``oneOf``, ``allOf``, ``format`` and the limits of sizes. A ``pattern`` is not.

    >>> schema_instance({"type": "object", "properties": {"age": {"type": "integer", "minimum": 18}}, "required": ["age"]})
    {'age': 18}

    Raises:
        ServiceError: ``ValidationException`` (400) if the schema is invalid, or its instance is too large.
    """
    try:
        return _instance(schema, _Root(schema), ())
    # The caller chooses the schema: any keyword can have any type, and a reference can contain itself.
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise ServiceError.invalid(_INVALID) from error


def _instance(schema: Any, root: _Root, followed: tuple[str, ...]) -> Any:
    root.use(1)
    if not isinstance(schema, dict):
        return _TEXT
    for keyword in ("const", "default"):
        if keyword in schema:
            return _given(schema[keyword], root)
    if schema.get("enum"):
        return _given(schema["enum"][0], root)
    if schema.get("$ref") in followed:
        return {}  # the schema requires itself, so that it has no finite instance
    if "$ref" in schema:
        return _instance(_resolved(schema["$ref"], root), root, (*followed, schema["$ref"]))
    merged = _merged(schema, root)
    for keyword in _COMBINATIONS:
        if merged.get(keyword):
            rest = {name: value for name, value in merged.items() if name != keyword}
            return _instance({**rest, **_first(merged[keyword], followed)}, root, followed)
    return _instance_of_type(merged, root, followed)


def _given(value: Any, root: _Root) -> Any:
    root.use(len(json.dumps(value)))
    return value


def _instance_of_type(schema: dict[str, Any], root: _Root, followed: tuple[str, ...]) -> Any:
    make: Callable[..., Any] = _BY_TYPE.get(_type(schema), _text)
    return make(schema, root, followed)


def _resolved(reference: str, root: _Root) -> Any:
    """Return the part of the schema at a JSON pointer such as ``#/$defs/item``."""
    found = root.schema
    for part in reference.removeprefix("#").split("/")[1:]:
        found = found.get(part.replace("~1", "/").replace("~0", "~"), {}) if isinstance(found, dict) else {}
    return found


def _merged(schema: Mapping[str, Any], root: _Root) -> dict[str, Any]:
    """Return a schema with the members of its ``allOf``."""
    root.use(1)
    merged = {name: value for name, value in schema.items() if name != "allOf"}
    for entry in schema.get("allOf", ()):
        part = _merged(_resolved(entry["$ref"], root) if "$ref" in entry else entry, root)
        properties = {**merged.get("properties", {}), **part.get("properties", {})}
        required = [*merged.get("required", ()), *part.get("required", ())]
        merged |= part | ({"properties": properties} if properties else {}) | ({"required": required} if required else {})
    return merged


def _first(choices: list[Any], followed: tuple[str, ...]) -> Any:
    """Return the first choice that is not a reference that is being followed, so that a recursive schema ends."""
    return next((choice for choice in choices if choice.get("$ref") not in followed), choices[0])


def _type(schema: Mapping[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    return str(kind or ("array" if "items" in schema else "object"))


def _object(schema: Mapping[str, Any], root: _Root, followed: tuple[str, ...]) -> dict[str, Any]:
    properties = schema.get("properties", {})
    names = schema.get("required", list(properties))
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise TypeError("required")
    return {name: _instance(properties.get(name, {"type": "string"}), root, followed) for name in names}


def _array(schema: Mapping[str, Any], root: _Root, followed: tuple[str, ...]) -> list[Any]:
    return [_instance(schema.get("items", {"type": "string"}), root, followed) for _ in range(schema.get("minItems", 0))]


def _text(schema: Mapping[str, Any], root: _Root, _followed: Any = None) -> str:
    root.use(schema.get("minLength", 0))
    text = _FORMATS.get(schema.get("format", ""), _TEXT)
    return text.ljust(schema.get("minLength", 0), ".")[: schema.get("maxLength")]


def _number(schema: Mapping[str, Any], _root: Any = None, _followed: Any = None) -> float:
    step = schema.get("multipleOf", 1)
    low = schema.get("minimum", schema["exclusiveMinimum"] + step if "exclusiveMinimum" in schema else None)
    high = schema.get("maximum", schema["exclusiveMaximum"] - step if "exclusiveMaximum" in schema else None)
    value = low if low is not None else step if high is None or high >= step else high
    return float(-(-value // step) * step if "multipleOf" in schema else value)


def _integer(schema: Mapping[str, Any], _root: Any = None, _followed: Any = None) -> int:
    return int(_number(schema))


_BY_TYPE: Final[Mapping[str, Callable[..., Any]]] = {
    "object": _object,
    "array": _array,
    "string": _text,
    "integer": _integer,
    "number": _number,
    "boolean": lambda _schema, _root, _followed: True,
    "null": lambda _schema, _root, _followed: None,
}
