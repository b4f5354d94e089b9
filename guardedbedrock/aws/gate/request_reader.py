"""
Read a serialized request back into parameters, strictly.

Where two readers could read two different things (a repeated key or header, a body that is not one JSON object in UTF-8), the
parameter counts as missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

from guardedbedrock.bedrock.guardrail.location import Wire, header_of, json_body
from guardedbedrock.bedrock.request_paths import matches_template, path_below


class GateRequest(NamedTuple):
    """
    An HTTP request.

    Args:
        method: HTTP method.
        url: With its path percent-encoded, as it is sent.
        headers: As `http_framing.case_insensitive` returns them.
        body: As it is sent, or as it is going to be signed.
    """

    method: str
    url: str
    headers: Any
    body: Any


def read_parameters(request: GateRequest, operation_model: Any, endpoint_url: str) -> dict[str, Any]:
    """
    Read the parameters of an operation from a request.

    Args:
        request: The request.
        operation_model: botocore's model of the operation.
        endpoint_url: Where the request has to go.

    Raises:
        ValueError: The request goes to another endpoint or has another path; the message is a clause that says so.
    """
    path = path_below(endpoint_url, request.url)
    if path is None:
        raise ValueError("goes to another endpoint than the client's")
    template = tuple(operation_model.http["requestUri"].partition("?")[0].strip("/").split("/"))
    if request.method != operation_model.http["method"] or not matches_template(path, template):
        raise ValueError(f"goes to another operation than {operation_model.name}")
    labels = {label.strip("{+}"): value for label, value in zip(template, path, strict=True) if label.startswith("{")}
    return dict(_members(request, operation_model, labels))


def read_headers(headers: Any, operation_model: Any) -> dict[str, str]:
    """Read the parameters of an operation that are sent as headers."""
    named = header_members(operation_model)
    values = {name: header_of(headers, header) for name, header in named.items()}
    return {name: value for name, value in values.items() if value is not None}


def header_members(operation_model: Any) -> dict[str, str]:
    """Return the parameters of an operation that are sent as headers, with the names of the headers."""
    shape = operation_model.input_shape
    members = {} if shape is None else shape.members
    locations = {name: member.serialization for name, member in members.items()}
    return {name: where["name"] for name, where in locations.items() if where.get("location") == "header"}


def _members(request: GateRequest, operation_model: Any, labels: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    shape = operation_model.input_shape
    if shape is None:
        return
    yield from read_headers(request.headers, operation_model).items()
    payload = shape.serialization.get("payload")
    body = json_body(Wire(request.url, request.headers, request.body))
    query = parse_qs(urlsplit(request.url).query)
    for name, member in shape.members.items():
        sent_as = member.serialization.get("name", name)
        match member.serialization.get("location"):
            case "uri":
                yield name, labels.get(sent_as)
            case "querystring":
                values = query.get(sent_as, [])
                yield name, values[0] if len(values) == 1 else None
            case None if name == payload:
                yield name, body if member.type_name == "structure" else request.body
            case None if payload is None and sent_as in body:
                yield name, body[sent_as]
