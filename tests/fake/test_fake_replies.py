"""Replies of the model: tools, reasoning, limits, prose, and the format of every model family."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from fake.streams import joined

from guardedbedrock.testing import FakeGuardrail, ModelReply, Reasoning, ToolUse, prose

if TYPE_CHECKING:
    from collections.abc import Callable

    Serve: TypeAlias = Callable[..., tuple[Any, Any]]

CLAUDE = "anthropic.claude-3-haiku-20240307-v1:0"
LOOKUP = ToolUse("lookup", {"employee": "Ada", "fields": ["name", "badge"]})
SCHEMA = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "days": {"type": "integer"},
        "unit": {"enum": ["celsius", "kelvin"]},
        "note": {"type": "string"},
        "exact": {"type": "boolean"},
        "at": {"type": "object", "properties": {"x": {"type": "number"}}},
    },
    "required": ["city", "days", "unit", "exact", "at"],
}
FILLED = {"city": "text", "days": 1, "unit": "celsius", "exact": True, "at": {"x": 1.0}}
TOOLS = [{"toolSpec": {"name": name, "inputSchema": {"json": SCHEMA}}} for name in ("weather", "tide")]


def _events(client: Any, **call: Any) -> list[dict[str, Any]]:
    with closing(client.converse_stream(**call)["stream"]) as stream:
        return list(stream)


REPLIES = {
    "a text": "It is so.",
    "a tool": LOOKUP,
    "a text and two tools": ("Let me look.", LOOKUP, ToolUse("lookup", {}, id="tooluse_2")),
    "a thought": (Reasoning("Hm, well."), "It is so."),
    "all of it": (Reasoning("Hm."), "Well.", LOOKUP),
    "a reason of its own": ModelReply(("It is",), "content_filtered"),
    "what a call makes": lambda params: ToolUse("echo", {"model": params["modelId"]}),
}


@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES)
def test_a_stream_has_the_same_content_as_a_whole_reply(serve: Serve, ask: dict[str, Any], reply: Any) -> None:
    """The blocks, the stop reason and the tokens are equal."""
    fake, client = serve()
    fake.reply(reply, times=2)

    whole, events = client.converse(**ask), _events(client, **ask)

    assert joined(events) == (whole["output"]["message"]["content"], whole["stopReason"])
    assert events[-1]["metadata"]["usage"] == whole["usage"]
    assert whole["usage"]["outputTokens"] > 0


def test_a_tool_is_called_and_answered(serve: Serve, ask: dict[str, Any]) -> None:
    """A conversation with a tool: the reply calls the tool, and the next request contains its result."""
    fake, client = serve()
    fake.reply(("Let me look.", LOOKUP), "Ada it is.")

    first = client.converse(**ask, toolConfig={"tools": TOOLS})
    use = first["output"]["message"]["content"][1]["toolUse"]
    result = {"toolResult": {"toolUseId": use["toolUseId"], "content": [{"json": {"name": "Ada"}}]}}
    messages = [*ask["messages"], first["output"]["message"], {"role": "user", "content": [result]}]
    second = client.converse(modelId=CLAUDE, messages=messages, toolConfig={"tools": TOOLS})

    assert (first["stopReason"], second["stopReason"]) == ("tool_use", "end_turn")
    assert (use["name"], use["input"]) == ("lookup", LOOKUP.input)
    assert second["output"]["message"]["content"] == [{"text": "Ada it is."}]


@pytest.mark.parametrize(
    ("choice", "called"), [({"any": {}}, "weather"), ({"tool": {"name": "tide"}}, "tide"), ({"auto": {}}, None)]
)
def test_a_required_tool_is_called(serve: Serve, ask: dict[str, Any], choice: dict[str, Any], called: str | None) -> None:
    """With an input that its schema accepts."""
    _, client = serve()
    reply = client.converse(**ask, toolConfig={"tools": TOOLS, "toolChoice": choice})

    content = reply["output"]["message"]["content"][0]
    assert (reply["stopReason"] == "tool_use") is (called is not None)
    if called:
        assert (content["toolUse"]["name"], content["toolUse"]["input"]) == (called, FILLED)


def test_a_guardrail_assesses_only_text(serve: Serve, ask: dict[str, Any]) -> None:
    """Reasoning and tool calls are not assessed, as at AWS. A masked text keeps its position."""
    fake, client = serve(guardrails=[FakeGuardrail("abc", denied_words=("salary",), pii={"EMAIL": "anonymize"})])
    fake.reply((Reasoning("salary"), "to a@b.com", ToolUse("salary", {"of": "salary"})))
    reply = client.converse(**ask, guardrailConfig={"guardrailIdentifier": "abc", "guardrailVersion": "1"})

    kinds = [next(iter(block)) for block in reply["output"]["message"]["content"]]
    assert kinds == ["reasoningContent", "text", "toolUse"]
    assert reply["output"]["message"]["content"][1] == {"text": "to {EMAIL}"}


LIMITS = {
    "tokens": ({"maxTokens": 2}, "You said", "max_tokens"),
    "enough tokens": ({"maxTokens": 200}, "You said: hello there", "end_turn"),
    "sequence": ({"stopSequences": [" there"]}, "You said: hello", "stop_sequence"),
    "the first sequence": ({"stopSequences": ["there", "said"]}, "You ", "stop_sequence"),
    "both": ({"maxTokens": 1, "stopSequences": [" there"]}, "You ", "max_tokens"),
}


@pytest.mark.parametrize(("config", "text", "reason"), LIMITS.values(), ids=LIMITS)
def test_a_reply_ends_at_its_limits(serve: Serve, ask: dict[str, Any], config: dict[str, Any], text: str, reason: str) -> None:
    """Out of tokens, or at a stop sequence."""
    _, client = serve()
    reply = client.converse(**ask, inferenceConfig=config)

    assert (reply["output"]["message"]["content"], reply["stopReason"]) == ([{"text": text}], reason)


def test_prose_has_the_given_length_and_is_repeatable(serve: Serve, ask: dict[str, Any]) -> None:
    """It streams word by word, and another call gets another text."""
    fake, client = serve()
    fake.reply(prose(80), times=None)
    other = {**ask, "messages": [{"role": "user", "content": [{"text": "something else"}]}]}

    texts = [client.converse(**call)["output"]["message"]["content"][0]["text"] for call in (ask, ask, other)]
    deltas = [event for event in _events(client, **ask) if "contentBlockDelta" in event]

    assert texts[0] == texts[1] != texts[2]
    assert len(texts[0].split()) == len(deltas) >= 80


def _messages(text: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}]}


ANTHROPIC = {"anthropic_version": "bedrock-2023-05-31", "max_tokens": 100}
BODIES: dict[str, tuple[str, dict[str, Any], Any, Any]] = {
    "anthropic": (
        CLAUDE,
        {**ANTHROPIC, **_messages("hello")},
        lambda body: body["content"][0]["text"],
        lambda part: part["delta"]["text"] if part["type"] == "content_block_delta" else "",
    ),
    "nova": (
        "us.amazon.nova-lite-v1:0",
        {**_messages([{"text": "hello"}]), "inferenceConfig": {"max_new_tokens": 100}},
        lambda body: body["output"]["message"]["content"][0]["text"],
        lambda part: part.get("contentBlockDelta", {"delta": {"text": ""}})["delta"]["text"],
    ),
    "titan": (
        "amazon.titan-text-express-v1",
        {"inputText": "hello", "textGenerationConfig": {"maxTokenCount": 100}},
        lambda body: body["results"][0]["outputText"],
        lambda part: part["outputText"],
    ),
    "llama": (
        "us.meta.llama3-1-70b-instruct-v1:0",
        {"prompt": "hello", "max_gen_len": 100},
        lambda body: body["generation"],
        lambda part: part["generation"],
    ),
    "mistral": (
        "mistral.mistral-7b-instruct-v0:2",
        {"prompt": "hello", "max_tokens": 100},
        lambda body: body["outputs"][0]["text"],
        lambda part: part["outputs"][0]["text"],
    ),
    "mistral-chat": (
        "mistral.mistral-large-2407-v1:0",
        _messages("hello"),
        lambda body: body["choices"][0]["message"]["content"],
        lambda part: part["choices"][0]["delta"].get("content", ""),
    ),
    "deepseek": (
        "us.deepseek.r1-v1:0",
        {"prompt": "hello", "max_tokens": 100},
        lambda body: body["choices"][0]["text"],
        lambda part: part["choices"][0]["text"],
    ),
    "command": (
        "cohere.command-text-v14",
        {"prompt": "hello", "max_tokens": 100},
        lambda body: body["generations"][0]["text"],
        lambda part: part.get("text", ""),
    ),
    "command-r": (
        "cohere.command-r-plus-v1:0",
        {"message": "hello"},
        lambda body: body["text"],
        lambda part: part.get("text", ""),
    ),
    "openai": (
        "openai.gpt-oss-120b-1:0",
        {**_messages("hello"), "max_completion_tokens": 100},
        lambda body: body["choices"][0]["message"]["content"],
        lambda part: part["choices"][0]["delta"].get("content", ""),
    ),
    "claude text completions": (
        "anthropic.claude-v2:1",
        {"prompt": "hello", "max_tokens_to_sample": 300},
        lambda body: body["completion"],
        lambda part: part["completion"],
    ),
    "claude 2 messages": (
        "anthropic.claude-v2:1",
        {"max_tokens": 9, "messages": [{"role": "user", "content": "hello"}]},
        lambda body: body["content"][0]["text"],
        lambda part: part.get("delta", {}).get("text", ""),
    ),
    "writer": (
        "writer.palmyra-x5-v1:0",
        {"messages": [{"role": "user", "content": "hello"}]},
        lambda body: body["choices"][0]["message"]["content"],
        lambda part: part["choices"][0]["delta"].get("content", ""),
    ),
    "pegasus": (
        "twelvelabs.pegasus-1-2-v1:0",
        {"inputPrompt": "hello"},
        lambda body: body["message"],
        lambda part: part["message"],
    ),
}


@pytest.mark.parametrize(("model", "sent", "whole", "piece"), BODIES.values(), ids=BODIES)
def test_every_family_has_its_format(serve: Serve, model: str, sent: dict[str, Any], whole: Any, piece: Any) -> None:
    """Body and stream have the same text. The action of the guardrail is in the body and in the last chunk."""
    _, client = serve(guardrails=[FakeGuardrail("abc")])
    call = {"modelId": model, "body": json.dumps(sent), "guardrailIdentifier": "abc", "guardrailVersion": "1"}

    body = json.loads(client.invoke_model(**call)["body"].read())
    with closing(client.invoke_model_with_response_stream(**call)["body"]) as stream:
        parts = [json.loads(event["chunk"]["bytes"]) for event in stream]

    assert whole(body) == "".join(map(piece, parts)) == "You said: hello"
    assert body["amazon-bedrock-guardrailAction"] == parts[-1]["amazon-bedrock-guardrailAction"] == "NONE"
    assert parts[-1]["amazon-bedrock-invocationMetrics"]["inputTokenCount"] == 2


@pytest.mark.parametrize(("model", "sent", "whole", "piece"), BODIES.values(), ids=BODIES)
def test_a_guardrail_assesses_the_text_of_every_format(
    serve: Serve, model: str, sent: dict[str, Any], whole: Any, piece: Any
) -> None:
    """The message of a block is in the format of the model."""
    _, client = serve(guardrails=[FakeGuardrail("abc", denied_words=("hello",), blocked_input="no")])
    call = {"modelId": model, "body": json.dumps(sent), "guardrailIdentifier": "abc", "guardrailVersion": "1"}

    body = json.loads(client.invoke_model(**call)["body"].read())
    with closing(client.invoke_model_with_response_stream(**call)["body"]) as stream:
        text = "".join(piece(json.loads(event["chunk"]["bytes"])) for event in stream)

    assert whole(body) == text == "no"
    assert body["amazon-bedrock-guardrailAction"] == "INTERVENED"


def test_anthropic_calls_tools_and_thinks(serve: Serve) -> None:
    """Whole and streamed, in Anthropic's own shapes."""
    fake, client = serve()
    fake.reply((Reasoning("Hm."), "Well.", LOOKUP), times=2)
    call = {"modelId": CLAUDE, "body": json.dumps({**ANTHROPIC, **_messages([{"type": "text", "text": "hello"}])})}

    body = json.loads(client.invoke_model(**call)["body"].read())
    with closing(client.invoke_model_with_response_stream(**call)["body"]) as stream:
        parts = [json.loads(event["chunk"]["bytes"]) for event in stream]

    assert [block["type"] for block in body["content"]] == ["thinking", "text", "tool_use"]
    assert (body["content"][2]["input"], body["stop_reason"]) == (LOOKUP.input, "tool_use")
    deltas = [part["delta"] for part in parts if part["type"] == "content_block_delta"]
    assert json.loads("".join(delta.get("partial_json", "") for delta in deltas)) == LOOKUP.input
    assert "".join(delta.get("thinking", "") for delta in deltas) == "Hm."
    assert {"signature_delta", "thinking_delta", "text_delta", "input_json_delta"} == {delta["type"] for delta in deltas}
    assert parts[-2]["delta"]["stop_reason"] == "tool_use"


