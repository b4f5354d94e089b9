"""
Content capture: prompts and completions as span attributes, if the application turns it on by the conventions' variable.

Source: OpenTelemetry Semantic Conventions, "Semantic conventions for generative client AI spans", "Capturing instructions,
inputs, and outputs".
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any, Final

from guardedbedrock.telemetry import names
from guardedbedrock.telemetry.content.bodies import ReplyChoice, choices, conversation, instructions
from guardedbedrock.telemetry.content.messages import at, message
from guardedbedrock.telemetry.content.stream_messages import StreamMessages
from guardedbedrock.telemetry.model_requests import LARGEST, read_body

VARIABLE: Final = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
ON_SPANS: Final = ("true", "span_only", "span_and_event")


def captures_content() -> bool:
    """Return whether the application turned content capture on; the default is off."""
    return os.environ.get(VARIABLE, "").strip().lower() in ON_SPANS


def input_attributes(operation: str, request: Mapping[str, Any]) -> dict[str, str]:
    """
    Return the conversation and the system prompt of a request as span attributes.

    Args:
        operation: The operation name of the conventions; they have no input attributes for ``embeddings``.
        request: Parameters of Converse, or a parsed body of InvokeModel.
    """
    if operation == "embeddings":
        return {}
    content = {names.INPUT_MESSAGES: conversation(request), names.SYSTEM_INSTRUCTIONS: instructions(request)}
    return {name: text for name, value in content.items() if value and (text := _json(value))}


class ReplyContent:
    """
    The content of the reply to one request.

    Args:
        reply: The reply format of the operation, such as ``converse-stream``.
    """

    __slots__ = ("_messages", "_reply", "_size", "_stream")

    def __init__(self, reply: str) -> None:
        self._reply = reply
        self._messages: list[dict[str, Any]] = []
        self._stream = StreamMessages()
        self._size = 0

    def on_event(self, words: Mapping[str, Any] | bytes) -> None:
        """Add a reply, or the next event of a stream."""
        if isinstance(words, bytes):
            self._messages = [_message_of(choice) for choice in choices(read_body(words))]
        elif self._reply == "converse":
            reply = at(words, ("output", "message"))
            self._messages = [message(reply)] if isinstance(reply, Mapping) else []
        elif self._reply == "converse-stream":
            self._stream.add(words)
        elif self._reply in ("invoke-stream", "chat-stream"):
            self._add_chunk(at(words, ("chunk", "bytes")))

    def attributes(self, reason: str | None) -> dict[str, str]:
        """
        Return the messages of the reply as span attributes.

        Args:
            reason: Why the model stopped, for messages that do not have their own finish reason.
        """
        messages = self._messages or list(self._stream.messages())
        finished = [{**each, "finish_reason": each.get("finish_reason") or reason or ""} for each in messages]
        text = _json(finished) if finished and self._size <= LARGEST else ""
        return {names.OUTPUT_MESSAGES: text} if text else {}

    def _add_chunk(self, chunk: Any) -> None:
        self._size += len(chunk or b"")
        if self._size <= LARGEST:
            self._stream.add(read_body(chunk))


def _message_of(choice: ReplyChoice) -> dict[str, Any]:
    content = {"content": choice.content} if isinstance(choice.content, str) else choice.content
    return {**message(content, "assistant"), "finish_reason": choice.reason}


def _json(value: Any) -> str:
    """Write JSON that exporters can encode as UTF-8: without lone surrogates; ``""`` for a value that contains itself."""
    try:
        text = json.dumps(value, ensure_ascii=False, skipkeys=True, default=lambda _: None)
    except (ValueError, RecursionError):
        return ""
    return text.encode("utf-8", "replace").decode()
