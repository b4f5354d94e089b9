"""Finds the text in what a model is asked."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.testing.wire import ServiceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardedbedrock.testing.wire import Params

_FIELDS: Final = ("prompt", "inputText")
_UNFIT: Final = "Guardrail was enabled but input is in incorrect format."
_ORPHAN: Final = "amazon-bedrock-guardrailConfig needs a guardrail identifier in the request."


@dataclass(frozen=True, slots=True)
class Prompt:
    """
    What a model is asked.

    Args:
        texts: All the text there is.
        guarded: The text that a guardrail is to see.
        last: What the user said last.
    """

    texts: tuple[str, ...]
    guarded: tuple[str, ...]
    last: str

    @property
    def characters(self) -> int:
        """How long all the text is."""
        return sum(map(len, self.texts))


def of_converse(params: Params) -> Prompt:
    """
    Read the messages and the system prompt of Converse.

    Where any block is a ``guardContent``, only those are guarded; a system prompt is guarded only by such blocks.
    """
    messages = params.get("messages", [])
    blocks = [block for message in messages for block in message["content"]]
    everything = [*params.get("system", []), *blocks]
    marked = [block["guardContent"]["text"]["text"] for block in everything if "text" in block.get("guardContent", {})]
    spoken = tuple(_texts(message["content"]) for message in messages if message["role"] == "user")
    last = " ".join(spoken[-1]) if spoken else ""
    return Prompt(_texts(everything), tuple(marked) or _texts(blocks), last)


def _texts(blocks: list[Params]) -> tuple[str, ...]:
    return tuple(text for block in blocks for text in _of_block(block))


def _of_block(block: Params) -> Iterator[str]:
    if "text" in block:
        yield block["text"]
    if "text" in block.get("guardContent", {}):
        yield block["guardContent"]["text"]["text"]


def of_body(body: bytes, *, guarded: bool = False) -> Prompt:
    """
    Read the body of InvokeModel: messages, ``prompt`` or ``inputText``.

    Args:
        body: The model's own JSON.
        guarded: Whether the request names a guardrail, which then has to find text in the body.

    Raises:
        ServiceError: ``ValidationException`` (400) when it can not, or when the body configures a guardrail nobody named.
    """
    content = _json(body)
    if guarded and not isinstance(content, dict):
        raise ServiceError.invalid(_UNFIT)
    if not isinstance(content, dict):
        return Prompt((), (), "")
    if "amazon-bedrock-guardrailConfig" in content and not guarded:
        raise ServiceError.invalid(_ORPHAN)
    spoken = tuple(_spoken(content))
    return Prompt((*_strings(content.get("system")), *spoken), spoken, spoken[-1] if spoken else "")


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _spoken(content: dict[str, Any]) -> Iterator[str]:
    for name in _FIELDS:
        yield from _strings(content.get(name))
    for message in content.get("messages") or ():
        yield from _strings(message.get("content") if isinstance(message, dict) else None)


def _strings(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        yield from (block["text"] for block in content if isinstance(block, dict) and isinstance(block.get("text"), str))
