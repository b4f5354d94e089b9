"""The formats by name, for the table of model families in `guardedbedrock.testing.resources.models`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from guardedbedrock.testing.resources.models import ModelFamily
from guardedbedrock.testing.runtime.formats import anthropic, embeddings, images, nova, rerank, text
from guardedbedrock.testing.runtime.requests.body_types import check_range, malformed
from guardedbedrock.testing.runtime.turns import Turn, assessments
from guardedbedrock.testing.wire import ApiParams, ServiceError, read_json

if TYPE_CHECKING:
    Body: TypeAlias = Callable[[Turn, ApiParams], dict[str, Any]]
    Stream: TypeAlias = Callable[[Turn, ApiParams], Iterator[dict[str, Any]]]
    Compute: TypeAlias = Callable[[Mapping[str, Any], ModelFamily], dict[str, Any]]

_NO_STREAMING: Final = "The model is unsupported for streaming"
_NO_GUARDRAIL: Final = "Guardrails are not supported for this model"
_NO_JSON: Final = "Malformed input request, please reformat your input and try again."
_NO_CHAT: Final = "The model does not support the Chat Completions API"
_ASYNC_ONLY: Final = "The model supports only StartAsyncInvoke and InvokeModelWithBidirectionalStream"


class TextFormat(NamedTuple):
    """
    The format of a model that generates text.

    Args:
        body: Returns the response body of InvokeModel.
        stream: Yields the chunks of InvokeModelWithResponseStream.
    """

    body: Body
    stream: Stream


_ANTHROPIC: Final = TextFormat(anthropic.body, anthropic.stream)
_OPENAI: Final = TextFormat(text.openai, text.openai_stream)

TEXT_FORMATS: Final[Mapping[str, TextFormat]] = {
    "anthropic": _ANTHROPIC,
    "claude_2": TextFormat(anthropic.completion, anthropic.completion_stream),
    "command": TextFormat(text.command, text.command_stream),
    "command_r": TextFormat(text.command_r, text.command_r_stream),
    "deepseek": TextFormat(text.deepseek, text.deepseek_stream),
    "jurassic": TextFormat(text.jurassic, text.titan_stream),
    "llama": TextFormat(text.llama, text.llama_stream),
    "mistral": TextFormat(text.mistral, text.mistral_stream),
    "nova": TextFormat(nova.body, nova.stream),
    "openai": _OPENAI,
    "pegasus": TextFormat(text.pegasus, text.pegasus_stream),
    "titan": TextFormat(text.titan, text.titan_stream),
}

COMPUTED: Final[Mapping[str, Compute]] = {
    "amazon_image": images.amazon,
    "cohere_embedding": embeddings.cohere,
    "marengo": embeddings.marengo,
    "nova_embedding": embeddings.nova,
    "rerank": rerank.rerank,
    "stability_image": images.stability,
    "stable_diffusion": images.stable_diffusion,
    "titan_embedding": embeddings.titan,
    "titan_multimodal_embedding": embeddings.titan_multimodal,
}
"""Formats of models that generate no text: embeddings, images, rerankers."""

_WITH_MESSAGES: Final[Mapping[str, TextFormat]] = {"claude_2": _ANTHROPIC, "deepseek": _OPENAI, "mistral": _OPENAI}
"""Models with two formats: the format for a request with ``messages`` instead of ``prompt``."""


_MAX_TOKENS: Final = {
    "claude_2": "/max_tokens_to_sample",
    "command": "/max_tokens",
    "jurassic": "/maxTokens",
    "llama": "/max_gen_len",
    "mistral": "/max_tokens",
    "titan": "/textGenerationConfig/maxTokenCount",
}
"""JSON pointer to the number of output tokens in the body of a format."""


def check_body(family: ModelFamily, params: ApiParams, *, stream: bool, guarded: bool) -> None:
    """
    Check a request to a model.

    Raises:
        ServiceError: ``ValidationException`` (400) if the model does not support streaming or guardrails, or the body lacks a
            required member.
    """
    if family.format == "async_only":
        raise ServiceError.invalid(_ASYNC_ONLY)
    if stream and not family.streaming:
        raise ServiceError.invalid(_NO_STREAMING)
    if guarded and not family.guardrails:
        raise ServiceError.invalid(_NO_GUARDRAIL)
    given = _object(params)
    if given is None and (family.required or (family.one_of and not guarded)):  # a guardrail rejects the body with its own error
        raise ServiceError.invalid(_NO_JSON)
    if given is not None and family.format == "anthropic":
        _check_messages(given, params["modelId"])
    elif given is not None:
        _check_members(family, given)


def _check_members(family: ModelFamily, given: Mapping[str, Any]) -> None:
    missing = [name for name in family.required if given.get(name) is None]
    if family.one_of and all(given.get(name) is None for name in family.one_of):
        missing.append(family.one_of[0])
    if missing:
        raise malformed(f"#: required key [{missing[0]}] not found")
    pointer = _MAX_TOKENS.get(family.format, "")
    wanted: Any = given
    for name in pointer.split("/")[1:]:
        wanted = wanted.get(name) if isinstance(wanted, dict) else None
    if family.max_tokens is not None and isinstance(wanted, int):
        check_range(pointer, wanted, 0, family.max_tokens)


def _check_messages(given: Mapping[str, Any], model: str) -> None:
    """Reject a text completion for a model that has only the Messages API. Tests can leave out everything else."""
    if "prompt" in given and "messages" not in given:
        name = re.sub(r"(-v\d+)?(:\d+)*$", "", model.rpartition("anthropic.")[2])
        raise ServiceError.invalid(f'"{name}" is not supported on this API. Please use the Messages API instead.')


def computed(family: ModelFamily, params: ApiParams) -> bytes:
    """Return the response body of a model that generates no text."""
    return json.dumps(COMPUTED[family.format](_json(params), family)).encode()


def body(family: ModelFamily, turn: Turn, params: ApiParams) -> bytes:
    """Return the response body of InvokeModel."""
    return json.dumps({**_format(family, params).body(turn, params), **_guardrail(turn, params)}).encode()


def chunks(family: ModelFamily, turn: Turn, params: ApiParams) -> Iterator[ApiParams]:
    """Return the chunks of InvokeModelWithResponseStream, one for each word."""
    parts = list(_format(family, params).stream(turn, params))
    parts[-1] |= _guardrail(turn, params)
    return ({"chunk": {"bytes": json.dumps(part).encode()}} for part in parts)


def check_completion(family: ModelFamily, params: ApiParams) -> None:
    """
    Check a request of the Chat Completions API. Any model that generates text is accepted.

    Raises:
        ServiceError: ``ValidationException`` (400) if the model generates no text, or the body has no messages.
    """
    if family.format not in TEXT_FORMATS:
        raise ServiceError.invalid(_NO_CHAT)
    if not isinstance(_json(params).get("messages"), list):
        raise ServiceError.invalid("messages: Field required")


def completion(turn: Turn, params: ApiParams) -> bytes:
    """Return a chat completion."""
    return json.dumps({**_OPENAI.body(turn, params), **_guardrail(turn, params)}).encode()


def completion_chunks(turn: Turn, params: ApiParams) -> Iterator[ApiParams]:
    """Return the chunks of a chat completion, one for each word."""
    parts = list(_OPENAI.stream(turn, params))
    parts[-1] |= _guardrail(turn, params)
    return ({"chunk": {"bytes": json.dumps(part).encode()}} for part in parts)


def _format(family: ModelFamily, params: ApiParams) -> TextFormat:
    sent = params.get("body", b"")
    if b'"anthropic_version"' in sent:
        return _ANTHROPIC
    if b'"messages"' in sent and family.format in _WITH_MESSAGES:
        return _WITH_MESSAGES[family.format]
    return TEXT_FORMATS[family.format]


def _json(params: ApiParams) -> dict[str, Any]:
    content = _object(params)
    if content is None:
        raise ServiceError.invalid(_NO_JSON)
    return content


def _object(params: ApiParams) -> dict[str, Any] | None:
    """Return the body of a request; None if it is not a JSON object."""
    try:
        content = read_json(params.get("body", b""))
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def _guardrail(turn: Turn, params: ApiParams) -> dict[str, Any]:
    if not turn.guarded:
        return {}
    shown: dict[str, Any] = {"amazon-bedrock-guardrailAction": "INTERVENED" if turn.intervened else "NONE"}
    if params.get("trace", "DISABLED") != "DISABLED":
        trace = {**assessments(turn, "input", "outputs"), "actionReason": turn.reason}
        trace["outputs"] = [{name: found[0]} for name, found in trace.get("outputs", {}).items()]
        shown["amazon-bedrock-trace"] = {"guardrail": trace}
    return shown
