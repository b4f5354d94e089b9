"""
Where the bodies of InvokeModel have the prompt and the completion: one row for each format.

A body is recognized by its shape, since the ID of an inference profile does not always name the model. A body of another shape is
not read.
Source: Bedrock User Guide, "Inference request parameters and response fields for foundation models".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from guardedbedrock.bedrock.guardrail.reply_metadata import stop_reason
from guardedbedrock.telemetry.content.messages import Path, at, integer, message, parts

_PROMPTS: Final = ("prompt", "inputText", "message")
"""The prompt of a body without ``messages``: of Llama, Mistral, Cohere Command and AI21 Jurassic; of Titan; of Command R."""

_SYSTEMS: Final = ("system", "preamble")


class _Location(NamedTuple):
    """Where a body has its completions: the name of their list (``""`` for the body itself), and the path in each item."""

    list_name: str
    path: Path


_COMPLETIONS: Final = (
    _Location("", ("output", "message")),  # Nova
    _Location("choices", ("message",)),  # Mistral chat, AI21 Jamba, and others in OpenAI's format
    _Location("choices", ("text",)),  # DeepSeek
    _Location("results", ("outputText",)),  # Titan
    _Location("outputs", ("text",)),  # Mistral
    _Location("generations", ("text",)),  # Cohere Command
    _Location("completions", ("data", "text")),  # AI21 Jurassic
    _Location("", ("generation",)),  # Llama
    _Location("", ("completion",)),  # Anthropic's text completions
)
_WHOLE: Final = (("role", "content"), ("finish_reason", "text"))
"""Keys of a body that is itself the message: of Anthropic, of Command R."""

_PIECES: Final = (
    _Location("choices", ("delta", "content")),
    _Location("choices", ("text",)),
    _Location("outputs", ("text",)),
    _Location("", ("outputText",)),
    _Location("", ("generation",)),
    _Location("", ("completion",)),
)
_OF_COHERE: Final = "is_finished"
"""A key of every chunk of Cohere's models, whose ``text`` is a piece."""


class ReplyChoice(NamedTuple):
    """
    One completion of several, or a piece of one.

    Args:
        content: A string, or a message.
        number: Its index among the completions.
        reason: Its finish reason; None if it has none.
    """

    content: str | Mapping[str, Any]
    number: int = 0
    reason: str | None = None


def conversation(request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the messages of a request, from the parameters of Converse or a body; ``[]`` if its shape is unknown."""
    messages = request.get("messages")
    if isinstance(messages, list):
        return _converted(messages)
    prompt = next((request[name] for name in _PROMPTS if isinstance(request.get(name), str)), None)
    if prompt is None:
        return []
    history, results = request.get("chat_history"), request.get("tool_results")
    found = [*(history if isinstance(history, list) else ()), {"role": "user", "content": prompt}]
    if isinstance(results, list) and results:
        found.append({"role": "tool", "tool_results": results})
    return _converted(found)


def instructions(request: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the system prompt of a request that is not among its messages."""
    return [part for name in _SYSTEMS for part in parts(request.get(name))]


def choices(body: Mapping[str, Any]) -> list[ReplyChoice]:
    """Return the completions in a body."""
    if any(all(name in body for name in names) for names in _WHOLE):
        return [ReplyChoice(body)]
    return list(_first(body, _COMPLETIONS))


def pieces(chunk: Mapping[str, Any]) -> list[ReplyChoice]:
    """Return the pieces of text in a chunk of a stream, for models that send only text."""
    if _OF_COHERE in chunk:
        return [ReplyChoice(chunk["text"], integer(chunk.get("index")))] if isinstance(chunk.get("text"), str) else []
    return list(_first(chunk, _PIECES))


def _first(body: Mapping[str, Any], locations: tuple[_Location, ...]) -> Iterator[ReplyChoice]:
    for location in locations:
        holders = body.get(location.list_name) if location.list_name else [body]
        found = [(holder, at(holder, location.path)) for holder in holders] if isinstance(holders, list) else []
        if any(isinstance(content, str | Mapping) for _, content in found):
            for position, (holder, content) in enumerate(found):
                if isinstance(content, str | Mapping):
                    yield ReplyChoice(content, integer(holder.get("index"), position), stop_reason(holder))
            return


def _converted(messages: list[Any]) -> list[dict[str, Any]]:
    return [message(each) for each in messages if isinstance(each, Mapping) and isinstance(each.get("role"), str)]
