"""Parses requests to models into a `Prompt`: texts, marked content, tools and limits."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from guardedbedrock.testing.assessment import AssessedContent
from guardedbedrock.testing.runtime.requests.body_types import check_types
from guardedbedrock.testing.wire import ServiceError, read_json

if TYPE_CHECKING:
    from guardedbedrock.testing.resources.guardrail import AssessmentSource
    from guardedbedrock.testing.wire import ApiParams

ToolSpec: TypeAlias = tuple[str, Mapping[str, Any]]
"""Name of a tool, and the JSON schema of its input."""

_INCORRECT_FORMAT: Final = "Guardrail was enabled but input is in incorrect format."
_NO_GUARDRAIL: Final = "amazon-bedrock-guardrailConfig requires a guardrail identifier in the request."
_NO_SCHEMA: Final = "outputConfig.textFormat.structure.jsonSchema.schema is not a valid JSON schema."
_REASONING_FIELDS: Final = ("thinking", "reasoning_config", "reasoningConfig")
_PLAIN_FORMATS: Final = ("txt", "md", "csv", "html")
_HUMAN_TURN: Final = re.compile(r"\n\nHuman:(.*?)(?=\n\nAssistant:|\n\nHuman:|$)", re.DOTALL)
_TAG: Final = "amazon-bedrock-guardrails-guardContent"
_TEXT_MEMBERS: Final = ("prompt", "inputText", "message", "texts", "input_text", "inputPrompt")
_MAX_TOKENS: Final = (
    "max_tokens",
    "max_tokens_to_sample",
    "max_gen_len",
    "max_new_tokens",
    "maxTokens",
    "maxTokenCount",
    "max_completion_tokens",
)
_STOP_SEQUENCES: Final = ("stop_sequences", "stopSequences", "stop")
_CONFIG_MEMBERS: Final = ("inferenceConfig", "textGenerationConfig")
_SETTINGS: Final = ("", *(f"/{name}" for name in _CONFIG_MEMBERS))
"""JSON pointers of the objects that contain the settings of formats."""

_MEMBERS: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys((f"/{name}" for name in ("inputText", "message", "inputPrompt")), ("String",)),
    "/prompt": ("String", "JSONArray"),  # imported models also accept several prompts
    **dict.fromkeys((f"/{name}" for name in (*_CONFIG_MEMBERS, "amazon-bedrock-guardrailConfig")), ("JSONObject",)),
    **dict.fromkeys((f"{pointer}/{name}" for pointer in _SETTINGS for name in _MAX_TOKENS), ("Integer",)),
    **dict.fromkeys((f"{pointer}/{name}" for pointer in _SETTINGS for name in _STOP_SEQUENCES), ("JSONArray", "String")),
    **dict.fromkeys((f"{pointer}/{name}/*" for pointer in _SETTINGS for name in _STOP_SEQUENCES), ("String",)),
    "/messages": ("JSONArray",),
    "/tools": ("JSONArray",),
    "/tools/*": ("JSONObject",),
    "/tools/*/name": ("String",),
    "/tool_choice": ("JSONObject", "String"),
    "/tool_choice/type": ("String",),
    "/tool_choice/name": ("String",),
}
"""The members that the fake reads. Each has the same type in every format that has it."""


class VisibleContent(NamedTuple):
    """
    The content of a prompt that a guardrail assesses.

    Args:
        texts: The texts.
        images: Number of images.
    """

    texts: tuple[str, ...]
    images: int

    def plus(self, more: VisibleContent) -> VisibleContent:
        """Return this content and more."""
        return VisibleContent((*self.texts, *more.texts), self.images + more.images)


@dataclass(frozen=True, slots=True)
class PromptPart:
    """
    The system prompt, or the messages.

    Args:
        texts: All texts.
        marked: The texts that the caller marked for guardrails.
        images: Number of images.
        marked_images: Number of images that the caller marked.
    """

    texts: tuple[str, ...] = ()
    marked: tuple[str, ...] = ()
    images: int = 0
    marked_images: int = 0

    @property
    def all(self) -> VisibleContent:
        """All content."""
        return VisibleContent(self.texts, self.images)

    @property
    def marked_content(self) -> VisibleContent:
        """The marked content."""
        return VisibleContent(self.marked, self.marked_images)


@dataclass(frozen=True, slots=True)
class CitedDocument:
    """
    A document that the reply may cite.

    Args:
        name: Name of the document.
        index: Index among the documents of the request.
        text: Its text; empty if it is not plain text.
    """

    name: str
    index: int
    text: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """
    A request to a model.

    Args:
        system: The system prompt.
        messages: The messages.
        last: The last text of the user.
        sources: Grounding sources.
        queries: Queries that the response must be relevant to.
        required_tool: The tool that the response has to call.
        max_tokens: Maximum number of tokens of the response; None has no limit.
        stop_sequences: Strings that end the response.
        asynchronous: Whether a stream is sent before it is assessed.
        output_schema: JSON schema that the text of the response must match.
        reasoning: Whether the request enables reasoning.
        documents: Documents with citations.
    """

    system: PromptPart = field(default_factory=PromptPart)
    messages: PromptPart = field(default_factory=PromptPart)
    last: str = ""
    sources: tuple[str, ...] = ()
    queries: tuple[str, ...] = ()
    required_tool: ToolSpec | None = None
    max_tokens: int | None = None
    stop_sequences: tuple[str, ...] = ()
    asynchronous: bool = False
    output_schema: Mapping[str, Any] | None = None
    reasoning: bool = False
    documents: tuple[CitedDocument, ...] = ()

    @property
    def texts(self) -> tuple[str, ...]:
        """All texts."""
        return (*self.system.texts, *self.messages.texts)

    @property
    def marked(self) -> VisibleContent:
        """The marked content."""
        return self.system.marked_content.plus(self.messages.marked_content)

    @property
    def is_marked(self) -> bool:
        """Whether the caller marked any content."""
        return any((*self.marked.texts, self.marked.images))

    @property
    def images(self) -> int:
        """Number of images."""
        return self.system.images + self.messages.images

    @property
    def characters(self) -> int:
        """Number of characters."""
        return sum(map(len, self.texts))


def parse_converse(params: ApiParams) -> Prompt:
    """
    Parse the parameters of Converse. ``guardContent`` blocks are marked.

    Raises:
        ServiceError: ``ValidationException`` (400) if the schema of ``outputConfig`` is not a JSON object.
    """
    messages = params.get("messages", [])
    system, blocks = params.get("system", []), [block for message in messages for block in message["content"]]
    user_texts = [_texts(message["content"]) for message in messages if message["role"] == "user"]
    config = params.get("inferenceConfig", {})
    return Prompt(
        _part(system),
        _part(blocks),
        " ".join(user_texts[-1]) if user_texts else "",
        _qualified([*system, *blocks], "grounding_source"),
        _qualified([*system, *blocks], "query"),
        _required_tool(params.get("toolConfig", {})),
        config.get("maxTokens"),
        tuple(config.get("stopSequences", ())),
        output_schema=_output_schema(params.get("outputConfig", {})),
        reasoning=_reasons(params.get("additionalModelRequestFields")),
        documents=tuple(_cited_documents(blocks)),
    )


def _output_schema(config: ApiParams) -> Mapping[str, Any] | None:
    if "textFormat" not in config:
        return None
    schema = _json(config["textFormat"]["structure"]["jsonSchema"]["schema"].encode())
    if not isinstance(schema, dict):
        raise ServiceError.invalid(_NO_SCHEMA)
    return schema


def _reasons(fields: Any) -> bool:
    settings = [fields.get(name) for name in _REASONING_FIELDS] if isinstance(fields, dict) else []
    return any(isinstance(one, dict) and one.get("type") in ("enabled", "adaptive") for one in settings)


def _cited_documents(blocks: list[ApiParams]) -> Iterator[CitedDocument]:
    documents = [block["document"] for block in blocks if "document" in block]
    for index, document in enumerate(documents):
        if document.get("citations", {}).get("enabled"):
            yield CitedDocument(document["name"], index, _document_text(document))


def _document_text(document: ApiParams) -> str:
    source = document["source"]
    if "bytes" in source and document.get("format", "txt") in _PLAIN_FORMATS:
        return str(source["bytes"].decode(errors="replace"))
    return source["text"] if "text" in source else " ".join(item.get("text", "") for item in source.get("content", ()))


def _part(blocks: list[ApiParams]) -> PromptPart:
    marked = sum("image" in block.get("guardContent", {}) for block in blocks)
    images = marked + sum("image" in block for block in blocks)
    return PromptPart(_texts(blocks), _guarded(blocks), images, marked)


def _texts(blocks: list[ApiParams]) -> tuple[str, ...]:
    return tuple(text for block in blocks for text in _of_block(block))


def _of_block(block: ApiParams) -> Iterator[str]:
    if "text" in block:
        yield block["text"]
    if "text" in block.get("guardContent", {}):
        yield block["guardContent"]["text"]["text"]


def _marks(blocks: list[ApiParams]) -> Iterator[ApiParams]:
    yield from (block["guardContent"]["text"] for block in blocks if "text" in block.get("guardContent", {}))


def _guarded(blocks: list[ApiParams]) -> tuple[str, ...]:
    """Return the marked texts, without those that are only grounding sources or queries."""
    return tuple(mark["text"] for mark in _marks(blocks) if "guard_content" in mark.get("qualifiers", ["guard_content"]))


def _qualified(blocks: list[ApiParams], qualifier: str) -> tuple[str, ...]:
    return tuple(mark["text"] for mark in _marks(blocks) if qualifier in mark.get("qualifiers", ()))


def parse_guarded_content(content: list[ApiParams], source: AssessmentSource) -> AssessedContent:
    """Parse the content of ApplyGuardrail."""
    blocks = [{"guardContent": block} for block in content]
    images = sum("image" in block for block in content)
    return AssessedContent(_guarded(blocks), source, _qualified(blocks, "grounding_source"), _qualified(blocks, "query"), images)


def _required_tool(config: ApiParams) -> ToolSpec | None:
    tools = [tool["toolSpec"] for tool in config.get("tools", ()) if "toolSpec" in tool]
    choice = config.get("toolChoice", {})
    wanted = choice.get("tool", {}).get("name")
    if "any" not in choice and wanted is None:
        return None
    found = ((spec["name"], spec["inputSchema"].get("json", {})) for spec in tools if wanted in {None, spec["name"]})
    return next(found, None)


def parse_body(body: bytes, *, guarded: bool = False) -> Prompt:
    """
    Parse the body of InvokeModel, in the format of any model. Text between the guardrail tags of the body is marked.

    Args:
        body: The JSON of the model.
        guarded: Whether the request names a guardrail.

    Raises:
        ServiceError: ``ValidationException`` (400) if a guarded body is not a JSON object, if a member has the wrong type, or if
            the body configures a guardrail and the request names none.
    """
    content = _json(body)
    if guarded and not isinstance(content, dict):
        raise ServiceError.invalid(_INCORRECT_FORMAT)
    if not isinstance(content, dict):
        return Prompt()
    if "amazon-bedrock-guardrailConfig" in content and not guarded:
        raise ServiceError.invalid(_NO_GUARDRAIL)
    check_types(content, _MEMBERS)
    strip = _tag_parser(content)
    system, spoken = tuple(_strings(content.get("system"))), tuple(_message_texts(content))
    settings = {**content, **{name: value for part in _CONFIG_MEMBERS for name, value in (content.get(part) or {}).items()}}
    return Prompt(
        PromptPart(*strip(system)),
        PromptPart(*strip(spoken)),
        _last_turn(strip(spoken)[0][-1]) if spoken else "",
        required_tool=_required_tool_in_body(content),
        max_tokens=next((settings[name] for name in _MAX_TOKENS if isinstance(settings.get(name), int)), None),
        stop_sequences=next((tuple(settings[name]) for name in _STOP_SEQUENCES if isinstance(settings.get(name), list)), ()),
        asynchronous=_config(content).get("streamProcessingMode") == "ASYNCHRONOUS",
    )


def _last_turn(text: str) -> str:
    """Return the last turn of a user in a prompt of Claude 2; any other prompt is one turn."""
    turns = _HUMAN_TURN.findall(text)
    return turns[-1].strip() if turns else text


def _config(content: ApiParams) -> ApiParams:
    found = content.get("amazon-bedrock-guardrailConfig")
    return found if isinstance(found, dict) else {}


def _tag_parser(content: ApiParams) -> Callable[[tuple[str, ...]], tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return a function that removes the guardrail tags of this body from texts, and returns the texts and the tagged texts."""
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
        return read_json(body)
    except ValueError:
        return None


def _message_texts(content: dict[str, Any]) -> Iterator[str]:
    for name in _TEXT_MEMBERS:
        yield from _strings(content.get(name))
    for message in content.get("messages") or ():
        yield from _strings(message.get("content") if isinstance(message, dict) else None)


def _strings(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        yield from (block for block in content if isinstance(block, str))
        yield from (block["text"] for block in content if isinstance(block, dict) and isinstance(block.get("text"), str))


def _required_tool_in_body(content: ApiParams) -> ToolSpec | None:
    """Return the tool that Anthropic's ``tool_choice`` requires."""
    choice, tools = content.get("tool_choice"), content.get("tools") or ()
    if not isinstance(choice, dict) or choice.get("type") not in {"any", "tool"}:
        return None
    named = [(tool["name"], tool.get("input_schema") or {}) for tool in tools if tool.get("name")]
    return next((spec for spec in named if choice.get("name") in {None, spec[0]}), None)
