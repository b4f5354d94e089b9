"""
What a request to a model says of itself, by the names of the GenAI conventions.

Source: OpenTelemetry Semantic Conventions, "Semantic conventions for generative client AI spans"; Bedrock User Guide, "Inference
request parameters and response fields for foundation models".
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from guardedbedrock.core.records import Call
from guardedbedrock.telemetry import names

_SETTINGS: Final[Mapping[str, tuple[str, ...]]] = {
    names.TEMPERATURE: ("temperature",),
    names.TOP_P: ("topP", "top_p", "p"),
    names.TOP_K: ("topK", "top_k", "k"),
    names.MAX_TOKENS: ("maxTokens", "max_tokens", "maxTokenCount", "max_gen_len", "max_tokens_to_sample", "max_new_tokens"),
}
_STOPS: Final = ("stopSequences", "stop_sequences", "stop")
_HOLDERS: Final = ("inferenceConfig", "textGenerationConfig")
_PORTS: Final = {"https": 443, "http": 80}
LARGEST: Final = 1_000_000
"""Bytes of a body that is read at all."""


def operation_of(call: Call) -> str:
    """Name what the call does, in the words of the conventions."""
    if call.operation.reply == "apply":
        return "apply_guardrail"
    if call.operation.reply.startswith("converse"):
        return "chat"
    if "embed" in (call.model or ""):
        return "embeddings"
    body = call.params.get("body")
    text = body.encode() if isinstance(body, str) else body
    return "chat" if isinstance(text, bytes | bytearray) and b'"messages"' in text else "text_completion"


def server_of(url: Any) -> dict[str, Any]:
    """Name the server that a URL is of, and its port; nothing where the URL is none."""
    if not isinstance(url, str):
        return {}
    try:
        there = urlsplit(url)
        port = there.port or _PORTS.get(there.scheme)
    except ValueError:
        return {}
    return {names.SERVER_ADDRESS: there.hostname, names.SERVER_PORT: port} if there.hostname and port else {}


def settings_of(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Give the settings that are numbers, out of what a request says."""
    found: dict[str, Any] = {}
    for attribute, spellings in _SETTINGS.items():
        value = next((value for value in _given(asked, spellings) if isinstance(value, int | float)), None)
        if value is not None and not isinstance(value, bool):
            found[attribute] = value
    return found


def stops_of(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Give the stop sequences: texts of the application's, so they are content."""
    lists = (value for value in _given(asked, _STOPS) if isinstance(value, list))
    stops = next((each for each in lists if all(isinstance(one, str) for one in each)), None)
    return {} if stops is None else {names.STOP_SEQUENCES: stops}


def said_by(call: Call) -> Mapping[str, Any]:
    """Give what a request says: the parameters of Converse, or what stands in the body of InvokeModel."""
    return read_body(call.params.get("body")) if call.operation.reply.startswith("invoke") else call.params


def _given(asked: Mapping[str, Any], spellings: tuple[str, ...]) -> Iterator[Any]:
    holders = [asked, *(each for name in _HOLDERS if isinstance(each := asked.get(name), Mapping))]
    yield from (holder[name] for holder in holders for name in spellings if name in holder)


def read_body(body: Any) -> Mapping[str, Any]:
    """Read a body, or a chunk of one; one that is too large, or no JSON object, says nothing."""
    if not isinstance(body, bytes | bytearray | str) or len(body) > LARGEST:
        return {}
    try:
        read = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}
