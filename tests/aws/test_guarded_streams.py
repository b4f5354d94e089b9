"""Event streams and bodies: the reader gets them unchanged, and the guard observes them to their end."""

from __future__ import annotations

import gc
import json
import pickle
from contextlib import closing
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.eventstream import EventStream
from botocore.exceptions import EventStreamError
from botocore.response import StreamingBody
from harness.clients import DENIED_MODEL, HR, MODEL, Recorder, ask

from guardedbedrock import GuardedBedrockError, StreamInterruptedError
from guardedbedrock.stages.retry.policy import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.clients import Harness, Make

STREAMS: Final = {"converse_stream": "stream", "invoke_model_with_response_stream": "body"}
BREAKS: Final = (("throttlingException", 2), ("modelStreamErrorException", 0), ("internalFailure", 1))


def events_of(env: Harness, method: str) -> Any:
    """Make a streaming call, and return its stream."""
    return getattr(env.client, method)(**ask(method))[STREAMS[method]]


def watched(harness: Make, **options: Any) -> tuple[Harness, Recorder]:
    """Create a harness with a recording listener."""
    recorder = Recorder()
    return harness(listeners=[recorder], **options), recorder


@pytest.mark.parametrize("method", STREAMS)
def test_stream_is_an_event_stream(harness: Make, method: str) -> None:
    stream = events_of(harness(), method)

    assert isinstance(stream, EventStream)
    assert len(list(stream)) > 2
    assert list(stream) == []


@pytest.mark.parametrize("method", STREAMS)
def test_stream_can_be_read_without_a_reference_to_it(harness: Make, method: str) -> None:
    events = iter(events_of(harness(), method))

    gc.collect()
    first = next(events)
    gc.collect()

    assert len([first, *events]) > 2


@pytest.mark.parametrize("method", STREAMS)
def test_observation_closes_at_the_end_of_the_stream(harness: Make, method: str) -> None:
    env, recorder = watched(harness)
    stream = events_of(env, method)

    next(iter(stream))
    assert recorder.last.closed == []
    list(stream)
    assert recorder.last.closed == [None]
    stream.close()
    del stream
    gc.collect()
    assert recorder.last.closed == [None]


def close(stream: Any) -> None:
    """Close a stream before anything is read."""
    stream.close()


def read_one_and_close(stream: Any) -> None:
    """Close a stream in the middle."""
    next(iter(stream))
    stream.close()


def read_one_and_break(stream: Any) -> None:
    """Leave a stream in the middle."""
    for _ in stream:
        break


def leave(_: Any) -> None:
    """Do not read a stream at all."""


@pytest.mark.parametrize("method", STREAMS)
@pytest.mark.parametrize("end", [close, read_one_and_close, read_one_and_break, leave])
def test_stream_left_early_closes_once(harness: Make, method: str, end: Callable[[Any], None]) -> None:
    env, recorder = watched(harness)

    stream = events_of(env, method)
    with closing(stream._inner):
        end(stream)
        del stream
        gc.collect()

        assert recorder.last.closed == [None]


@pytest.mark.parametrize("method", STREAMS)
def test_closing_a_stream_closes_its_connection(harness: Make, method: str) -> None:
    stream = events_of(harness(), method)

    stream.close()

    assert stream._inner._raw_stream.closed


def outcome_of(stream: Any, use: Callable[[Any], Any] = list) -> Any:
    """Use a stream or a body; return the result, or the class and message of an error."""
    try:
        return use(stream)
    except Exception as error:  # noqa: BLE001  # which one is the question
        return type(error).__name__, str(error)


@pytest.mark.parametrize("method", STREAMS)
@pytest.mark.parametrize("end", [close, read_one_and_close])
def test_closed_stream_is_as_with_boto3_and_not_requested_again(
    harness: Make, plain: Callable[[Any], Any], method: str, end: Callable[[Any], None]
) -> None:
    env = harness()
    streams = [events_of(env, method), getattr(plain(env.fake), method)(**ask(method))[STREAMS[method]]]

    outcomes = []
    for stream in streams:
        end(stream)
        outcomes.append([outcome_of(stream) for _ in range(2)])

    assert outcomes[0] == outcomes[1]
    assert len(env.fake.requests) == 2


@pytest.mark.parametrize("method", STREAMS)
def test_stream_closed_before_it_is_requested_again_sends_nothing(harness: Make, method: str) -> None:
    """The stream breaks before its first event, and the caller closes it during the wait, as another thread may."""
    streams: list[Any] = []
    env = harness(retry=RetryPolicy(sleep=lambda _: streams[0].close()))
    env.fake.break_stream(after=0)
    streams.append(events_of(env, method))

    assert list(streams[0]) == []
    assert len(env.fake.requests) == 1


@pytest.mark.parametrize("method", STREAMS)
@pytest.mark.parametrize(("code", "after"), BREAKS)
def test_stream_interrupted_by_the_service_raises_a_typed_error(harness: Make, method: str, code: str, after: int) -> None:
    env, recorder = watched(harness)
    env.fake.break_stream(code, after=after, message="that was all")
    stream = events_of(env, method)
    seen: list[Any] = []

    with pytest.raises(StreamInterruptedError, match="that was all") as broken:
        seen.extend(stream)

    stream.close()
    error = broken.value
    assert isinstance(error, EventStreamError)
    assert isinstance(error, GuardedBedrockError)
    assert isinstance(error.__cause__, EventStreamError)
    assert error.response["Error"] == {"Code": code, "Message": "that was all"}
    assert error.operation_name == env.client.meta.method_to_api_mapping[method]
    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301 - made in the same line
    assert recorder.last.closed == [error]