def test_anthropic_calls_a_required_tool(serve: Serve) -> None:
    """By `tool_choice`, with an input that the schema accepts."""
    _, client = serve()
    tools = [{"name": "weather", "input_schema": SCHEMA}]
    body = {**ANTHROPIC, **_messages("hello"), "tools": tools, "tool_choice": {"type": "tool", "name": "weather"}}

    reply = json.loads(client.invoke_model(modelId=CLAUDE, body=json.dumps(body))["body"].read())

    assert [(block["name"], block["input"]) for block in reply["content"]] == [("weather", FILLED)]


def test_a_body_limits_the_answer(serve: Serve) -> None:
    """The fake applies the limit of each format."""
    _, client = serve()
    cut: dict[str, Callable[[Any], str]] = {
        "anthropic": lambda body: body["stop_reason"],
        "nova": lambda body: body["stopReason"],
        "titan": lambda body: body["results"][0]["completionReason"],
        "llama": lambda body: body["stop_reason"],
        "command": lambda body: body["generations"][0]["finish_reason"],
        "openai": lambda body: body["choices"][0]["finish_reason"],
    }
    found = {}
    for name, reason in cut.items():
        model, sent, _, _ = BODIES[name]
        short = json.dumps(sent).replace("100", "1")
        found[name] = reason(json.loads(client.invoke_model(modelId=model.replace("100", "1"), body=short)["body"].read()))

    assert found == {
        "anthropic": "max_tokens",
        "nova": "max_tokens",
        "titan": "LENGTH",
        "llama": "length",
        "command": "MAX_TOKENS",
        "openai": "length",
    }


def test_embeddings_of_texts_that_share_words_are_similar(serve: Serve) -> None:
    """Equal texts have equal vectors of the requested size. Embeddings have no stream."""
    _, client = serve()

    def embed(model: str, **body: Any) -> dict[str, Any]:
        return dict(json.loads(client.invoke_model(modelId=model, body=json.dumps(body))["body"].read()))

    texts = ["holiday days every year", "holiday days every month", "server is on fire"]
    vectors = embed("cohere.embed-english-v3", texts=texts, input_type="search_document")["embeddings"]
    titan = embed("amazon.titan-embed-text-v2:0", inputText=texts[0], dimensions=256)

    near, far = (sum(a * b for a, b in zip(vectors[0], vectors[other], strict=True)) for other in (1, 2))
    assert near > 0.5 > far
    assert len(titan["embedding"]) == 256
    assert titan == embed("amazon.titan-embed-text-v2:0", inputText=texts[0], dimensions=256)
    with pytest.raises(client.exceptions.ValidationException, match="unsupported for streaming"):
        client.invoke_model_with_response_stream(modelId="amazon.titan-embed-text-v2:0", body=b'{"inputText": "a"}')
