"""
Doubles in the tests of applications: a guarded client behaves as a plain client does.

The differences by design are the injected guardrail in the expected parameters, and typed denials.
"""

from __future__ import annotations

import copy
import json
from io import BytesIO, StringIO
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import MagicMock, Mock, patch

import boto3
import botocore.client
import pytest
from botocore.awsrequest import AWSResponse
from botocore.endpoint import Endpoint
from botocore.eventstream import EventStream
from botocore.exceptions import ClientError, EventStreamError, ReadTimeoutError
from botocore.httpsession import URLLib3Session
from botocore.response import StreamingBody
from botocore.stub import Stubber
from harness.clients import HR, MODEL, ask

from guardedbedrock import AccessDeniedError, Guard, GuardrailInterventionError, StreamInterruptedError
from guardedbedrock.stages.retry.policy import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE: Final = {"region_name": "us-east-1", "aws_access_key_id": "a", "aws_secret_access_key": "b"}
ANSWER: Final = {
    "output": {"message": {"role": "assistant", "content": [{"text": "hi"}]}},
    "stopReason": "end_turn",
    "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2},
    "metrics": {"latencyMs": 1},
}
BODY: Final = b'{"content": [{"text": "hi"}], "amazon-bedrock-guardrailAction": "NONE"}'
BLOCKED: Final = b'{"content": [{"text": "no"}], "amazon-bedrock-guardrailAction": "INTERVENED"}'
API_CALL: Final = "botocore.client.BaseClient._make_api_call"
THROTTLE: Final = {"Error": {"Code": "ThrottlingException", "Message": "slow down"}}


def no_wait(seconds: float) -> None:
    """Fail: a double is never retried."""
    pytest.fail(f"waited {seconds} s to retry the answer of a double")


def guard(**options: Any) -> Guard:
    """Create a guard that fails the test if it retries."""
    return Guard(**{"guardrails": [HR], "retry": RetryPolicy(attempts=3, sleep=no_wait), **options})


ODD_EVENTS: Final[tuple[Any, ...]] = (
    *(None, 5, "text", [], {}),
    *({name: value} for name in ("messageStop", "metadata", "chunk") for value in (None, 5, {"bytes": "x"})),
)
NO_EVENTS: Final[tuple[dict[str, Any], ...]] = ()
WAYS: Final[dict[str, Callable[[], Any]]] = {
    "plain": lambda: boto3.client("bedrock-runtime", **HERE),
    "created": lambda: guard().client("bedrock-runtime", **HERE),
    "wrapped": lambda: guard().wrap(boto3.client("bedrock-runtime", **HERE)),
}


