"""
The load that the fake serves: Converse echoes beside the cheapest Bedrock call of moto's server, and 300 streams at once.

The requests are measured in processor time of the server, because a wall time on a machine with other work says little.
"""

from __future__ import annotations

import json
import logging
import resource
import subprocess
import sys
from collections.abc import Iterator
from time import perf_counter, process_time
from typing import Final

import boto3
from botocore.config import Config
from measuring import NO_BUDGET, Row
from moto.server import ThreadedMotoServer

from guardedbedrock.testing import FakeBedrock, prose

MODEL: Final = "anthropic.claude-3-haiku-20240307-v1:0"
STREAMS: Final = 300
REQUESTS: Final = 2000
BODY: Final = json.dumps({"messages": [{"role": "user", "content": [{"text": "hello"}]}]})
ROUNDS: Final = 3
FURTHER: Final = 10_000
_TARGET: Final = 1e6 / 2000  # us a request, at 2,000 requests a second on one core
_GROWTH: Final = 2.0  # MB

# Another process sends the requests, so that only the server uses the interpreter lock of this one.
_SENDER: Final = """
import http.client, sys, threading
host, method, path, body, count = *sys.argv[1:5], int(sys.argv[5])
scope = "Credential=a/20260101/us-east-1/bedrock/aws4_request"
headers = {"Content-Type": "application/json", "Authorization": "AWS4-HMAC-SHA256 " + scope}
def send():
    connection = http.client.HTTPConnection(host)
    for _ in range(count // 4):
        connection.request(method, path, body or None, headers)
        response = connection.getresponse()
        response.read()
        assert response.status == 200, response.status
threads = [threading.Thread(target=send) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


def fake() -> Iterator[Row]:
    """Requests over kept connections, memory, and streams of 50 words."""
    with FakeBedrock(keep=100) as server:
        converse = server.endpoint_url, "POST", f"/model/{MODEL}/converse", BODY
        ours = _microseconds(*converse)
        grown = _growth(*converse)
        streams, spent = _streams(server)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # its access log would slow moto down
    moto = ThreadedMotoServer(port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    theirs = _microseconds(f"http://{host}:{port}", "GET", "/logging/modelinvocations", "")
    moto.stop()
    yield Row("Converse echo by the fake, a request (processor)", _TARGET, ours, "us")
    yield Row("logging configuration by moto's server, a request (processor)", NO_BUDGET, theirs, "us")
    yield Row("Converse echo by the fake / logging configuration by moto", 1, ours / theirs, "x")
    yield Row(f"memory of the fake, growth over {FURTHER:,} requests", _GROWTH, grown, "MB")
    yield Row(f"{STREAMS} streams of 50 words at once, with their client", NO_BUDGET, streams, "s")
    yield Row(f"{STREAMS} streams of 50 words at once, with their client (processor)", NO_BUDGET, spent, "s")


def _microseconds(url: str, method: str, path: str, body: str) -> float:
    """Return the processor time of this process for a request, in us: the least of several rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        started = process_time()
        _send(url, method, path, body, REQUESTS)
        best = min(best, process_time() - started)
    return best / REQUESTS * 1e6


def _growth(url: str, method: str, path: str, body: str) -> float:
    """Return how much the peak memory of this process grows during further requests, in MB."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    _send(url, method, path, body, FURTHER)
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def _send(url: str, method: str, path: str, body: str, count: int) -> None:
    command = [sys.executable, "-c", _SENDER, url.removeprefix("http://"), method, path, body, str(count)]
    subprocess.run(command, check=True)  # noqa: S603 - our script


def _streams(server: FakeBedrock) -> tuple[float, float]:
    """Open all streams, then read each to its end. Return the seconds, and the processor time in seconds."""
    server.reply(prose(50), times=None)
    client = boto3.client("bedrock-runtime", **server.client_kwargs(), config=Config(max_pool_connections=STREAMS))
    messages = [{"role": "user", "content": [{"text": "hello"}]}]
    started, spent = perf_counter(), process_time()
    opened = [client.converse_stream(modelId=MODEL, messages=messages)["stream"] for _ in range(STREAMS)]
    stopped = sum("messageStop" in event for stream in opened for event in stream)
    if stopped != STREAMS:
        raise RuntimeError(f"{stopped} of {STREAMS} streams ended")
    return perf_counter() - started, process_time() - spent
