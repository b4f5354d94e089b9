"""The replies of the fake model: a scripted reply, else a call of the required tool, else an echo."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from guardedbedrock.errors import ConfigurationError
from guardedbedrock.testing.resources.checks import check_count, check_list, check_mapping, check_string
from guardedbedrock.testing.runtime.schema_instance import schema_instance
from guardedbedrock.testing.runtime.script import Script
from guardedbedrock.testing.wire import ApiParams, ServiceError

if TYPE_CHECKING:
    from guardedbedrock.testing.runtime.requests.prompts import CitedDocument, Prompt

_CHARACTERS_PER_TOKEN: Final = 4
_NO_OBJECT: Final = "The schema of the input of a tool must be of the type object."
_LETTERS: Final = re.compile(r"\w+")
_SENTENCE: Final = re.compile(r"\S[^.!?\n]*[.!?]?")
_WORD = re.compile(r"\s*\S+\s*$|\s*\S+|\s+")


@dataclass(frozen=True, slots=True)
class ToolUse:
    """
    A call of a tool, as part of a reply.

    Args:
        name: Name of the tool.
        input: Input of the tool, valid for its schema.
        id: ID of the call; derived from name and input by default.

    Raises:
        ConfigurationError: The name is empty, or the input is not a mapping that JSON can contain.
    """

    name: str
    input: Mapping[str, Any]
    id: str = ""

    def __post_init__(self) -> None:
        check_string("ToolUse: name", self.name)
        check_string("ToolUse: id", self.id)
        check_mapping("ToolUse: input", self.input)
        if not self.name:
            raise ConfigurationError("ToolUse: name: must not be empty")
        try:
            json.dumps(dict(self.input))
        except (TypeError, ValueError, RecursionError) as error:
            raise ConfigurationError(f"ToolUse: input: not JSON: {error}") from error

    @property
    def call_id(self) -> str:
        """The ID of the call."""
        return self.id or "tooluse_" + hashlib.sha256(f"{self.name}{self.json}".encode()).hexdigest()[:22]

    @property
    def json(self) -> str:
        """The input as JSON, as a stream sends it in deltas."""
        return json.dumps(dict(self.input))


@dataclass(frozen=True, slots=True)
class Reasoning:
    """
    The reasoning of the model, as part of a reply.

    Args:
        text: The reasoning.
        signature: The signature that a client has to send back with it.
    """

    text: str
    signature: str = "c2lnbmF0dXJl"

    def __post_init__(self) -> None:
        check_string("Reasoning: text", self.text)
        check_string("Reasoning: signature", self.signature)


@dataclass(frozen=True, slots=True)
class Citation:
    """
    A citation of the text before it, as part of a reply of Converse.

    Args:
        title: Name of the document.
        text: The cited text; empty for a document that is not plain text.
        document: Index of the document in the request.
        start: Position of the cited text in the document, in characters.
    """

    title: str
    text: str = ""
    document: int = 0
    start: int = 0

    def __post_init__(self) -> None:
        check_string("Citation: title", self.title)
        check_string("Citation: text", self.text)
        check_count("Citation: document", self.document)
        check_count("Citation: start", self.start)


_BLOCKS: Final = (str, ToolUse, Reasoning, Citation)
ReplyBlock: TypeAlias = str | ToolUse | Reasoning | Citation
"""A part of a reply."""


@dataclass(frozen=True, slots=True)
class ModelReply:
    """
    A reply of the model.

    Args:
        blocks: The parts of the reply, in order.
        stop: Converse's ``stopReason``.
    """

    blocks: tuple[ReplyBlock, ...]
    stop: str = "end_turn"

    def __post_init__(self) -> None:
        check_string("ModelReply: stop", self.stop)
        for block in check_list("ModelReply: blocks", self.blocks):
            if not isinstance(block, _BLOCKS):
                raise ConfigurationError(f"ModelReply: blocks: {block!r} is not a string, ToolUse, Reasoning or Citation")

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts of the reply, without reasoning and tool calls. Guardrails assess only these."""
        return tuple(block for block in self.blocks if isinstance(block, str))

    @property
    def text(self) -> str:
        """All texts, joined."""
        return "".join(self.texts)

    def with_texts(self, texts: Sequence[str]) -> ModelReply:
        """Return the same reply with other texts."""
        others = iter(texts)
        return replace(self, blocks=tuple(next(others) if isinstance(block, str) else block for block in self.blocks))


