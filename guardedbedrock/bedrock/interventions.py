"""
How a reply shows that a guardrail stepped in, in each operation's own place.

Masking counts as an intervention; a model's own filter (``content_filtered``) does not. Matched text never enters a record.
Source: Bedrock User Guide, "Use a guardrail"; Bedrock API Reference, "Converse", "InvokeModel", "ApplyGuardrail".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

ACTION_KEY: Final = "amazon-bedrock-guardrailAction"
_MENTION: Final = ACTION_KEY.encode()


@dataclass(frozen=True, slots=True)
class Intervention:
    """
    What a guardrail did to a call.

    Args:
        operation: Name of the operation.
        reason: The service's own words (``Guardrail blocked.``), where it gives any.
    """

    operation: str
    reason: str | None = None


def of_converse(operation: str, reply: Mapping[str, Any]) -> Intervention | None:
    """Read the reply of Converse."""
    if reply.get("stopReason") != "guardrail_intervened":
        return None
    return Intervention(operation, reply.get("trace", {}).get("guardrail", {}).get("actionReason"))


def of_converse_event(operation: str, event: Mapping[str, Any]) -> Intervention | None:
    """Read one event of ConverseStream."""
    return of_converse(operation, event.get("messageStop", {}))


def of_body(operation: str, body: bytes) -> Intervention | None:
    """Read the body of InvokeModel, or the bytes of one of its chunks."""
    if _MENTION not in body:
        return None
    try:
        read = json.loads(body)
    except ValueError:
        return None
    intervened = isinstance(read, dict) and read.get(ACTION_KEY) == "INTERVENED"
    return Intervention(operation) if intervened else None


def of_invoke_event(operation: str, event: Mapping[str, Any]) -> Intervention | None:
    """Read one event of InvokeModelWithResponseStream."""
    return of_body(operation, event.get("chunk", {}).get("bytes", b""))


def of_apply(operation: str, reply: Mapping[str, Any]) -> Intervention | None:
    """Read the reply of ApplyGuardrail."""
    if reply.get("action") != "GUARDRAIL_INTERVENED":
        return None
    return Intervention(operation, reply.get("actionReason"))


IN_REPLY: Final[Mapping[str, Callable[[str, Mapping[str, Any]], Intervention | None]]] = {
    "apply": of_apply,
    "converse": of_converse,
}
IN_EVENT: Final[Mapping[str, Callable[[str, Mapping[str, Any]], Intervention | None]]] = {
    "converse-stream": of_converse_event,
    "invoke-stream": of_invoke_event,
}
