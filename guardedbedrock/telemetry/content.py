"""
What was said, for applications that ask for it by the conventions' own variable; on spans only.

Source: OpenTelemetry Semantic Conventions, "Semantic conventions for generative client AI spans", "Capturing instructions,
inputs, and outputs".
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any, Final

from guardedbedrock.telemetry import names

VARIABLE: Final = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
ON_SPANS: Final = ("true", "span_only", "span_and_event")


def captures_content() -> bool:
    """Say whether the application asks for what was said; it does not unless it says so."""
    return os.environ.get(VARIABLE, "").strip().lower() in ON_SPANS


def input_attributes(params: Mapping[str, Any]) -> dict[str, str]:
    """Write the conversation and the system prompt of Converse; of other operations there are none."""
    told: dict[str, str] = {}
    messages = params.get("messages")
    if isinstance(messages, list):
        told[names.INPUT_MESSAGES] = _json([message(each) for each in messages if isinstance(each, Mapping)])
    system = params.get("system")
    if isinstance(system, list):
        told[names.SYSTEM_INSTRUCTIONS] = _json(list(_parts(system)))
    return told


def output_attributes(said: Mapping[str, Any], finish_reason: str | None) -> dict[str, str]:
    """Write the answer."""
    return {names.OUTPUT_MESSAGES: _json([{**message(said), "finish_reason": finish_reason or ""}])}


def message(said: Mapping[str, Any]) -> dict[str, Any]:
    """Write one message."""
    return {"role": said.get("role", ""), "parts": list(_parts(said.get("content", [])))}


def _parts(blocks: Any) -> Iterator[dict[str, Any]]:
    for block in blocks if isinstance(blocks, list) else ():
        for kind, value in block.items() if isinstance(block, Mapping) else ():
            yield _part(kind, value)


def _part(kind: str, value: Any) -> dict[str, Any]:
    """Write one content block; of pictures, documents and what else is no text, only the kind."""
    if kind == "text":
        return {"type": "text", "content": value}
    if kind == "guardContent" and isinstance(value, Mapping) and "text" in value:
        return {"type": "text", "content": value["text"].get("text", "")}
    if kind == "toolUse":
        return {"type": "tool_call", "id": value.get("toolUseId"), "name": value.get("name"), "arguments": value.get("input")}
    if kind == "toolResult":
        texts = [one["text"] if "text" in one else one.get("json") for one in value.get("content", [])]
        return {"type": "tool_call_response", "id": value.get("toolUseId"), "response": texts}
    return {"type": kind}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=lambda _: None)