ScriptedReply: TypeAlias = ReplyBlock | Sequence[ReplyBlock] | ModelReply | Callable[[ApiParams], "ScriptedReply"]
"""A part of a reply, several parts, a `ModelReply`, or a function from the parameters of the call to one of these."""


def check_reply(reply: object) -> None:
    """
    Check that an object is a `ScriptedReply`.

    Raises:
        ConfigurationError: It is not.
    """
    if callable(reply) or isinstance(reply, ModelReply):
        return
    for block in reply if isinstance(reply, list | tuple) else (reply,):
        if not isinstance(block, _BLOCKS):
            raise ConfigurationError(
                f"reply: {block!r} is not a string, ToolUse, Reasoning, Citation, a list of them, a ModelReply or a function"
            )


class FakeModel:
    """Replies to prompts. The same request always gets the same reply."""

    def __init__(self) -> None:
        self.script: Script[ScriptedReply] = Script(check_reply)

    def reply(
        self, operation: str, params: ApiParams, prompt: Prompt, last: str, default: ModelReply | None = None
    ) -> ModelReply:
        """
        Return the next scripted reply, else a call of the required tool, else structured output, else an echo of the prompt.

        If the request enables reasoning, the reply begins with it. If it enables citations, the reply cites a sentence of a
        document.

        Args:
            operation: For example ``Converse``.
            params: Parameters of the call.
            prompt: The prompt.
            last: The last text of the user, masked by the guardrails.
            default: The reply if none is scripted; None for the order above.

        Raises:
            ServiceError: ``ModelErrorException`` (424) if a scripted function raises, or does not return a reply.
        """
        scripted = self.script.take(operation, params.get("modelId", ""))
        if scripted is not None:
            return _limited(_model_reply(scripted, params), prompt)
        if default is not None:
            return default
        if prompt.required_tool:
            return _model_reply(_tool_use(*prompt.required_tool), params)
        reasoning = (Reasoning(f"The user said: {last}"),) if prompt.reasoning else ()
        if prompt.output_schema is not None:
            return _limited(ModelReply((*reasoning, json.dumps(schema_instance(prompt.output_schema)))), prompt)
        echo = f"You said: {last}" if last else "You said nothing."
        return _limited(ModelReply((*reasoning, echo, *_cited(prompt.documents, last))), prompt)


def _tool_use(name: str, schema: Any) -> ToolUse:
    value = schema_instance(schema)
    if not isinstance(value, dict):
        raise ServiceError.invalid(_NO_OBJECT)
    return ToolUse(name, value)


def _model_reply(reply: ScriptedReply, params: ApiParams) -> ModelReply:
    if callable(reply):
        return _model_reply(_called(reply, params), params)
    if isinstance(reply, ModelReply):
        return reply
    blocks: tuple[ReplyBlock, ...] = (reply,) if isinstance(reply, (str, ToolUse, Reasoning, Citation)) else tuple(reply)
    return ModelReply(blocks, "tool_use" if any(isinstance(block, ToolUse) for block in blocks) else "end_turn")


def _cited(documents: Sequence[CitedDocument], last: str) -> tuple[str | Citation, ...]:
    """Return the sentence that has the most words in common with the last text of the user, and its citation."""
    wanted = set(_LETTERS.findall(last.lower()))
    best: tuple[int, str, Citation] | None = None
    for document in documents:
        for found in _SENTENCE.finditer(document.text):
            common = len(wanted & set(_LETTERS.findall(found[0].lower())))
            if best is None or common > best[0]:
                best = common, found[0], Citation(document.name, found[0], document.index, found.start())
    if best:
        return best[1:]
    return (f"See {documents[0].name}.", Citation(documents[0].name, document=documents[0].index)) if documents else ()