@pytest.mark.parametrize("method", STREAMS)
def test_interrupted_stream_releases_its_connection(harness: Make, method: str) -> None:
    env = harness()
    env.fake.break_stream()

    with closing(events_of(env, method)) as stream:
        with pytest.raises(StreamInterruptedError):
            list(stream)
        assert stream._inner._raw_stream.closed


@pytest.mark.parametrize("method", STREAMS)
def test_events_before_an_interruption_are_read(harness: Make, method: str) -> None:
    env = harness()
    env.fake.break_stream(after=2)

    with closing(events_of(env, method)) as stream:
        events = iter(stream)
        assert len([next(events), next(events)]) == 2
        with pytest.raises(StreamInterruptedError):
            next(events)


@pytest.mark.parametrize("method", STREAMS)
def test_error_of_the_reader_is_raised_unchanged(harness: Make, method: str) -> None:
    env, recorder = watched(harness)
    stream = events_of(env, method)

    def careless() -> None:
        for _ in stream:
            raise LookupError("mine")

    with closing(stream), pytest.raises(LookupError, match="mine"):
        careless()

    assert recorder.last.closed == [None]


def body_of(env: Harness) -> Any:
    """Make an InvokeModel call, and return its body."""
    return env.client.invoke_model(**ask("invoke_model"))["body"]


READERS: Final[dict[str, Callable[[Any], bytes]]] = {
    "read": lambda body: body.read(),
    "read-in-parts": lambda body: body.read(5) + body.read(),
    "json-load": lambda body: json.dumps(json.load(body)).encode(),
    "lines": lambda body: b"\n".join(body.iter_lines()),
    "chunks": lambda body: b"".join(body.iter_chunks(7)),
    "iteration": b"".join,
}


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_body_of_invoke_model_is_readable_after_the_call(harness: Make, reader: Callable[[Any], bytes]) -> None:
    body = body_of(harness())

    assert isinstance(body, StreamingBody)
    assert json.loads(reader(body))["content"] == [{"type": "text", "text": "You said: hello there"}]
    assert body.read() == b""


def test_body_of_invoke_model_can_be_closed(harness: Make) -> None:
    body = body_of(harness())

    with body as opened:
        assert json.loads(opened.read())["stop_reason"] == "end_turn"
    body.close()


def raw(body: Any) -> Any:
    """Return the raw stream of a body, which its ``with`` block has."""
    return body.__enter__()


def read_and_close(body: Any) -> bytes:
    """Read a part of a body and close it."""
    with body:
        return bytes(body.read(3))


USES: Final[dict[str, Callable[[Any], Any]]] = {
    "timeout": lambda body: body.set_socket_timeout(5),
    "raw, in parts": lambda body: list(raw(body).stream(4)),
    "raw, a part": lambda body: raw(body).read(amt=4),
    "raw, whole": lambda body: (raw(body).data, raw(body).read()),
    "raw, its reply": lambda body: (raw(body).status, raw(body).headers["Content-Type"], raw(body).closed),
    "closed": lambda body: body.close(),
    "closed, then read": lambda body: (body.close(), body.read()),
    "closed in the middle": lambda body: (read_and_close(body), body.read()),
    "closed, then lines": lambda body: (body.close(), body.readlines(), body.readable(), body.tell()),
    "closed, then raw": lambda body: (body.close(), raw(body).closed, raw(body).read()),
    "position": lambda body: (body.tell(), body.read(5), body.tell(), body.readable()),
    "into a buffer": lambda body: body.readinto(bytearray(9)),
    "past its end": lambda body: (body.read(), body.read(), body.read(3), body.readable(), list(body), body.readlines()),
    "lines, then the rest": lambda body: (body.readlines(), body.read()),
    "a line": lambda body: body.readline(),
    "seek": lambda body: body.seek(0),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_body_of_invoke_model_is_used_as_with_boto3(
    harness: Make, plain: Callable[[Any], Any], use: Callable[[Any], Any]
) -> None:
    env = harness()
    named = {"guardrailIdentifier": HR.arn, "guardrailVersion": HR.version}
    bodies = [body_of(env), plain(env.fake).invoke_model(**ask("invoke_model"), **named)["body"]]

    assert outcome_of(bodies[0], use) == outcome_of(bodies[1], use)


def test_body_of_invoke_model_that_a_double_returns_again_is_not_read(harness: Make) -> None:
    env = harness()
    response = env.client.invoke_model(**ask("invoke_model"))
    start = response["body"].read(5)
    env.client.meta.events.register("before-call", lambda **_: (SimpleNamespace(status_code=200), response))

    assert env.client.invoke_model(**ask("invoke_model"))["body"] is response["body"]
    assert json.loads(start + response["body"].read())["stop_reason"] == "end_turn"


def test_body_that_is_not_json_is_returned_unchanged(harness: Make) -> None:
    env = harness()
    env.fake.reply("amazon-bedrock-guardrailAction INTERVENED {", operation="InvokeModel")

    body = json.loads(env.client.invoke_model(modelId=MODEL, body=b"{}")["body"].read())

    assert body["content"][0]["text"].startswith("amazon-bedrock-guardrailAction")


@pytest.mark.parametrize("method", STREAMS)
def test_denied_stream_is_not_opened(harness: Make, method: str) -> None:
    env, recorder = watched(harness)

    with pytest.raises(env.client.exceptions.AccessDeniedException) as denied:
        getattr(env.client, method)(**ask(method, model=DENIED_MODEL))

    assert recorder.last.closed == [denied.value]
