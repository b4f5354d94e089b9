"""Two requests in one: a body that is longer than its Content-Length hides another request."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore import UNSIGNED
from botocore.awsrequest import HeadersDict
from botocore.config import Config
from harness.bypass import METHODS, on, try_all, unguarded
from harness.clients import HR, MODEL, Recorder, ask

from guardedbedrock import GuardrailTamperedError
from guardedbedrock.core.events import CallRefused, RequestVerified

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.clients import Make

SECOND: Final = b"POST /model/m/converse HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}"
FRAMES: Final[dict[str, Callable[[Any], None]]] = {
    "shorter": lambda headers: headers.update({"Content-Length": "2"}),
    "shorter, in bytes": lambda headers: headers.update({"content-length": b"2"}),
    "nothing": lambda headers: headers.update({"Content-Length": "0"}),
    "longer": lambda headers: headers.update({"Content-Length": "99999"}),
    "not said": lambda headers: headers.__delitem__("Content-Length"),
    "said in another way": lambda headers: headers.update({"Content-Length": f"+{headers['Content-Length']}"}),
    "chunked": lambda headers: headers.update({"Transfer-Encoding": "chunked"}),
    "chunked, with a space": lambda headers: headers.update({"Transfer-Encoding ": "chunked"}),
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_wrong_framing_of_a_body_is_refused(harness: Make, frame: Callable[[Any], None]) -> None:
    env = harness()
    on(env, "before-send", lambda request, **_: frame(request.headers))

    assert try_all(env) == len(METHODS)
    assert unguarded(env.fake) == []
    assert env.fake.requests == []


class OneRightLength(HeadersDict):  # type: ignore[misc]  # botocore has no types
    """Headers whose length is right when it is read for the first time, and too short afterwards."""

    reads = 0

    def __getitem__(self, name: str) -> Any:
        """Read a header."""
        value = super().__getitem__(name)
        if name.lower() != "content-length":
            return value
        self.reads += 1
        return value if self.reads == 1 else "2"


def test_headers_are_read_once(harness: Make) -> None:
    env = harness()
    on(env, "before-send", lambda request, **_: setattr(request, "headers", OneRightLength(request.headers.items())))

    assert try_all(env) == 0
    assert [request.headers["content-length"] for request in env.fake.requests] == [
        str(len(request.http_request.body)) for request in env.fake.requests
    ]
    assert len(env.fake.requests) == len(METHODS)
    assert unguarded(env.fake) == []


@pytest.mark.parametrize("body", [SECOND, BytesIO(SECOND)], ids=["bytes", "file"])
def test_invoke_model_body_cannot_hide_a_second_request(harness: Make, body: Any) -> None:
    env = harness()
    on(env, "before-sign", lambda request, **_: request.headers.add_header("Content-Length", "0"))

    with pytest.raises(GuardrailTamperedError):
        env.client.invoke_model(modelId=MODEL, body=body)

    assert unguarded(env.fake) == []
    assert env.fake.requests == []


NO_BODY: Final[dict[str, Callable[[Any], None]]] = {
    "a body": lambda request: setattr(request, "body", SECOND),
    "chunks": lambda request: request.headers.update({"Transfer-Encoding": "chunked"}),
    "a length": lambda request: request.headers.update({"Content-Length": "99"}),
}


@pytest.mark.parametrize("edit", NO_BODY.values(), ids=NO_BODY)
def test_request_without_a_body_cannot_hide_a_second_request(harness: Make, edit: Callable[[Any], None]) -> None:
    env = harness()
    on(env, "before-send", lambda request, **_: edit(request))

    with pytest.raises(GuardrailTamperedError):
        env.client.list_async_invokes()

    assert unguarded(env.fake) == []
    assert env.fake.requests == []


@pytest.mark.parametrize("method", ["POST /x HTTP/1.1\r\n\r\nPOST", "post", "PUT"])
def test_http_method_cannot_hide_a_second_request(harness: Make, method: str) -> None:
    env = harness()
    on(env, "before-send", lambda request, **_: setattr(request, "method", method))

    assert try_all(env) == len(METHODS)
    assert unguarded(env.fake) == []
    assert env.fake.requests == []


@pytest.mark.parametrize("name", ["X-Team", "x_team", "X.Team!", "x-1"])
def test_additional_header_is_sent(harness: Make, name: str) -> None:
    env = harness()
    on(env, "before-send", lambda request, **_: request.headers.update({name: "hr"}))

    assert try_all(env) == 0
    assert [request.headers[name.lower()] for request in env.fake.requests] == ["hr"] * len(METHODS)
    assert unguarded(env.fake) == []


def test_additional_header_of_a_plain_dict_is_sent_in_bytes(harness: Make) -> None:
    env = harness()

    def add(request: Any, **_: Any) -> None:
        request.headers = {**dict(request.headers.items()), b"X-Team": "hr"}

    on(env, "before-send", add)

    assert try_all(env) == 0
    assert [request.headers["x-team"] for request in env.fake.requests] == ["hr"] * len(METHODS)
    assert unguarded(env.fake) == []


def test_header_of_botocore_with_a_name_in_bytes_is_refused(harness: Make) -> None:
    """The dictionary of headers of botocore cannot look such a name up, so botocore could not send it either."""
    env = harness()
    on(env, "before-send", lambda request, **_: request.headers.update({b"X-Team": "hr"}))

    assert try_all(env) == len(METHODS)
    assert unguarded(env.fake) == []
    assert env.fake.requests == []


def test_file_body_is_sent(harness: Make) -> None:
    env = harness()
    data = ask("invoke_model")["body"]

    env.client.invoke_model(modelId=MODEL, body=BytesIO(data))

    assert [request.guardrail for request in env.fake.requests] == [(HR.arn, HR.version)]
    assert unguarded(env.fake) == []


class Pipe:
    """A body that can be read once and has no length."""

    def __init__(self, data: bytes) -> None:
        """Store the data."""
        self.read = BytesIO(data).read


BEHIND: Final[dict[str, Any]] = {
    "text": "\u00e9" * len(SECOND) + SECOND.decode(),
}


@pytest.mark.parametrize("body", BEHIND.values(), ids=BEHIND)
def test_body_of_a_handler_cannot_hide_a_second_request(harness: Make, body: Any) -> None:
    env = harness()
    on(env, "before-call", lambda params, **_: params.update(body=body))

    with pytest.raises(GuardrailTamperedError):
        env.client.invoke_model(modelId=MODEL, body=b"{}")

    assert unguarded(env.fake) == []
    assert env.fake.requests == []


@pytest.mark.parametrize("length", ["0", "2", "a"])
def test_stream_body_of_a_handler_with_a_length_is_refused(harness: Make, length: str) -> None:
    env = harness()

    def pipe(request: Any, **_: Any) -> None:
        request.body = Pipe(SECOND)
        request.headers["Content-Length"] = length

    on(env, "before-send", pipe)
    with pytest.raises(GuardrailTamperedError):
        env.client.invoke_model(modelId=MODEL, body=b"{}")

    assert unguarded(env.fake) == []
    assert env.fake.requests == []


def test_body_that_cannot_be_read_is_refused(harness: Make) -> None:
    env = harness()
    on(env, "before-send", lambda request, **_: setattr(request, "body", iter([SECOND])))

    assert try_all(env) == len(METHODS)
    assert unguarded(env.fake) == []
    assert env.fake.requests == []


def test_report_mode_sends_what_it_would_refuse_and_retries_it(harness: Make) -> None:
    """For botocore, a request with an unreadable body is a request like any other."""
    recorder = Recorder()
    env = harness(mode="report", listeners=[recorder], config=Config(signature_version=UNSIGNED))
    on(env, "before-send", lambda request, **_: setattr(request, "body", iter([request.body])))
    env.fake.fail_next(500, "InternalServerException", "later")

    reply = env.client.converse(**ask("converse"))

    assert reply["ResponseMetadata"]["RetryAttempts"] == 1
    assert reply["ResponseMetadata"]["GuardedBedrock"] == {"guardrail": HR.arn, "version": HR.version}
    assert len(recorder.last.of(CallRefused)) == 1
    assert recorder.last.of(RequestVerified) == []
    assert unguarded(env.fake) == []


def test_header_name_in_bytes_is_refused(harness: Make) -> None:
    env = harness()
    on(env, "before-send", lambda request, **_: request.headers.update({b"X-Team": b"hr"}))

    assert try_all(env) == len(METHODS)
    assert unguarded(env.fake) == []
    assert env.fake.requests == []


def test_body_that_cannot_seek_is_sent_with_its_length(harness: Make) -> None:
    env = harness(config=Config(signature_version=UNSIGNED))
    data = ask("invoke_model")["body"]

    env.client.invoke_model(modelId=MODEL, body=Pipe(data))

    assert [request.http_request.body for request in env.fake.requests] == [data]
    assert unguarded(env.fake) == []
