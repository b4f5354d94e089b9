"""The wire format: shapes, frames, malformed requests, connections, threads."""

from __future__ import annotations

import base64
import http.client
import json
import re
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from botocore.eventstream import EventStreamBuffer

from guardedbedrock.bedrock.service_models import service_model
from guardedbedrock.testing import FakeBedrock, FakeGuardrail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Serve: TypeAlias = Callable[..., tuple[Any, Any]]

READABLE = {"uri", "querystring", "header"}
WRITABLE = {"header"}
TITAN = "amazon.titan-text-lite-v1"
PATH = f"/model/{TITAN}"
GUARDED = {"guardrailConfig": {"guardrailIdentifier": "abc123def456", "guardrailVersion": "1", "trace": "enabled"}}


def _members(shape: Any, seen: set[str]) -> Iterator[Any]:
    if shape is None or shape.name in seen:
        return
    seen.add(shape.name)
    inner = {"structure": lambda: [*shape.members.values()], "list": lambda: [shape.member], "map": lambda: [shape.value]}
    for member in inner.get(shape.type_name, list)():
        yield member
        yield from _members(member, seen)


@pytest.mark.parametrize("service", ["bedrock-runtime", "bedrock"])
def test_the_models_use_only_supported_bindings(service: str) -> None:
    model = service_model(service)
    operations = [model.operation_model(name) for name in model.operation_names]
    read = {member.serialization.get("location") for op in operations for member in _members(op.input_shape, set())}
    written = {member.serialization.get("location") for op in operations for member in _members(op.output_shape, set())}
    traits = {trait for op in operations for member in _members(op.output_shape, set()) for trait in member.serialization}

    assert read - {None} <= READABLE
    assert written - {None} <= WRITABLE
    assert not {"eventpayload", "eventheader", "jsonvalue", "streaming"} & traits


def _post(fake: FakeBedrock, path: str, body: bytes, headers: dict[str, str] | None = None, method: str = "POST") -> Any:
    connection = http.client.HTTPConnection(fake.endpoint_url.removeprefix("http://"))
    connection.request(method, path, body, {"Content-Type": "application/json", **(headers or {})})
    response = connection.getresponse()
    answer = response.status, dict(response.getheaders()), response.read()
    connection.close()
    return answer


@pytest.fixture
def fake() -> Iterator[FakeBedrock]:
    with FakeBedrock(guardrails=[FakeGuardrail("abc123def456", pii={"EMAIL": "anonymize"})]) as running:
        yield running


ASK = {"messages": [{"role": "user", "content": [{"text": "a@example.com"}]}]}


IN_HEADERS = {"X-Amzn-Bedrock-GuardrailIdentifier": "abc123def456", "X-Amzn-Bedrock-GuardrailVersion": "1"}
STREAMS = {
    "converse": ("ConverseStream", f"{PATH}/converse-stream", ASK, {}),
    "converse-guarded": ("ConverseStream", f"{PATH}/converse-stream", ASK | GUARDED, {}),
    "titan": ("InvokeModelWithResponseStream", f"{PATH}/invoke-with-response-stream", {"inputText": "a@example.com"}, {}),
    "anthropic": (
        "InvokeModelWithResponseStream",
        "/model/anthropic.claude-3-haiku-20240307-v1:0/invoke-with-response-stream",
        ASK,
        IN_HEADERS,
    ),
}


@pytest.mark.parametrize("case", STREAMS.values(), ids=STREAMS)
def test_every_frame_of_a_stream_has_the_shape_of_its_event(
    fake: FakeBedrock, conforms: Callable[..., None], case: tuple[str, str, dict[str, Any], dict[str, str]]
) -> None:
    operation, path, body, headers = case
    status, answered, wire = _post(fake, path, json.dumps(body).encode(), headers)
    shape = service_model("bedrock-runtime").operation_model(operation).get_event_stream_output()
    buffer = EventStreamBuffer()
    buffer.add_data(wire)

    frames = [(message.headers[":event-type"], json.loads(message.payload)) for message in buffer]

    assert (status, answered["Content-Type"]) == (200, "application/vnd.amazon.eventstream")
    assert answered["Transfer-Encoding"] == "chunked"
    assert frames
    for name, payload in frames:
        conforms(shape.members[name], {**payload, "bytes": base64.b64decode(payload["bytes"])} if name == "chunk" else payload)


