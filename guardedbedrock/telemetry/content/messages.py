"""
Messages in the form of the GenAI conventions: a role and parts.

Source: OpenTelemetry Semantic Conventions, "Semantic conventions for generative client AI spans", the JSON schemas of
``gen_ai.input.messages`` and ``gen_ai.output.messages``; Bedrock API Reference, "ContentBlock"; Bedrock User Guide, "Anthropic
Claude Messages API", "Mistral AI chat completion", "Cohere Command R and Command R+ models".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple, TypeAlias

Path: TypeAlias = tuple[str, ...]
"""Nested keys."""


class _Form(NamedTuple):
    """The type of a part, and the path of each of its fields in a block."""

    type: str
    fields: Mapping[str, Path]


_FORMS: Final[Mapping[str, _Form]] = {
    # Converse and Nova
    "guardContent": _Form("text", {"content": ("text", "text")}),
    "reasoningContent": _Form("reasoning", {"content": ("reasoningText", "text")}),
    "toolUse": _Form("tool_call", {"id": ("toolUseId",), "name": ("name",), "arguments": ("input",)}),
    "toolResult": _Form("tool_call_response", {"id": ("toolUseId",), "response": ("content",)}),
    # Converse, Nova and all others
    "text": _Form("text", {"content": ("text",)}),
    # Anthropic
    "thinking": _Form("reasoning", {"content": ("thinking",)}),
    "tool_use": _Form("tool_call", {"id": ("id",), "name": ("name",), "arguments": ("input",)}),
    "tool_result": _Form("tool_call_response", {"id": ("tool_use_id",), "response": ("content",)}),
    # Mistral, AI21 and others in OpenAI's format
    "function": _Form("tool_call", {"id": ("id",), "name": ("function", "name"), "arguments": ("function", "arguments")}),
    "tool_call_id": _Form("tool_call_response", {"id": ("tool_call_id",), "response": ("content",)}),
    # Cohere Command R; its calls have no ID
    "parameters": _Form("tool_call", {"id": ("id",), "name": ("name",), "arguments": ("parameters",)}),
    "outputs": _Form("tool_call_response", {"id": ("id",), "name": ("call", "name"), "response": ("outputs",)}),
}
_CONTENT: Final = ("content", "message", "text")
_LISTS: Final = (("tool_calls", ("function", "parameters")), ("tool_results", ("outputs",)))
"""Lists beside the content, and the keys that identify the form of their items."""

_ROLES: Final = {"USER": "user", "CHATBOT": "assistant", "SYSTEM": "system", "TOOL": "tool"}


def message(source: Mapping[str, Any], role: str = "") -> dict[str, Any]:
    """
    Convert one message.

    Args:
        source: The message in the format of any model family.
        role: The role of a message that has none.
    """
    given = source.get("role", role)
    return {"role": _ROLES.get(given, given) if isinstance(given, str) else role, "parts": list(_of_message(source))}


def parts(content: Any) -> Iterator[dict[str, Any]]:
    """Convert a string or a list of blocks to parts. Of a block that is not text, such as an image, only the type is kept."""
    for block in content if isinstance(content, list) else (content,) if isinstance(content, str) else ():
        if isinstance(block, str) and block:
            yield {"type": "text", "content": block}
        elif isinstance(block, Mapping) and isinstance(block.get("type"), str):
            yield _part(block["type"], block)
        elif isinstance(block, Mapping):
            yield from (_part(str(kind), value if isinstance(value, Mapping) else block) for kind, value in block.items())


def at(value: Any, path: Path) -> Any:
    """Return the value at a path; None if it does not exist."""
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def integer(value: Any, default: int = 0) -> int:
    """Return the value if it is an integer, else the default."""
    return value if isinstance(value, int) else default


def parsed_arguments(arguments: Any) -> Any:
    """Parse the arguments of a tool call if they are JSON text."""
    try:
        return json.loads(arguments) if isinstance(arguments, str) else arguments
    except (ValueError, RecursionError):
        return arguments


def _of_message(source: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if isinstance(source.get("tool_call_id"), str):
        yield _part("tool_call_id", source)
        return
    yield from parts(next((source[name] for name in _CONTENT if name in source), None))
    for name, kinds in _LISTS:
        found = source.get(name)
        for each in found if isinstance(found, list) else ():
            yield from (_part(kind, each) for kind in kinds if isinstance(each, Mapping) and kind in each)


def _part(kind: str, block: Mapping[str, Any]) -> dict[str, Any]:
    form = _FORMS.get(kind)
    fields = {name: at(block, path) for name, path in form.fields.items()} if form else {}
    if form is None or not isinstance(fields.get("content", ""), str):
        return {"type": kind}
    if "arguments" in fields:
        fields["arguments"] = parsed_arguments(fields["arguments"])
    if "response" in fields:
        fields["response"] = _plain(fields["response"])
    return {"type": form.type, **fields}


def _plain(result: Any) -> Any:
    """Return the strings and objects of a tool result without the blocks around them."""
    if not isinstance(result, list):
        return result
    return [one.get("text", one.get("json")) if isinstance(one, Mapping) else one for one in result]
