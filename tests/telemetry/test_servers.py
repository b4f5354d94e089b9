"""The span of the request names the server that the request went to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import pytest
from harness.clients import CONVERSATIONS, INVOCATIONS, ask, read
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from guardedbedrock.telemetry import CallSpans
from guardedbedrock.telemetry.model_requests import server_of

if TYPE_CHECKING:
    from harness.clients import Make

URLS: Final[dict[Any, tuple[str, int] | None]] = {
    "https://bedrock-runtime.us-east-1.amazonaws.com/model/m/converse": ("bedrock-runtime.us-east-1.amazonaws.com", 443),
    "http://localhost/model/m/invoke": ("localhost", 80),
    "http://127.0.0.1:8080/model/m/invoke?x=1": ("127.0.0.1", 8080),
    "https://[::1]:8443/": ("::1", 8443),
    "https://user:hunter2@proxy.example/": ("proxy.example", 443),
    "ftp://proxy.example/": None,
    "https://proxy.example:port/": None,
    "https://[::1/": None,
    "/model/m/invoke": None,
    "": None,
    None: None,
    b"https://proxy.example:8443/": None,
    7: None,
}


@pytest.mark.parametrize(("url", "server"), URLS.items(), ids=map(str, URLS))
def test_server_of_reads_host_and_port_of_a_url(url: Any, server: tuple[str, int] | None) -> None:
    """It leaves out user and password."""
    expected = dict(zip(("server.address", "server.port"), server, strict=True)) if server else {}

    assert server_of(url) == expected


@pytest.mark.parametrize("method", [*CONVERSATIONS, *INVOCATIONS])
def test_only_the_span_of_the_request_names_the_server(harness: Make, method: str) -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    env = harness(listeners=[CallSpans(provider.get_tracer("guardedbedrock"), slow_preflight=0.0)])
    env.fake.fail_next(429, "ThrottlingException", "slow")

    read(getattr(env.client, method)(**ask(method)))

    there = urlsplit(env.fake.endpoint_url)
    told = [(span.kind, span.attributes or {}) for span in exporter.get_finished_spans()]
    servers = {(kind, each.get("server.address"), each.get("server.port")) for kind, each in told}
    assert servers == {(SpanKind.CLIENT, there.hostname, there.port), (SpanKind.INTERNAL, None, None)}
