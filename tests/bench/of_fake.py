"""The load that the fake serves: Converse echoes beside the cheapest Bedrock call of moto's server, and 300 streams at once."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from time import perf_counter
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
_TARGET: Final = 1e6 / 2000  # us a request, at 2,000 requests a second

# Another process sends the requests, so that only the server uses the interpreter lock of this one.
_SENDER: Final = """
import http.client, sys, threading, time
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
started = time.perf_counter()
for thread in threads: thread.start()
for thread in threads: thread.join()
print((time.perf_counter() - started) / count * 1e6)
"""


def fake() -> Iterator[Row]:
    """Requests over kept connections, and streams of 50 words."""
    with FakeBedrock(keep=100) as server:
        ours = _microseconds(server.endpoint_url, "POST", f"/model/{MODEL}/converse", BODY)
        streams = _streams(server)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # its access log would slow moto down
    moto = ThreadedMotoServer(port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    theirs = _microseconds(f"http://{host}:{port}", "GET", "/logging/modelinvocations", "")
    moto.stop()
    yield Row("Converse echo by the fake, a request", _TARGET, ours, "us")
    yield Row("logging configuration by moto's server, a request", NO_BUDGET, theirs, "us")
    yield Row("Converse echo by the fake / logging configuration by moto", 1, ours / theirs, "x")
    yield Row(f"{STREAMS} streams of 50 words at once", NO_BUDGET, streams, "s")


def _microseconds(url: str, method: str, path: str, body: str) -> float:
    command = [sys.executable, "-c", _SENDER, url.removeprefix("http://"), method, path, body, str(REQUESTS)]
    done = subprocess.run(command, capture_output=True, check=True, text=True)  # noqa: S603 - our script
    return float(done.stdout)


def _streams(server: FakeBedrock) -> float:
    """Open all streams, then read each to its end. Return the seconds."""
    server.reply(prose(50), times=None)
    client = boto3.client("bedrock-runtime", **server.client_kwargs(), config=Config(max_pool_connections=STREAMS))
    messages = [{"role": "user", "content": [{"text": "hello"}]}]
    started = perf_counter()
    opened = [client.converse_stream(modelId=MODEL, messages=messages)["stream"] for _ in range(STREAMS)]
    stopped = sum("messageStop" in event for stream in opened for event in stream)
    if stopped != STREAMS:
        raise RuntimeError(f"{stopped} of {STREAMS} streams ended")
    return perf_counter() - started
