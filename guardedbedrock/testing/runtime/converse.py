"""Formats a turn as the response of Converse or the events of ConverseStream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.testing.runtime.replies import Reasoning, ReplyBlock, ToolUse, words
from guardedbedrock.testing.runtime.turns import Turn, assessments
from guardedbedrock.testing.wire import ServiceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardedbedrock.testing.wire import Params

_ECHOED: Final = ("performanceConfig", "serviceTier")
"""Members of a request that AWS returns in the response."""

_USER_FIRST: Final = (
    "A conversation must start with a user message. Try again with a conversation that starts with a user message."
)
_NO_TOOLS: Final = "The toolConfig field must be defined when using toolUse and toolResult content blocks."
_DELTA: Final = 12  # characters of the input of a tool in one delta


def check_conversation(params: Params) -> None:
    """
    Check the messages of a request.

    Raises:
        ServiceError: ``ValidationException`` (400) if the first message is not a user message, or if there are tool blocks
            without ``toolConfig``.
    """
    messages = params.get("messages", [])
    if messages and messages[0]["role"] != "user":
        raise ServiceError.invalid(_USER_FIRST)
    blocks = [block for one in messages for block in one["content"]]
    if "toolConfig" not in params and any({"toolUse", "toolResult"} & block.keys() for block in blocks):
        raise ServiceError.invalid(_NO_TOOLS)


def message(turn: Turn, params: Params) -> Params:
    """Return the response of Converse."""
    return {
        "output": {"message": {"role": "assistant", "content": [_content(block) for block in turn.reply.blocks]}},
        "stopReason": stop_reason(turn),
        **closing(turn, params),
    }


def _content(block: ReplyBlock) -> Params:
    if isinstance(block, ToolUse):
        return {"toolUse": {"toolUseId": block.call_id, "name": block.name, "input": dict(block.input)}}
    if isinstance(block, Reasoning):
        return {"reasoningContent": {"reasoningText": {"text": block.text, "signature": block.signature}}}
    return {"text": block}


def events(turn: Turn, params: Params) -> Iterator[Params]:
    """Yield the events of ConverseStream, with one delta for each word, or for a few characters of the input of a tool."""
    yield {"messageStart": {"role": "assistant"}}
    for index, block in enumerate(turn.reply.blocks):
        if isinstance(block, ToolUse):
            start = {"toolUse": {"toolUseId": block.call_id, "name": block.name}}
            yield {"contentBlockStart": {"start": start, "contentBlockIndex": index}}
        for delta in _deltas(block):
            yield {"contentBlockDelta": {"delta": delta, "contentBlockIndex": index}}
        yield {"contentBlockStop": {"contentBlockIndex": index}}
    yield {"messageStop": {"stopReason": stop_reason(turn)}}
    yield {"metadata": closing(turn, params)}


def _deltas(block: ReplyBlock) -> Iterator[Params]:
    if isinstance(block, ToolUse):
        yield from ({"toolUse": {"input": piece}} for piece in pieces(block.json))
    elif isinstance(block, Reasoning):
        yield from ({"reasoningContent": {"text": word}} for word in words(block.text))
        yield {"reasoningContent": {"signature": block.signature}}
    else:
        yield from ({"text": word} for word in words(block))


def pieces(text: str) -> list[str]:
    """Split the input of a tool into the deltas of a stream. A delta can end anywhere."""
    return [text[start : start + _DELTA] for start in range(0, len(text), _DELTA)]


def stop_reason(turn: Turn) -> str:
    """Return Converse's ``stopReason``."""
    return "guardrail_intervened" if turn.intervened else turn.reply.stop


def closing(turn: Turn, params: Params) -> dict[str, Any]:
    """Return usage, metrics, the echoed settings and, if the request enables it, the trace."""
    echoed: dict[str, Any] = {name: params[name] for name in _ECHOED if name in params}
    closing: dict[str, Any] = {"usage": turn.usage, "metrics": {"latencyMs": turn.latency}, **echoed}
    if turn.guarded and params.get("guardrailConfig", {}).get("trace", "disabled") != "disabled":
        closing["trace"] = {"guardrail": _trace(turn)}
    return closing


def _trace(turn: Turn) -> dict[str, Any]:
    output = {} if turn.model_reply is None else {"modelOutput": list(turn.model_reply.texts)}
    return {**output, **assessments(turn, "inputAssessment", "outputAssessments"), "actionReason": turn.reason}
