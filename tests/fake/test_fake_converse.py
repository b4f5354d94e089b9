"""Converse: rejected conversations, structured output, reasoning, citations and the prompt cache."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from botocore.exceptions import ClientError

from guardedbedrock.testing import Citation, FakeGuardrail
from guardedbedrock.testing.runtime.prompt_cache import PromptCache
from guardedbedrock.testing.runtime.schema_instance import schema_instance

if TYPE_CHECKING:
    from collections.abc import Callable

HAIKU = "anthropic.claude-3-haiku-20240307-v1:0"
SONNET = "us.anthropic.claude-sonnet-4-20250514-v1:0"
NOVA = "amazon.nova-lite-v1:0"
TOOLS = {"tools": [{"toolSpec": {"name": "add", "inputSchema": {"json": {"type": "object"}}}}]}


def _user(*blocks: Any) -> dict[str, Any]:
    return {"role": "user", "content": [{"text": block} if isinstance(block, str) else block for block in blocks]}


def _assistant(*blocks: Any) -> dict[str, Any]:
    return {**_user(*blocks), "role": "assistant"}


def _call(name: str) -> dict[str, Any]:
    return {"toolUse": {"toolUseId": name, "name": "add", "input": {}}}


def _result(name: str, **members: Any) -> dict[str, Any]:
    return {"toolResult": {"toolUseId": name, "content": [{"text": "3"}], **members}}


def _document(name: str, text: str = "Leave is 25 days.", **members: Any) -> dict[str, Any]:
    return {"document": {"name": name, "format": "txt", "source": {"bytes": text.encode()}, **members}}


REJECTED = {
    "a message without content": ([_user()], "The content field in the Message object at messages.0 is empty."),
    "an empty text": ([_user("a", "")], "The text field in the ContentBlock object at messages.0.content.1 is blank."),
    "a text of whitespace": ([_user(" \n")], "text content blocks must contain non-whitespace text"),
    "an assistant that starts": ([_assistant("a"), _user("b")], "A conversation must start with a user message."),
    "two messages of the user": ([_user("a"), _user("b")], "A conversation must alternate between user and assistant roles."),
    "two messages of the assistant": ([_user("a"), _assistant("b"), _assistant("c")], "A conversation must alternate"),
    "a result without a call": (
        [_user("a"), _assistant("b"), _user(_result("t1"))],
        "The number of toolResult blocks at messages.2.content exceeds the number of toolUse blocks of previous turn.",
    ),
    "a result in the first message": ([_user(_result("t1"))], "The number of toolResult blocks at messages.0.content exceeds"),
    "a call without a result": (
        [_user("a"), _assistant(_call("t1")), _user("b")],
        "Expected toolResult blocks at messages.2.content for the following Ids: t1",
    ),
    "one result of two": (
        [_user("a"), _assistant(_call("t1"), _call("t2"), _call("t3")), _user(_result("t2"))],
        "Expected toolResult blocks at messages.2.content for the following Ids: t1, t3",
    ),
    "the result of another call": ([_user("a"), _assistant(_call("t1")), _user(_result("t9"))], "for the following Ids: t1"),
    "an error without content": (
        [_user("a"), _assistant(_call("t1")), _user(_result("t1", status="error", content=[]))],
        "The content field at messages.2.content.0.toolResult cannot be empty when status value is error.",
    ),
    "a document without a text": ([_user(_document("a"))], "A text block must be included when using documents."),
    "a name with a dot": ([_user("a", _document("cv.pdf"))], "The document file name can only contain alphanumeric characters"),
    "a name with two spaces": ([_user("a", _document("my  cv"))], "The document file name can only contain"),
    "a name with a tab": ([_user("a", _document("my\tcv"))], "The document file name can only contain"),
    "two documents of one name": (
        [_user("a", _document("cv")), _assistant("b"), _user("c", _document("cv"))],
        "Messages can't contain duplicate document names.",
    ),
    "a document of a result": (
        [_user("a", _document("cv")), _assistant(_call("t1")), _user(_result("t1", content=[_document("cv")]))],
        "Messages can't contain duplicate document names.",
    ),
    "six documents": ([_user("a", *(_document(f"d{n}") for n in range(6)))], "You can't include more than 5 documents"),
}

ACCEPTED = {
    "three turns": [_user("a"), _assistant("b"), _user("c")],
    "a prefilled answer": [_user("a"), _assistant("b")],
    "results in another order": [_user("a"), _assistant(_call("t1"), _call("t2")), _user(_result("t2"), _result("t1"), "b")],
    "a call without a next message": [_user("a"), _assistant(_call("t1"))],
    "a failed tool": [_user("a"), _assistant(_call("t1")), _user(_result("t1", status="error"))],
    "allowed names": [_user("a", _document("my cv_1 (2) [3]-4"), _document("b"))],
    "only an image": [_user({"image": {"format": "png", "source": {"bytes": b"\x00"}}})],
}


@pytest.mark.parametrize(("messages", "message"), REJECTED.values(), ids=REJECTED)
@pytest.mark.parametrize("operation", ["converse", "converse_stream"])
def test_an_invalid_conversation_is_rejected(
    serve: Callable[..., Any], operation: str, messages: list[Any], message: str
) -> None:
    """With the message of AWS."""
    _, client = serve()

    with pytest.raises(ClientError) as caught:
        getattr(client, operation)(modelId=HAIKU, messages=messages, toolConfig=TOOLS)

    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    assert message in caught.value.response["Error"]["Message"]


@pytest.mark.parametrize("messages", ACCEPTED.values(), ids=ACCEPTED)
def test_a_valid_conversation_is_accepted(serve: Callable[..., Any], messages: list[Any]) -> None:
    """The rules reject nothing else."""
    _, client = serve()

    assert client.converse(modelId=HAIKU, messages=messages, toolConfig=TOOLS)["stopReason"] == "end_turn"


def test_only_models_of_anthropic_reject_whitespace(serve: Callable[..., Any]) -> None:
    """The message is one of the model, not of Converse."""
    _, client = serve()

    assert client.converse(modelId=NOVA, messages=[_user(" ")])["stopReason"] == "end_turn"


ITEM = {"type": "object", "properties": {"name": {"type": "string", "minLength": 9}}, "required": ["name"]}
SCHEMAS: list[dict[str, Any]] = [
    {"type": "object", "properties": {"age": {"type": "integer", "minimum": 18}}, "required": ["age"]},
    {"type": "object", "properties": {"a": {"type": ["null", "number"]}, "b": {"const": 3}}},
    {"type": "array", "items": {"$ref": "#/$defs/item"}, "minItems": 2, "$defs": {"item": ITEM}},
    {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
    {"allOf": [ITEM, {"properties": {"n": {"type": "number", "exclusiveMinimum": 2}}, "required": ["n"]}]},
    {"type": "object", "properties": {"next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}, "required": ["next"]},
    {"type": "integer", "multipleOf": 5, "minimum": 12},
    {"type": "integer", "maximum": -3},
    {"type": "string", "maxLength": 2},
    {"oneOf": [{"type": "boolean"}, {"type": "integer"}]},
    {"enum": ["red", "green"]},
]


@pytest.mark.parametrize("schema", SCHEMAS, ids=json.dumps)
def test_structured_output_matches_the_schema(serve: Callable[..., Any], schema: dict[str, Any]) -> None:
    """The text of the reply is JSON that the schema accepts."""
    _, client = serve()
    wanted = {"type": "json_schema", "structure": {"jsonSchema": {"schema": json.dumps(schema)}}}

    reply = client.converse(modelId=SONNET, messages=[_user("a")], outputConfig={"textFormat": wanted})

    jsonschema.validate(json.loads(reply["output"]["message"]["content"][0]["text"]), schema)


def test_a_schema_that_requires_itself_ends() -> None:
    """It has no finite instance."""
    assert schema_instance({"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]}) == {"a": {"a": {}}}


def test_a_schema_must_be_json(serve: Callable[..., Any]) -> None:
    """Anything else is a validation error."""
    _, client = serve()
    wanted = {"type": "json_schema", "structure": {"jsonSchema": {"schema": "{"}}}

    with pytest.raises(ClientError, match="not a valid JSON schema"):
        client.converse(modelId=SONNET, messages=[_user("a")], outputConfig={"textFormat": wanted})


THINKING = {"thinking": {"type": "enabled", "budget_tokens": 1024}}


@pytest.mark.parametrize("fields", [THINKING, {"reasoningConfig": {"type": "enabled"}}])
def test_reasoning_begins_the_reply(serve: Callable[..., Any], fields: dict[str, Any]) -> None:
    """Only if the request enables it."""
    _, client = serve()
    call = {"modelId": SONNET, "messages": [_user("a")]}

    with_it = client.converse(**call, additionalModelRequestFields=fields)
    without = client.converse(**call, additionalModelRequestFields={"thinking": {"type": "disabled"}})

    assert [next(iter(block)) for block in with_it["output"]["message"]["content"]] == ["reasoningContent", "text"]
    assert [next(iter(block)) for block in without["output"]["message"]["content"]] == ["text"]


def test_a_document_is_cited(serve: Callable[..., Any]) -> None:
    """The sentence with the most words of the question, with its position in the document."""
    text = "Sickness is reported at once. Annual leave is 25 days. Overtime is paid."
    messages = [_user("How long is annual leave?", _document("other"), _document("handbook", text, citations={"enabled": True}))]
    _, client = serve()

    block = client.converse(modelId=SONNET, messages=messages)["output"]["message"]["content"][1]["citationsContent"]
    with closing(client.converse_stream(modelId=SONNET, messages=messages)["stream"]) as stream:
        deltas = [event["contentBlockDelta"] for event in stream if "contentBlockDelta" in event]

    sentence = "Annual leave is 25 days."
    span = {"documentIndex": 1, "start": text.index(sentence), "end": text.index(sentence) + len(sentence)}
    citation = {"title": "handbook", "sourceContent": [{"text": sentence}], "location": {"documentChar": span}}
    assert block == {"content": [{"text": sentence}], "citations": [citation]}
    assert "".join(delta["delta"].get("text", "") for delta in deltas if delta["contentBlockIndex"] == 1) == sentence
    assert deltas[-1] == {"delta": {"citation": citation}, "contentBlockIndex": 1}


def test_a_guardrail_masks_cited_text(serve: Callable[..., Any]) -> None:
    """The citation belongs to the text before it, which a guardrail assesses like any other text."""
    fake, client = serve(guardrails=[FakeGuardrail("abc123def456", pii={"EMAIL": "anonymize"})])
    fake.reply(["Write to a@example.com.", Citation("contacts")])

    reply = client.converse(
        modelId=SONNET,
        messages=[_user("a")],
        guardrailConfig={"guardrailIdentifier": "abc123def456", "guardrailVersion": "1"},
    )

    block = reply["output"]["message"]["content"][0]["citationsContent"]
    assert block["content"] == [{"text": "Write to {EMAIL}."}]
    assert block["citations"] == [{"title": "contacts", "location": {"documentPage": {"documentIndex": 0, "start": 1, "end": 1}}}]


POINT = {"cachePoint": {"type": "default"}}
LONG = "word " * 1000
"""1,250 tokens."""


def test_the_same_prefix_is_read_from_the_cache(serve: Callable[..., Any]) -> None:
    """The first request writes it. `inputTokens` counts only the rest."""
    _, client = serve()
    call = {"modelId": SONNET, "system": [{"text": LONG}, POINT]}

    first = client.converse(**call, messages=[_user("abcd")])["usage"]
    second = client.converse(**call, messages=[_user("other")])["usage"]

    assert first["cacheDetails"] == [{"ttl": "5m", "inputTokens": 1250}]
    assert (first["cacheReadInputTokens"], first["cacheWriteInputTokens"], first["inputTokens"]) == (0, 1250, 1)
    assert (second["cacheReadInputTokens"], second["cacheWriteInputTokens"], second["inputTokens"]) == (1250, 0, 2)
    assert second["totalTokens"] == 1252 + second["outputTokens"]


def test_a_longer_prefix_is_written_after_the_cached_one(serve: Callable[..., Any]) -> None:
    """Each cache point ends a prefix of the request."""
    _, client = serve()
    call = {"modelId": SONNET, "system": [{"text": LONG}, POINT]}
    client.converse(**call, messages=[_user("a")])

    usage = client.converse(**call, messages=[_user("b" * 40, {"cachePoint": {"type": "default", "ttl": "1h"}})])["usage"]

    assert (usage["cacheReadInputTokens"], usage["cacheWriteInputTokens"]) == (1250, 10)
    assert usage["cacheDetails"] == [{"ttl": "1h", "inputTokens": 10}]


@pytest.mark.parametrize(("model", "text"), [(SONNET, "short"), (HAIKU, LONG)], ids=["short prefix", "model without a cache"])
def test_nothing_is_cached(serve: Callable[..., Any], model: str, text: str) -> None:
    """The call succeeds, with counts of 0."""
    _, client = serve()

    for _ in range(2):
        usage = client.converse(modelId=model, system=[{"text": text}, POINT], messages=[_user("a")])["usage"]

    assert (usage["cacheReadInputTokens"], usage["cacheWriteInputTokens"]) == (0, 0)


def test_reset_empties_the_prompt_cache(serve: Callable[..., Any]) -> None:
    """So that one test does not change the counts of the next."""
    fake, client = serve()
    call = {"modelId": SONNET, "system": [{"text": LONG}, POINT], "messages": [_user("a")]}
    client.converse(**call)

    fake.reset()

    assert client.converse(**call)["usage"]["cacheReadInputTokens"] == 0


def test_a_prefix_expires() -> None:
    """After its time to live, counted from the last use."""
    now = [0.0]
    cache = PromptCache(lambda: now[0])
    params = {"system": [{"text": LONG}, POINT]}
    model = SONNET.removeprefix("us.")

    reads = []
    for seconds in (0, 299, 299, 301):
        now[0] += seconds
        usage = cache.use(model, params)
        reads.append(usage and usage.read)

    assert reads == [0, 1250, 1250, 0]


def test_the_cache_keeps_a_limited_number_of_prefixes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest are dropped, so that a load test with many prompts does not fill the memory."""
    monkeypatch.setattr("guardedbedrock.testing.runtime.prompt_cache._MAX_PREFIXES", 2)
    cache, model = PromptCache(), SONNET.removeprefix("us.")
    prompts = [{"system": [{"text": LONG + name}, POINT]} for name in "abc"]

    for params in prompts:
        cache.use(model, params)

    reads = [usage.read for usage in map(cache.use, [model] * 2, reversed(prompts)) if usage]
    again = cache.use(model, prompts[0])
    assert reads == [1251, 1251]
    assert again is not None
    assert again.read == 0


def test_five_cache_points_are_too_many(serve: Callable[..., Any]) -> None:
    """For models of Anthropic."""
    _, client = serve()

    with pytest.raises(ClientError, match=r"A maximum of 4 blocks with cache_control may be provided\. Found 5\."):
        client.converse(modelId=SONNET, system=[{"text": "a"}, *[POINT] * 5], messages=[_user("a")])
