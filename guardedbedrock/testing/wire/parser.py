"""Parses an HTTP request into the parameters that the boto3 client was called with."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

from botocore.utils import parse_timestamp

from guardedbedrock.testing.wire.json_bodies import json_type, read_json
from guardedbedrock.testing.wire.messages import ApiParams, ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from guardedbedrock.testing.wire.messages import HttpRequest
    from guardedbedrock.testing.wire.routes import RouteMatch


def parse(match: RouteMatch, http_request: HttpRequest) -> ApiParams:
    """
    Parse the members of the input shape from path, query, headers and body. Unknown members are ignored.

    Args:
        match: The operation, and the values in the path and the query.
        http_request: The request.

    Raises:
        ServiceError: ``SerializationException`` (400) if the body is not JSON, or a value has the wrong type.
    """
    shape: Any = match.operation.input_shape
    if shape is None:
        return {}
    locations: dict[str, Mapping[str, Any]] = {"uri": match.labels, "querystring": match.query, "header": http_request.headers}
    try:
        return _gather(shape, http_request.body, locations)
    except ValueError as error:
        raise ServiceError(400, "SerializationException", f"the request cannot be parsed: {error}") from error


def _gather(shape: Any, body: bytes, locations: Mapping[str, Mapping[str, Any]]) -> ApiParams:
    payload = shape.serialization.get("payload")
    params = _body(shape, payload, body)
    for name, member in shape.members.items():
        location = member.serialization.get("location")
        key = member.serialization.get("name", name)
        text = locations[location].get(key.lower() if location == "header" else key) if location else None
        if text is not None:
            params[name] = _from_text(member, text, name)
    return params


def _body(shape: Any, payload: str | None, body: bytes) -> ApiParams:
    if payload and shape.members[payload].type_name == "blob":
        return {payload: body} if body else {}
    if not body:
        return {}
    value = read_json(body)
    if payload:
        return {payload: _read(shape.members[payload], value, payload)}
    in_body = _structure(shape, value, "")
    return {name: item for name, item in in_body.items() if "location" not in shape.members[name].serialization}


def _from_text(shape: Any, text: Any, path: str) -> Any:
    """Convert a string, or the first string of a list."""
    if shape.type_name == "list":
        return [_from_text(shape.member, item, path) for item in text]
    convert, expected = _TEXT[shape.type_name]
    try:
        return convert(text if isinstance(text, str) else text[0])
    except _NOT_CONVERTED:
        raise ValueError(f"{path}: expected {expected}") from None


def _timestamp(text: Any) -> Any:
    if isinstance(text, bool):
        raise TypeError
    return parse_timestamp(text)


_NOT_CONVERTED: Final = (ValueError, TypeError, KeyError, OverflowError, RuntimeError)
"""botocore raises `RuntimeError` for a time out of range."""

_TEXT: Final[Mapping[str, tuple[Callable[[str], Any], str]]] = {
    "string": (str, "a string"),
    "integer": (int, "an integer"),
    "long": (int, "an integer"),
    "float": (float, "a number"),
    "double": (float, "a number"),
    "boolean": (lambda text: {"true": True, "false": False}[text], "true or false"),
    "timestamp": (_timestamp, "a time"),
}


def _read(shape: Any, value: Any, path: str) -> Any:
    if shape.type_name in _NESTED:
        return _NESTED[shape.type_name](shape, value, path)
    kinds, expected = _JSON[shape.type_name]
    _check_type(value, kinds, expected, path)
    return value


def _check_type(value: Any, kinds: type | tuple[type, ...], expected: str, path: str) -> None:
    if not isinstance(value, kinds) or (isinstance(value, bool) and kinds is not bool):
        raise ValueError(f"{path or 'the body'}: expected {expected}, got {json_type(value)}")


_JSON: Final[Mapping[str, tuple[type | tuple[type, ...], str]]] = {
    "string": (str, "a string"),
    "integer": (int, "an integer"),
    "long": (int, "an integer"),
    "float": ((int, float), "a number"),
    "double": ((int, float), "a number"),
    "boolean": (bool, "a Boolean"),
}


def _structure(shape: Any, value: Any, path: str) -> Any:
    if shape.is_document_type:
        return value
    _check_type(value, dict, "an object", path)
    given = {name: member for name, member in shape.members.items() if value.get(name) is not None}
    return {name: _read(member, value[name], f"{path}.{name}" if path else name) for name, member in given.items()}


def _list(shape: Any, value: Any, path: str) -> Any:
    _check_type(value, list, "an array", path)
    return [_read(shape.member, item, f"{path}[{index}]") for index, item in enumerate(value)]


def _map(shape: Any, value: Any, path: str) -> Any:
    _check_type(value, dict, "an object", path)
    return {key: _read(shape.value, item, f"{path}.{key}") for key, item in value.items()}


def _blob(_: Any, value: Any, path: str) -> bytes:
    _check_type(value, str, "a string", path)
    try:
        return base64.b64decode(value, validate=True)
    except ValueError:
        raise ValueError(f"{path}: expected base64") from None


_NESTED: Final[Mapping[str, Callable[[Any, Any, str], Any]]] = {
    "structure": _structure,
    "list": _list,
    "map": _map,
    "blob": _blob,
    "timestamp": lambda shape, value, path: _from_text(shape, (value,), path),
}
