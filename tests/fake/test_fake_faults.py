"""Injected faults, as a boto3 client experiences them."""

from __future__ import annotations

import socket
from contextlib import closing, contextmanager, nullcontext, suppress
from email.utils import parsedate_to_datetime
from inspect import getsource
from random import Random
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from botocore.eventstream import ChecksumMismatch
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    EndpointConnectionError,
    EventStreamError,
)
from botocore.httpsession import URLLib3Session
from urllib3.exceptions import ProtocolError

from guardedbedrock import ConfigurationError
from guardedbedrock.testing import FakeBedrock
from guardedbedrock.testing.faults import (
    BadBody,
    BreakStream,
    BrokenFrame,
    ClockSkew,
    Deny,
    Fail,
    Fault,
    FaultSchedule,
    HangUp,
    Latency,
    Stall,
    Throttle,
    WrongLength,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Serve: TypeAlias = Callable[..., tuple[FakeBedrock, Any]]

COUNTS_BYTES = "enforce_content_length" not in getsource(URLLib3Session.send)
"""Older releases of botocore count the bytes of a body, and raise if some are missing."""
BUSY = Fail(503, "ServiceUnavailableException", "busy")
STREAM = "ConverseStream"


def _read(client: Any, ask: dict[str, Any]) -> list[dict[str, Any]]:
    with closing(client.converse_stream(**ask)["stream"]) as stream:
        return list(stream)


@contextmanager
def _sent(fake: FakeBedrock, body: bytes = b'{"messages": []}') -> Iterator[socket.socket]:
    """Send a request, and yield the connection."""
    length = f"Content-Length: {len(body)}"
    lines = ("POST /model/amazon.nova-lite-v1:0/converse HTTP/1.1", "Host: fake", length, "Connection: close")
    head = "\r\n".join(lines) + "\r\n\r\n"
    host, port = fake.endpoint_url.removeprefix("http://").split(":")
    with closing(socket.create_connection((host, int(port)), timeout=30)) as connection:
        connection.sendall(head.encode() + body)
        yield connection


def _raw(fake: FakeBedrock) -> bytes:
    """Send a request and read until the connection ends or is reset."""
    came = b""
    with _sent(fake) as connection, suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            came += piece
    return came


ERRORS: list[tuple[Fault, type[Exception]]] = [
    (BUSY, ClientError),
    (HangUp(), ConnectionClosedError),
    (HangUp(reset=False), ConnectionClosedError),
    (HangUp(after=5, part="body"), ConnectionClosedError),
    (BadBody("html", status=502), ClientError),
    (BadBody("garbage"), UnicodeDecodeError),
]


@pytest.mark.parametrize(("fault", "error"), ERRORS, ids=lambda value: repr(value)[:60])
def test_a_fault_raises_the_same_exception_as_a_bad_network(
    serve: Serve, ask: dict[str, Any], fault: Fault, error: type[Exception]
) -> None:
    """Each fault raises the exception of the network, and the next call succeeds."""
    fake, client = serve()
    fake.fault(fault)

    with pytest.raises(error):
        client.converse(**ask)

    assert client.converse(**ask)["stopReason"] == "end_turn"
    assert [request.faults for request in fake.requests] == [(fault,), ()]


@pytest.mark.parametrize(
    "fault",
    [
        BadBody("truncated"),
        BadBody("empty"),
        WrongLength(by=-5),
        HangUp(after=5, part="body", reset=False),
        HangUp(after=30, reset=False),
    ],
    ids=repr,
)
def test_a_truncated_body_is_a_reply_without_members(serve: Serve, ask: dict[str, Any], fault: Fault) -> None:
    """Botocore does not count bytes and ignores invalid JSON, so that a caller has to check for truncated responses."""
    fake, client = serve(spoilt=True)
    fake.fault(fault)

    if COUNTS_BYTES and isinstance(fault, HangUp) and fault.part == "body":
        with pytest.raises(ConnectionClosedError):
            client.converse(**ask)
    else:
        assert set(client.converse(**ask)) == {"ResponseMetadata"}
    assert client.converse(**ask)["stopReason"] == "end_turn"


def test_a_length_that_is_too_long_does_not_affect_other_requests(serve: Serve, ask: dict[str, Any]) -> None:
    """Botocore accepts a body that is too short; a client that counts bytes would not."""
    fake, client = serve()
    fake.fault(WrongLength(by=7))

    with pytest.raises(ConnectionClosedError) if COUNTS_BYTES else nullcontext():
        assert client.converse(**ask)["stopReason"] == "end_turn"
    fake.fault(WrongLength(by=7))
    head, _, body = _raw(fake).partition(b"\r\n\r\n")
    assert f"content-length: {len(body) + 7}".encode() in head.lower()


@pytest.mark.parametrize("after", [0, 1, 7, 20, 60, 200, 333, 10_000])
def test_a_connection_ends_at_any_byte(after: int) -> None:
    """The client receives the start of the response, with exactly this length."""
    with FakeBedrock(seed=1) as fake:
        whole = _raw(fake)
        fake.fault(HangUp(after=after, reset=False))
        part = _raw(fake)

    assert len(part) == min(after, len(whole))
    assert whole[:after].split(b"Date")[0] == part.split(b"Date")[0]


@pytest.mark.parametrize("after", [0, 1, 100, 250, 400])
@pytest.mark.parametrize("reset", [True, False])
def test_a_stream_ends_at_any_byte(serve: Serve, ask: dict[str, Any], after: int, *, reset: bool) -> None:
    """The client always raises; the stream never ends silently."""
    fake, client = serve()
    fake.fault(HangUp(after=after, part="body", reset=reset))

    with pytest.raises(ProtocolError):
        _read(client, ask)

    assert len(_read(client, ask)) == 8


@pytest.mark.parametrize("part", ["prelude", "message"])
def test_a_frame_has_a_wrong_checksum(serve: Serve, ask: dict[str, Any], part: Any) -> None:
    """The frames before it arrive. Calls without a stream are not affected."""
    fake, client = serve()
    fake.fault(BrokenFrame(after=2, part=part))
    client.converse(**ask)
    with closing(client.converse_stream(**ask)["stream"]) as stream:
        arriving = iter(stream)
        events = [next(arriving), next(arriving)]
        with pytest.raises(ChecksumMismatch):
            next(arriving)

    assert [next(iter(event)) for event in events] == ["messageStart", "contentBlockDelta"]


def test_a_stream_breaks_with_an_exception(serve: Serve, ask: dict[str, Any]) -> None:
    """As Bedrock itself breaks one."""
    fake, client = serve()
    fake.fault(BreakStream("modelStreamErrorException", "gone", after=1))

    with pytest.raises(EventStreamError, match="gone"):
        _read(client, ask)


def test_a_pause_has_the_given_length() -> None:
    """A list replaces the function that waits."""
    slept: list[float] = []

    def send(fault: Fault) -> list[bytes]:
        return list(fault.begin(Random(1)).filter_bytes(iter([b"head", b"abcdef", b"ghi"]), slept.append))  # noqa: S311

    assert send(Latency(0.25)) == [b"head", b"abcdef", b"ghi"]
    assert send(Stall(2, after=4)) == [b"head", b"abcd", b"ef", b"ghi"]
    assert send(Stall(3, after=2, part="head")) == [b"he", b"ad", b"abcdef", b"ghi"]
    assert send(Stall(4, after=99)) == [b"head", b"abcdef", b"ghi"]
    assert slept == [0.25, 2, 3]


@pytest.mark.parametrize("spread", ["uniform", "exponential", "lognormal"])
def test_latencies_vary_around_their_mean(spread: Any) -> None:
    """The same seed gives the same latencies."""

    def draw(seed: int) -> list[float]:
        slept: list[float] = []
        delay = Latency(0.2, spread).begin(Random(seed))  # noqa: S311
        for _ in range(2000):
            list(delay.filter_bytes(iter([b""]), slept.append))
        return slept

    slept = draw(7)
    assert slept == draw(7) != draw(8)
    assert sum(slept) / len(slept) == pytest.approx(0.2, rel=0.1)
    assert len(set(slept)) > 1000


def test_closing_ends_a_pause() -> None:
    """A stall of an hour does not keep a test from ending."""
    with FakeBedrock() as fake:
        fake.fault(Stall(3600))
        with _sent(fake) as connection:
            came = connection.recv(65536)
            fake.close()
            rest = connection.recv(65536)

    assert came.startswith(b"HTTP/1.1 200 OK")
    assert rest == b""


def test_a_bucket_of_tokens_throttles(serve: Serve, ask: dict[str, Any]) -> None:
    """It is full at the start, allows one request for each token, and fills over time."""
    fake, client = serve()
    now = [0.0]
    fake.fault(Throttle(rate=0.5, burst=2, clock=lambda: now[0], retry_after=1.5), times=None)

    def calls(count: int) -> list[int]:
        found = []
        for _ in range(count):
            try:
                found.append(client.converse(**ask)["ResponseMetadata"]["HTTPStatusCode"])
            except client.exceptions.ThrottlingException as error:
                found.append(int(error.response["ResponseMetadata"]["HTTPHeaders"]["x-amz-retry-after"]))
        return found

    assert calls(4) == [200, 200, 1500, 1500]
    now[0] += 2
    assert calls(2) == [200, 1500]
    now[0] += 1000
    assert calls(3) == [200, 200, 1500]


def test_the_clock_of_the_server_is_wrong(serve: Serve, ask: dict[str, Any]) -> None:
    """The header ``Date`` is wrong by the given time."""
    fake, client = serve()
    right = client.converse(**ask)
    fake.fault(ClockSkew(3600))
    wrong = client.converse(**ask)

    dates = [parsedate_to_datetime(response["ResponseMetadata"]["HTTPHeaders"]["date"]) for response in (right, wrong)]
    assert (dates[1] - dates[0]).total_seconds() == pytest.approx(3600, abs=60)


def test_a_closed_port_refuses_connections(serve: Serve, ask: dict[str, Any]) -> None:
    """Connections are refused within the block. Afterwards the fake has the same address and the same state."""
    fake, client = serve()
    fake.reply("later")
    url = fake.endpoint_url
    with fake.refusing(), pytest.raises(EndpointConnectionError):
        client.converse(**ask)

    assert client.converse(**ask)["output"]["message"]["content"] == [{"text": "later"}]
    assert fake.endpoint_url == url


def test_faults_compose(serve: Serve, ask: dict[str, Any]) -> None:
    """Faults of one call happen together. Faults without a number happen in addition to all others."""
    fake, client = serve()
    fake.fault(ClockSkew(3600), times=None)
    fake.fault(Latency(0), BUSY, times=2)
    fake.fault(Latency(0), operation=STREAM)

    for _ in range(2):
        with pytest.raises(client.exceptions.ServiceUnavailableException):
            client.converse(**ask)
    _read(client, ask)
    client.converse(**ask)

    skew = ClockSkew(3600)
    happened = [request.faults for request in fake.requests]
    assert happened == [(skew, Latency(0), BUSY), (skew, Latency(0), BUSY), (skew, Latency(0)), (skew,)]


def test_random_faults_are_seeded() -> None:
    """The same seed and the same requests result in the same faults."""

    def rolled(seed: int) -> list[bool]:
        schedule = FaultSchedule(seed)
        schedule.add([BUSY], operation=None, times=None, chance=0.3)
        return [bool(schedule.take("Converse", streams=False)[0]) for _ in range(1000)]

    assert rolled(1) == rolled(1) != rolled(2)
    assert 250 < sum(rolled(1)) < 350


def test_botocore_retries_after_a_fault(serve: Serve, ask: dict[str, Any]) -> None:
    """Its own retries count as requests."""
    fake, client = serve(attempts=3)
    fake.fault(HangUp())
    fake.fault(BUSY)

    assert client.converse(**ask)["ResponseMetadata"]["RetryAttempts"] == 2
    assert [request.status for request in fake.requests] == [200, 503, 200]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Latency(-1),
        lambda: Latency(1, "gamma"),  # type: ignore[arg-type]
        lambda: Throttle(-1),
        lambda: BadBody("xml"),  # type: ignore[arg-type]
        lambda: Deny("scp-sideways"),
        lambda: FakeBedrock().fault(BUSY, chance=2),
        lambda: FakeBedrock().fault(),
    ],
)
def test_a_fault_with_invalid_arguments_is_rejected(wrong: Callable[[], Any]) -> None:
    """It raises immediately, not at the first request."""
    with pytest.raises(ConfigurationError):
        wrong()


@pytest.mark.parametrize("times", [0, -1, True, "2"])
def test_a_fault_and_a_reply_happen_at_least_once(times: Any) -> None:
    fake = FakeBedrock()

    with pytest.raises(ConfigurationError, match="times: must be a whole number of at least 1"):
        fake.fault(BUSY, times=times)
    with pytest.raises(ConfigurationError, match="times: must be a whole number of at least 1"):
        fake.reply("hello", times=times)
