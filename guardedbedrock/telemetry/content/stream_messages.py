"""
The messages of a stream, joined from its events.

Source: Bedrock API Reference, "ConverseStream", "InvokeModelWithResponseStream"; Bedrock User Guide, "Anthropic Claude Messages
API".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from guardedbedrock.bedrock.guardrail.reply_metadata import stop_reason
from guardedbedrock.telemetry.content.bodies import pieces
from guardedbedrock.telemetry.content.messages import Path, at, integer, parsed_arguments

_EVENTS: Final[tuple[tuple[Path, Path], ...]] = (
    (("contentBlockStart", "contentBlockIndex"), ("contentBlockStart", "start")),
    (("contentBlockDelta", "contentBlockIndex"), ("contentBlockDelta", "delta")),
    (("index",), ("content_block",)),
    (("index",), ("delta",)),
)
"""Paths of the block index and of the block in an event: of Converse and Nova, then of Anthropic."""

_WORDS: Final[tuple[tuple[str, Path], ...]] = (
    ("text", ("text",)),
    ("reasoning", ("thinking",)),
    ("reasoning", ("reasoningContent", "text")),
    ("tool_call", ("partial_json",)),
    ("tool_call", ("toolUse", "input")),
    ("tool_call", ("function", "arguments")),
)
"""Type of a part, and the path of its next piece."""

_CALLS: Final[tuple[tuple[Path, Path], ...]] = (
    (("toolUse", "toolUseId"), ("toolUse", "name")),
    (("id",), ("name",)),
    (("id",), ("function", "name")),
)
"""Paths of the ID and the name of a tool call, which are sent once."""


@dataclass(slots=True)
class _Block:
    type: str = ""
    id: str | None = None
    name: str | None = None
    words: list[str] = field(default_factory=list)

    def part(self) -> dict[str, Any]:
        whole = "".join(self.words)
        if self.type != "tool_call":
            return {"type": self.type, "content": whole}
        return {"type": self.type, "id": self.id, "name": self.name, "arguments": parsed_arguments(whole) if whole else {}}


class StreamMessages:
    """The messages of one stream, as far as it was read."""

    __slots__ = ("_blocks", "_reasons")

    def __init__(self) -> None:
        self._blocks: dict[tuple[int, int], _Block] = {}
        self._reasons: dict[int, str] = {}

    def add(self, event: Mapping[str, Any]) -> None:
        """Add an event of ConverseStream, or a parsed chunk of InvokeModelWithResponseStream."""
        for index, block in _EVENTS:
            self._add_piece(0, at(event, index), at(event, block))
        for piece in pieces(event):
            self._add_piece(piece.number, 0, {"text": piece.content})
        choices = event.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            self._add_choice(choice)

    def _add_choice(self, choice: Any) -> None:
        """Add the tool calls and the finish reason of a chunk in OpenAI's format; `pieces` has its text."""
        answer = integer(at(choice, ("index",)))
        if isinstance(choice, Mapping) and (reason := stop_reason(choice)):
            self._reasons[answer] = reason
        calls = at(choice, ("delta", "tool_calls"))
        for call in calls if isinstance(calls, list) else ():
            self._add_piece(answer, 1 + integer(at(call, ("index",))), call)

    def messages(self) -> Iterator[dict[str, Any]]:
        """Yield the messages, each with its finish reason, or None if it has none."""
        for answer in sorted({answer for answer, _ in self._blocks}):
            blocks = [block for (of, _), block in sorted(self._blocks.items(), key=lambda each: each[0]) if of == answer]
            parts = [block.part() for block in blocks]
            yield {"role": "assistant", "parts": parts, "finish_reason": self._reasons.get(answer)}

    def _add_piece(self, answer: int, index: Any, piece: Any) -> None:
        words = [(kind, text) for kind, path in _WORDS if isinstance(text := at(piece, path), str)]
        calls = [(at(piece, id_), name) for id_, path in _CALLS if isinstance(name := at(piece, path), str)]
        if not isinstance(index, int) or not (words or calls):
            return
        block = self._blocks.setdefault((answer, index), _Block())
        for id_, name in calls:
            block.type, block.id, block.name = "tool_call", id_, name
        for kind, text in words:
            block.type = kind
            block.words.append(text)
