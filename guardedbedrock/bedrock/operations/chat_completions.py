"""
The OpenAI-compatible Chat Completions API of ``bedrock-runtime``, which boto3 does not have.

One path serves both operations; the body says whether the reply is a stream. The model is in the body, the guardrail in headers.
Source: Bedrock User Guide, "Invoke a model with the OpenAI Chat Completions API" and "Inference using Chat Completions API".
"""

from __future__ import annotations

from typing import Any, Final

from guardedbedrock.bedrock.guardrail.location import IDENTIFIER_HEADER, IN_HEADERS, VERSION_HEADER, Wire, header_of, json_body
from guardedbedrock.bedrock.operations.row import Operation, RequiredAction
from guardedbedrock.bedrock.operations.runtime import RUNTIME_SERVICE
from guardedbedrock.bedrock.parameters import Params

_PATH: Final = "POST /v1/chat/completions"
PREFIX: Final = "/openai"
"""The path may begin with it."""

_CHAT: Final = "ChatCompletions"
_STREAM: Final = "ChatCompletionsStream"

CHAT_COMPLETIONS: Final = (
    Operation(
        _CHAT,
        RUNTIME_SERVICE,
        (RequiredAction("InvokeModel", "model", ("modelId",)),),
        inference=True,
        location=IN_HEADERS,
        reply="chat",
        path=_PATH,
    ),
    Operation(
        _STREAM,
        RUNTIME_SERVICE,
        (RequiredAction("InvokeModelWithResponseStream", "model", ("modelId",)),),
        inference=True,
        location=IN_HEADERS,
        reply="chat-stream",
        path=_PATH,
    ),
)
"""The two operations. Their parameters are those of InvokeModel: ``modelId``, ``body`` and the two of the guardrail."""

_HEADERS: Final = {"guardrailIdentifier": IDENTIFIER_HEADER, "guardrailVersion": VERSION_HEADER}


def is_chat_completion(operation: str) -> bool:
    """Return whether an operation is one of the Chat Completions API."""
    return operation in (_CHAT, _STREAM)


def read_chat_completion(wire: Wire) -> tuple[str, Params]:
    """
    Read the operation and its parameters from a request, strictly.

    Raises:
        ValueError: The body is not one JSON object with a model and, if it has one, a boolean ``stream``.
    """
    body = json_body(wire)
    model, stream = body.get("model"), body.get("stream")
    if not isinstance(model, str) or not model or not (stream is None or isinstance(stream, bool)):
        raise ValueError("the body is not one JSON object with a model")
    params: dict[str, Any] = {"modelId": model, "body": wire.body}
    named = {member: value for member, header in _HEADERS.items() if (value := header_of(wire.headers, header))}
    return _STREAM if stream else _CHAT, {**params, **named}
