"""Malformed request bodies: each is answered with a client error, as by AWS, and with no more work than a valid one."""

from __future__ import annotations

import copy
import json
import time
from base64 import b64encode
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import quote

import pytest
from botocore.exceptions import ClientError

from guardedbedrock.testing import FakeGuardrail, FakeKnowledgeBase
from guardedbedrock.testing.fake_state import FakeConfig, FakeState
from guardedbedrock.testing.wire import HttpRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Serve: TypeAlias = Callable[..., tuple[Any, Any]]

HAIKU = "anthropic.claude-3-haiku-20240307-v1:0"
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}, "required": ["a"]}

BODIES: dict[str, dict[str, Any]] = {
    HAIKU: {
        "anthropic_version": "bedrock-2023-05-31",
        "max_tokens": 10,
        "system": [{"type": "text", "text": "s"}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
        "tools": [{"name": "f", "input_schema": SCHEMA}],
        "tool_choice": {"type": "tool", "name": "f"},
        "stop_sequences": ["a"],
        "amazon-bedrock-guardrailConfig": {"tagSuffix": "xyz", "streamProcessingMode": "SYNCHRONOUS"},
    },
    "anthropic.claude-v2": {"prompt": "\n\nHuman: hi\n\nAssistant:", "max_tokens_to_sample": 5, "stop_sequences": ["x"]},
    "amazon.nova-lite-v1:0": {"messages": [{"role": "user", "content": [{"text": "a"}]}], "inferenceConfig": {"maxTokens": 5}},
    "amazon.titan-text-lite-v1": {"inputText": "a", "textGenerationConfig": {"maxTokenCount": 5, "stopSequences": ["x"]}},
    "amazon.titan-embed-text-v2:0": {"inputText": "a", "dimensions": 256, "embeddingTypes": ["float", "binary"]},
    "amazon.titan-embed-image-v1": {"inputText": "a", "inputImage": "aa", "embeddingConfig": {"outputEmbeddingLength": 256}},
    "amazon.nova-2-multimodal-embeddings-v1:0": {
        "taskType": "SINGLE_EMBEDDING",
        "singleEmbeddingParams": {"embeddingDimension": 256, "text": {"value": "a"}},
    },
    "amazon.nova-canvas-v1:0": {
        "taskType": "TEXT_IMAGE",
        "textToImageParams": {"text": "a"},
        "imageGenerationConfig": {"numberOfImages": 2},
    },
    "ai21.j2-mid-v1": {"prompt": "a", "maxTokens": 3},
    "cohere.embed-english-v3": {"texts": ["a"], "input_type": "search_query", "embedding_types": ["float", "int8"]},
    "cohere.embed-v4:0": {"images": ["a"], "input_type": "image", "output_dimension": 256},
    "cohere.rerank-v3-5:0": {"query": "a", "documents": ["a", {"text": "b"}], "top_n": 1},
    "cohere.command-r-v1:0": {"message": "a", "chat_history": [{"role": "USER", "message": "x"}]},
    "meta.llama3-8b-instruct-v1:0": {"prompt": "a", "max_gen_len": 3},
    "openai.gpt-oss-20b-1:0": {
        "messages": [{"role": "user", "content": [{"type": "text", "text": "a"}]}],
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}],
        "max_completion_tokens": 5,
        "stop": ["x"],
    },
    "stability.stable-diffusion-xl-v1": {"text_prompts": [{"text": "a"}], "seed": 3},
    "stability.sd3-5-large-v1:0": {"prompt": "a", "seed": 3},
    "twelvelabs.marengo-embed-3-0-v1:0": {"inputType": "text", "text": {"inputText": "a"}},
    "twelvelabs.pegasus-1-2-v1:0": {"inputPrompt": "a"},
}
CONVERSE: dict[str, Any] = {
    "messages": [
        {"role": "user", "content": [{"text": "hi"}, {"document": {"format": "txt", "name": "a", "source": {"text": "b"}}}]},
        {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t1", "name": "f", "input": {"a": 1}}}]},
        {"role": "user", "content": [{"toolResult": {"toolUseId": "t1", "content": [{"json": {"a": 1}}]}}]},
    ],
    "system": [{"text": "s"}, {"cachePoint": {"type": "default"}}],
    "inferenceConfig": {"maxTokens": 10, "stopSequences": ["x"]},
    "toolConfig": {"tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": SCHEMA}}}], "toolChoice": {"any": {}}},
    "additionalModelRequestFields": {"thinking": {"type": "enabled"}},
}
RERANK: dict[str, Any] = {
    "queries": [{"type": "TEXT", "textQuery": {"text": "q"}}],
    "sources": [
        {"type": "INLINE", "inlineDocumentSource": {"type": "TEXT", "textDocument": {"text": "d"}}},
        {"type": "INLINE", "inlineDocumentSource": {"type": "JSON", "jsonDocument": {"a": 1}}},
    ],
    "rerankingConfiguration": {
        "type": "BEDROCK_RERANKING_MODEL",
        "bedrockRerankingConfiguration": {
            "modelConfiguration": {"modelArn": "arn:aws:bedrock:us-east-1::foundation-model/cohere.rerank-v3-5:0"},
            "numberOfResults": 1,
        },
    },
}
CHAT = {"model": "openai.gpt-oss-20b-1:0", **BODIES["openai.gpt-oss-20b-1:0"]}
OTHERS = {
    "Converse": (f"/model/{quote(HAIKU, safe='')}/converse", CONVERSE),
    "ConverseStream": (f"/model/{quote(HAIKU, safe='')}/converse-stream", CONVERSE),
    "Rerank": ("/rerank", RERANK),
    "ChatCompletions": ("/v1/chat/completions", CHAT),
}
GUARDED = {"x-amzn-bedrock-guardrailidentifier": "abc123def456", "x-amzn-bedrock-guardrailversion": "1"}
VALUES: list[Any] = [
    None,
    0,
    -1,
    1.5,
    1e30,
    2**70,
    True,
    "",
    "x",
    "\ud800",
    [],
    [None],
    [1],
    [[]],
    [{}],
    {},
    {"a": 1},
    {"text": 3},
]


