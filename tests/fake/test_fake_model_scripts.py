"""Replies, tools, latency and token rates for one model."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from guardedbedrock.errors import ConfigurationError
from guardedbedrock.testing import named_tools
from guardedbedrock.testing.faults import Fail, Latency, TokenRate

if TYPE_CHECKING:
    from collections.abc import Callable

HAIKU = "us.anthropic.claude-3-haiku-20240307-v1:0"
NOVA = "amazon.nova-lite-v1:0"
CITY = {"type": "object", "properties": {"city": {"type": "string", "enum": ["Paris"]}}, "required": ["city"]}
TOOLS = {"tools": [{"toolSpec": {"name": name, "inputSchema": {"json": CITY}}} for name in ("get_time", "get_weather")]}


def _say(client: Any, model: str, text: str = "hello", **params: Any) -> Any:
    messages = [{"role": "user", "content": [{"text": text}]}]
    return client.converse(modelId=model, messages=messages, **params)["output"]["message"]["content"]


def test_a_reply_for_one_model(serve: Callable[..., Any]) -> None:
    """Calls of other models do not use it up."""
    fake, client = serve()
    fake.reply("I am Claude.", model="*anthropic.*")

    replies = [_say(client, model)[0]["text"] for model in (NOVA, HAIKU, HAIKU)]

    assert replies == ["You said: hello", "I am Claude.", "You said: hello"]


def test_a_fault_for_one_model(serve: Callable[..., Any]) -> None:
    """The other models answer."""
    fake, client = serve()
    fake.fault(Fail(503, "ServiceUnavailableException", "busy"), model=HAIKU, times=None)

    assert _say(client, NOVA) == [{"text": "You said: hello"}]
    with pytest.raises(client.exceptions.ServiceUnavailableException):
        _say(client, HAIKU)


def test_the_named_tool_is_called(serve: Callable[..., Any]) -> None:
    """With an instance of its schema; a message that names no tool gets the echo."""
    fake, client = serve()
    fake.reply(named_tools(), times=None)

    (called,) = _say(client, HAIKU, "Please use get_weather now.", toolConfig=TOOLS)

    assert (called["toolUse"]["name"], called["toolUse"]["input"]) == ("get_weather", {"city": "Paris"})
    assert _say(client, HAIKU, "What is the weather?", toolConfig=TOOLS) == [{"text": "You said: What is the weather?"}]


def test_the_results_of_the_tool_are_returned(serve: Callable[..., Any]) -> None:
    """So that a loop over tools ends."""
    fake, client = serve()
    fake.reply(named_tools(), times=None)
    messages = [{"role": "user", "content": [{"text": "get_weather"}]}]
    call = {"modelId": HAIKU, "toolConfig": TOOLS}
    reply = client.converse(messages=messages, **call)
    use = reply["output"]["message"]["content"][0]["toolUse"]
    result = {"toolUseId": use["toolUseId"], "content": [{"json": {"degrees": 21}}]}
    messages += [reply["output"]["message"], {"role": "user", "content": [{"toolResult": result}]}]

    last = client.converse(messages=messages, **call)

    assert reply["stopReason"] == "tool_use"
    assert last["output"]["message"]["content"] == [{"text": 'The tools returned: {"degrees": 21}'}]


def test_a_stream_arrives_at_the_rate_of_its_model(serve: Callable[..., Any]) -> None:
    """The first event after the latency, the others one after another."""
    fake, client = serve()
    fake.reply("a b c d e f g h", times=None)
    fake.fault(Latency(0.1), TokenRate(50), model=HAIKU, times=None)

    def seconds(model: str) -> float:
        started = time.monotonic()
        messages = [{"role": "user", "content": [{"text": "hello"}]}]
        with closing(client.converse_stream(modelId=model, messages=messages)["stream"]) as stream:
            assert len([event for event in stream if "contentBlockDelta" in event]) == 8
        return time.monotonic() - started

    seconds(NOVA)
    assert seconds(HAIKU) >= 0.1 + 12 / 50
    assert fake.requests[0].faults == ()


def test_a_token_rate_must_be_positive() -> None:
    """Zero would never end."""
    with pytest.raises(ConfigurationError, match="per_second: expected a finite number"):
        TokenRate(0)
