"""Joins the events of ConverseStream, as a client does."""

from __future__ import annotations

import json
from typing import Any


def joined(events: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], str]:
    """Return the content blocks, as Converse returns them, and the stop reason."""
    blocks: dict[int, dict[str, Any]] = {}
    for event in events:
        if start := event.get("contentBlockStart"):
            blocks[start["contentBlockIndex"]] = {"toolUse": {**start["start"]["toolUse"], "input": ""}}
        if delta := event.get("contentBlockDelta"):
            _join(blocks.setdefault(delta["contentBlockIndex"], {}), delta["delta"])
    for block in blocks.values():
        if "toolUse" in block:
            block["toolUse"]["input"] = json.loads(block["toolUse"]["input"])
        if "reasoningContent" in block:
            block["reasoningContent"] = {"reasoningText": block["reasoningContent"]}
    reason = next(event["messageStop"]["stopReason"] for event in events if "messageStop" in event)
    return [blocks[index] for index in sorted(blocks)], reason


def _join(block: dict[str, Any], delta: dict[str, Any]) -> None:
    if "text" in delta:
        block["text"] = block.get("text", "") + delta["text"]
    for kind in {"toolUse", "reasoningContent"} & set(delta):
        part = block.setdefault(kind, {})
        for name, piece in delta[kind].items():
            part[name] = part.get(name, "") + piece
