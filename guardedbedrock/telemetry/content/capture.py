"""
What was said, for applications that ask for it by the conventions' own variable; on spans only.

Source: OpenTelemetry Semantic Conventions, "Semantic conventions for generative client AI spans", "Capturing instructions,
inputs, and outputs".
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any, Final

from guardedbedrock.telemetry import names
from guardedbedrock.telemetry.content.bodies import answers, conversation, instructions
from guardedbedrock.telemetry.content.messages import at, message
from guardedbedrock.telemetry.content.stream_messages import Gathering
from guardedbedrock.telemetry.model_requests import LARGEST, read_body

VARIABLE: Final = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
ON_SPANS: Final = ("true", "span_only", "span_and_event")


def captures_content() -> bool:
    """Say whether the application asks for what was said; it does not unless it says so."""
    return os.environ.get(VARIABLE, "").strip().lower() in ON_SPANS


def input_attributes(operation: str, asked: Mapping[str, Any]) -> dict[str, str]:
    """Write the conversation and the system prompt that a request says; the conventions have none of embeddings."""
    if operation == "embeddings":
        return {}
    told = {names.INPUT_MESSAGES: conversation(asked), names.SYSTEM_INSTRUCTIONS: instructions(asked)}
    return {name: written for name, value in told.items() if value and (written := _json(value))}


class Spoken:
    """
    What the model says in reply to one request.

    Args:
        reply: Kind of the operation's reply.
    """

    __slots__ = ("_gathering", "_messages", "_read", "_reply")

    def __init__(self, reply: str) -> None:
        self._reply = reply
        self._messages: list[dict[str, Any]] = []
        self._gathering = Gathering()
        self._read = 0

    def on_event(self, words: Mapping[str, Any] | bytes) -> None:
        """Take a reply, or the next event of a stream."""
        if isinstance(words, bytes):
            self._messages = [_answer(*each) for each in answers(read_body(words))]
        elif self._reply == "converse":
            said = at(words, ("output", "message"))
            self._messages = [message(said)] if isinstance(said, Mapping) else []
        elif self._reply == "converse-stream":
            self._gathering.take(words)
        elif self._reply == "invoke-stream":
            self._take(at(words, ("chunk", "bytes")))

    def attributes(self, reason: str | None) -> dict[str, str]:
        """
        Write the answers.

        Args:
            reason: Why the model stopped, of those that do not say it themselves.
        """
        told = self._messages or list(self._gathering.messages())
        whole = [{**each, "finish_reason": each.get("finish_reason") or reason or ""} for each in told]
        written = _json(whole) if whole and self._read <= LARGEST else ""
        return {names.OUTPUT_MESSAGES: written} if written else {}

    def _take(self, chunk: Any) -> None:
        self._read += len(chunk or b"")
        if self._read <= LARGEST:
            self._gathering.take(read_body(chunk))


def _answer(said: str | Mapping[str, Any], _: int, reason: str | None) -> dict[str, Any]:
    written = message({"content": said} if isinstance(said, str) else said, "assistant")
    return {**written, "finish_reason": reason}


def _json(value: Any) -> str:
    """Write JSON that every exporter can send: half of a surrogate pair has no place in UTF-8. Of what has no end, nothing."""
    try:
        written = json.dumps(value, ensure_ascii=False, skipkeys=True, default=lambda _: None)
    except (ValueError, RecursionError):
        return ""
    return written.encode("utf-8", "replace").decode()
