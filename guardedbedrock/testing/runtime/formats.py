"""
The bodies that models speak in InvokeModel: Anthropic's messages, and Amazon Titan Text's form for every other model.

A guardrail shows in two keys of the body, or of the last chunk of a stream, never in a header.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from guardedbedrock.testing.runtime.replies import words
from guardedbedrock.testing.runtime.turns import Turn, assessments

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardedbedrock.testing.wire import Params


def body(turn: Turn, params: Params) -> bytes:
    """Write the body of InvokeModel's response."""
    write = _anthropic if _speaks_anthropic(params) else _titan
    return json.dumps({**write(turn, params["modelId"]), **_guardrail(turn, params)}).encode()


def chunks(turn: Turn, params: Params) -> Iterator[Params]:
    """Write the chunks of InvokeModelWithResponseStream, one text a word."""
    write = _anthropic_stream if _speaks_anthropic(params) else _titan_stream
    parts = list(write(turn, params["modelId"]))
    parts[-1] |= _guardrail(turn, params)
    for part in parts:
        yield {"chunk": {"bytes": json.dumps(part).encode()}}


def _speaks_anthropic(params: Params) -> bool:
    return "anthropic." in params["modelId"] or b'"anthropic_version"' in params.get("body", b"")


def _guardrail(turn: Turn, params: Params) -> dict[str, Any]:
    if turn.guardrail is None:
        return {}
    shown: dict[str, Any] = {"amazon-bedrock-guardrailAction": "INTERVENED" if turn.intervened else "NONE"}
    if params.get("trace", "DISABLED") != "DISABLED":
        trace = {**assessments(turn, "input", "outputs"), "actionReason": turn.reason}
        trace["outputs"] = [{name: found[0]} for name, found in trace.get("outputs", {}).items()]
        shown["amazon-bedrock-trace"] = {"guardrail": trace}
    return shown


def _anthropic(turn: Turn, model: str) -> dict[str, Any]:
    return {
        "id": "msg_bdrk_fake",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [{"type": "text", "text": turn.text}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": _anthropic_usage(turn),
    }


def _anthropic_usage(turn: Turn) -> dict[str, int]:
    return {"input_tokens": turn.usage["inputTokens"], "output_tokens": turn.usage["outputTokens"]}


def _anthropic_stream(turn: Turn, model: str) -> Iterator[dict[str, Any]]:
    opening = {**_anthropic(turn, model), "content": [], "stop_reason": None}
    yield {"type": "message_start", "message": opening}
    yield {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    for word in words(turn.text):
        yield {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}}
    yield {"type": "content_block_stop", "index": 0}
    stop = {"stop_reason": "end_turn", "stop_sequence": None}
    yield {"type": "message_delta", "delta": stop, "usage": {"output_tokens": turn.usage["outputTokens"]}}
    yield {"type": "message_stop", "amazon-bedrock-invocationMetrics": _metrics(turn)}


def _titan(turn: Turn, _: str) -> dict[str, Any]:
    result = {"tokenCount": turn.usage["outputTokens"], "outputText": turn.text, "completionReason": "FINISH"}
    return {"inputTextTokenCount": turn.usage["inputTokens"], "results": [result]}


def _titan_stream(turn: Turn, _: str) -> Iterator[dict[str, Any]]:
    for word in words(turn.text):
        yield {"outputText": word, "index": 0, "completionReason": None}
    yield {
        "outputText": "",
        "index": 0,
        "completionReason": "FINISH",
        "inputTextTokenCount": turn.usage["inputTokens"],
        "totalOutputTextTokenCount": turn.usage["outputTokens"],
        "amazon-bedrock-invocationMetrics": _metrics(turn),
    }


def _metrics(turn: Turn) -> dict[str, int]:
    return {
        "inputTokenCount": turn.usage["inputTokens"],
        "outputTokenCount": turn.usage["outputTokens"],
        "invocationLatency": turn.latency,
        "firstByteLatency": 1,
    }
