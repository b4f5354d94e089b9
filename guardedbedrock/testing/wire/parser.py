"""Parses an HTTP request into the parameters that the boto3 client was called with."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any, Final

from botocore.utils import parse_timestamp

from guardedbedrock.testing.wire.messages import Params, ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from guardedbedrock.testing.wire.messages import HttpRequest
    from guardedbedrock.testing.wire.routes import RouteMatch

_UNREADABLE: Final = (ValueError, TypeError, KeyError, AttributeError, RecursionError, binascii.Error)


def parse(match: RouteMatch, http_request: HttpRequest) -> Params:
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
    try:
        return _gather(
            shape, http_request.body, {"uri": match.labels, "querystring": match.query, "header": http_request.headers}
        )
    except _UNREADABLE as error:
        raise ServiceError(400, "SerializationException", f"the request cannot be parsed: {error}") from error


def _gather(shape: Any, body: bytes, places: Mapping[str, Mapping[str, Any]]) -> Params:
    payload = shape.serialization.get("payload")
    params = _body(shape, payload, body)
    for name, member in shape.members.items():
        place = member.serialization.get("location")
        key = member.serialization.get("name", name)
        text = places[place].get(key.lower() if place == "header" else key) if place else None
        if text is not None:
            params[name] = _from_text(member, text)
    return params


def _body(shape: Any, payload: str | None, body: bytes) -> Params:
    if payload and shape.members[payload].type_name == "blob":
        return {payload: body} if body else {}
    if not body:
        return {}
    value = json.loads(body)
    if payload:
        return {payload: _read(shape.members[payload], value)}
    return {name: item for name, item in _structure(shape, value).items() if "location" not in shape.members[name].serialization}


def _from_text(shape: Any, text: Any) -> Any:
    if shape.type_name == "list":
        return [_TEXT[shape.member.type_name](item) for item in text]
    return _TEXT[shape.type_name](text[0] if isinstance(text, list) else text)


_TEXT: Final[Mapping[str, Callable[[str], Any]]] = {
    "string": str,
    "integer": int,
    "long": int,
    "float": float,
    "double": float,
    "boolean": lambda text: {"true": True, "false": False}[text],
    "timestamp": parse_timestamp,
}


def _read(shape: Any, value: Any) -> Any:
    if shape.type_name in _NESTED:
        return _NESTED[shape.type_name](shape, value)
    if not isinstance(value, _JSON[shape.type_name]) or (isinstance(value, bool) and shape.type_name != "boolean"):
        raise TypeError(f"{type(value).__name__} cannot be converted to {shape.type_name}")
    return value


_JSON: Final[Mapping[str, type | tuple[type, ...]]] = {
    "string": str,
    "integer": int,
    "long": int,
    "float": (int, float),
    "double": (int, float),
    "boolean": bool,
}


def _structure(shape: Any, value: Any) -> Any:
    if shape.is_document_type:
        return value
    return {name: _read(member, value[name]) for name, member in shape.members.items() if value.get(name) is not None}


_NESTED: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "structure": _structure,
    "list": lambda shape, value: [_read(shape.member, item) for item in value],
    "map": lambda shape, value: {key: _read(shape.value, item) for key, item in value.items()},
    "blob": lambda _, value: base64.b64decode(value, validate=True),
    "timestamp": lambda _, value: parse_timestamp(value),
}
