"""Metadata of replies in the formats of many models."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from guardedbedrock.bedrock.guardrail.reply_metadata import (
    NO_METADATA,
    ReplyMetadata,
    metadata_of_body,
    metadata_of_converse,
    metadata_of_converse_event,
    metadata_of_invoke_event,
)

COUNTED: Final = {"x-amzn-bedrock-input-token-count": "3", "x-amzn-bedrock-output-token-count": "5"}
BODIES: Final[dict[str, tuple[dict[str, Any], ReplyMetadata]]] = {
    "anthropic": (
        {"id": "msg_1", "model": "claude", "stop_reason": "end_turn"},
        ReplyMetadata(3, 5, None, None, "end_turn", "claude", "msg_1"),
    ),
    "titan": ({"results": [{"completionReason": "FINISH", "outputText": "x"}]}, ReplyMetadata(3, 5, finish_reason="FINISH")),
    "mistral": ({"outputs": [{"text": "x", "stop_reason": "stop"}]}, ReplyMetadata(3, 5, finish_reason="stop")),
    "cohere": (
        {"id": "g", "generations": [{"finish_reason": "COMPLETE"}]},
        ReplyMetadata(3, 5, finish_reason="COMPLETE", id="g"),
    ),
    "llama": ({"generation": "x", "stop_reason": "length"}, ReplyMetadata(3, 5, finish_reason="length")),
    "nova": ({"stopReason": "max_tokens"}, ReplyMetadata(3, 5, finish_reason="max_tokens")),
    "embedding": ({"embedding": [0.1]}, ReplyMetadata(3, 5)),
    "strange": ({"results": "no list", "model": 7, "id": None}, ReplyMetadata(3, 5)),
}


@pytest.mark.parametrize(("body", "answer"), BODIES.values(), ids=BODIES)
def test_metadata_of_body(body: dict[str, Any], answer: ReplyMetadata) -> None:
    """The finish reason is in the format of the model; the token counts are in headers of the service."""
    assert metadata_of_body(json.dumps(body).encode(), COUNTED) == answer


@pytest.mark.parametrize("body", [b"", b"\x89PNG", b"[1]", b'{"a": ' + b"[" * 100_000])
def test_a_body_that_is_not_an_object_has_no_metadata(body: bytes) -> None:
    """Headers without numbers have none either."""
    for count in ("many", "9" * 5000):
        assert metadata_of_body(body, {"x-amzn-bedrock-input-token-count": count}) == NO_METADATA


def test_metadata_of_converse_has_cache_tokens_and_the_model_of_a_router() -> None:
    """AWS bills the model that the prompt router chose."""
    usage = {"inputTokens": 1, "outputTokens": 2, "cacheReadInputTokens": 3, "cacheWriteInputTokens": 4}
    reply = {"usage": usage, "stopReason": "end_turn", "trace": {"promptRouter": {"invokedModelId": "m"}}}

    assert metadata_of_converse(reply) == ReplyMetadata(1, 2, 3, 4, "end_turn", "m")


def test_metadata_of_stream_events_combines() -> None:
    """Deltas have no metadata; the metadata of other events combines."""
    stop, metadata = {"messageStop": {"stopReason": "end_turn"}}, {"metadata": {"usage": {"inputTokens": 1}}}
    assert metadata_of_converse_event({"contentBlockDelta": {"delta": {"text": "stop"}}}) is NO_METADATA
    assert metadata_of_converse_event(stop) | metadata_of_converse_event(metadata) == ReplyMetadata(1, finish_reason="end_turn")


def test_metadata_of_a_chunk_has_the_metrics_of_the_service() -> None:
    """It also has the finish reason of the model, at any of its locations."""
    delta = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}
    last = {"type": "message_stop", "amazon-bedrock-invocationMetrics": {"inputTokenCount": 3, "outputTokenCount": 5}}
    chunks = [{"chunk": {"bytes": json.dumps(each).encode()}} for each in (delta, last)]

    assert metadata_of_invoke_event(chunks[0]) | metadata_of_invoke_event(chunks[1]) == ReplyMetadata(
        3, 5, finish_reason="end_turn"
    )
    assert (
        metadata_of_invoke_event({"chunk": {"bytes": b'{"messageStop": {"stopReason": "max_tokens"}}'}}).finish_reason
        == "max_tokens"
    )
    assert metadata_of_invoke_event({"chunk": {"bytes": b'{"type": "ping"}'}}) is NO_METADATA
