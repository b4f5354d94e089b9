"""What was said is on spans only where the application asks for it, by the conventions' own variable."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest
from aws.rig import ask, read
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from guardedbedrock.telemetry import CallSpans
from guardedbedrock.telemetry.content import VARIABLE, message

if TYPE_CHECKING:
    from aws.rig import Make

SECRET: Final = "the merger with Acme"
CONTENT: Final = (
    "gen_ai.request.stop_sequences",
    "gen_ai.input.messages",
    "gen_ai.output.messages",
    "gen_ai.system_instructions",
)


def captured(house: Make, method: str, **extra: Any) -> list[dict[str, Any]]:
    """Make a call, and give the content attributes of every span."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    made = house(listeners=[CallSpans(provider.get_tracer("guardedbedrock"), slow_preflight=600.0)])
    made.fake.reply("as you wish")
    read(getattr(made.client, method)(**ask(method, SECRET), **extra))
    spans = exporter.get_finished_spans()
    return [{name: load(value) for name, value in (span.attributes or {}).items() if name in CONTENT} for span in spans]


def load(value: Any) -> Any:
    """Read what is JSON, and list what is a list."""
    return json.loads(value) if isinstance(value, str) else list(value)


@pytest.mark.parametrize("method", ["converse", "converse_stream"])
@pytest.mark.parametrize("asked", ["true", "SPAN_ONLY", "span_and_event"])
def test_who_asks_gets_what_was_said(house: Make, monkeypatch: pytest.MonkeyPatch, method: str, asked: str) -> None:
    """On the span of the request, in the conventions' form."""
    monkeypatch.setenv(VARIABLE, asked)

    stops = {"stopSequences": ["STOP"], "maxTokens": 9}
    request, call = captured(house, method, system=[{"text": "be brief"}], inferenceConfig=stops)

    assert request.pop("gen_ai.request.stop_sequences") == ["STOP"]
    assert request["gen_ai.input.messages"] == [{"role": "user", "parts": [{"type": "text", "content": SECRET}]}]
    assert request["gen_ai.system_instructions"] == [{"type": "text", "content": "be brief"}]
    (answer,) = request["gen_ai.output.messages"]
    assert (answer["role"], answer["finish_reason"]) == ("assistant", "end_turn")
    assert answer["parts"] == [{"type": "text", "content": "as you wish"}]
    assert call == {}


@pytest.mark.parametrize("asked", ["", "false", "event_only", "no_content", "1"])
def test_who_does_not_ask_gets_nothing(house: Make, monkeypatch: pytest.MonkeyPatch, asked: str) -> None:
    """Only the words that mean spans do."""
    monkeypatch.setenv(VARIABLE, asked)

    assert captured(house, "converse", inferenceConfig={"stopSequences": ["STOP"]}) == [{}, {}]


BLOCKS: Final = [
    {"text": "a"},
    {"guardContent": {"text": {"text": "b", "qualifiers": ["query"]}}},
    {"toolUse": {"toolUseId": "t", "name": "f", "input": {"x": 1}}},
    {"toolResult": {"toolUseId": "t", "content": [{"text": "c"}, {"json": {"y": 2}}]}},
    {"image": {"format": "png", "source": {"bytes": b"\x89PNG"}}},
]


def test_every_content_block_has_a_form() -> None:
    """Of what is no text only the kind is said."""
    assert message({"role": "user", "content": BLOCKS})["parts"] == [
        {"type": "text", "content": "a"},
        {"type": "text", "content": "b"},
        {"type": "tool_call", "id": "t", "name": "f", "arguments": {"x": 1}},
        {"type": "tool_call_response", "id": "t", "response": ["c", {"y": 2}]},
        {"type": "image"},
    ]
