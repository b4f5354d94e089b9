"""
What a stream says, put together again from its pieces.

Source: Bedrock API Reference, "ConverseStream", "InvokeModelWithResponseStream"; Bedrock User Guide, "Anthropic Claude Messages
API".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from guardedbedrock.bedrock.guardrail.reply_metadata import stop_reason
from guardedbedrock.telemetry.content.bodies import pieces
from guardedbedrock.telemetry.content.messages import Path, at, number, unfolded

_EVENTS: Final[tuple[tuple[Path, Path], ...]] = (
    (("contentBlockStart", "contentBlockIndex"), ("contentBlockStart", "start")),
    (("contentBlockDelta", "contentBlockIndex"), ("contentBlockDelta", "delta")),
    (("index",), ("content_block",)),
    (("index",), ("delta",)),
)
"""Number of the block that an event is of, and what it says of it: Converse's and Nova's, then Anthropic's."""

_WORDS: Final[tuple[tuple[str, Path], ...]] = (
    ("text", ("text",)),
    ("reasoning", ("thinking",)),
    ("reasoning", ("reasoningContent", "text")),
    ("tool_call", ("partial_json",)),
    ("tool_call", ("toolUse", "input")),
    ("tool_call", ("function", "arguments")),
)
"""Type of a part, and where the next piece of it stands."""

_CALLS: Final[tuple[tuple[Path, Path], ...]] = (
    (("toolUse", "toolUseId"), ("toolUse", "name")),
    (("id",), ("name",)),
    (("id",), ("function", "name")),
)
"""Where the ID and the name of a tool's call stand, which come once."""


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
        return {"type": self.type, "id": self.id, "name": self.name, "arguments": unfolded(whole) if whole else {}}


class Gathering:
    """The answers of one stream, as far as they have come."""

    __slots__ = ("_blocks", "_reasons")

    def __init__(self) -> None:
        self._blocks: dict[tuple[int, int], _Block] = {}
        self._reasons: dict[int, str] = {}

    def take(self, event: Mapping[str, Any]) -> None:
        """Take an event of ConverseStream, or what stands in a chunk of InvokeModelWithResponseStream."""
        for index, told in _EVENTS:
            self._note(0, at(event, index), at(event, told))
        for piece in pieces(event):
            self._note(piece.number, 0, {"text": piece.said})
        choices = event.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            self._take_choice(choice)

    def _take_choice(self, choice: Any) -> None:
        """Take what those like OpenAI's send beside the text: calls of tools, and why each answer ended."""
        answer = number(at(choice, ("index",)))
        if isinstance(choice, Mapping) and (reason := stop_reason(choice)):
            self._reasons[answer] = reason
        calls = at(choice, ("delta", "tool_calls"))
        for call in calls if isinstance(calls, list) else ():
            self._note(answer, 1 + number(at(call, ("index",))), call)

    def messages(self) -> Iterator[dict[str, Any]]:
        """Give the answers, with why each ended, or None where that is not said of each."""
        for answer in sorted({answer for answer, _ in self._blocks}):
            blocks = [block for (of, _), block in sorted(self._blocks.items(), key=lambda each: each[0]) if of == answer]
            told = [block.part() for block in blocks]
            yield {"role": "assistant", "parts": told, "finish_reason": self._reasons.get(answer)}

    def _note(self, answer: int, index: Any, told: Any) -> None:
        words = [(kind, said) for kind, path in _WORDS if isinstance(said := at(told, path), str)]
        calls = [(at(told, id_), name) for id_, path in _CALLS if isinstance(name := at(told, path), str)]
        if not isinstance(index, int) or not (words or calls):
            return
        block = self._blocks.setdefault((answer, index), _Block())
        for called, name in calls:
            block.type, block.id, block.name = "tool_call", called, name
        for kind, said in words:
            block.type = kind
            block.words.append(said)
