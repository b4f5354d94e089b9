"""Parameters of a boto3 call, and how to read one by its path."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any, Final, TypeAlias

Params: TypeAlias = Mapping[str, Any]
"""Parameters of a boto3 call."""

_NO_LISTS: Final = (str, bytes, bytearray, Mapping)


def as_mapping(value: Any) -> Mapping[str, Any]:
    """Return a structure of parameters or of a reply; an empty one for any other value."""
    if value is None or isinstance(value, dict):  # nearly every value, and quicker to check than a `Mapping`
        return value or {}
    return value if isinstance(value, Mapping) else {}


def chunk_of(event: Mapping[str, Any]) -> bytes:
    """Return the bytes of an event that is a chunk of a body; ``b""`` for any other event."""
    chunk = as_mapping(event.get("chunk")).get("bytes")
    return chunk if isinstance(chunk, bytes) else b""


def parse_object(body: bytes | bytearray | str) -> dict[str, Any]:
    """Parse a body, or one chunk of it; ``{}`` if it is not a JSON object."""
    try:
        read = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}


def without_repeated_keys(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """
    Build a JSON object from its members, as the ``object_pairs_hook`` of `json.loads`.

    Raises:
        ValueError: A key is repeated. Python uses the last value, and the service may use another one.
    """
    read = dict(members)
    if len(read) < len(members):
        raise ValueError("repeated key")
    return read


def read_parameter(params: Params, path: str) -> Any:
    """
    Read a parameter by its path; None if it is missing, or if a part of the path has the wrong shape.

    >>> read_parameter({"models": [{"modelArn": "a"}, {"modelArn": "b"}]}, "models[].modelArn")
    ['a', 'b']
    """
    if path.isidentifier():  # one member, as most paths are
        return params.get(path)
    value: Any = params
    head, each, rest = path.partition("[]")
    for key in head.split("."):
        value = as_mapping(value).get(key)
    if not each:
        return value
    # Without validation of parameters, botocore also sends a deque or a set. An iterator would be consumed here.
    if not isinstance(value, Collection) or isinstance(value, _NO_LISTS):
        return None
    found = [read_parameter(as_mapping(item), rest[1:]) if rest else item for item in value]
    return [one for one in found if one is not None]
