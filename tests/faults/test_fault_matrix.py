"""For each fault: the error that the caller gets, the number of attempts, and the events that listeners get."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError
from harness.clients import Recorder, ask, read

from guardedbedrock import ExplicitDenyError
from guardedbedrock.core.events import DeniedByAws, Retried, RetriesExhausted
from guardedbedrock.stages.retry.policy import RetryPolicy
from guardedbedrock.testing.faults import BadBody, BreakStream, BrokenFrame, Fail, Fault, HangUp, Latency, Stall, WrongLength

if TYPE_CHECKING:
    from harness.clients import Harness, Make

LONG: Final = 6.0  # s, longer than a client here waits for a byte that does not come
SHORT: Final = 0.3  # s that it waits where none ever comes
PATIENT: Final = 2.0  # s that it waits where one does, the next time
WHOLE: Final = ("converse", "invoke_model")
STREAMS: Final = ("converse_stream", "invoke_model_with_response_stream")
EVERY: Final = (*WHOLE, *STREAMS)


class Row(NamedTuple):
    """
    One row of the matrix.

    Args:
        fault: What goes wrong with every attempt.
        methods: Of which calls.
        error: Class of what the caller gets.
        code: What listeners hear of an attempt; ``""`` where it is not tried again.
    """

    fault: Fault
    methods: tuple[str, ...]
    error: str
    code: str = ""


MATRIX: Final = {
    "429": Row(Fail(429, "ThrottlingException", "slow"), EVERY, "ThrottlingException", "ThrottlingException"),
    "500": Row(Fail(500, "InternalServerException", "oops"), EVERY, "InternalServerException", "InternalServerException"),
    "503": Row(
        Fail(503, "ServiceUnavailableException", "no"), EVERY, "ServiceUnavailableException", "ServiceUnavailableException"
    ),
    "400": Row(Fail(400, "ValidationException", "no"), EVERY, "ValidationException"),
    "502-of-a-proxy": Row(BadBody("html", status=502), WHOLE, "ClientError", "502"),
    "reset-before-the-answer": Row(HangUp(), EVERY, "ConnectionClosedError", "ConnectionClosedError"),
    "reset-in-the-headers": Row(HangUp(40), EVERY, "ConnectionClosedError", "ConnectionClosedError"),
    "reset-in-the-body": Row(HangUp(40, "body"), ("converse",), "ConnectionClosedError", "ConnectionClosedError"),
    "reset-in-a-body-to-read": Row(HangUp(40, "body"), ("invoke_model",), "ResponseStreamingError", "ResponseStreamingError"),
    "end-in-a-body-to-read": Row(
        HangUp(40, "body", reset=False), ("invoke_model",), "ResponseStreamingError", "ResponseStreamingError"
    ),
    "wrong-length": Row(WrongLength(5), ("invoke_model",), "ResponseStreamingError", "ResponseStreamingError"),
    "reset-in-the-stream": Row(HangUp(700, "body"), STREAMS, "StreamInterruptedError"),
    "slow-first-byte": Row(Latency(LONG), EVERY, "ReadTimeoutError", "ReadTimeoutError"),
    "slow-body": Row(Stall(LONG, after=40), WHOLE, "ReadTimeoutError", "ReadTimeoutError"),
    "slow-stream": Row(Stall(LONG, after=700), STREAMS, "StreamInterruptedError"),
    "no-text": Row(BadBody("garbage"), ("converse",), "UnicodeDecodeError"),
    "bad-frame": Row(BrokenFrame(after=2), STREAMS, "StreamInterruptedError"),
    "bad-first-frame": Row(BrokenFrame(after=0, part="prelude"), STREAMS, "StreamInterruptedError"),
    "exception-before-the-first-event": Row(BreakStream(after=0), STREAMS, "StreamInterruptedError", "throttlingException"),
    "bad-request-before-the-first-event": Row(BreakStream("validationException", after=0), STREAMS, "StreamInterruptedError"),
    "reset-before-the-first-event": Row(HangUp(20, "body"), STREAMS, "StreamInterruptedError", "ResponseStreamingError"),
    "exception-in-the-stream": Row(BreakStream(after=2), STREAMS, "StreamInterruptedError"),
}
CELLS: Final = [(name, method) for name, row in MATRIX.items() for method in row.methods]


def troubled(harness: Make, patience: float = 60.0) -> tuple[Harness, Recorder]:
    """Create a harness whose client has this read timeout."""
    recorder = Recorder()
    config = Config(read_timeout=patience)
    env = harness(listeners=[recorder], config=config, retry=RetryPolicy(attempts=3, sleep=lambda _: None))
    return env, recorder


def call(env: Harness, method: str) -> dict[str, Any]:
    """Make a call, and read it to its end."""
    return read(getattr(env.client, method)(**ask(method)))


@pytest.mark.parametrize(("name", "method"), CELLS)
def test_a_permanent_fault_raises_the_last_error(harness: Make, name: str, method: str) -> None:
    """The last original error is raised after all attempts, each attempt is observed, and the observation is closed with it."""
    row = MATRIX[name]
    env, recorder = troubled(harness, SHORT if name.startswith("slow") else 60.0)
    env.fake.fault(row.fault, times=None)

    with pytest.raises(Exception) as failed:  # noqa: PT011  # which one is the question
        call(env, method)

    assert type(failed.value).__name__ == row.error
    assert len(env.fake.requests) == (3 if row.code else 1)
    assert [event.code for event in recorder.last.of(Retried)] == ([row.code] * 2 if row.code else [])
    assert [(event.attempt, event.used_up) for event in recorder.last.of(RetriesExhausted)] == (
        [(3, "attempts")] if row.code else []
    )
    assert recorder.last.closed == [failed.value]


@pytest.mark.parametrize(("name", "method"), [(name, method) for name, method in CELLS if MATRIX[name].code])
def test_a_fault_that_happens_once_is_retried(harness: Make, name: str, method: str) -> None:
    """The caller gets the reply of the second attempt, whole."""
    env, recorder = troubled(harness, PATIENT if name.startswith("slow") else 60.0)
    env.fake.fault(MATRIX[name].fault, times=1)

    reply = call(env, method)

    assert reply == call(env, method)
    assert len(env.fake.requests) == 3
    assert [event.code for event in recorder.calls[0].of(Retried)] == [MATRIX[name].code]
    assert recorder.calls[0].closed == [None]


EMPTY: Final = {
    "end-in-the-body": HangUp(40, "body", reset=False),
    "bad-json": BadBody("truncated"),
}


@pytest.mark.parametrize("fault", EMPTY.values(), ids=EMPTY)
def test_a_truncated_converse_response_behaves_as_with_botocore(harness: Make, plain: Any, fault: Fault) -> None:
    """
    As on a plain client, a body that is not JSON gives an empty reply, without a retry and without waiting.

    Some versions notice by themselves that the end is missing; then it is tried again, as any connection that breaks.
    """
    env, recorder = troubled(harness)
    env.fake.fault(fault, times=None)

    mine, theirs = _half_of(env.client), _half_of(plain(env.fake))

    assert mine == theirs
    assert (theirs, len(env.fake.requests)) in (({}, 2), ("ConnectionClosedError", 4))
    assert len(recorder.last.closed) == 1


def _half_of(client: Any) -> Any:
    """Give the reply to a call, or the class of its error."""
    try:
        return read(client.converse(**ask("converse")))
    except ConnectionClosedError as error:
        return type(error).__name__


@pytest.mark.parametrize("kind", ["truncated", "garbage"])
def test_a_body_of_invoke_model_is_the_callers_to_read(harness: Make, kind: Any) -> None:
    """The body is returned unchanged. An invalid body shows no guardrail and raises no alarm."""
    env, recorder = troubled(harness)
    env.fake.fault(BadBody(kind), times=None)

    assert call(env, "invoke_model")["body"]

    assert (len(env.fake.requests), recorder.last.closed) == (1, [None])


@pytest.mark.parametrize("method", EVERY)
def test_a_closed_port_is_a_connection_error(harness: Make, method: str) -> None:
    """No server listens on the port."""
    env, recorder = troubled(harness)
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    options = {**env.fake.client_kwargs(), "endpoint_url": f"http://127.0.0.1:{port}"}
    lost = env._replace(client=env.guard.client("bedrock-runtime", **options))

    with pytest.raises(Exception) as failed:  # noqa: PT011
        call(lost, method)

    assert type(failed.value).__name__ == "EndpointConnectionError"
    assert [event.code for event in recorder.last.of(Retried)] == ["EndpointConnectionError"] * 2
    lost.client.close()


@pytest.mark.parametrize("method", STREAMS)
def test_a_stream_that_broke_is_not_begun_again(harness: Make, method: str) -> None:
    """The caller gets the events before the break, then the error."""
    env, _ = troubled(harness)
    env.fake.fault(BrokenFrame(after=2), times=1)
    response = getattr(env.client, method)(**ask(method))
    seen: list[Any] = []

    with pytest.raises(Exception, match="a damaged frame arrived in the middle of the stream"):
        seen.extend(response["stream" if method == "converse_stream" else "body"])

    assert (len(seen) <= 2, len(env.fake.requests)) == (True, 1)


@pytest.mark.parametrize("method", STREAMS)
def test_a_denial_of_a_stream_that_is_asked_for_again_is_typed(harness: Make, method: str) -> None:
    """When the call has long returned, too: by the client's own class and by ours."""
    env, recorder = troubled(harness)
    env.fake.fault(HangUp(20, "body"), times=1)
    response = getattr(env.client, method)(**ask(method))
    env.fake.deny(by="scp-explicit")

    with pytest.raises(env.client.exceptions.AccessDeniedException) as denied:
        read(response)

    assert isinstance(denied.value, ExplicitDenyError)
    assert (denied.value.policy_type, denied.value.simulated) == ("scp", False)
    assert [event.error for event in recorder.last.of(DeniedByAws)] == [denied.value]
    assert recorder.last.closed == [denied.value]


@pytest.mark.parametrize("fault", [Latency(LONG), Fail(503, "ServiceUnavailableException", "no")], ids=["silence", "503"])
def test_nothing_goes_on_past_the_deadline(harness: Make, fault: Fault) -> None:
    """However many attempts there could be: none begins after it, and one under way ends by the client's own timeout."""
    recorder = Recorder()
    now = [0.0]

    def clock() -> float:
        now[0] += 1.0  # an attempt takes time as well
        return now[0]

    policy = RetryPolicy(attempts=1000, deadline=10.0, longest_wait=0.0, sleep=lambda _: None, clock=clock)
    env = harness(listeners=[recorder], retry=policy, config=Config(read_timeout=0.1))
    env.fake.fault(fault, times=None)

    with pytest.raises(Exception):  # noqa: B017, PT011
        env.client.converse(**ask("converse"))

    assert len(env.fake.requests) <= 11
    assert [event.used_up for event in recorder.last.of(RetriesExhausted)] == ["deadline"]