@pytest.fixture(name="client", params=list(WAYS.values()), ids=list(WAYS))
def make_client(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Create a client: a plain one for comparison, or a guarded one."""
    client = request.param()
    yield client
    client.close()


def test_a_throttle_that_a_stubber_queued_is_raised_immediately(client: Any) -> None:
    with Stubber(client) as stubber:
        stubber.add_client_error("converse", "ThrottlingException", http_status_code=429)
        stubber.add_response("converse", ANSWER)

        with pytest.raises(client.exceptions.ThrottlingException):
            client.converse(**ask("converse"))
        assert client.converse(**ask("converse"))["stopReason"] == "end_turn"


@pytest.mark.parametrize("code", ["ThrottlingException", "InternalServerException", "ModelNotReadyException"])
def test_an_error_of_a_patched_call_is_raised_immediately_and_unchanged(client: Any, code: str) -> None:
    response = {"Error": {"Code": code, "Message": "no"}}
    error = ClientError(copy.deepcopy(response), "Converse")
    with patch(API_CALL, side_effect=error) as double, pytest.raises(ClientError) as raised:
        client.converse(**ask("converse"))

    assert raised.value is error
    assert error.response == response
    assert double.call_count == 1


def test_a_connection_error_of_a_patched_call_is_raised_immediately(client: Any) -> None:
    error = ReadTimeoutError(endpoint_url="https://example.com")
    with patch(API_CALL, side_effect=error), pytest.raises(ReadTimeoutError) as raised:
        client.converse(**ask("converse"))

    assert raised.value is error


def test_a_denial_of_a_patched_call_is_typed() -> None:
    """This is one of the two differences by design."""
    client = guard().client("bedrock-runtime", **HERE)
    denied = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "Converse")
    with patch(API_CALL, side_effect=denied), pytest.raises(AccessDeniedError) as raised:
        client.converse(**ask("converse"))

    assert raised.value.__cause__ is denied
    client.close()


ERRORS: Final[dict[str, Any]] = {
    "no Error": {},
    "empty Error": {"Error": {}},
    "no message": {"Error": {"Code": "ThrottlingException"}},
    "numbers": {"Error": {"Code": 403, "Message": 5}, "ResponseMetadata": {"HTTPStatusCode": "x"}},
    "no metadata": {"Error": {"Code": "x", "Message": "y"}, "ResponseMetadata": None},
}


@pytest.mark.parametrize("response", ERRORS.values(), ids=ERRORS)
def test_an_error_of_any_shape_reaches_the_caller(client: Any, response: Any) -> None:
    error = ClientError(copy.deepcopy(response), "Converse") if response.get("ResponseMetadata", {}) is not None else None
    error = error or type("Bare", (ClientError,), {"__init__": lambda self: setattr(self, "response", copy.deepcopy(response))})()
    with patch(API_CALL, side_effect=error), pytest.raises(ClientError) as raised:
        client.converse(**ask("converse"))

    assert raised.value is error
    assert error.response == response


REPLIES: Final[dict[str, Callable[[], Any]]] = {
    "None": lambda: None,
    "text": lambda: "hi",
    "list": lambda: [1],
    "empty": dict,
    "mock": Mock,
    "magic mock": MagicMock,
    "mock members": lambda: {
        "output": Mock(),
        "stopReason": Mock(),
        "usage": Mock(),
        "trace": Mock(),
        "ResponseMetadata": Mock(),
    },
    "none members": lambda: dict.fromkeys(("output", "stopReason", "usage", "trace", "ResponseMetadata", "body", "stream")),
    "magic members": lambda: {"trace": {"guardrail": MagicMock()}, "ResponseMetadata": {"HTTPHeaders": Mock(), "RequestId": 5}},
    "text body": lambda: {"body": "text"},
    "bytes body": lambda: {"body": BODY},
    "file body": lambda: {"body": BytesIO(BODY), "contentType": "application/json"},
    "text file body": lambda: {"body": StringIO(BODY.decode())},
    "closed body": lambda: {"body": closed(BytesIO(BODY))},
    "mock body": lambda: {"body": Mock()},
    "mock body that answers": lambda: {"body": Mock(**{"read.return_value": BODY})},
    "streaming body": lambda: {"body": StreamingBody(BytesIO(BODY), len(BODY))},
    "wrong length": lambda: {"body": StreamingBody(BytesIO(BODY), 5)},
    "events in a list": lambda: {"stream": [{"messageStop": {"stopReason": "end_turn"}}], "body": [{"chunk": {"bytes": BODY}}]},
    "iterator": lambda: {"stream": iter([{"messageStop": {"stopReason": "end_turn"}}]), "body": iter([])},
    "generator": lambda: {"stream": (event for event in NO_EVENTS), "body": (event for event in NO_EVENTS)},
}
METHODS: Final = ("converse", "converse_stream", "invoke_model", "invoke_model_with_response_stream")


def closed(file: BytesIO) -> BytesIO:
    """Close a file."""
    file.close()
    return file


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("make", REPLIES.values(), ids=REPLIES)
@pytest.mark.parametrize("options", [{}, {"on_intervention": "raise"}], ids=["default", "raise"])
def test_the_reply_of_a_patched_call_is_the_same_object_unchanged(method: str, make: Any, options: Any) -> None:
    client, reply = guard(**options).client("bedrock-runtime", **HERE), make()
    before = dict(reply) if isinstance(reply, dict) else reply
    for _ in range(2):
        with patch(API_CALL, return_value=reply):
            assert getattr(client, method)(**ask(method)) is reply
        assert reply == before
    client.close()


@pytest.mark.parametrize("make", [m for name, m in REPLIES.items() if "body" in name], ids=[n for n in REPLIES if "body" in n])
def test_the_body_of_a_double_was_not_read(client: Any, make: Any) -> None:
    body = make()["body"]
    with patch(API_CALL, return_value={"body": body}):
        reply = client.invoke_model(**ask("invoke_model"))

    if isinstance(body, Mock):
        assert body.mock_calls == []
    elif not getattr(body, "closed", False) and hasattr(body, "read"):
        text = reply["body"].read()
        assert (text if isinstance(text, bytes) else text.encode()) == BODY


def test_a_reply_that_is_handed_out_twice_can_be_read_twice_as_with_a_plain_client(client: Any) -> None:
    body = BytesIO(BODY)
    with Stubber(client) as stubber:
        for _ in range(2):
            stubber.add_response("invoke_model", {"body": body, "contentType": "application/json"})

        for _ in range(2):
            assert json.loads(client.invoke_model(**ask("invoke_model"))["body"].read())["content"][0]["text"] == "hi"
            body.seek(0)


def test_a_stubbed_reply_is_not_written_into(client: Any) -> None:
    answer = copy.deepcopy(ANSWER)
    with Stubber(client) as stubber:
        stubber.add_response("converse", answer)
        stubber.add_response("converse", answer)
        replies = [client.converse(**ask("converse")) for _ in range(2)]

    assert replies[0] is replies[1] is answer
    assert answer == ANSWER


@pytest.mark.parametrize(
    "wrap", [BytesIO, lambda data: StringIO(data.decode()), lambda data: StreamingBody(BytesIO(data), len(data))]
)
def test_an_intervention_in_the_body_of_a_double_is_raised_if_the_settings_say_so(wrap: Any) -> None:
    client = guard(on_intervention="raise").client("bedrock-runtime", **HERE)
    with patch(API_CALL, return_value={"body": wrap(BLOCKED)}), pytest.raises(GuardrailInterventionError):
        client.invoke_model(**ask("invoke_model"))
    client.close()


class Events(EventStream):  # type: ignore[misc]  # botocore has no types
    """An event stream of a double."""

    def __init__(self, events: list[Any]) -> None:
        self._events = events
        self.closed = 0

    def __iter__(self) -> Iterator[Any]:
        for event in self._events:
            if isinstance(event, Exception):
                raise event
            yield event

    def close(self) -> None:
        """Count."""
        self.closed += 1


def test_an_event_stream_of_a_double_is_read_and_its_reply_is_not_written_into(client: Any) -> None:
    stream = Events([{"messageStop": {"stopReason": "end_turn"}}, {"metadata": {"usage": {}}}])
    reply = {"stream": stream}
    with patch(API_CALL, return_value=reply):
        got = client.converse_stream(**ask("converse_stream"))

    assert list(got["stream"]) == stream._events
    assert reply["stream"] is stream


@pytest.mark.parametrize("method", ["converse_stream", "invoke_model_with_response_stream"])
@pytest.mark.parametrize("event", ODD_EVENTS, ids=repr)
def test_an_event_of_any_shape_reaches_the_caller(client: Any, method: str, event: Any) -> None:
    member = "stream" if method == "converse_stream" else "body"
    with patch(API_CALL, return_value={member: Events([event, event])}):
        got = getattr(client, method)(**ask(method))

    assert list(got[member]) == [event, event]


@pytest.mark.parametrize("response", [{}, {"Error": {}}, {"Error": {"Code": "throttlingException", "Message": "slow"}}])
def test_an_error_event_of_a_double_ends_the_stream_and_is_not_retried(client: Any, response: Any) -> None:
    error = EventStreamError(copy.deepcopy(response), "ConverseStream")
    with patch(API_CALL, return_value={"stream": Events([error])}) as double:
        stream = client.converse_stream(**ask("converse_stream"))["stream"]
        with pytest.raises(EventStreamError) as raised:
            list(stream)

    assert double.call_count == 1
    assert raised.value.response == response
    assert isinstance(raised.value, StreamInterruptedError) or raised.value is error


def http_answer(body: bytes = json.dumps(ANSWER).encode(), status: int = 200) -> Any:
    """Make the answer of an HTTP session."""
    return AWSResponse(
        "https://example.com", status, {"Content-Type": "application/json"}, MagicMock(**{"stream.return_value": [body]})
    )


SENDERS: Final = {"endpoint": (Endpoint, "_send"), "session": (URLLib3Session, "send")}


@pytest.mark.parametrize(("owner", "name"), SENDERS.values(), ids=SENDERS)
def test_a_class_level_patch_of_the_sender_reaches_the_patch_and_not_the_network(client: Any, owner: Any, name: str) -> None:
    with patch.object(owner, name, return_value=http_answer()) as double:
        assert client.converse(**ask("converse"))["stopReason"] == "end_turn"
    with patch.object(owner, name, autospec=True, return_value=http_answer()) as bound:
        assert client.converse(**ask("converse"))["stopReason"] == "end_turn"

    assert double.call_count == bound.call_count == 1


PATCHES: Final[dict[str, Callable[[Any], Any]]] = {
    "mock": lambda send: Mock(side_effect=send),
    "static method": staticmethod,
    "function": lambda send: lambda _, request: send(request),
}


@pytest.mark.parametrize("wrap", PATCHES.values(), ids=PATCHES)
def test_a_patched_sender_gets_what_botocore_gives_it(client: Any, wrap: Callable[[Any], Any]) -> None:
    """A mock in a class is not bound to the instance, so it gets no ``self``."""
    seen: list[Any] = []

    def send(request: Any) -> AWSResponse:
        seen.append(request.url)
        return http_answer()

    with patch.object(URLLib3Session, "send", new=wrap(send)):
        boto3.client("bedrock-runtime", **HERE).converse(**ask("converse"))
        client.converse(**ask("converse"))

    assert len(seen) == 2
    assert len(set(seen)) == 1


def test_a_throttle_of_a_patched_sender_is_retried_as_botocore_does() -> None:
    """Such a double is below botocore's own retries, which treat it like the service."""
    waits: list[float] = []
    client = guard(retry=RetryPolicy(attempts=3, sleep=waits.append)).client("bedrock-runtime", **HERE)
    throttled = http_answer(b'{"message": "slow down", "__type": "ThrottlingException"}', 429)
    with patch.object(Endpoint, "_send", side_effect=[throttled, http_answer()]) as double:
        assert client.converse(**ask("converse"))["ResponseMetadata"]["RetryAttempts"] == 1

    assert double.call_count == 2
    assert len(waits) == 1
    client.close()


def test_a_patched_make_request_is_a_double(client: Any) -> None:
    http, parsed = Mock(status_code=429), copy.deepcopy(THROTTLE)
    with patch.object(Endpoint, "make_request", return_value=(http, parsed)) as double, pytest.raises(ClientError):
        client.converse(**ask("converse"))

    assert double.call_count == 1
    assert parsed == THROTTLE


def test_an_answer_of_before_call_is_a_double(client: Any) -> None:
    client.meta.events.register("before-call", lambda **_: (Mock(status_code=429), copy.deepcopy(THROTTLE)))
    with pytest.raises(client.exceptions.ThrottlingException):
        client.converse(**ask("converse"))


def test_a_class_level_patch_of_the_call_sees_the_injected_guardrail() -> None:
    """This is the other difference by design."""
    seen: list[Any] = []

    def call(self: Any, operation_name: str, api_params: Any) -> Any:
        seen.append((type(self).__name__, operation_name, api_params))
        return ANSWER

    client = guard().client("bedrock-runtime", **HERE)
    with patch.object(botocore.client.BaseClient, "_make_api_call", new=call):
        client.converse(**ask("converse"))
    client.close()

    ((kind, operation, params),) = seen
    assert (kind, operation, params["modelId"]) == ("BedrockRuntime", "Converse", MODEL)
    assert params["guardrailConfig"] == {"guardrailIdentifier": HR.arn, "guardrailVersion": HR.version}
