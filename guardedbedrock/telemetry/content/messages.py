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
"""Keys, one inside the other."""


class _Form(NamedTuple):
    """The type of a part, and where in a block each of its fields stands."""

    type: str
    fields: Mapping[str, Path]


_FORMS: Final[Mapping[str, _Form]] = {
    # Converse and Nova
    "guardContent": _Form("text", {"content": ("text", "text")}),
    "reasoningContent": _Form("reasoning", {"content": ("reasoningText", "text")}),
    "toolUse": _Form("tool_call", {"id": ("toolUseId",), "name": ("name",), "arguments": ("input",)}),
    "toolResult": _Form("tool_call_response", {"id": ("toolUseId",), "response": ("content",)}),
    # they and all others
    "text": _Form("text", {"content": ("text",)}),
    # Anthropic
    "thinking": _Form("reasoning", {"content": ("thinking",)}),
    "tool_use": _Form("tool_call", {"id": ("id",), "name": ("name",), "arguments": ("input",)}),
    "tool_result": _Form("tool_call_response", {"id": ("tool_use_id",), "response": ("content",)}),
    # Mistral, AI21 and those like OpenAI's
    "function": _Form("tool_call", {"id": ("id",), "name": ("function", "name"), "arguments": ("function", "arguments")}),
    "tool_call_id": _Form("tool_call_response", {"id": ("tool_call_id",), "response": ("content",)}),
    # Cohere Command R, whose calls have no ID
    "parameters": _Form("tool_call", {"id": ("id",), "name": ("name",), "arguments": ("parameters",)}),
    "outputs": _Form("tool_call_response", {"id": ("id",), "name": ("call", "name"), "response": ("outputs",)}),
}
_CONTENT: Final = ("content", "message", "text")
_LISTS: Final = (("tool_calls", ("function", "parameters")), ("tool_results", ("outputs",)))
"""Lists beside the content, and the keys that tell the form of what is in them."""

_ROLES: Final = {"USER": "user", "CHATBOT": "assistant", "SYSTEM": "system", "TOOL": "tool"}


def message(said: Mapping[str, Any], role: str = "") -> dict[str, Any]:
    """
    Write one message.

    Args:
        said: As the application or a model of any family wrote it.
        role: Where it has none.
    """
    who = said.get("role", role)
    return {"role": _ROLES.get(who, who) if isinstance(who, str) else role, "parts": list(_of_message(said))}


def parts(content: Any) -> Iterator[dict[str, Any]]:
    """Write the parts of a text or of a list of blocks; of pictures, documents and what else is no text, only the kind."""
    for block in content if isinstance(content, list) else (content,) if isinstance(content, str) else ():
        if isinstance(block, str) and block:
            yield {"type": "text", "content": block}
        elif isinstance(block, Mapping) and isinstance(block.get("type"), str):
            yield _part(block["type"], block)
        elif isinstance(block, Mapping):
            yield from (_part(str(kind), value if isinstance(value, Mapping) else block) for kind, value in block.items())


def at(value: Any, path: Path) -> Any:
    """Give what stands at a path; None where nothing does."""
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def number(value: Any, otherwise: int = 0) -> int:
    """Give a number, or another where there is none."""
    return value if isinstance(value, int) else otherwise


def unfolded(arguments: Any) -> Any:
    """Read the arguments of a call that are written as a text."""
    try:
        return json.loads(arguments) if isinstance(arguments, str) else arguments
    except (ValueError, RecursionError):
        return arguments


def _of_message(said: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    if isinstance(said.get("tool_call_id"), str):
        yield _part("tool_call_id", said)
        return
    yield from parts(next((said[name] for name in _CONTENT if name in said), None))
    for name, kinds in _LISTS:
        found = said.get(name)
        for each in found if isinstance(found, list) else ():
            yield from (_part(kind, each) for kind in kinds if isinstance(each, Mapping) and kind in each)


def _part(kind: str, block: Mapping[str, Any]) -> dict[str, Any]:
    form = _FORMS.get(kind)
    told = {name: at(block, path) for name, path in form.fields.items()} if form else {}
    if form is None or not isinstance(told.get("content", ""), str):
        return {"type": kind}
    if "arguments" in told:
        told["arguments"] = unfolded(told["arguments"])
    if "response" in told:
        told["response"] = _plain(told["response"])
    return {"type": form.type, **told}


def _plain(result: Any) -> Any:
    """Give the texts and objects of a tool's result without the blocks around them."""
    if not isinstance(result, list):
        return result
    return [one.get("text", one.get("json")) if isinstance(one, Mapping) else one for one in result]
