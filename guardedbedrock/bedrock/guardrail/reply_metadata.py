"""
Read the metadata of a reply: token counts, finish reason, model. Never its content.

Source: Bedrock API Reference, "Converse", "ConverseStream", "InvokeModel"; Bedrock User Guide, "Inference request parameters and
response fields for foundation models".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from guardedbedrock.bedrock.parameters import as_mapping, chunk_of, parse_object

_STOP_REASONS: Final = ("stop_reason", "stopReason", "completionReason", "finish_reason", "generation_stop_reason")
_CHOICE_LISTS: Final = ("results", "generations", "completions", "outputs", "choices")
_METRICS: Final = "amazon-bedrock-invocationMetrics"
_METADATA_HINTS: Final = (b"stop", b"Reason", b"reason", b'"id"', _METRICS.encode())
_NESTED: Final = ("message", "delta", "messageStop")
"""Members with metadata in chunks of Anthropic's and Nova's streams."""

_INPUT: Final = "x-amzn-bedrock-input-token-count"
_OUTPUT: Final = "x-amzn-bedrock-output-token-count"


class ReplyMetadata(NamedTuple):
    """
    Metadata of a reply or of one event of a stream; None where it has none.

    Args:
        input_tokens: Tokens that the model read; includes cached tokens if the service counts them.
        output_tokens: Tokens that the model wrote.
        cache_read_tokens: Tokens read from a cache.
        cache_write_tokens: Tokens written to a cache.
        finish_reason: Why the model stopped.
        model: The model that replied.
        id: ID of the reply, as the model returns it.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    finish_reason: str | None = None
    model: str | None = None
    id: str | None = None

    def __or__(self, later: ReplyMetadata) -> ReplyMetadata:
        return ReplyMetadata._make(old if new is None else new for old, new in zip(self, later, strict=True))


NO_METADATA: Final = ReplyMetadata()


def metadata_of_converse(reply: Mapping[str, Any]) -> ReplyMetadata:
    """Read the reply of Converse, or the merged payloads of an event of ConverseStream."""
    usage, router = as_mapping(reply.get("usage")), as_mapping(as_mapping(reply.get("trace")).get("promptRouter"))
    return ReplyMetadata(
        input_tokens=_number(usage.get("inputTokens")),
        output_tokens=_number(usage.get("outputTokens")),
        cache_read_tokens=_number(usage.get("cacheReadInputTokens")),
        cache_write_tokens=_number(usage.get("cacheWriteInputTokens")),
        finish_reason=_text(reply.get("stopReason")),
        model=_text(router.get("invokedModelId")),
    )


def metadata_of_converse_event(event: Mapping[str, Any]) -> ReplyMetadata:
    """Read one event of ConverseStream."""
    payload = {**as_mapping(event.get("messageStop")), **as_mapping(event.get("metadata"))}
    return metadata_of_converse(payload) if payload else NO_METADATA


def metadata_of_body(body: bytes, headers: Mapping[str, Any]) -> ReplyMetadata:
    """Read the body of InvokeModel of any model, and the token counts that the service sends in headers."""
    counts = ReplyMetadata(_number(headers.get(_INPUT)), _number(headers.get(_OUTPUT)))
    return _of_model(parse_object(body)) | counts


def metadata_of_invoke_event(event: Mapping[str, Any]) -> ReplyMetadata:
    """Read one chunk of InvokeModelWithResponseStream."""
    chunk = chunk_of(event)
    if not any(word in chunk for word in _METADATA_HINTS):
        return NO_METADATA
    read = parse_object(chunk)
    metrics = as_mapping(read.get(_METRICS))
    counts = ReplyMetadata(_number(metrics.get("inputTokenCount")), _number(metrics.get("outputTokenCount")))
    return _of_model({**read, **{key: value for name in _NESTED for key, value in as_mapping(read.get(name)).items()}}) | counts


def _nothing(_: Mapping[str, Any]) -> ReplyMetadata:
    """Read an event of a stream that has no metadata of one model call."""
    return NO_METADATA


def metadata_of_chat(body: bytes) -> ReplyMetadata:
    """Read the body of Chat Completions, or one chunk of its stream; both count tokens in ``usage``."""
    read = parse_object(body)
    usage = as_mapping(read.get("usage"))
    cached = as_mapping(usage.get("prompt_tokens_details")).get("cached_tokens")
    counts = ReplyMetadata(_number(usage.get("prompt_tokens")), _number(usage.get("completion_tokens")), _number(cached))
    return _of_model(read) | counts


def metadata_of_chat_event(event: Mapping[str, Any]) -> ReplyMetadata:
    """Read one chunk of the stream of Chat Completions."""
    return metadata_of_chat(chunk_of(event))


EVENT_METADATA: Final[Mapping[str, Callable[[Mapping[str, Any]], ReplyMetadata]]] = {
    "agent-stream": _nothing,
    "agentic-stream": _nothing,
    "converse-stream": metadata_of_converse_event,
    "generate-stream": _nothing,
    "invoke-stream": metadata_of_invoke_event,
    "chat-stream": metadata_of_chat_event,
}


def stop_reason(holder: Mapping[str, Any]) -> str | None:
    """Return the reason why a model stopped, as the model reports it."""
    return next((reason for name in _STOP_REASONS if (reason := _text(holder.get(name)))), None)


def _of_model(read: Mapping[str, Any]) -> ReplyMetadata:
    lists = (read.get(name) for name in _CHOICE_LISTS)
    inner: Any = next((found[0] for found in lists if isinstance(found, list) and found), {})
    holders = (read, as_mapping(inner))
    reason = next((reason for holder in holders if (reason := stop_reason(holder))), None)
    return ReplyMetadata(finish_reason=reason, model=_text(read.get("model")), id=_text(read.get("id")))


_MOST_DIGITS: Final = 18
"""The maximum number of digits of a token count. Python refuses to parse a string of more than 4,300 digits."""


def _number(value: Any) -> int | None:
    if isinstance(value, str):
        return int(value) if value.isdecimal() and len(value) <= _MOST_DIGITS else None
    return value if isinstance(value, int) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
