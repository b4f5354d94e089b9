"""
Checks the messages of Converse and ConverseStream.

Only rules that AWS documents, or whose error messages are public, are checked. Sources: Amazon Bedrock API Reference, "Message",
"DocumentBlock" and "ToolResultBlock"; Amazon Bedrock User Guide, "Using the Converse API".
"""

from __future__ import annotations

import re
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Final

from guardedbedrock.testing.wire import ServiceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardedbedrock.testing.resources.models import ModelFamily
    from guardedbedrock.testing.wire import ApiParams

_USER_FIRST: Final = (
    "A conversation must start with a user message. Try again with a conversation that starts with a user message."
)
_ALTERNATE: Final = (
    "A conversation must alternate between user and assistant roles. "
    "Make sure the conversation alternates between user and assistant roles and try again."
)
_NO_TOOLS: Final = "The toolConfig field must be defined when using toolUse and toolResult content blocks."
_NAME: Final = (
    "The document file name can only contain alphanumeric characters, whitespace characters, hyphens, parentheses, and square "
    "brackets. The name can't contain more than one consecutive whitespace character. "
    "Check that the file name conforms to these restrictions and retry your request."
)
_DUPLICATE: Final = "Messages can't contain duplicate document names. Rename the document and retry your request."
_TOO_MANY: Final = "You can't include more than 5 documents in a request."
_NO_TEXT: Final = "A text block must be included when using documents. Add a text block and retry your request."
_WHITESPACE: Final = "The model returned the following errors: messages: text content blocks must contain non-whitespace text"

_NO_SYSTEM: Final = (
    "This model doesn't support system messages. Try again without a system message or use a model that supports system messages."
)
_NO_TOOL_USE: Final = "This model doesn't support tool use."
_NO_IMAGES: Final = (
    "This model doesn't support the image content block that you provided. Update the content block and try again."
)
_TOO_MANY_TOKENS: Final = (
    "The maximum tokens you requested exceeds the model limit of {0}. "
    "Try again with a maximum tokens value that is lower than {0}."
)

_MAX_DOCUMENTS: Final = 5
# AWS also accepts underscores, which its message does not name. Of the whitespace characters it accepts only the space.
_DOCUMENT_NAME: Final = re.compile(r"(?!.*  )[A-Za-z0-9_ \-()\[\]]+")


def check_conversation(params: ApiParams, family: ModelFamily) -> None:
    """
    Check the messages of a request, and whether the model supports what the request uses.

    Args:
        params: Parameters of Converse.
        family: Family of the model.

    Raises:
        ServiceError: ``ValidationException`` (400) for the first violation.
    """
    messages = params.get("messages", [])
    checks = (
        _content(messages, family.provider),
        _roles(messages),
        _tools(messages, params),
        _documents(messages),
        _capabilities(messages, params, family),
    )
    for problem in chain.from_iterable(checks):
        raise ServiceError.invalid(problem)


def _capabilities(messages: list[ApiParams], params: ApiParams, family: ModelFamily) -> Iterator[str]:
    if params.get("system") and not family.system:
        yield _NO_SYSTEM
    if "toolConfig" in params and not family.tools:
        yield _NO_TOOL_USE
    if "IMAGE" not in family.inputs and any("image" in block for message in messages for block in message["content"]):
        yield _NO_IMAGES
    wanted = params.get("inferenceConfig", {}).get("maxTokens", 0)
    if family.max_tokens is not None and wanted > family.max_tokens:
        yield _TOO_MANY_TOKENS.format(family.max_tokens)


def _content(messages: list[ApiParams], provider: str) -> Iterator[str]:
    for number, message in enumerate(messages):
        if not message["content"]:
            location = f"the Message object at messages.{number}"
            yield f"The content field in {location} is empty. Add a ContentBlock object to the content field and try again."
        for index, block in enumerate(message["content"]):
            text = block.get("text")
            if text == "":
                location = f"the ContentBlock object at messages.{number}.content.{index}"
                yield f"The text field in {location} is blank. Add text to the text field, and try again."
            elif text is not None and not text.strip() and provider == "Anthropic":
                yield _WHITESPACE


def _roles(messages: list[ApiParams]) -> Iterator[str]:
    if messages and messages[0]["role"] != "user":
        yield _USER_FIRST
    if any(before["role"] == after["role"] for before, after in pairwise(messages)):
        yield _ALTERNATE


def _tools(messages: list[ApiParams], params: ApiParams) -> Iterator[str]:
    """Yield the problems of tool blocks: the results of all calls of a turn belong in the next message."""
    blocks = [block for one in messages for block in one["content"]]
    if "toolConfig" not in params and any({"toolUse", "toolResult"} & block.keys() for block in blocks):
        yield _NO_TOOLS
    called: list[str] = []
    for number, message in enumerate(messages):
        results = [block["toolResult"]["toolUseId"] for block in message["content"] if "toolResult" in block]
        if len(results) > len(called):
            location = f"messages.{number}.content"
            yield f"The number of toolResult blocks at {location} exceeds the number of toolUse blocks of previous turn."
        if missing := [name for name in called if name not in results]:
            yield f"Expected toolResult blocks at messages.{number}.content for the following Ids: {', '.join(missing)}"
        yield from _failed_results(number, message)
        called = [block["toolUse"]["toolUseId"] for block in message["content"] if "toolUse" in block]


def _failed_results(number: int, message: ApiParams) -> Iterator[str]:
    for index, block in enumerate(message["content"]):
        result = block.get("toolResult", {})
        if result.get("status") == "error" and not result["content"]:
            location = f"messages.{number}.content.{index}.toolResult"
            yield f"The content field at {location} cannot be empty when status value is error."


def _documents(messages: list[ApiParams]) -> Iterator[str]:
    names: list[str] = []
    for message in messages:
        blocks = message["content"]
        own = [block["document"]["name"] for block in blocks if "document" in block]
        if own and not any("text" in block or "guardContent" in block for block in blocks):
            yield _NO_TEXT
        results = [item for block in blocks for item in block.get("toolResult", {}).get("content", ())]
        names += [*own, *(item["document"]["name"] for item in results if "document" in item)]
    if not all(_DOCUMENT_NAME.fullmatch(name) for name in names):
        yield _NAME
    if len(names) != len(set(names)):
        yield _DUPLICATE
    if len(names) > _MAX_DOCUMENTS:
        yield _TOO_MANY
