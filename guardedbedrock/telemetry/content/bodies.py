"""
Where the bodies of InvokeModel say what was asked and answered: one row for each way in which models are spoken to.

A body is told by its shape, since the model may be named by a profile that says nothing of it. Of one whose shape is none of
these nothing is read.
Source: Bedrock User Guide, "Inference request parameters and response fields for foundation models".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from guardedbedrock.bedrock.guardrail.reply_metadata import stop_reason
from guardedbedrock.telemetry.content.messages import Path, at, message, number, parts

_PROMPTS: Final = ("prompt", "inputText", "message")
"""Where a body without ``messages`` has what it asks: Llama, Mistral, Cohere Command, AI21 Jurassic; Titan; Command R."""

_SYSTEMS: Final = ("system", "preamble")


class _Place(NamedTuple):
    """Where a body has its answer: the list that it is in, one entry for each; the path to a text or a message in there."""

    among: str
    path: Path


_ANSWERS: Final = (
    _Place("", ("output", "message")),  # Nova
    _Place("choices", ("message",)),  # Mistral in a chat, AI21 Jamba, and those like OpenAI's
    _Place("choices", ("text",)),  # DeepSeek
    _Place("results", ("outputText",)),  # Titan
    _Place("outputs", ("text",)),  # Mistral
    _Place("generations", ("text",)),  # Cohere Command
    _Place("completions", ("data", "text")),  # AI21 Jurassic
    _Place("", ("generation",)),  # Llama
    _Place("", ("completion",)),  # Anthropic's text completions
)
_WHOLE: Final = (("role", "content"), ("finish_reason", "text"))
"""Keys of a body that is itself the message: Anthropic's, Command R's."""

_PIECES: Final = (
    _Place("choices", ("delta", "content")),
    _Place("choices", ("text",)),
    _Place("outputs", ("text",)),
    _Place("", ("outputText",)),
    _Place("", ("generation",)),
    _Place("", ("completion",)),
)
_OF_COHERE: Final = "is_finished"
"""In every chunk of Cohere's models, whose ``text`` is a piece."""


class Choice(NamedTuple):
    """
    One answer of several, or a piece of one.

    Args:
        said: A text, or a message.
        number: Which answer it is.
        reason: Why it ended; None where that is not said of this one.
    """

    said: str | Mapping[str, Any]
    number: int = 0
    reason: str | None = None


def conversation(given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Write what is asked, by the parameters of Converse or by a body; ``[]`` where that is not known."""
    messages = given.get("messages")
    if isinstance(messages, list):
        return _written(messages)
    prompt = next((given[name] for name in _PROMPTS if isinstance(given.get(name), str)), None)
    if prompt is None:
        return []
    history, results = given.get("chat_history"), given.get("tool_results")
    told = [*(history if isinstance(history, list) else ()), {"role": "user", "content": prompt}]
    if isinstance(results, list) and results:
        told.append({"role": "tool", "tool_results": results})
    return _written(told)


def instructions(given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Write the system prompt that stands apart from the conversation."""
    return [part for name in _SYSTEMS for part in parts(given.get(name))]


def answers(body: Mapping[str, Any]) -> list[Choice]:
    """Find the answers in a body."""
    if any(all(name in body for name in names) for names in _WHOLE):
        return [Choice(body)]
    return list(_first(body, _ANSWERS))


def pieces(chunk: Mapping[str, Any]) -> list[Choice]:
    """Find the pieces of text in a chunk of a stream, of models that send nothing else."""
    if _OF_COHERE in chunk:
        return [Choice(chunk["text"], number(chunk.get("index")))] if isinstance(chunk.get("text"), str) else []
    return list(_first(chunk, _PIECES))


def _first(body: Mapping[str, Any], places: tuple[_Place, ...]) -> Iterator[Choice]:
    for place in places:
        holders = body.get(place.among) if place.among else [body]
        found = [(holder, at(holder, place.path)) for holder in holders] if isinstance(holders, list) else []
        if any(isinstance(said, str | Mapping) for _, said in found):
            for position, (holder, said) in enumerate(found):
                if isinstance(said, str | Mapping):
                    yield Choice(said, number(holder.get("index"), position), stop_reason(holder))
            return


def _written(messages: list[Any]) -> list[dict[str, Any]]:
    return [message(each) for each in messages if isinstance(each, Mapping) and isinstance(each.get("role"), str)]
