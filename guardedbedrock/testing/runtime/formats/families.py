"""Who speaks how: a part of the model's ID to what writes its bodies and its chunks."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from guardedbedrock.testing.runtime.formats import anthropic, embeddings, nova, plain
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
_OPENAI: Final = _Family("openai.", plain.openai, plain.openai_stream)
_TITAN: Final = _Family("", plain.titan, plain.titan_stream)

_FAMILIES: Final = (
    _ANTHROPIC,
    _Family("amazon.nova", nova.body, nova.stream),
    _Family("amazon.titan-embed", embeddings.titan, None),
    _Family("cohere.embed", embeddings.cohere, None),
    _Family("cohere.command-r", plain.command_r, plain.command_r_stream),
    _Family("cohere.", plain.command, plain.command_stream),
    _Family("meta.", plain.llama, plain.llama_stream),
    _Family("mistral.", plain.mistral, plain.mistral_stream),
    _Family("deepseek.", plain.deepseek, plain.deepseek_stream),
    _OPENAI,
    *(_OPENAI._replace(part=part) for part in ("ai21.", "qwen.")),
)
"""The first whose part stands in the model's ID; Amazon Titan Text is for all others."""

_CHATS: Final = ("deepseek.", "mistral.")
"""Who speaks as OpenAI does when asked by messages instead of a prompt."""


def body(turn: Turn, params: Params) -> bytes:
    """Write the body of InvokeModel's response."""
    return json.dumps({**_family(params).body(turn, params), **_guardrail(turn, params)}).encode()


def chunks(turn: Turn, params: Params) -> Iterator[Params]:
    """
    Write the chunks of InvokeModelWithResponseStream, one text a word.

    Raises:
        ServiceError: ``ValidationException`` (400) for a model that does not stream.
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
