"""Formats a turn as the response of Converse or the events of ConverseStream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.testing.runtime.replies import Citation, Reasoning, ReplyBlock, ToolUse, words
from guardedbedrock.testing.runtime.turns import Turn, assessments

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from guardedbedrock.testing.wire import ApiParams

_ECHOED: Final = ("performanceConfig", "serviceTier")
"""Members of a request that AWS returns in the response."""

_DELTA: Final = 12  # characters of the input of a tool in one delta


def message(turn: Turn, params: ApiParams) -> ApiParams:
    """Return the response of Converse."""
    return {
        "output": {"message": {"role": "assistant", "content": [_content(*one) for one in cited_blocks(turn.reply.blocks)]}},
        "stopReason": stop_reason(turn),
        **closing(turn, params),
    }


def cited_blocks(blocks: Iterable[ReplyBlock]) -> list[tuple[ReplyBlock, list[Citation]]]:
    """Return each block except citations, with the citations after it."""
    found: list[tuple[ReplyBlock, list[Citation]]] = []
    for block in blocks:
        if not isinstance(block, Citation):
            found.append((block, []))
        elif found:
            found[-1][1].append(block)
    return found


def _content(block: ReplyBlock, citations: list[Citation]) -> ApiParams:
    if citations:
        return {"citationsContent": {"content": [{"text": block}], "citations": [_citation(one) for one in citations]}}
    if isinstance(block, ToolUse):
        return {"toolUse": {"toolUseId": block.call_id, "name": block.name, "input": dict(block.input)}}
    if isinstance(block, Reasoning):
        return {"reasoningContent": {"reasoningText": {"text": block.text, "signature": block.signature}}}
    return {"text": block}


def _citation(citation: Citation) -> ApiParams:
    if not citation.text:
        page = {"documentIndex": citation.document, "start": 1, "end": 1}
        return {"title": citation.title, "location": {"documentPage": page}}
    span = {"documentIndex": citation.document, "start": citation.start, "end": citation.start + len(citation.text)}
    return {"title": citation.title, "sourceContent": [{"text": citation.text}], "location": {"documentChar": span}}


def events(turn: Turn, params: ApiParams) -> Iterator[ApiParams]:
    """Yield the events of ConverseStream, with one delta for each word, or for a few characters of the input of a tool."""
    yield {"messageStart": {"role": "assistant"}}
    for index, (block, citations) in enumerate(cited_blocks(turn.reply.blocks)):
        if isinstance(block, ToolUse):
            start = {"toolUse": {"toolUseId": block.call_id, "name": block.name}}
            yield {"contentBlockStart": {"start": start, "contentBlockIndex": index}}
        for delta in (*_deltas(block), *({"citation": _citation(one)} for one in citations)):
            yield {"contentBlockDelta": {"delta": delta, "contentBlockIndex": index}}
        yield {"contentBlockStop": {"contentBlockIndex": index}}
    yield {"messageStop": {"stopReason": stop_reason(turn)}}
    yield {"metadata": closing(turn, params)}


def _deltas(block: ReplyBlock) -> Iterator[ApiParams]:
    if isinstance(block, ToolUse):
        yield from ({"toolUse": {"input": piece}} for piece in pieces(block.json))
    elif isinstance(block, Reasoning):
        yield from ({"reasoningContent": {"text": word}} for word in words(block.text))
        yield {"reasoningContent": {"signature": block.signature}}
    elif isinstance(block, str):
        yield from ({"text": word} for word in words(block))


def pieces(text: str) -> list[str]:
    """Split the input of a tool into the deltas of a stream. A delta can end anywhere."""
    return [text[start : start + _DELTA] for start in range(0, len(text), _DELTA)]


def stop_reason(turn: Turn) -> str:
    """Return Converse's ``stopReason``."""
    return "guardrail_intervened" if turn.intervened else turn.reply.stop


def closing(turn: Turn, params: ApiParams) -> dict[str, Any]:
    """Return usage, metrics, the echoed settings and, if the request enables it, the trace."""
    echoed: dict[str, Any] = {name: params[name] for name in _ECHOED if name in params}
    closing: dict[str, Any] = {"usage": _usage(turn), "metrics": {"latencyMs": turn.latency}, **echoed}
    if turn.guarded and params.get("guardrailConfig", {}).get("trace", "disabled") != "disabled":
        closing["trace"] = {"guardrail": _trace(turn)}
    return closing


def _usage(turn: Turn) -> dict[str, Any]:
    """Return the token counts. Tokens that were read from or written to the cache do not count as ``inputTokens``."""
    if turn.cache is None or turn.model_reply is None:
        return turn.usage
    rest = max(turn.usage["inputTokens"] - turn.cache.tokens, 0)
    total = rest + turn.cache.tokens + turn.usage["outputTokens"]
    return {**turn.usage, "inputTokens": rest, "totalTokens": total, **turn.cache.members()}


def _trace(turn: Turn) -> dict[str, Any]:
    output = {} if turn.model_reply is None else {"modelOutput": list(turn.model_reply.texts)}
    return {**output, **assessments(turn, "inputAssessment", "outputAssessments"), "actionReason": turn.reason}
