"""Serializes the output of an operation into the HTTP response that its output shape describes."""

from __future__ import annotations

import base64
import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.testing.wire import eventstream
from guardedbedrock.testing.wire.messages import JSON, ApiParams, HttpResponse, OperationOutput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import TypeAlias

    Events: TypeAlias = Iterable[Mapping[str, Any]]


def serialize(operation: Any, output: OperationOutput) -> HttpResponse:
    """Serialize an output: the header members, then the payload member or a JSON body."""
    status = operation.http.get("responseCode", 200)
    shape = operation.output_shape
    if status == HTTPStatus.NO_CONTENT:  # a client would read a body as the start of the next response
        return HttpResponse(status, output.headers, b"")
    if shape is None:
        return HttpResponse(status, {"Content-Type": JSON, **output.headers}, b"{}")
    payload = shape.serialization.get("payload")
    kind, body = _payload(shape.members[payload], output.members[payload]) if payload else (JSON, _json(shape, output.members))
    return HttpResponse(status, {"Content-Type": kind, **_headers(shape, output.members), **output.headers}, body)


def recorded_stream(operation: Any, body: bytes, change: Callable[[Events], Events]) -> Iterator[bytes]:
    """
    Return the frames of a recorded event stream after a change.

    Args:
        operation: botocore's operation model.
        body: The recorded bytes.
        change: Returns the changed events. A recorded event is a mapping of ``""`` to the bytes of its frame.
    """
    shape = operation.output_shape.members[operation.output_shape.event_stream_name]
    return _frames(shape, change({"": frame} for frame in eventstream.split(body)))


def _headers(shape: Any, members: ApiParams) -> dict[str, str]:
    return {
        member.serialization["name"]: str(members[name])
        for name, member in shape.members.items()
        if member.serialization.get("location") == "header" and name in members
    }


def _payload(shape: Any, value: Any) -> tuple[str, bytes | Iterator[bytes]]:
    if shape.serialization.get("eventstream"):
        return eventstream.CONTENT_TYPE, _frames(shape, value)
    return (JSON, value) if shape.type_name == "blob" else (JSON, _json(shape, value))


def _frames(shape: Any, events: Events) -> Iterator[bytes]:
    for item in events:
        for name, payload in item.items():
            yield payload if isinstance(payload, bytes) else _frame(shape.members.get(name), name, payload)


def _frame(member: Any, name: str, payload: ApiParams) -> bytes:
    if member is None:
        return eventstream.error(name, payload.get("message", ""))
    write = eventstream.exception if member.metadata.get("exception") else eventstream.event
    return write(name, _write(member, payload))


def _json(shape: Any, members: ApiParams) -> bytes:
    in_body = {name: value for name, value in members.items() if "location" not in shape.members[name].serialization}
    return json.dumps(_write(shape, in_body)).encode()


def _write(shape: Any, value: Any) -> Any:
    return _WRITERS[shape.type_name](shape, value) if shape.type_name in _WRITERS else value


def _structure(shape: Any, value: Any) -> Any:
    if shape.is_document_type:
        return value
    return {name: _write(shape.members[name], item) for name, item in value.items()}


def _timestamp(shape: Any, value: Any) -> Any:
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if shape.serialization.get("timestampFormat") == "iso8601" else value.timestamp()


_WRITERS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "structure": _structure,
    "list": lambda shape, value: [_write(shape.member, item) for item in value],
    "map": lambda shape, value: {key: _write(shape.value, item) for key, item in value.items()},
    "blob": lambda _, value: base64.b64encode(value).decode(),
    "timestamp": _timestamp,
}