def _called(reply: Callable[[ApiParams], ScriptedReply], params: ApiParams) -> ScriptedReply:
    try:
        returned = reply(params)
    except ServiceError:
        raise
    except Exception as error:
        raise ServiceError(424, "ModelErrorException", f"the scripted reply raised {error!r}") from error
    try:
        check_reply(returned)
    except ConfigurationError as error:
        raise ServiceError(424, "ModelErrorException", f"the scripted function returned an invalid {error}") from error
    return returned


def _limited(reply: ModelReply, prompt: Prompt) -> ModelReply:
    """Truncate a reply at a stop sequence, or at the maximum number of tokens."""
    left = None if prompt.max_tokens is None else prompt.max_tokens * _CHARACTERS_PER_TOKEN
    texts, stop = [], reply.stop
    for text in reply.texts:
        found = min((text.find(sequence) for sequence in prompt.stop_sequences if sequence in text), default=-1)
        kept, reason = (text[:found], "stop_sequence") if found >= 0 else (text, stop)
        if left is not None and len(kept) > left:
            kept, reason = kept[:left], "max_tokens"
        stop, left = reason, None if left is None else left - len(kept)
        texts.append(kept)
    return replace(reply.with_texts(texts), stop=stop)


_SUBJECTS: Final = ("The team", "A customer", "Our service", "The report", "The customer", "The assistant", "The plan")
_VERBS: Final = ("explains", "reviews", "improves", "follows", "describes", "compares", "prepares", "answers")
_OBJECTS: Final = ("the question", "each step", "the numbers", "a short summary", "the next release", "the request")


def prose(words: int = 50) -> Callable[[ApiParams], str]:
    """
    Return a scripted reply of English sentences. The same call gets the same text.

    Args:
        words: Minimum number of words.
    """

    def write(params: ApiParams) -> str:
        random, text = Random(repr(sorted(params.items(), key=str))), ""  # noqa: S311 - the same text in every run
        while len(text.split()) < words:
            text += f"{random.choice(_SUBJECTS)} {random.choice(_VERBS)} {random.choice(_OBJECTS)}. "
        return text.strip()

    return write


def named_tools() -> Callable[[ApiParams], ScriptedReply]:
    """
    Return a scripted reply of Converse that calls the first tool whose name the last user message contains.

    The input is a simple instance of the schema of the tool. Other messages get the usual echo. The reply to a
    message with tool results contains the results as text.
    """

    def answer(params: ApiParams) -> ScriptedReply:
        blocks: list[Any] = (params.get("messages") or [{"content": []}])[-1]["content"]
        results = [block["toolResult"] for block in blocks if "toolResult" in block]
        if results:
            contents = (
                json.dumps(item.get("json", item.get("text")), default=repr) for one in results for item in one["content"]
            )
            return f"The tools returned: {', '.join(contents)}"
        said = " ".join(block["text"] for block in blocks if "text" in block)
        tools = [tool["toolSpec"] for tool in params.get("toolConfig", {}).get("tools", ()) if "toolSpec" in tool]
        called = next((tool for tool in tools if re.search(rf"\b{re.escape(tool['name'])}\b", said)), None)
        if called is None:
            return f"You said: {said}"
        return _tool_use(called["name"], called["inputSchema"].get("json", {}))

    return answer


def tokens(texts: Sequence[str]) -> int:
    """Estimate the number of tokens: one for every four characters."""
    return sum(-(-len(text) // _CHARACTERS_PER_TOKEN) for text in texts)


def words(text: str) -> list[str]:
    """
    Split text into the deltas of a stream.

    >>> words("so it  goes ")
    ['so', ' it', '  goes ']
    """
    return _WORD.findall(text)
