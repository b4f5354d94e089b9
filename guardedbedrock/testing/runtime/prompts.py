"""Finds in what a model is asked: the text, what of it a guardrail is to see, the tools, and how long the answer may be."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from guardedbedrock.testing.assessment import Scene
from guardedbedrock.testing.wire import ServiceError

if TYPE_CHECKING:
    from guardedbedrock.testing.assessment import Source
    from guardedbedrock.testing.wire import Params

Tool: TypeAlias = tuple[str, Mapping[str, Any]]
"""Name of a tool, and the schema of its input."""

_UNFIT: Final = "Guardrail was enabled but input is in incorrect format."
_ORPHAN: Final = "amazon-bedrock-guardrailConfig needs a guardrail identifier in the request."
_TAG: Final = "amazon-bedrock-guardrails-guardContent"
_FIELDS: Final = ("prompt", "inputText", "message", "texts", "input_text")
_MOST: Final = (
    "max_tokens",
    "max_tokens_to_sample",
    "max_gen_len",
    "max_new_tokens",
    "maxTokens",
    "maxTokenCount",
    "max_completion_tokens",
)
_STOPS: Final = ("stop_sequences", "stopSequences", "stop")
_SETTINGS: Final = ("inferenceConfig", "textGenerationConfig")


class Seen(NamedTuple):
    """
    What a guardrail sees of a prompt.

    Args:
        texts: The texts.
        images: How many images, which it only counts.
    """

    texts: tuple[str, ...]
    images: int

    def also(self, more: Seen) -> Seen:
        """Put this and more together."""
        return Seen((*self.texts, *more.texts), self.images + more.images)


@dataclass(frozen=True, slots=True)
class Part:
    """
    The system prompt, or the messages.

    Args:
        texts: All the text.
        marked: What somebody marked for a guardrail.
        images: How many images there are.
        marked_images: How many of them somebody marked.
    """

    texts: tuple[str, ...] = ()
    marked: tuple[str, ...] = ()
    images: int = 0
    marked_images: int = 0

    @property
    def all(self) -> Seen:
        """What a guardrail sees of it that sees all."""
        return Seen(self.texts, self.images)

    @property
    def choice(self) -> Seen:
        """What a guardrail sees of it that sees what is marked."""
        return Seen(self.marked, self.marked_images)


@dataclass(frozen=True, slots=True)
class Prompt:
    """
    What a model is asked.

    Args:
        system: The system prompt.
        messages: The messages.
        last: What the user said last.
        sources: What an answer has to be grounded in.
        queries: What an answer has to be relevant to.
        forced: The tool that the answer has to be a call of.
        most: Tokens that the answer may have; None is as many as it likes.
        stops: What ends the answer.
        late: Whether a stream leaves before it is assessed.
    """

    system: Part = field(default_factory=Part)
    messages: Part = field(default_factory=Part)
    last: str = ""
    sources: tuple[str, ...] = ()
    queries: tuple[str, ...] = ()
    forced: Tool | None = None
    most: int | None = None
    stops: tuple[str, ...] = ()
    late: bool = False

    @property
    def texts(self) -> tuple[str, ...]:
        """All the text there is."""
        return (*self.system.texts, *self.messages.texts)

    @property
    def marked(self) -> Seen:
        """All that somebody marked."""
        return self.system.choice.also(self.messages.choice)

    @property
    def is_marked(self) -> bool:
        """Whether somebody marked anything."""
        return any((*self.marked.texts, self.marked.images))

    @property
    def images(self) -> int:
        """How many images there are."""
        return self.system.images + self.messages.images

    @property
    def characters(self) -> int:
        """How long all the text is."""
        return sum(map(len, self.texts))


def of_converse(params: Params) -> Prompt:
    """Read the messages and the system prompt of Converse; marked is what stands in a ``guardContent``."""
    messages = params.get("messages", [])
    system, blocks = params.get("system", []), [block for message in messages for block in message["content"]]
    spoken = [_texts(message["content"]) for message in messages if message["role"] == "user"]
    config = params.get("inferenceConfig", {})
    return Prompt(
        _part(system),
        _part(blocks),
        " ".join(spoken[-1]) if spoken else "",
        _qualified([*system, *blocks], "grounding_source"),
        _qualified([*system, *blocks], "query"),
        _forced(params.get("toolConfig", {})),
        config.get("maxTokens"),
        tuple(config.get("stopSequences", ())),
    )


def _part(blocks: list[Params]) -> Part:
    marked = sum("image" in block.get("guardContent", {}) for block in blocks)
    images = marked + sum("image" in block for block in blocks)
    return Part(_texts(blocks), _guarded(blocks), images, marked)


def _texts(blocks: list[Params]) -> tuple[str, ...]:
    return tuple(text for block in blocks for text in _of_block(block))


def _of_block(block: Params) -> Iterator[str]:
    if "text" in block:
        yield block["text"]
    if "text" in block.get("guardContent", {}):
        yield block["guardContent"]["text"]["text"]


def _marks(blocks: list[Params]) -> Iterator[Params]:
    yield from (block["guardContent"]["text"] for block in blocks if "text" in block.get("guardContent", {}))


def _guarded(blocks: list[Params]) -> tuple[str, ...]:
    """What is only there to hold an answer against is not assessed itself."""
    return tuple(mark["text"] for mark in _marks(blocks) if "guard_content" in mark.get("qualifiers", ["guard_content"]))


def _qualified(blocks: list[Params], qualifier: str) -> tuple[str, ...]:
    return tuple(mark["text"] for mark in _marks(blocks) if qualifier in mark.get("qualifiers", ()))


def of_blocks(content: list[Params], source: Source) -> Scene:
    """Read what ApplyGuardrail is to assess, and what it is to be held against."""
    blocks = [{"guardContent": block} for block in content]
    images = sum("image" in block for block in content)
    return Scene(_guarded(blocks), source, _qualified(blocks, "grounding_source"), _qualified(blocks, "query"), images)


def _forced(config: Params) -> Tool | None:
    tools = [tool["toolSpec"] for tool in config.get("tools", ()) if "toolSpec" in tool]
    choice = config.get("toolChoice", {})
    wanted = choice.get("tool", {}).get("name")
    if "any" not in choice and wanted is None:
        return None
    found = ((spec["name"], spec["inputSchema"].get("json", {})) for spec in tools if wanted in {None, spec["name"]})
    return next(found, None)


def of_body(body: bytes, *, guarded: bool = False) -> Prompt:
    """
    Read the body of InvokeModel, in the form of any model there is; marked is what stands between tags of the body's suffix.

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
        return Prompt()
    if "amazon-bedrock-guardrailConfig" in content and not guarded:
        raise ServiceError.invalid(_ORPHAN)
    strip = _untagging(content)
    system, spoken = tuple(_strings(content.get("system"))), tuple(_spoken(content))
    settings = {**content, **{name: value for part in _SETTINGS for name, value in (content.get(part) or {}).items()}}
    return Prompt(
        Part(*strip(system)),
        Part(*strip(spoken)),
        strip(spoken)[0][-1] if spoken else "",
        forced=_forced_in_body(content),
        most=next((settings[name] for name in _MOST if isinstance(settings.get(name), int)), None),
        stops=next((tuple(settings[name]) for name in _STOPS if isinstance(settings.get(name), list)), ()),
        late=_config(content).get("streamProcessingMode") == "ASYNCHRONOUS",
    )


