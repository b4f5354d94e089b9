"""
Runs the cases of ``contract.json``, those of guardrails in agents, flows, knowledge bases and evaluation jobs, and those of the
other services.

Every client library makes the same calls and parses the same results.

A driver makes one call and returns the parsed response, or raises. `outcome` and `failure` convert both to the form of a case.
"""

from __future__ import annotations

import base64
import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError
from harness import casefiles

from guardedbedrock import iam
from guardedbedrock.testing import (
    FakeEnforcement,
    FakeGuardrail,
    FakeInferenceProfile,
    FakeKnowledgeBase,
    Reasoning,
    ToolUse,
    faults,
)

if TYPE_CHECKING:
    from guardedbedrock.testing import FakeBedrock

_FILES: Final = ("contract.json", "contract_guardrails.json", "contract_services.json")
CASES: Final[dict[str, dict[str, Any]]] = {
    case["id"]: case for name in _FILES for case in casefiles.load(Path(__file__).with_name(name))
}
SERVICES: Final = tuple(sorted({case.get("service", "bedrock-runtime") for case in CASES.values()}))
KEYS: Final = {"id", "why", "service", "setup", "before", "operation", "params", "expect"}

_KINDS: Final[dict[str, Any]] = {
    "guardrails": FakeGuardrail,
    "inference_profiles": FakeInferenceProfile,
    "knowledge_bases": FakeKnowledgeBase,
    "enforced": FakeEnforcement,
}
_BLOCKS: Final = {"tool": ToolUse, "reasoning": Reasoning}


STREAMED: Final = ("stream", "body", "completion", "responseStream")
"""Members of responses that are read from the connection."""

STEADY: Final = {"retries": {"mode": "standard", "total_max_attempts": 1}}
"""Configuration of a client that tries once."""

_SPOKEN: Final = {"modelId", "messages", "system", "guardrailConfig", "inferenceConfig"}


def _speaks_langchain(case: dict[str, Any]) -> bool:
    """Return whether langchain-aws can make a call: a chat that contains only text."""
    params = case.get("params", {})
    blocks = [block for message in params.get("messages", ()) for block in message["content"]]
    chat = case["operation"] in {"Converse", "ConverseStream"} and set(params) <= _SPOKEN
    return chat and all(set(block) == {"text"} for block in blocks) and not case.get("before")


LANGCHAIN: Final = [name for name, case in CASES.items() if _speaks_langchain(case)]
"""The chats that langchain-aws can make."""

_RETRIEVED: Final = {"knowledgeBaseId", "retrievalQuery", "retrievalConfiguration"}
_EMBEDDED: Final = ({"inputText"}, {"inputText", "dimensions"}, {"texts", "input_type"}, {"taskType", "singleEmbeddingParams"})


def langchain_part(case: dict[str, Any]) -> str | None:
    """Return the part of langchain-aws that makes a call other than a chat: embeddings, rerank or retriever."""
    params = case["params"]
    if case.get("before") or "error" in case["expect"]:
        return None
    if case["operation"] == "Retrieve" and set(params) <= _RETRIEVED:
        return "retriever"
    if case["operation"] == "Rerank":
        return "rerank"
    vectors = {"embedding", "embeddings"} & set(case["expect"].get("body", ())) if case["operation"] == "InvokeModel" else ()
    return "embeddings" if vectors and set(params["body"]) in _EMBEDDED else None


LANGCHAIN_PARTS: Final = {name: part for name, case in CASES.items() if (part := langchain_part(case))}
"""The other calls that langchain-aws can make, with the part that makes them."""


def prepare(fake: FakeBedrock, setup: dict[str, Any]) -> None:
    """Configure a fake as a case describes it."""
    options: dict[str, Any] = {
        name: [_made(kind, entry) for entry in setup[name]] for name, kind in _KINDS.items() if name in setup
    }
    if "policies" in setup:
        options["policies"] = iam.PolicySet(**setup["policies"])
    fake.configure(**options)
    for reply in setup.get("replies", ()):
        fake.reply(_reply(reply), times=None)
    for fault in setup.get("faults", ()):
        fake.fault(*(getattr(faults, name)(**fields) for name, fields in fault.items()), times=None)


def _made(kind: Any, fields: dict[str, Any]) -> Any:
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()})


def _reply(reply: Any) -> Any:
    if isinstance(reply, list):
        return [_reply(part) for part in reply]
    return next(_BLOCKS[name](**fields) for name, fields in reply.items()) if isinstance(reply, dict) else reply


def params_of(call: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of a call, with the body of a model as bytes."""
    params = dict(call.get("params", {}))
    return {**params, "body": json.dumps(params["body"]).encode()} if isinstance(params.get("body"), dict) else params


def outcome(response: dict[str, Any], streamed: list[Any] | bytes | None = None) -> dict[str, Any]:
    """
    Convert a response to JSON: members in their order, blobs and times as strings.

    Args:
        response: The parsed response.
        streamed: The content of the member in `STREAMED`.
    """
    members = {name: value for name, value in response.items() if name != "ResponseMetadata"}
    for name in STREAMED:
        if name in members and streamed is not None:
            members[name] = streamed
    return {"http": response["ResponseMetadata"]["HTTPStatusCode"], **_plain(members)}


def failure(error: Exception) -> dict[str, Any]:
    """Convert an error of a call or of a stream to JSON. An error that the service did not return has only its name."""
    if not isinstance(error, ClientError):
        return {"raised": type(error).__name__}
    said, status = error.response["Error"], error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return {"error": type(error).__name__, "code": said["Code"], "message": said["Message"], "http": status}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, datetime):
        return "a time"
    return _of_bytes(value) if isinstance(value, bytes) else value


def _of_bytes(value: bytes) -> Any:
    try:
        return _rounded(json.loads(value))
    except ValueError:
        return base64.b64encode(value).decode()


def _rounded(value: Any) -> Any:
    """Keep only the first three numbers of each embedding."""
    if isinstance(value, dict):
        return {name: _rounded(item) for name, item in value.items()}
    if not isinstance(value, list):
        return value
    return value[:3] if value and isinstance(value[0], float) else [_rounded(item) for item in value]
