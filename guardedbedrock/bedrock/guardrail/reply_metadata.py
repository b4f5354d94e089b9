"""
What a reply says of itself, in each operation's own place: tokens, why it stopped, which model spoke. Never what it said.

Source: Bedrock API Reference, "Converse", "ConverseStream", "InvokeModel"; Bedrock User Guide, "Inference request parameters and
response fields for foundation models".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

_STOP_REASONS: Final = ("stop_reason", "stopReason", "completionReason", "finish_reason", "generation_stop_reason")
_IN_A_LIST: Final = ("results", "generations", "completions", "outputs", "choices")
_METRICS: Final = "amazon-bedrock-invocationMetrics"
_TELLING: Final = (b"stop", b"Reason", b"reason", b'"id"', _METRICS.encode())
_INSIDE: Final = ("message", "delta", "messageStop")
"""Where chunks of Anthropic's and Nova's streams tell of themselves."""

_INPUT: Final = "x-amzn-bedrock-input-token-count"
_OUTPUT: Final = "x-amzn-bedrock-output-token-count"


class Answer(NamedTuple):
    """
    What a reply, or an event of a stream, says of itself; None where it says nothing.

    Args:
        input_tokens: Tokens that the model read, those of a cache included where the service counts them in.
        output_tokens: Tokens that it wrote.
        cache_read_tokens: Tokens that came from a cache.
        cache_write_tokens: Tokens that went into one.
        finish_reason: Why it stopped.
        model: The model that spoke.
        id: The model's own ID of the reply.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    finish_reason: str | None = None
    model: str | None = None
    id: str | None = None

    def __or__(self, later: Answer) -> Answer:
        return Answer._make(old if new is None else new for old, new in zip(self, later, strict=True))


SILENCE: Final = Answer()


def of_converse(reply: Mapping[str, Any]) -> Answer:
    """Read the reply of Converse, or one event of ConverseStream with its payload laid open."""
    usage, router = _mapping(reply.get("usage")), _mapping(_mapping(reply.get("trace")).get("promptRouter"))
    return Answer(
        input_tokens=_number(usage.get("inputTokens")),
        output_tokens=_number(usage.get("outputTokens")),
        cache_read_tokens=_number(usage.get("cacheReadInputTokens")),
        cache_write_tokens=_number(usage.get("cacheWriteInputTokens")),
        finish_reason=_text(reply.get("stopReason")),
        model=_text(router.get("invokedModelId")),
    )


def of_converse_event(event: Mapping[str, Any]) -> Answer:
    """Read one event of ConverseStream."""
    laid_open = {**event.get("messageStop", {}), **event.get("metadata", {})}
    return of_converse(laid_open) if laid_open else SILENCE


def of_body(body: bytes, headers: Mapping[str, Any]) -> Answer:
    """Read the body of InvokeModel, whatever model wrote it, and the counts that the service puts into headers."""
    counts = Answer(_number(headers.get(_INPUT)), _number(headers.get(_OUTPUT)))
    return _of_model(_json(body)) | counts


def of_invoke_event(event: Mapping[str, Any]) -> Answer:
    """Read one chunk of InvokeModelWithResponseStream."""
    chunk = event.get("chunk", {}).get("bytes", b"")
    if not any(word in chunk for word in _TELLING):
        return SILENCE
    read = _json(chunk)
    metrics = _mapping(read.get(_METRICS))
    counts = Answer(_number(metrics.get("inputTokenCount")), _number(metrics.get("outputTokenCount")))
    return _of_model({**read, **{key: value for name in _INSIDE for key, value in _mapping(read.get(name)).items()}}) | counts


OF_EVENT: Final[Mapping[str, Callable[[Mapping[str, Any]], Answer]]] = {
    "converse-stream": of_converse_event,
    "invoke-stream": of_invoke_event,
}


def stop_reason(holder: Mapping[str, Any]) -> str | None:
    """Say why a model stopped, in its own word for it."""
    return next((reason for name in _STOP_REASONS if (reason := _text(holder.get(name)))), None)


def _of_model(read: Mapping[str, Any]) -> Answer:
    lists = (read.get(name) for name in _IN_A_LIST)
    inner: Any = next((found[0] for found in lists if isinstance(found, list) and found), {})
    holders = (read, _mapping(inner))
    reason = next((reason for holder in holders if (reason := stop_reason(holder))), None)
    return Answer(finish_reason=reason, model=_text(read.get("model")), id=_text(read.get("id")))


def _json(body: bytes) -> Mapping[str, Any]:
    try:
        return _mapping(json.loads(body))
    except (ValueError, RecursionError):
        return {}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _number(value: Any) -> int | None:
    if isinstance(value, str):
        return int(value) if value.isdecimal() else None
    return value if isinstance(value, int) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
