"""The table of model families: a part of the model ID to the format of its responses."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from guardedbedrock.testing.runtime.formats import anthropic, embeddings, nova, text
from guardedbedrock.testing.runtime.turns import Turn, assessments
from guardedbedrock.testing.wire import Params, ServiceError

if TYPE_CHECKING:
    Body: TypeAlias = Callable[[Turn, Params], dict[str, Any]]
    Stream: TypeAlias = Callable[[Turn, Params], Iterator[dict[str, Any]]]


class _Family(NamedTuple):
    part: str
    body: Body
    stream: Stream | None


_ANTHROPIC: Final = _Family("anthropic.", anthropic.body, anthropic.stream)
_OPENAI: Final = _Family("openai.", text.openai, text.openai_stream)
_TITAN: Final = _Family("", text.titan, text.titan_stream)

_FAMILIES: Final = (
    _ANTHROPIC,
    _Family("amazon.nova", nova.body, nova.stream),
    _Family("amazon.titan-embed", embeddings.titan, None),
    _Family("cohere.embed", embeddings.cohere, None),
    _Family("cohere.command-r", text.command_r, text.command_r_stream),
    _Family("cohere.", text.command, text.command_stream),
    _Family("meta.", text.llama, text.llama_stream),
    _Family("mistral.", text.mistral, text.mistral_stream),
    _Family("deepseek.", text.deepseek, text.deepseek_stream),
    _OPENAI,
    *(_OPENAI._replace(part=part) for part in ("ai21.", "qwen.")),
)
"""The first family whose part is in the model ID applies; Amazon Titan Text applies to all other models."""

_CHATS: Final = ("deepseek.", "mistral.")
"""Families that use the format of OpenAI if the request has messages instead of a prompt."""


def body(turn: Turn, params: Params) -> bytes:
    """Return the response body of InvokeModel."""
    return json.dumps({**_family(params).body(turn, params), **_guardrail(turn, params)}).encode()


def chunks(turn: Turn, params: Params) -> Iterator[Params]:
    """
    Return the chunks of InvokeModelWithResponseStream, one for each word.

    Raises:
        ServiceError: ``ValidationException`` (400) for a model without streaming.
    """
    write = _family(params).stream
    if write is None:
        raise ServiceError.invalid("The model is unsupported for streaming")
    parts = list(write(turn, params))
    parts[-1] |= _guardrail(turn, params)
    return ({"chunk": {"bytes": json.dumps(part).encode()}} for part in parts)


def _family(params: Params) -> _Family:
    sent = params.get("body", b"")
    if b'"anthropic_version"' in sent:
        return _ANTHROPIC
    found = next((family for family in _FAMILIES if family.part in params["modelId"]), _TITAN)
    return _OPENAI if found.part in _CHATS and b'"messages"' in sent else found


def _guardrail(turn: Turn, params: Params) -> dict[str, Any]:
    if not turn.guarded:
        return {}
    shown: dict[str, Any] = {"amazon-bedrock-guardrailAction": "INTERVENED" if turn.intervened else "NONE"}
    if params.get("trace", "DISABLED") != "DISABLED":
        trace = {**assessments(turn, "input", "outputs"), "actionReason": turn.reason}
        trace["outputs"] = [{name: found[0]} for name, found in trace.get("outputs", {}).items()]
        shown["amazon-bedrock-trace"] = {"guardrail": trace}
    return shown
