"""
Evidence of guardrails from model invocation logs.

Only the fields named here are read. Prompts and completions are decoded with the line that contains them, and never kept.
Source: Amazon Bedrock User Guide, "Monitor model invocation using CloudWatch Logs and Amazon S3"; Amazon Bedrock API Reference,
"GuardrailAssessment" (appliedGuardrailDetails).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, NamedTuple, TypeAlias

EvidenceClass: TypeAlias = Literal["guarded", "unguarded", "none"]

_SCHEMA: Final = "ModelInvocationLog"
_CONVERSE: Final = ("Converse", "ConverseStream")
_ACTION: Final = "amazon-bedrock-guardrailAction"
_TRACE: Final = "amazon-bedrock-trace"


class Evidence(NamedTuple):
    """
    The evidence of an invocation log about the guardrail of a call.

    Args:
        kind: ``guarded``; ``unguarded`` only if the trace was on, the request names no guardrail and none was applied; else
            ``none``.
        guardrail: ARN of the guardrail that the request named or that ran, if the log shows it.
        version: Its version.
    """

    kind: EvidenceClass = "none"
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
    request_id = str(entry["requestId"])
    # InvokeModel carries the guardrail in headers, which the log does not show; its body belongs to the model.
    is_converse = entry.get("operation") in _CONVERSE
    body = _object(_object(entry.get("input")).get("inputBodyJson"))
    requested = _object(body.get("guardrailConfig")) if is_converse else {}
    if requested.get("guardrailIdentifier"):
        return request_id, Evidence(
            "guarded", str(requested["guardrailIdentifier"]), str(requested.get("guardrailVersion") or "")
        )
    applied = list(_applied(_object(entry.get("output")).get("outputBodyJson")))
    if applied:
        # A guardrail that the account or the organization enforces is not a guardrail of the request.
        own = next((one for one in applied if one.get("guardrailOrigin", "REQUEST") in ("REQUEST", ["REQUEST"])), {})
        return request_id, Evidence("guarded", str(own.get("guardrailArn", "")), str(own.get("guardrailVersion", "")))
    is_traced = requested.get("trace") in ("enabled", "enabled_full")
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
