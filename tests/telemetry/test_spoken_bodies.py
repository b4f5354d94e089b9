"""Reading the bodies of InvokeModel and its chunks, for each model family; unknown formats are not read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest
from harness.strategies import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from guardedbedrock.bedrock.guardrail.reply_metadata import NO_METADATA, metadata_of_body, metadata_of_invoke_event
from guardedbedrock.core.records import Call
from guardedbedrock.telemetry.content.capture import ReplyContent, input_attributes
from guardedbedrock.telemetry.content.messages import message
from guardedbedrock.telemetry.model_requests import LARGEST, operation_of, request_of

FIELDS: Final = {"id", "source", "request", "reply", "chunks", "input", "system", "output"}
"""`reply` and `chunks` have the same content; null if the family has only one of them, or if nothing is recorded."""

CASES: Final = json.loads((Path(__file__).parents[1] / "data" / "spoken_bodies.json").read_text("utf-8"))


def written(value: Any) -> bytes:
    """Return JSON as a model writes it."""
    return json.dumps(value).encode()


def read(attributes: dict[str, str]) -> dict[str, Any]:
    """Return the attributes, by the last part of their names."""
    return {name.rpartition(".")[2]: json.loads(value) for name, value in attributes.items()}


def invoke(body: bytes, model: str = "acme.model") -> Call:
    """Make a call of InvokeModel."""
    return Call.of("InvokeModel", {"modelId": model, "body": body}, "us-east-1")


@pytest.mark.parametrize(
    ("model", "operation"),
    [
        ("acme.model", "text_completion"),
        ("amazon.titan-embed-text-v2:0", "embeddings"),
        ("amazon.nova-canvas-v1:0", "generate_content"),
        ("amazon.titan-image-generator-v2:0", "generate_content"),
        ("us.stability.stable-image-core-v1:1", "generate_content"),
        (3, "text_completion"),
    ],
)
def test_the_operation_of_a_request_follows_from_its_model(model: Any, operation: str) -> None:
    assert operation_of(invoke(b"{}", model)) == operation


def asked_of(call: Call) -> dict[str, str]:
    """Return what is recorded of a request."""
    return input_attributes(operation_of(call), request_of(call))


def answered(body: bytes) -> dict[str, Any]:
    """Return what is recorded of a reply."""
    spoken = ReplyContent("invoke")
    spoken.on_event(body)
    return read(spoken.attributes(metadata_of_body(body, {}).finish_reason))


def streamed(chunks: list[bytes]) -> dict[str, Any]:
    """Return what is recorded of a stream."""
    spoken, answer = ReplyContent("invoke-stream"), NO_METADATA
    for chunk in chunks:
        event = {"chunk": {"bytes": chunk}}
        spoken.on_event(event)
        answer |= metadata_of_invoke_event(event)
    return read(spoken.attributes(answer.finish_reason))


def cases(*needed: str) -> list[Any]:
    """Return the cases that have something."""
    found = [case for case in CASES if all(case[name] is not None for name in needed)]
    return [pytest.param(case, id=case["id"]) for case in found]


def test_the_ids_of_the_body_cases_are_unique() -> None:
    assert len({case["id"] for case in CASES}) == len(CASES)
    assert [case["id"] for case in CASES if set(case) != FIELDS] == []


@pytest.mark.parametrize("case", cases())
def test_the_prompt_of_a_request_body_is_captured(case: dict[str, Any]) -> None:
    body = written(case["request"])
    told = {"messages": case["input"], "system_instructions": case["system"]}
    expected = {name: value for name, value in told.items() if value is not None}

    assert read(asked_of(invoke(body))) == expected
    assert read(asked_of(invoke(body.decode()))) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize("case", cases("reply"))
def test_the_completions_of_a_reply_body_are_captured(case: dict[str, Any]) -> None:
    assert answered(written(case["reply"])) == ({} if case["output"] is None else {"messages": case["output"]})


@pytest.mark.parametrize("case", cases("chunks"))
def test_the_chunks_of_a_stream_are_captured_like_the_body(case: dict[str, Any]) -> None:
    assert streamed(list(map(written, case["chunks"]))) == ({} if case["output"] is None else {"messages": case["output"]})


def test_interleaved_completions_of_a_stream_are_separated() -> None:
    chunks = [(0, "as you"), (1, "n"), (0, " wish"), (1, "o")]

    told = streamed([written({"index": index, "is_finished": False, "text": text}) for index, text in chunks])

    assert [answer["parts"][0]["content"] for answer in told["messages"]] == ["as you wish", "no"]


def test_the_input_of_an_embedding_is_not_captured() -> None:
    body = written({"inputText": "hello"})

    assert asked_of(invoke(body, "amazon.titan-embed-text-v2:0")) == {}
    assert asked_of(invoke(body, "amazon.titan-text-express-v1")) != {}


def test_a_body_above_the_size_limit_is_not_captured() -> None:
    room = LARGEST - len(written({"generation": ""}))
    fitting, large = (written({"generation": "x" * length}) for length in (room, room + 1))

    assert (len(answered(fitting)), answered(large)) == (1, {})
    assert (len(streamed([fitting])), streamed([fitting, written({"generation": "y"})])) == (1, {})
    assert asked_of(invoke(written({"prompt": "x" * LARGEST}))) == {}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'"text"', b'{"a":' + b"[" * 100_000])
def test_a_body_that_is_not_a_json_object_is_not_captured(body: bytes) -> None:
    assert (asked_of(invoke(body)), answered(body), streamed([body])) == ({}, {}, {})


def test_a_lone_surrogate_is_replaced_so_that_utf8_can_encode_it() -> None:
    spoken = ReplyContent("invoke")
    spoken.on_event(b'{"generation": "a \\ud83d b"}')

    assert [value.encode("utf-8") for value in spoken.attributes(None).values()] != []


WORDS: Final = sorted({word for case in CASES for word in json.dumps(case).replace('\\"', "").split('"')[1::2]})
STRANGE: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=examples(300))
@given(STRANGE, st.lists(STRANGE, max_size=3))
def test_capturing_an_arbitrary_body_never_raises(whole: Any, chunks: list[Any]) -> None:
    for reply in ("converse", "converse-stream", "apply", "invoke"):
        spoken = ReplyContent(reply)
        spoken.on_event(whole if isinstance(whole, dict) else {})
        read(spoken.attributes(None))
    answered(written(whole))
    streamed(list(map(written, chunks)))
    read(asked_of(invoke(written(whole))))
    params = whole if isinstance(whole, dict) else {}
    read(asked_of(Call.of("Converse", {**params, "modelId": "acme.model"}, "us-east-1")))


BLOCKS: Final = [
    {"text": "a"},
    {"guardContent": {"text": {"text": "b", "qualifiers": ["query"]}}},
    {"guardContent": {"image": {"format": "png"}}},
    {"toolUse": {"toolUseId": "t", "name": "f", "input": {"x": 1}}},
    {"toolResult": {"toolUseId": "t", "content": [{"text": "c"}, {"json": {"y": 2}}]}},
    {"reasoningContent": {"reasoningText": {"text": "d", "signature": "s"}}},
    {"reasoningContent": {"redactedContent": b"e"}},
    {"image": {"format": "png", "source": {"bytes": b"\x89PNG"}}},
]


def test_every_content_block_of_converse_is_converted() -> None:
    """A block that is not text becomes its type only."""
    assert message({"role": "user", "content": BLOCKS})["parts"] == [
        {"type": "text", "content": "a"},
        {"type": "text", "content": "b"},
        {"type": "guardContent"},
        {"type": "tool_call", "id": "t", "name": "f", "arguments": {"x": 1}},
        {"type": "tool_call_response", "id": "t", "response": ["c", {"y": 2}]},
        {"type": "reasoning", "content": "d"},
        {"type": "reasoningContent"},
        {"type": "image"},
    ]
