"""The wire layer against botocore's own serializer and parser, for every operation of two service models."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from botocore.awsrequest import HeadersDict
from botocore.model import ServiceModel
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from guardedbedrock.bedrock.service_models import service_model
from guardedbedrock.testing.wire import HttpRequest, OperationOutput, Routes, parse, serialize

SERVICES = ("bedrock-runtime", "bedrock")
DEEPEST = 5
SCALARS = {
    "string": "a/b c:%41é",
    "integer": 3,
    "long": 2**40,
    "float": 0.5,
    "double": 0.25,
    "boolean": True,
    "blob": b"\x00\xff",
    "timestamp": datetime(2026, 11, 23, 12, 30, 15, tzinfo=UTC),
}
OPERATIONS = [(service, name) for service in SERVICES for name in service_model(service).operation_names]
STREAMING = {"ConverseStream", "InvokeModel", "InvokeModelWithBidirectionalStream", "InvokeModelWithResponseStream"}
STREAMED = "InvokeModelWithBidirectionalStream"


def _sample(shape: Any, depth: int = 0) -> Any:
    """Return a value with every member; for a union, only the first."""
    if shape.type_name == "structure":
        if shape.is_document_type:
            return {"any": [1, None, {"thing": "here"}]}
        needed = [*shape.members][:1] if shape.is_tagged_union else shape.required_members
        wanted = needed if shape.is_tagged_union or depth >= DEEPEST else shape.members
        return {name: _sample(shape.members[name], depth + 1) for name in wanted}
    if shape.type_name == "list":
        return [_sample(shape.member, depth + 1)] if depth < DEEPEST else []
    if shape.type_name == "map":
        return {"key": _sample(shape.value, depth + 1)}
    return SCALARS[shape.type_name]


def _ascii(shape: Any, sample: dict[str, Any]) -> dict[str, Any]:
    in_header = {name for name, member in shape.members.items() if member.serialization.get("location") == "header"}
    return {name: "plain" if name in in_header else value for name, value in sample.items()}


@pytest.mark.parametrize(("service", "name"), [pair for pair in OPERATIONS if pair[1] != STREAMED])
def test_a_request_is_parsed_as_botocore_wrote_it(service: str, name: str) -> None:
    operation = service_model(service).operation_model(name)
    params = _ascii(operation.input_shape, _sample(operation.input_shape)) if operation.input_shape else {}
    sent = create_serializer("rest-json", include_validation=False).serialize_to_request(params, operation)
    query = urlencode(sent["query_string"], doseq=True)
    body = sent["body"].encode() if isinstance(sent["body"], str) else sent["body"]
    headers = {key.lower(): value for key, value in sent["headers"].items()}
    http_request = HttpRequest(sent["method"], f"{sent['url_path']}?{query}", headers, body or b"")

    match = Routes(service_model(service)).match(http_request)

    assert match is not None
    assert match.operation.name == name
    assert parse(match, http_request) == params


@pytest.mark.parametrize(("service", "name"), [pair for pair in OPERATIONS if pair[1] not in STREAMING])
def test_botocore_parses_a_response_as_it_was_written(service: str, name: str) -> None:
    operation = service_model(service).operation_model(name)
    members = _ascii(operation.output_shape, _sample(operation.output_shape)) if operation.output_shape else {}
    answer = serialize(operation, OperationOutput(members))
    response = {"status_code": answer.status, "headers": HeadersDict(answer.headers), "body": answer.body}

    parsed = create_parser("rest-json").parse(response, operation.output_shape)

    parsed.pop("ResponseMetadata", None)
    assert parsed == members


TINY = ServiceModel(
    {
        "metadata": {"protocol": "rest-json", "serviceId": "tiny"},
        "operations": {
            "Ping": {"name": "Ping", "http": {"method": "GET", "requestUri": "/ping"}},
            "Find": {"name": "Find", "http": {"method": "GET", "requestUri": "/things?list"}, "input": {"shape": "Find"}},
        },
        "shapes": {
            "Find": {"type": "structure", "members": {"ids": {"shape": "Ids", "location": "querystring", "locationName": "id"}}},
            "Ids": {"type": "list", "member": {"shape": "Id"}},
            "Id": {"type": "integer"},
        },
    },
    "tiny",
)


def test_an_operation_can_have_no_input_and_no_output() -> None:
    match = Routes(TINY).match(HttpRequest("GET", "/ping", {}))

    assert match is not None
    assert parse(match, HttpRequest("GET", "/ping", {})) == {}
    assert serialize(match.operation, OperationOutput({})).body == b"{}"


def test_a_query_can_repeat_a_name() -> None:
    http_request = HttpRequest("GET", "/things?id=1&id=2", {})
    match = Routes(TINY).match(http_request)

    assert match is not None
    assert parse(match, http_request) == {"ids": [1, 2]}
