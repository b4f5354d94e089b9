"""
Evidence of guardrails from model invocation logs.

Only the fields named here are read. Prompts and completions are decoded with the line that holds them, and never kept.
Source: Amazon Bedrock User Guide, "Monitor model invocation using CloudWatch Logs and Amazon S3"; Amazon Bedrock API Reference,
"GuardrailAssessment" (appliedGuardrailDetails).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

Kind: TypeAlias = Literal["guarded", "unguarded", "none"]

_SCHEMA: Final = "ModelInvocationLog"
_INVOKE: Final = frozenset({"InvokeModel", "InvokeModelWithResponseStream"})
_ACTION: Final = "amazon-bedrock-guardrailAction"
_TRACE: Final = "amazon-bedrock-trace"


@dataclass(frozen=True, slots=True)
class Evidence:
    """
    What an invocation log shows about the guardrail of a call.

    Args:
        kind: ``guarded``; ``unguarded`` only if the trace was on, the request names no guardrail and none was applied; else
            ``none``.
        guardrail: ARN of the guardrail that the request named or that ran, if the log shows it.
        version: Its version.
    """

    kind: Kind = "none"
    guardrail: str = ""
    version: str = ""


NO_EVIDENCE: Final = Evidence()


def evidence_of(entry: object) -> tuple[str, Evidence] | None:
    """
    Read an entry of a model invocation log.

    Returns:
        The request ID and the evidence; None if this is not such an entry.
    """
    if not isinstance(entry, Mapping) or entry.get("schemaType") != _SCHEMA or not entry.get("requestId"):
        return None
    body = _object(_object(entry.get("input")).get("inputBodyJson"))
    output = _object(entry.get("output")).get("outputBodyJson")
    asked = _object(body.get("guardrailConfig"))
    applied = list(_applied(output))
    request_id = str(entry["requestId"])
    if asked.get("guardrailIdentifier"):
        return request_id, Evidence("guarded", str(asked["guardrailIdentifier"]), str(asked.get("guardrailVersion", "")))
    if applied:
        own = next((one for one in applied if one.get("guardrailOrigin", "REQUEST") in ("REQUEST", ["REQUEST"])), {})
        return request_id, Evidence("guarded", str(own.get("guardrailArn", "")), str(own.get("guardrailVersion", "")))
    # For InvokeModel the guardrail is a header, which the log does not show, so its absence proves nothing.
    is_traced = asked.get("trace") in ("enabled", "enabled_full") and entry.get("operation") not in _INVOKE
    return request_id, Evidence("unguarded") if is_traced else NO_EVIDENCE


def _applied(output: object) -> Iterator[Mapping[str, Any]]:
    """Find `appliedGuardrailDetails` in the reply, or in each event of a stream."""
    for part in output if isinstance(output, list) else [output]:
        holder = _object(part)
        for trace in (holder.get("trace"), _object(holder.get("metadata")).get("trace"), holder.get(_TRACE)):
            guardrail = _object(_object(trace).get("guardrail"))
            assessments = [*_object(guardrail.get("inputAssessment")).values()]
            for listed in _object(guardrail.get("outputAssessments")).values():
                assessments += listed if isinstance(listed, list) else [listed]
            for assessment in assessments:
                yield _object(_object(assessment).get("appliedGuardrailDetails"))
        if holder.get(_ACTION):
            yield {}


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