def _config(content: Params) -> Params:
    found = content.get("amazon-bedrock-guardrailConfig")
    return found if isinstance(found, dict) else {}


def _untagging(content: Params) -> Callable[[tuple[str, ...]], tuple[tuple[str, ...], tuple[str, ...]]]:
    """Make what takes the tags of this body off some texts, and gives the texts and what stood between tags."""
    suffix = _config(content).get("tagSuffix")
    if not suffix:
        return lambda texts: (texts, ())
    tag = re.escape(f"{_TAG}_{suffix}")
    return lambda texts: (
        tuple(re.sub(rf"</?{tag}>", "", text) for text in texts),
        tuple(inside for text in texts for inside in re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)),
    )


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
        yield from (block for block in content if isinstance(block, str))
        yield from (block["text"] for block in content if isinstance(block, dict) and isinstance(block.get("text"), str))


def _forced_in_body(content: Params) -> Tool | None:
    """Read the tool that Anthropic's form makes the answer call."""
    choice, tools = content.get("tool_choice"), content.get("tools") or ()
    if not isinstance(choice, dict) or choice.get("type") not in {"any", "tool"}:
        return None
    found = ((tool["name"], tool.get("input_schema", {})) for tool in tools if choice.get("name") in {None, tool.get("name")})
    return next(found, None)