@pytest.fixture(scope="module")
def state() -> FakeState:
    """A fake without its server, which takes most of the time of a request."""
    guardrail = FakeGuardrail("abc123def456", denied_words=("salary",))
    return FakeState(FakeConfig(guardrails=[guardrail], knowledge_bases=[FakeKnowledgeBase("HANDBOOK01", ["leave"])], keep=1))


def key_paths(value: Any, key_path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every member and every item."""
    for name, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*key_path, name)
        yield from key_paths(item, (*key_path, name))


def mutations(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the body with each member removed, and with each member replaced by each value."""
    for *path, last in key_paths(body):
        for value in [KeyError, *VALUES]:
            mutated = copy.deepcopy(body)
            parent: Any = mutated
            for name in path:
                parent = parent[name]
            if value is KeyError:
                del parent[last]
            else:
                parent[last] = value
            yield mutated


def post(state: FakeState, path: str, body: object, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    sent = {"host": "127.0.0.1", "content-type": "application/json", **(headers or {})}
    response = state.respond(HttpRequest("POST", path, sent, json.dumps(body).encode()))
    return response.status, response.body if isinstance(response.body, bytes) else b"".join(response.body)


def check(state: FakeState, path: str, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
    assert post(state, path, body, headers)[0] == 200
    for mutated in mutations(body):
        status, answer = post(state, path, mutated, headers)
        assert status in {200, 400}, (mutated, answer)


@pytest.mark.parametrize("model", BODIES)
def test_no_body_of_a_model_makes_the_fake_fail(state: FakeState, model: str) -> None:
    check(
        state, f"/model/{quote(model, safe='')}/invoke", BODIES[model], GUARDED if "guardrailConfig" in str(BODIES[model]) else {}
    )


@pytest.mark.parametrize("operation", OTHERS)
def test_no_body_of_an_operation_makes_the_fake_fail(state: FakeState, operation: str) -> None:
    check(state, *OTHERS[operation])


@pytest.mark.parametrize("model", ["amazon.titan-text-lite-v1", "openai.gpt-oss-20b-1:0"])
def test_no_body_makes_the_count_of_its_tokens_fail(state: FakeState, model: str) -> None:
    for body in mutations(BODIES[model]):
        encoded = b64encode(json.dumps(body).encode()).decode()
        status, answer = post(state, f"/model/{model}/count-tokens", {"input": {"invokeModel": {"body": encoded}}})
        assert status in {200, 400}, (body, answer)


@pytest.mark.parametrize(
    ("model", "change", "problem"),
    [
        (
            "amazon.titan-text-lite-v1",
            {"textGenerationConfig": "x"},
            "#/textGenerationConfig: expected type: JSONObject, found: String",
        ),
        ("openai.gpt-oss-20b-1:0", {"messages": 3}, "#/messages: expected type: JSONArray, found: Integer"),
        (HAIKU, {"stop_sequences": [1]}, "#/stop_sequences/0: expected type: String, found: Integer"),
        (HAIKU, {"tool_choice": {"type": []}}, "#/tool_choice/type: expected type: String, found: JSONArray"),
        ("cohere.embed-english-v3", {"texts": "a"}, "#/texts: expected type: JSONArray, found: String"),
        ("cohere.rerank-v3-5:0", {"documents": None}, "#: required key [documents] not found"),
        ("cohere.rerank-v3-5:0", {"top_n": "x"}, "#/top_n: expected type: Integer, found: String"),
        ("cohere.rerank-v3-5:0", {"top_n": 0}, "#/top_n: 0 is not greater or equal to 1"),
        ("amazon.titan-embed-text-v2:0", {"dimensions": 256.0}, "#/dimensions: expected type: Integer, found: Double"),
        *(
            (
                "amazon.nova-canvas-v1:0",
                {"imageGenerationConfig": {"numberOfImages": number}},
                f"#/imageGenerationConfig/numberOfImages: {problem}",
            )
            for number, problem in (
                (2_000_000, "2000000 is not less or equal to 5"),
                (0, "0 is not greater or equal to 1"),
                (1e30, "expected type: Integer, found: Double"),
                (True, "expected type: Integer, found: Boolean"),
            )
        ),
    ],
)
def test_the_error_names_the_member_as_aws_does(serve: Serve, model: str, change: dict[str, Any], problem: str) -> None:
    fake, client = serve()
    headers = {"guardrailIdentifier": "abc123def456", "guardrailVersion": "1"} if model == HAIKU else {}
    fake.configure(guardrails=[FakeGuardrail("abc123def456")])

    with pytest.raises(ClientError) as caught:
        client.invoke_model(modelId=model, body=json.dumps(BODIES[model] | change), **headers)

    message = f"Malformed input request: {problem}, please reformat your input and try again."
    assert caught.value.response["Error"] == {"Code": "ValidationException", "Message": message}
    assert (fake.requests[0].status, fake.requests[0].error) == (400, "ValidationException")


LEVELS = 12
LARGE: dict[str, Any] = {
    "items": {"type": "array", "minItems": 10**9},
    "nested items": {"type": "array", "minItems": 999, "items": {"type": "array", "minItems": 999}},
    "characters": {"type": "string", "minLength": 10**12},
    "references": {
        "$ref": "#/$defs/0",
        "$defs": {
            **{str(n): {"properties": {name: {"$ref": f"#/$defs/{n + 1}"} for name in "abcd"}} for n in range(LEVELS)},
            str(LEVELS): {"type": "string"},
        },
    },
    "repeated text": {"type": "array", "minItems": 90_000, "items": {"const": "x" * 10_000}},
}
INVALID: dict[str, Any] = {
    "properties": {"type": "object", "properties": 3},
    "reference": {"allOf": [{"$ref": "#"}]},
    "number": {"type": "integer", "multipleOf": 0},
    "enum": {"enum": 3},
}


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        *(
            pytest.param(schema, "that requires more than 100,000 values and characters", id=name)
            for name, schema in LARGE.items()
        ),
        *(pytest.param(schema, "is not a valid JSON schema", id=name) for name, schema in INVALID.items()),
        pytest.param({"type": "array"}, "must be of the type object", id="array"),
    ],
)
def test_a_schema_without_a_small_instance_is_a_validation_error(
    serve: Serve, ask: dict[str, Any], schema: dict[str, Any], problem: str
) -> None:
    _, client = serve()
    tools = [{"toolSpec": {"name": "f", "inputSchema": {"json": schema}}}]
    started = time.monotonic()

    with pytest.raises(ClientError, match=problem) as caught:
        client.converse(**ask, toolConfig={"tools": tools, "toolChoice": {"any": {}}})

    assert caught.value.response["Error"]["Code"] == "ValidationException"
    assert time.monotonic() - started < 20


def test_a_failure_of_the_fake_is_a_logged_response(
    serve: Serve, ask: dict[str, Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The response and the log name the location, and contain no text of the request."""
    fake, client = serve(attempts=2)
    monkeypatch.setattr("guardedbedrock.testing.runtime.converse.message", lambda *_: dict[str, Any]()["hello there"])

    with pytest.raises(ClientError, match=r"the fake Bedrock failed: KeyError at .*test_malformed_bodies\.py:\d+") as caught:
        client.converse(**ask)

    assert caught.value.response["Error"]["Code"] == "InternalServerException"
    assert [(one.operation, one.status, one.error) for one in fake.requests] == [("Converse", 500, "InternalServerException")] * 2
    assert "the fake Bedrock failed: KeyError at" in caplog.text
    assert "hello there" not in caplog.text + str(caught.value)
