"""
The parameters of a request to a model, by the names of the GenAI conventions.

Source: OpenTelemetry Semantic Conventions, "Semantic conventions for generative client AI spans"; Bedrock User Guide, "Inference
request parameters and response fields for foundation models".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from guardedbedrock.bedrock.parameters import parse_object
from guardedbedrock.core.records import Call
from guardedbedrock.telemetry import names

_SETTINGS: Final[Mapping[str, tuple[str, ...]]] = {
    names.TEMPERATURE: ("temperature",),
    names.TOP_P: ("topP", "top_p", "p"),
    names.TOP_K: ("topK", "top_k", "k"),
    names.MAX_TOKENS: (
        "maxTokens",
        "max_tokens",
        "maxTokenCount",
        "max_gen_len",
        "max_tokens_to_sample",
        "max_new_tokens",
        "max_completion_tokens",
    ),
}
_STOPS: Final = ("stopSequences", "stop_sequences", "stop")
_HOLDERS: Final = ("inferenceConfig", "textGenerationConfig")
_OPERATIONS: Final = {
    "action": "retrieval",
    "agent-stream": "invoke_agent",
    "agentic-stream": "retrieval",
    "apply": "apply_guardrail",
    "generate-stream": "retrieval",
}
"""Format of the reply to operation name, for operations that are not calls to one model."""
_IMAGE_MODELS: Final = ("nova-canvas", "titan-image", "stability.")
"""Parts of the IDs of models that generate images."""
_PORTS: Final = {"https": 443, "http": 80}
LARGEST: Final = 1_000_000
"""Larger bodies are not read; in bytes."""


def model_of(call: Call) -> str | None:
    """Return the model that a call names; None if it names none, or if the value is not a string, which botocore rejects."""
    return call.model if isinstance(call.model, str) else None


def guardrail_of(call: Call) -> tuple[str, str | None] | None:
    """
    Return the identifier and the version of the guardrail that the application's own parameters name; None if they name none.

    The guard sends these parameters unless it injects a guardrail.
    """
    for identifier, version in call.operation.guardrail_refs(call.params):
        if identifier and isinstance(identifier, str):
            return identifier, version if isinstance(version, str) else None
    return None


def operation_of(call: Call) -> str:
    """Return the operation name of the conventions."""
    if call.operation.reply in _OPERATIONS:
        return _OPERATIONS[call.operation.reply]
    if call.operation.reply.startswith("converse"):
        return "chat"
    model = model_of(call) or ""
    if "embed" in model:
        return "embeddings"
    if any(name in model for name in _IMAGE_MODELS):
        return "generate_content"
    body = call.params.get("body")
    text = body.encode() if isinstance(body, str) else body
    return "chat" if isinstance(text, bytes | bytearray) and b'"messages"' in text else "text_completion"


def server_of(url: Any) -> dict[str, Any]:
    """Return the host and port of a URL; ``{}`` if it is not a URL."""
    if not isinstance(url, str):
        return {}
    try:
        there = urlsplit(url)
        port = there.port or _PORTS.get(there.scheme)
    except ValueError:
        return {}
    return {names.SERVER_ADDRESS: there.hostname, names.SERVER_PORT: port} if there.hostname and port else {}


def settings_of(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a request that are numbers."""
    found: dict[str, Any] = {}
    for attribute, spellings in _SETTINGS.items():
        value = next((value for value in _values(request, spellings) if isinstance(value, int | float)), None)
        if value is not None and not isinstance(value, bool):
            found[attribute] = value
    return found


def stop_sequences_of(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the stop sequences; they are strings of the application, so they are content."""
    lists = (value for value in _values(request, _STOPS) if isinstance(value, list))
    stops = next((each for each in lists if all(isinstance(one, str) for one in each)), None)
    return {} if stops is None else {names.STOP_SEQUENCES: stops}


def request_of(call: Call) -> Mapping[str, Any]:
    """Return the parameters of Converse, or the parsed body of InvokeModel and Chat Completions."""
    return read_body(call.params.get("body")) if call.operation.reply.startswith(("invoke", "chat")) else call.params


def _values(request: Mapping[str, Any], spellings: tuple[str, ...]) -> Iterator[Any]:
    holders = [request, *(each for name in _HOLDERS if isinstance(each := request.get(name), Mapping))]
    yield from (holder[name] for holder in holders for name in spellings if name in holder)


def read_body(body: Any) -> Mapping[str, Any]:
    """Parse a body, or one chunk of it; ``{}`` if it is too large or not a JSON object."""
    if not isinstance(body, bytes | bytearray | str) or len(body) > LARGEST:
        return {}
    return parse_object(body)
