"""The limits of ``guardedbedrock serve``, and its answers to malformed and foreign requests."""

from __future__ import annotations

import http.client
import json
import socket
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError
from harness.serve import MODEL, ask, serving

from guardedbedrock.cli.serve.page import LIMITS, BedrockWithPage
from guardedbedrock.testing.server.loopback import RequestLimits

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

CONVERSE = f"/model/{MODEL}/converse"
BODY = json.dumps({"messages": ask()["messages"]}).encode()
JSON = {"Content-Type": "application/json"}
MEGABYTE = 1024 * 1024


@pytest.fixture
def server() -> Iterator[BedrockWithPage]:
    """Serve in this process."""
    with BedrockWithPage(keep=1000) as server:
        yield server


def send(url: str, method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    try:
        connection.request(method, target, body, dict(headers))
        response = connection.getresponse()
        text = response.read()
        return response.status, json.loads(text) if text.startswith(b"{") else {}
    finally:
        connection.close()


def raw(url: str, data: bytes) -> bytes:
    """Send bytes and read until the server closes the connection."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=30) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    return received


@pytest.mark.parametrize(
    ("method", "target", "headers", "status"),
    [
        pytest.param("POST", CONVERSE, JSON, 200, id="AWS SDK"),
        pytest.param("POST", CONVERSE, JSON | {"Host": "localhost:1"}, 200, id="localhost"),
        pytest.param("POST", CONVERSE, {"Content-Type": "application/json; charset=utf-8"}, 200, id="charset"),
        pytest.param("POST", CONVERSE, JSON | {"Host": "evil.example"}, 403, id="other host"),
        pytest.param("POST", CONVERSE, JSON | {"Host": "[::1"}, 403, id="malformed host"),
        pytest.param("POST", CONVERSE, JSON | {"Host": ""}, 403, id="empty host"),
        pytest.param("GET", "/guardrails", {"Host": "evil.example"}, 403, id="other host reads"),
        pytest.param("POST", CONVERSE, JSON | {"Origin": "https://evil.example"}, 403, id="other origin"),
        pytest.param("POST", CONVERSE, JSON | {"Origin": "null"}, 403, id="opaque origin"),
        pytest.param("POST", CONVERSE, {"Content-Type": "text/plain"}, 415, id="text"),
        pytest.param("POST", CONVERSE, {"Content-Type": "application/x-www-form-urlencoded"}, 415, id="form"),
        pytest.param("POST", CONVERSE, {"Content-Type": "multipart/form-data; boundary=x"}, 415, id="multipart"),
        pytest.param("POST", CONVERSE, {}, 415, id="no content type"),
        pytest.param("POST", CONVERSE, {"Authorization": "AWS4-HMAC-SHA256 x"}, 200, id="boto3 without a content type"),
        pytest.param("POST", "/guardrails", {"Content-Type": "text/plain"}, 415, id="control plane"),
        pytest.param("PUT", "/guardrails/abc1", {"Content-Type": "text/plain"}, 415, id="PUT"),
        pytest.param("DELETE", "/guardrails/abc1", {"Origin": "https://evil.example"}, 403, id="DELETE"),
        pytest.param("POST", "/_guardedbedrock/calls", {"Content-Type": "text/plain"}, 415, id="page"),
    ],
)
def test_requests_of_other_sites_are_refused_and_not_recorded(
    server: BedrockWithPage, method: str, target: str, headers: Mapping[str, str], status: int
) -> None:
    answered, _ = send(server.endpoint_url, method, target, headers, b"" if method in ("GET", "DELETE") else BODY)

    assert answered == status
    assert len(server.requests) == (status == 200)


def test_another_host_can_be_allowed() -> None:
    with BedrockWithPage(hosts=["host.docker.internal"]) as server:
        assert send(server.endpoint_url, "POST", CONVERSE, JSON | {"Host": "host.docker.internal:1"}, BODY)[0] == 200


@pytest.mark.parametrize("size", [32 * MEGABYTE + 1, 10**17, 10**30], ids=["one byte too many", "huge", "longer than a number"])
def test_a_body_that_is_too_large_is_refused(server: BedrockWithPage, size: int) -> None:
    head = f"POST {CONVERSE} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {size}\r\n\r\n"

    received = raw(server.endpoint_url, head.encode() + b"x" * 1000)

    assert received.startswith(b"HTTP/1.1 413 ")
    assert b"exceeds 33,554,432 bytes" in received
    assert server.requests == []


def test_a_client_that_sends_a_body_that_is_too_large_reads_the_error(server: BedrockWithPage) -> None:
    status, error = send(server.endpoint_url, "POST", CONVERSE, JSON, b"x" * (33 * MEGABYTE))

    assert (status, error) == (413, {"message": "the body exceeds 33,554,432 bytes"})


def test_the_largest_body_is_accepted(server: BedrockWithPage) -> None:
    body = BODY + b" " * (LIMITS.body or 0 - len(BODY))

    assert send(server.endpoint_url, "POST", CONVERSE, JSON, body[: LIMITS.body])[0] == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-Large": "x" * 60_000}, 200),
        ({"X-Large": "x" * 40_000, "X-Other": "x" * 40_000}, 431),
        ({"X-Large": "x" * 70_000}, 431),
        ({f"X-{number}": "x" for number in range(200)}, 431),
    ],
)
def test_headers_are_limited(server: BedrockWithPage, headers: Mapping[str, str], status: int) -> None:
    assert send(server.endpoint_url, "POST", CONVERSE, {**JSON, **headers}, BODY)[0] == status


class ImpatientBedrock(BedrockWithPage):
    _limits = RequestLimits(headers=1000, body=1000, idle=0.5, request=0.5)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="no request"),
        pytest.param(b"POST / HT", id="request line"),
        pytest.param(b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n", id="headers"),
        pytest.param(b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 900\r\n\r\nx", id="body"),
    ],
)
def test_a_slow_client_is_disconnected(data: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    """A byte now and then does not extend the time."""
    with ImpatientBedrock() as server:
        address = urlsplit(server.endpoint_url)
        with socket.create_connection((address.hostname or "", address.port or 0), timeout=10) as connection:
            started = time.monotonic()
            connection.sendall(data)
            connection.settimeout(0.1)
            closed = False
            while not closed and time.monotonic() - started < 8:
                try:
                    closed = connection.recv(1) == b""
                except TimeoutError:
                    if data:
                        connection.sendall(b"x")
                except ConnectionError:
                    closed = True

        assert closed
        assert send(server.endpoint_url, "GET", "/guardrails", {})[0] == 200

    assert "Traceback" not in capfd.readouterr().err


MALFORMED = [
    pytest.param(b"\x00\xff\x16\x03\x01", id="no HTTP"),
    pytest.param(b"GET\r\n\r\n", id="no target"),
    pytest.param(b"BREW / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", id="unknown method"),
    pytest.param(b"GET //[ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", id="malformed target"),
    pytest.param(b"GET http://[ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", id="malformed URL"),
    pytest.param(b"GET /%ff%00 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", id="escapes"),
    pytest.param(b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", id="long target"),
    pytest.param(b"GET /_guardedbedrock/calls?limit=x HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", id="limit"),
    pytest.param(b"GET /_guardedbedrock/calls?limit=99999999999 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", id="large limit"),
    pytest.param(b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n", id="negative length"),
    pytest.param(b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1_0\r\n\r\n", id="odd length"),
    pytest.param(b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", id="endless length"),
    pytest.param(b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", id="chunked"),
    pytest.param(b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nNo colon\r\n\r\n", id="header without a colon"),
]


@pytest.mark.parametrize("data", MALFORMED)
def test_a_malformed_request_is_an_error_without_a_traceback(
    server: BedrockWithPage, capfd: pytest.CaptureFixture[str], data: bytes
) -> None:
    received = raw(server.endpoint_url, data)

    assert b"HTTP/1.1 2" not in received
    assert b" 500 " not in received.split(b"\r\n")[0]
    assert b"4" in received[:13] or b"501" in received or b"Error code: 400" in received or b"505" in received
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"[" * 200_000, id="deep"),
        pytest.param(b'{"messages": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", id="deep member"),
        pytest.param(b'{"messages": ' + b"9" * 10_000 + b"}", id="long number"),
        pytest.param(b"{", id="broken"),
        pytest.param(b"\xff\xfe", id="no UTF-8"),
        pytest.param(b'{"messages": "\\ud800"}', id="lone surrogate"),
        pytest.param(b"null", id="null"),
    ],
)
def test_a_malformed_body_is_a_client_error_without_a_traceback(
    server: BedrockWithPage, capfd: pytest.CaptureFixture[str], body: bytes
) -> None:
    status, _ = send(server.endpoint_url, "POST", CONVERSE, JSON, body)
    shown, _ = send(server.endpoint_url, "GET", "/_guardedbedrock/calls", {})

    assert (status, shown) == (400, 200)
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize("repeated", ["Host: evil.example", "host: 127.0.0.1", "Content-Length: 3", "content-length: 2"])
@pytest.mark.parametrize("is_first", [True, False])
def test_a_header_that_decides_the_receiver_or_the_length_may_not_be_repeated(
    server: BedrockWithPage, repeated: str, *, is_first: bool
) -> None:
    lines = ["Host: 127.0.0.1", "Content-Length: 2", "Content-Type: application/json"]
    headers = "\r\n".join([repeated, *lines] if is_first else [*lines, repeated])

    received = raw(server.endpoint_url, f"POST {CONVERSE} HTTP/1.1\r\n{headers}\r\n\r\n{{}}".encode())

    assert received.startswith(b"HTTP/1.1 400 ")
    assert f"the request has the header {repeated.partition(':')[0].title()} twice".encode() in received
    assert server.requests == []


def test_a_client_that_closes_the_connection_early_is_not_recorded(server: BedrockWithPage) -> None:
    head = f"POST {CONVERSE} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n"

    assert raw(server.endpoint_url, head.encode() + BODY) == b""
    assert server.requests == []


def test_stored_calls_have_a_bounded_size() -> None:
    with BedrockWithPage(keep=1000, keep_bytes=10_000) as server:
        for number in range(20):
            body = json.dumps({"messages": ask(f"{number} {'x' * 2000}")["messages"]}).encode()
            assert send(server.endpoint_url, "POST", CONVERSE, JSON, body)[0] == 200
        kept = server.requests

        assert 3 <= len(kept) < 5
        assert sum(request.size for request in kept) <= 10_000
        assert kept[-1].params["messages"][0]["content"][0]["text"].startswith("19 ")


def pages(server: BedrockWithPage, query: str) -> Iterator[dict[str, Any]]:
    """Read pages until there are no more."""
    after, more = "", True
    while more:
        status, batch = send(server.endpoint_url, "GET", f"/_guardedbedrock/calls?after={after}{query}", {})
        assert status == 200
        yield batch
        more = batch["more"]
        after = batch["calls"][-1]["id"] if batch["calls"] else ""


def test_calls_are_paged_from_the_oldest_to_the_newest(server: BedrockWithPage) -> None:
    for number in range(25):
        body = json.dumps({"messages": ask(f"number {number}.")["messages"]}).encode()
        send(server.endpoint_url, "POST", CONVERSE, JSON, body)

    batches = list(pages(server, "&limit=10"))

    assert [len(batch["calls"]) for batch in batches] == [10, 10, 5]
    assert [batch["reset"] for batch in batches] == [True, False, False]
    shown = [call for batch in batches for call in batch["calls"]]
    assert all(f"number {number}." in call["params"] for number, call in enumerate(shown))


def test_after_ten_thousand_requests_the_page_shows_the_newest_thousand(server: BedrockWithPage) -> None:
    connection = http.client.HTTPConnection(urlsplit(server.endpoint_url).netloc, timeout=30)
    for _ in range(10_000):
        connection.request("POST", CONVERSE, BODY, JSON)
        response = connection.getresponse()
        response.read()
        assert response.status == 200
    connection.close()
    newest = send(server.endpoint_url, "POST", CONVERSE, JSON, json.dumps({"messages": ask("the newest")["messages"]}).encode())

    shown = [call for batch in pages(server, "") for call in batch["calls"]]

    assert (newest[0], len(shown), len(server.requests)) == (200, 1000, 1000)
    assert "the newest" in shown[-1]["params"]


def test_a_page_has_a_bounded_size(server: BedrockWithPage) -> None:
    """Long parameters are shortened, and a page has fewer calls when they are long."""
    body = json.dumps({"messages": ask("x" * 500_000)["messages"]}).encode()
    for _ in range(15):
        assert send(server.endpoint_url, "POST", CONVERSE, JSON, body)[0] == 200

    batches = list(pages(server, ""))

    assert sum(len(batch["calls"]) for batch in batches) == 15
    assert max(len(batch["calls"]) for batch in batches) < 15
    params = batches[0]["calls"][0]["params"]
    assert len(params) < 101_000
    assert params.endswith("more characters")


def test_the_process_survives_hostile_requests(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        for parameter in MALFORMED:
            raw(served.url, parameter.values[0])  # type: ignore[arg-type]
        client = served.client()
        with pytest.raises(ClientError) as refused:
            client.converse(**ask("x" * (33 * MEGABYTE)))
        assert client.converse(**ask())["stopReason"] == "end_turn"
        client.close()
        code, errors = served.end()

    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413
    assert (code, errors) == (0, "")