@pytest.mark.parametrize("path", [f"{PATH}/unknown", "/", "/model//converse", "/model/a/b/converse"])
def test_a_path_without_an_operation_is_404(fake: FakeBedrock, path: str) -> None:
    status, headers, _ = _post(fake, path, b"{}")

    assert status == 404
    assert headers["x-amzn-ErrorType"].startswith("UnknownOperationException:")
    assert (fake.requests[0].operation, fake.requests[0].status) == (None, 404)


BROKEN = {
    "not-json": (b"{", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
    "not-a-number": (b'{"messages": NaN}', "NaN is not JSON"),
    "not-utf-8": (b'{"messages": "\xff"}', "not JSON in UTF-8"),
    "half-a-pair": (b'{"system": [{"text": "\\ud800"}]}', "not valid Unicode: half of a surrogate pair"),
    "too-deep": (b"[" * 100_000, "nested too deeply"),
    "not-an-object": (b"[]", "the body: expected an object, got an array"),
    "wrong-type": (b'{"messages": "no"}', "messages: expected an array, got a string"),
    "wrong-item": (b'{"messages": [null]}', "messages[0]: expected an object, got null"),
    "wrong-map": (b'{"requestMetadata": []}', "requestMetadata: expected an object, got an array"),
    "wrong-number": (
        b'{"inferenceConfig": {"maxTokens": "many"}}',
        "inferenceConfig.maxTokens: expected an integer, got a string",
    ),
    "a-boolean-is-no-number": (b'{"inferenceConfig": {"topP": true}}', "inferenceConfig.topP: expected a number, got a Boolean"),
    "not-base64": (
        b'{"messages": [{"role": "user", "content": [{"image": {"format": "png", "source": {"bytes": "%"}}}]}]}',
        "messages[0].content[0].image.source.bytes: expected base64",
    ),
}


@pytest.mark.parametrize(("body", "problem"), BROKEN.values(), ids=BROKEN)
def test_an_invalid_body_is_a_serialization_error(fake: FakeBedrock, body: bytes, problem: str) -> None:
    status, headers, answer = _post(fake, f"{PATH}/converse", body)

    assert status == 400
    assert headers["x-amzn-ErrorType"].startswith("SerializationException:")
    assert json.loads(answer) == {"message": f"the request cannot be parsed: {problem}"}
    assert fake.requests[0].operation == "Converse"


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("maxResults=x", "maxResults: expected an integer"),
        ("submitTimeAfter=yesterday", "submitTimeAfter: expected a time"),
        ("submitTimeAfter=1e300", "submitTimeAfter: expected a time"),
    ],
)
def test_an_invalid_query_is_a_serialization_error(fake: FakeBedrock, query: str, problem: str) -> None:
    status, _, answer = _post(fake, f"/async-invoke?{query}", b"", method="GET")

    assert (status, json.loads(answer)) == (400, {"message": f"the request cannot be parsed: {problem}"})


def test_an_unknown_member_is_ignored(fake: FakeBedrock) -> None:
    status, _, _ = _post(fake, f"{PATH}/converse", json.dumps(ASK | {"stray": 1, "modelId": "other"}).encode())

    assert status == 200
    assert fake.requests[0].params == ASK | {"modelId": TITAN}


ROLES = ", ".join(service_model("bedrock-runtime").shape_for("ConversationRole").enum)
INVALID = {
    "required": (
        {"messages": [{"content": []}]},
        "Value at 'messages.1.member.role' failed to satisfy constraint: Member must not be null",
    ),
    "enum": ({"messages": [{"role": "robot", "content": []}]}, f"Member must satisfy enum value set: [{ROLES}]"),
    "union": ({"messages": [{"role": "user", "content": [{}]}]}, "Member must have exactly one of its fields set"),
    "range": ({"inferenceConfig": {"temperature": 2}}, "Member must have value less than or equal to 1"),
    "length": ({"system": [{"text": ""}]}, "Member must have length greater than or equal to 1"),
    "list": ({"toolConfig": {"tools": []}}, "'toolConfig.tools' failed to satisfy constraint: Member must have length greater"),
    "map": (
        {"requestMetadata": {"k" * 300: "v"}},
        "'requestMetadata.key' failed to satisfy constraint: Member must have length less",
    ),
    "version": (
        {"guardrailConfig": {"guardrailVersion": "v1"}},
        "satisfy regular expression pattern: (|([1-9][0-9]{0,7})|(DRAFT))",
    ),
    "identifier": ({"guardrailConfig": {"guardrailIdentifier": "G-HR"}}, "The provided guardrail identifier is invalid."),
}


