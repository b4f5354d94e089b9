"""What the fake model says: what it was told to, else a tool it has to use, else an echo."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from guardedbedrock.testing.script import Script
from guardedbedrock.testing.wire import Params, ServiceError

if TYPE_CHECKING:
    from guardedbedrock.testing.runtime.prompts import Prompt

_CHARACTERS_PER_TOKEN: Final = 4
_WORD = re.compile(r"\s*\S+\s*$|\s*\S+|\s+")


@dataclass(frozen=True, slots=True)
class ToolUse:
    """
    A call of a tool, as part of a reply.

    Args:
        name: Of the tool.
        input: What it is called with, as its schema says.
        id: Of the call; made from name and input unless given.
    """

    name: str
    input: Mapping[str, Any]
    id: str = ""

    @property
    def call(self) -> str:
        """The ID of the call."""
        return self.id or "tooluse_" + hashlib.sha256(f"{self.name}{self.json}".encode()).hexdigest()[:22]

    @property
    def json(self) -> str:
        """The input, as a stream sends it piece by piece."""
        return json.dumps(self.input)


@dataclass(frozen=True, slots=True)
class Reasoning:
    """
    What the model thinks before it speaks, as part of a reply.

    Args:
        text: The thought.
        signature: What a client has to send back with it.
    """

    text: str
    signature: str = "c2lnbmF0dXJl"


Block: TypeAlias = str | ToolUse | Reasoning
"""A part of a reply."""


@dataclass(frozen=True, slots=True)
class Said:
    """
    A reply.

    Args:
        blocks: Its parts, in order.
        stop: Converse's ``stopReason``.
    """

    blocks: tuple[Block, ...]
    stop: str = "end_turn"

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts of the reply: neither thoughts nor calls of tools, which no guardrail assesses."""
        return tuple(block for block in self.blocks if isinstance(block, str))

    @property
    def text(self) -> str:
        """All the text."""
        return "".join(self.texts)

    def reading(self, texts: Sequence[str]) -> Said:
        """Make the same reply with other texts."""
        others = iter(texts)
        return replace(self, blocks=tuple(next(others) if isinstance(block, str) else block for block in self.blocks))


Reply: TypeAlias = Block | Sequence[Block] | Said | Callable[[Params], "Reply"]
"""A text, a call of a tool, several of them, or what makes one of them of the call's parameters."""


class Model:
    """Answers prompts; never twice in a way that a test could not foresee."""

    def __init__(self) -> None:
        self.script: Script[Reply] = Script()

    def answer(self, operation: str, params: Params, prompt: Prompt, last: str) -> Said:
        """
        Say the next scripted reply, else call the tool that has to be called, else repeat the prompt.

        Args:
            operation: Such as ``Converse``.
            params: Of the call.
            prompt: What is asked, and how long the answer may be.
            last: What the user said last, as far as a guardrail lets the model see it.

        Raises:
            ServiceError: ``ModelErrorException`` (424) when a scripted callable raises.
        """
        reply = self.script.take(operation)
        if reply is not None:
            return _limited(_said(reply, params), prompt)
        if prompt.forced:
            return _said(ToolUse(prompt.forced[0], _example(prompt.forced[1])), params)
        return _limited(Said((f"You said: {last}" if last else "You said nothing.",)), prompt)


def _said(reply: Reply, params: Params) -> Said:
    if callable(reply):
        return _said(_called(reply, params), params)
    if isinstance(reply, Said):
        return reply
    blocks: tuple[Block, ...] = (reply,) if isinstance(reply, (str, ToolUse, Reasoning)) else tuple(reply)
    return Said(blocks, "tool_use" if any(isinstance(block, ToolUse) for block in blocks) else "end_turn")


def _called(reply: Callable[[Params], Reply], params: Params) -> Reply:
    try:
        return reply(params)
    except Exception as error:
        raise ServiceError(424, "ModelErrorException", f"the scripted reply raised {error!r}") from error


def _limited(said: Said, prompt: Prompt) -> Said:
    """Stop at a stop sequence, or where there are no tokens left."""
    left = None if prompt.most is None else prompt.most * _CHARACTERS_PER_TOKEN
    texts, stop = [], said.stop
    for text in said.texts:
        found = min((text.find(sequence) for sequence in prompt.stops if sequence in text), default=-1)
        kept, reason = (text[:found], "stop_sequence") if found >= 0 else (text, stop)
        if left is not None and len(kept) > left:
            kept, reason = kept[:left], "max_tokens"
        stop, left = reason, None if left is None else left - len(kept)
        texts.append(kept)
    return replace(said.reading(texts), stop=stop)


def _example(schema: Mapping[str, Any]) -> Any:
    """Write a value that a JSON schema accepts, in its plainest form."""
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "object")
    if kind == "object":
        properties = schema.get("properties", {})
        return {name: _example(properties.get(name, {"type": "string"})) for name in schema.get("required", properties)}
    return {"array": [], "boolean": True, "integer": 1, "number": 1.0, "string": "text", "null": None}.get(kind, "text")


_SUBJECTS: Final = ("The team", "A customer", "Our service", "The report", "Everybody", "The assistant", "The plan")
_VERBS: Final = ("explains", "reviews", "improves", "follows", "describes", "compares", "prepares", "answers")
_OBJECTS: Final = ("the question", "each step", "the numbers", "a short summary", "the next release", "what was asked")


def prose(words: int = 50) -> Callable[[Params], str]:
    """
    Make a reply of plain English sentences about nothing: the same text for the same call, another for another.

    Args:
        words: At least how many words it has.
    """

    def write(params: Params) -> str:
        random, text = Random(repr(sorted(params.items(), key=str))), ""  # noqa: S311 - the same text in every run
        while len(text.split()) < words:
            text += f"{random.choice(_SUBJECTS)} {random.choice(_VERBS)} {random.choice(_OBJECTS)}. "
        return text.strip()

    return write


def tokens(texts: Sequence[str]) -> int:
    """Count tokens roughly: four characters make one."""
    return sum(-(-len(text) // _CHARACTERS_PER_TOKEN) for text in texts)


def words(text: str) -> list[str]:
    """
    Cut a text into the pieces a stream sends; joined, they are the text.

    >>> words("so it  goes ")
    ['so', ' it', '  goes ']
    """
    return _WORD.findall(text)
