"""The tracer of Datadog, which patches botocore: it traces guarded calls as it traces plain ones."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Final

os.environ |= {"DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false", "DD_REMOTE_CONFIGURATION_ENABLED": "false"}

import boto3
import ddtrace
import pytest
from ddtrace.trace import TraceFilter, tracer
from frameworks.helpers import DENIED_MODEL, HR, MODEL, guarded

from guardedbedrock import ExplicitDenyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from guardedbedrock import Guard
    from guardedbedrock.testing import FakeBedrock

REF: Final = {"guardrailIdentifier": HR.arn, "guardrailVersion": HR.version}
TALK: Final[Any] = {"modelId": MODEL, "messages": [{"role": "user", "content": [{"text": "hello there"}]}]}
BODY: Final = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": [{"role": "user", "content": "hello"}]}
INVOKE: Final[Any] = {"modelId": MODEL, "body": json.dumps(BODY)}
CALLS: Final[dict[str, tuple[dict[str, Any], dict[str, Any]]]] = {
    "converse": (TALK, {"guardrailConfig": REF}),
    "converse_stream": (TALK, {"guardrailConfig": REF}),
    "invoke_model": (INVOKE, REF),
    "invoke_model_with_response_stream": (INVOKE, REF),
}
"""Parameters of a call, and the parameters with which a plain client names the guardrail."""
WAYS: Final[dict[str, Callable[[Guard, FakeBedrock], Any]]] = {
    "created": lambda guard, fake: guard.client("bedrock-runtime", **fake.client_kwargs()),
    "wrapped": lambda guard, fake: guard.wrap(boto3.client("bedrock-runtime", **fake.client_kwargs())),
}
EVERY_WAY: Final = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


class Collector(TraceFilter):
    """Keeps the spans, and sends none to an agent."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, str, int]] = []

    def process_trace(self, trace: list[Any]) -> None:
        """Keep name, resource and error of each span."""
        self.spans += [(span.name, span.resource, span.error) for span in trace]


COLLECTOR: Final = Collector()
tracer.configure(trace_processors=[COLLECTOR])
ddtrace.patch(botocore=True)


@pytest.fixture(autouse=True)
def spans() -> Iterator[list[tuple[str, str, int]]]:
    """Give the spans of a test."""
    COLLECTOR.spans.clear()
    yield COLLECTOR.spans
    COLLECTOR.spans.clear()


def read(response: dict[str, Any]) -> Any:
    """Read a response to its end."""
    if "stream" in response:
        return list(response["stream"])
    body = response.get("body")
    return response["output"] if body is None else body.read() if hasattr(body, "read") else list(body)


def same(method: str, way: Any, guard: Guard, fake: FakeBedrock, spans: list[tuple[str, str, int]]) -> None:
    """Check that a guarded client and a plain one have the same reply and the same spans."""
    params, ref = CALLS[method]
    expected = read(getattr(boto3.client("bedrock-runtime", **fake.client_kwargs()), method)(**params, **ref))
    plain = list(spans)
    spans.clear()
    actual = read(getattr(way(guard, fake), method)(**params))

    assert actual == expected
    assert plain
    assert spans == plain
    assert len(guarded(fake)) == 2


@EVERY_WAY
@pytest.mark.parametrize("method", ["converse", "invoke_model"])
def test_sync(fake: FakeBedrock, guard: Guard, spans: Any, method: str, way: Any) -> None:
    same(method, way, guard, fake, spans)


@EVERY_WAY
@pytest.mark.parametrize("method", ["converse_stream", "invoke_model_with_response_stream"])
def test_sync_stream(fake: FakeBedrock, guard: Guard, spans: Any, method: str, way: Any) -> None:
    same(method, way, guard, fake, spans)


@EVERY_WAY
def test_a_refused_call_has_no_span(fake: FakeBedrock, guard: Guard, spans: Any, way: Any) -> None:
    with pytest.raises(ExplicitDenyError):
        way(guard, fake).converse(**{**TALK, "modelId": DENIED_MODEL})

    assert spans == []
    assert fake.requests == []