@pytest.mark.parametrize(("body", "text"), INVALID.values(), ids=INVALID)
def test_a_request_outside_its_shape_is_a_validation_error(fake: FakeBedrock, body: dict[str, Any], text: str) -> None:
    status, headers, answer = _post(fake, f"{PATH}/converse", json.dumps(body).encode())

    assert status == 400
    assert headers["x-amzn-ErrorType"].startswith("ValidationException:")
    assert text in json.loads(answer)["message"]


def test_several_violations_are_counted(fake: FakeBedrock) -> None:
    _, _, answer = _post(fake, f"{PATH}/converse", json.dumps({"messages": [{}]}).encode())

    assert json.loads(answer)["message"].startswith("2 validation errors detected: ")


def test_a_chunked_request_is_rejected(fake: FakeBedrock) -> None:
    host, port = fake.endpoint_url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(f"POST {PATH}/converse HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".encode())

        assert connection.recv(1024).startswith(b"HTTP/1.1 411")


def test_one_client_keeps_one_connection(serve: Serve, ask: dict[str, Any]) -> None:
    fake, client = serve()
    for _ in range(3):
        client.converse(**ask)
        list(client.converse_stream(**ask)["stream"])

    assert len({request.http_request.port for request in fake.requests}) == 1


def test_each_of_sixteen_threads_gets_its_own_responses(serve: Serve) -> None:
    fake, client = serve()

    def talk(thread: int) -> list[bool]:
        return [_echoed(client, f"thread {thread} call {call}", stream=call % 2 == 1) for call in range(20)]

    with ThreadPoolExecutor(16) as pool:
        echoed = [right for rights in pool.map(talk, range(16)) for right in rights]

    assert echoed == [True] * 320
    assert len(fake.requests) == 320
    assert len(fake.calls("ConverseStream")) == 160


def _echoed(client: Any, text: str, *, stream: bool) -> bool:
    ask = {"modelId": TITAN, "messages": [{"role": "user", "content": [{"text": text}]}]}
    if not stream:
        return bool(client.converse(**ask)["output"]["message"]["content"][0]["text"] == f"You said: {text}")
    events = client.converse_stream(**ask)["stream"]
    return "".join(event.get("contentBlockDelta", {}).get("delta", {}).get("text", "") for event in events) == f"You said: {text}"


def test_a_client_that_hangs_up_does_not_affect_others(
    serve: Serve, ask: dict[str, Any], capfd: pytest.CaptureFixture[str]
) -> None:
    fake, client = serve()
    fake.reply("word " * 100_000)
    stream = client.converse_stream(**ask)["stream"]
    next(iter(stream))
    stream.close()

    assert client.converse(**ask)["stopReason"] == "end_turn"
    fake.close()
    assert capfd.readouterr().err == ""


def test_closing_ends_threads_and_port_and_keeps_the_requests() -> None:
    before = set(threading.enumerate())
    fake = FakeBedrock()
    fake.start()
    fake.start()
    url = fake.endpoint_url
    host, port = url.removeprefix("http://").split(":")
    connection = http.client.HTTPConnection(host, int(port))
    connection.request("POST", f"{PATH}/converse", json.dumps(ASK))
    connection.getresponse().read()

    fake.close()
    fake.close()

    assert set(threading.enumerate()) == before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((host, int(port)))
    assert len(fake.requests) == 1
    with pytest.raises(RuntimeError, match="not running"):
        _ = fake.endpoint_url
    connection.close()


def test_it_listens_on_loopback_only(fake: FakeBedrock) -> None:
    assert fake.endpoint_url.startswith("http://127.0.0.1:")
    assert fake.endpoint_url == fake.endpoint_url


NOT_IMPLEMENTED = [
    (service, name)
    for service, operations in (("bedrock-runtime", FakeBedrock()._state.runtime), ("bedrock", FakeBedrock()._state.control))
    for name in sorted(set(service_model(service).operation_names) - set(operations.operations))
]


@pytest.mark.parametrize(("service", "name"), NOT_IMPLEMENTED)
def test_an_operation_without_implementation_is_a_501_before_any_check(fake: FakeBedrock, service: str, name: str) -> None:
    """The message names the operation. Path and body are not valid for the operation, and neither is looked at."""
    http_binding = service_model(service).operation_model(name).http
    path = re.sub(r"\{[^}]+\}", "-", http_binding["requestUri"].partition("?")[0])
    connection = http.client.HTTPConnection(fake.endpoint_url.removeprefix("http://"))
    connection.request(http_binding["method"], path, "no JSON")
    response = connection.getresponse()
    body = json.loads(response.read())
    connection.close()

    assert (response.status, body) == (501, {"message": f"{name} is not implemented by the fake Bedrock"})
