"""Anthropic's Messages API: text, thinking and tool use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from guardedbedrock.testing.runtime.converse import cited_blocks, pieces
from guardedbedrock.testing.runtime.formats.metrics import metrics
from guardedbedrock.testing.runtime.replies import Reasoning, ReplyBlock, ToolUse, words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardedbedrock.testing.runtime.turns import Turn
    from guardedbedrock.testing.wire import ApiParams


def body(turn: Turn, params: ApiParams) -> dict[str, Any]:
    """Return a message."""
    return {
        "id": "msg_bdrk_fake",
        "type": "message",
        "role": "assistant",
        "model": params["modelId"],
        "content": [_content(block) for block, _ in cited_blocks(turn.reply.blocks)],
        "stop_reason": _stop_reason(turn),
        "stop_sequence": None,
        "usage": {"input_tokens": turn.usage["inputTokens"], "output_tokens": turn.usage["outputTokens"]},
    }


def _stop_reason(turn: Turn) -> str:
    """Return Anthropic's stop reason, which has no value for an intervention."""
    return "end_turn" if turn.reply.stop == "guardrail_intervened" else turn.reply.stop


def _content(block: ReplyBlock) -> dict[str, Any]:
    if isinstance(block, ToolUse):
        return {"type": "tool_use", "id": block.call_id, "name": block.name, "input": dict(block.input)}
    if isinstance(block, Reasoning):
        return {"type": "thinking", "thinking": block.text, "signature": block.signature}
    return {"type": "text", "text": block}


def stream(turn: Turn, params: ApiParams) -> Iterator[dict[str, Any]]:
    """Yield the events of a message."""
    yield {"type": "message_start", "message": {**body(turn, params), "content": [], "stop_reason": None}}
    for index, (block, _) in enumerate(cited_blocks(turn.reply.blocks)):
        yield {"type": "content_block_start", "index": index, "content_block": _opening(block)}
        for delta in _deltas(block):
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    stop = {"stop_reason": _stop_reason(turn), "stop_sequence": None}
    yield {"type": "message_delta", "delta": stop, "usage": {"output_tokens": turn.usage["outputTokens"]}}
    yield {"type": "message_stop", **metrics(turn)}


def _opening(block: ReplyBlock) -> dict[str, Any]:
    if isinstance(block, ToolUse):
        return {"type": "tool_use", "id": block.call_id, "name": block.name, "input": {}}
    if isinstance(block, Reasoning):
        return {"type": "thinking", "thinking": "", "signature": ""}
    return {"type": "text", "text": ""}


def _deltas(block: ReplyBlock) -> Iterator[dict[str, Any]]:
    if isinstance(block, ToolUse):
        yield from ({"type": "input_json_delta", "partial_json": piece} for piece in pieces(block.json))
    elif isinstance(block, Reasoning):
        yield from ({"type": "thinking_delta", "thinking": word} for word in words(block.text))
        yield {"type": "signature_delta", "signature": block.signature}
    elif isinstance(block, str):
        yield from ({"type": "text_delta", "text": word} for word in words(block))


def completion(turn: Turn, _: ApiParams) -> dict[str, Any]:
    """Return a response of the Text Completions API, which Claude 2 and older use."""
    return {"type": "completion", "completion": turn.text, **_completion_stop(turn)}


def completion_stream(turn: Turn, _: ApiParams) -> Iterator[dict[str, Any]]:
    """Yield the chunks of a text completion."""
    for word in words(turn.text):
        yield {"type": "completion", "completion": word, "stop_reason": None, "stop": None}
    yield {"type": "completion", "completion": "", **_completion_stop(turn), **metrics(turn)}


def _completion_stop(turn: Turn) -> dict[str, Any]:
    if turn.reply.stop == "max_tokens":
        return {"stop_reason": "max_tokens", "stop": None}
    return {"stop_reason": "stop_sequence", "stop": "\n\nHuman:"}
