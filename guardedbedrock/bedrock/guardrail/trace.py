"""
Where each operation's reply shows what its guardrail did.

InvokeModel and its stream have two keys in the body, never a header; Converse has a stop reason and, where it was asked for, a
trace; ApplyGuardrail is itself the answer.
Source: Bedrock User Guide, "Use a guardrail"; Bedrock API Reference, "Converse", "InvokeModel", "ApplyGuardrail".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from guardedbedrock.bedrock.guardrail.intervention import NOTHING, Shown
from guardedbedrock.bedrock.guardrail.location import Params

ACTION_KEY: Final = "amazon-bedrock-guardrailAction"
TRACE_KEY: Final = "amazon-bedrock-trace"
_MENTIONS: Final = b"amazon-bedrock-"
_STEPPED_IN: Final = "guardrail_intervened"
_NO_TRACE: Final = (None, "disabled")


def in_converse(reply: Mapping[str, Any]) -> Shown:
    """Read the reply of Converse."""
    stepped_in, trace = reply.get("stopReason") == _STEPPED_IN, reply.get("trace")
    return Shown(True if stepped_in else None, _guardrail(trace)) if stepped_in or trace is not None else NOTHING


def in_converse_event(event: Mapping[str, Any]) -> Shown:
    """Read one event of ConverseStream: the stop reason comes in one, the trace in the next."""
    if "contentBlockDelta" in event:
        return NOTHING
    return in_converse({**event.get("messageStop", {}), **event.get("metadata", {})})


def in_body(body: bytes) -> Shown:
    """Read the body of InvokeModel, or the bytes of one of its chunks."""
    if _MENTIONS not in body:
        return NOTHING
    read = _json(body)
    said = read.get(ACTION_KEY) if read else None
    return Shown(None if said is None else said == "INTERVENED", _guardrail(read.get(TRACE_KEY))) if read else NOTHING


def in_invoke_event(event: Mapping[str, Any]) -> Shown:
    """Read one event of InvokeModelWithResponseStream."""
    return in_body(event.get("chunk", {}).get("bytes", b""))


def in_apply(reply: Mapping[str, Any]) -> Shown:
    """Read the reply of ApplyGuardrail."""
    trace = {key: reply[key] for key in ("actionReason", "assessments") if key in reply}
    return Shown(reply.get("action") == "GUARDRAIL_INTERVENED", trace)


IN_REPLY: Final[Mapping[str, Callable[[Mapping[str, Any]], Shown]]] = {"apply": in_apply, "converse": in_converse}
IN_EVENT: Final[Mapping[str, Callable[[Mapping[str, Any]], Shown]]] = {
    "converse-stream": in_converse_event,
    "invoke-stream": in_invoke_event,
}


def must_show(place: str, params: Params) -> bool:
    """
    Say whether a reply must show that the guardrail ran, if it did.

    The body of InvokeModel and its stream always does. Converse does where a trace was asked for; without one it shows
    nothing of a guardrail that let everything pass.
    """
    if not place.startswith("converse"):
        return place.startswith("invoke")
    config: Any = params.get("guardrailConfig")
    is_object = config.__class__ is dict or isinstance(config, Mapping)  # the first test spares most calls the second
    return is_object and config.get("trace") not in _NO_TRACE


def is_readable(body: bytes) -> bool:
    """Say whether a body, or a chunk of one, is of the kind in which the guardrail's key would stand."""
    return bool(_json(body))


def is_last(event: Mapping[str, Any]) -> bool:
    """Say whether an event that ended a stream is of the kind that ends a whole one, and can be read."""
    return "metadata" in event or is_readable(event.get("chunk", {}).get("bytes", b""))


def _json(body: bytes) -> dict[str, Any]:
    try:
        read = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}


def _guardrail(trace: Any) -> Mapping[str, Any] | None:
    found = trace.get("guardrail") if isinstance(trace, Mapping) else None
    return found if isinstance(found, Mapping) else None
