"""Prompts and completions are on spans only if the application sets the variable of the semantic conventions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest
from harness.clients import CONVERSATIONS, INVOCATIONS, ask, read
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from guardedbedrock import StreamInterruptedError
from guardedbedrock.telemetry import CallSpans
from guardedbedrock.telemetry.content.capture import VARIABLE
from guardedbedrock.testing import ToolUse
from guardedbedrock.testing.faults import BreakStream

if TYPE_CHECKING:
    from harness.clients import Make

SECRET: Final = "the merger with Acme"
CONTENT: Final = (
    "gen_ai.request.stop_sequences",
    "gen_ai.input.messages",
    "gen_ai.output.messages",
    "gen_ai.system_instructions",
)


def captured(harness: Make, method: str, said: Any = "as you wish", **params: Any) -> list[dict[str, Any]]:
    """Make a call, and return the content attributes of every span."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    env = harness(listeners=[CallSpans(provider.get_tracer("guardedbedrock"), slow_preflight=600.0)])
    env.fake.reply(said)
    read(getattr(env.client, method)(**{**ask(method, SECRET), **params}))
    spans = exporter.get_finished_spans()
    return [{name: load(value) for name, value in (span.attributes or {}).items() if name in CONTENT} for span in spans]


def load(value: Any) -> Any:
    """Parse JSON strings, and convert sequences to lists."""
    return json.loads(value) if isinstance(value, str) else list(value)


@pytest.mark.parametrize("method", ["converse", "converse_stream"])
@pytest.mark.parametrize("asked", ["true", "SPAN_ONLY", "span_and_event"])
def test_content_capture_writes_prompt_and_completion_on_the_span_of_the_request(
    harness: Make, monkeypatch: pytest.MonkeyPatch, method: str, asked: str
) -> None:
    monkeypatch.setenv(VARIABLE, asked)

    stops = {"stopSequences": ["STOP"], "maxTokens": 9}
    request, call = captured(harness, method, system=[{"text": "be brief"}], inferenceConfig=stops)

    assert request.pop("gen_ai.request.stop_sequences") == ["STOP"]
    assert request["gen_ai.input.messages"] == [{"role": "user", "parts": [{"type": "text", "content": SECRET}]}]
    assert request["gen_ai.system_instructions"] == [{"type": "text", "content": "be brief"}]
    (answer,) = request["gen_ai.output.messages"]
    assert (answer["role"], answer["finish_reason"]) == ("assistant", "end_turn")
    assert answer["parts"] == [{"type": "text", "content": "as you wish"}]
    assert call == {}


ASKED: Final = [{"role": "user", "parts": [{"type": "text", "content": SECRET}]}]
MESSAGES: Final = [{"role": "user", "content": SECRET}]
FAMILIES: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "anthropic": ("anthropic.claude-3-haiku-20240307-v1:0", {"messages": MESSAGES, "max_tokens": 9}),
    "nova": ("amazon.nova-lite-v1:0", {"messages": [{"role": "user", "content": [{"text": SECRET}]}]}),
    "titan": ("amazon.titan-text-express-v1", {"inputText": SECRET}),
    "llama": ("meta.llama3-8b-instruct-v1:0", {"prompt": SECRET}),
    "mistral": ("mistral.mistral-7b-instruct-v0:2", {"prompt": SECRET}),
    "mistral-chat": ("mistral.mistral-large-2407-v1:0", {"messages": MESSAGES}),
    "command": ("cohere.command-text-v14", {"prompt": SECRET}),
    "command-r": ("cohere.command-r-v1:0", {"message": SECRET}),
    "jamba": ("ai21.jamba-1-5-mini-v1:0", {"messages": MESSAGES}),
    "openai": ("openai.gpt-oss-20b-1:0", {"messages": MESSAGES}),
    "deepseek": ("deepseek.r1-v1:0", {"prompt": SECRET}),
}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("method", INVOCATIONS)
def test_content_capture_reads_the_bodies_of_every_model_family(
    harness: Make, monkeypatch: pytest.MonkeyPatch, method: str, family: str
) -> None:
    monkeypatch.setenv(VARIABLE, "true")
    model, body = FAMILIES[family]

    request, call = captured(harness, method, modelId=model, body=json.dumps(body).encode())

    assert request["gen_ai.input.messages"] == ASKED
    (answer,) = request["gen_ai.output.messages"]
    assert (answer["role"], answer["parts"]) == ("assistant", [{"type": "text", "content": "as you wish"}])
    assert answer["finish_reason"] != ""
    assert call == {}


@pytest.mark.parametrize("method", [*CONVERSATIONS, *INVOCATIONS])
def test_content_capture_writes_tool_calls(harness: Make, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    """Their pieces in a stream are joined."""
    monkeypatch.setenv(VARIABLE, "true")

    request, _ = captured(harness, method, ["let me look", ToolUse("weather", {"city": "Rome"}, id="t1")])

    (answer,) = request["gen_ai.output.messages"]
    assert answer["finish_reason"] == "tool_use"
    assert answer["parts"] == [
        {"type": "text", "content": "let me look"},
        {"type": "tool_call", "id": "t1", "name": "weather", "arguments": {"city": "Rome"}},
    ]


@pytest.mark.parametrize("method", ["converse_stream", "invoke_model_with_response_stream"])
def test_content_capture_of_a_broken_stream_has_what_arrived(harness: Make, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    monkeypatch.setenv(VARIABLE, "true")
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    env = harness(listeners=[CallSpans(provider.get_tracer("guardedbedrock"), slow_preflight=600.0)])
    env.fake.reply("as you wish")
    env.fake.fault(BreakStream("modelStreamErrorException", after=3))

    with pytest.raises(StreamInterruptedError):
        read(getattr(env.client, method)(**ask(method, SECRET)))

    request, _ = exporter.get_finished_spans()
    (answer,) = load((request.attributes or {})["gen_ai.output.messages"])
    assert "".join(part["content"] for part in answer["parts"]) in {"as", "as you"}


@pytest.mark.parametrize("method", [*CONVERSATIONS, *INVOCATIONS])
@pytest.mark.parametrize("asked", ["", "false", "event_only", "no_content", "1"])
def test_without_content_capture_no_span_has_content(
    harness: Make, monkeypatch: pytest.MonkeyPatch, asked: str, method: str
) -> None:
    monkeypatch.setenv(VARIABLE, asked)
    stops = {"inferenceConfig": {"stopSequences": ["STOP"]}} if method in CONVERSATIONS else {}

    assert captured(harness, method, **stops) == [{}, {}]
