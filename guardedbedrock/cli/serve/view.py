"""A received request as JSON for the page."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from guardedbedrock.iam import Decision
    from guardedbedrock.testing import ReceivedRequest
    from guardedbedrock.testing.assessment.assessment_log import LoggedAssessment


_LONGEST: Final = 100_000
"""Characters of the parameters that the page shows."""

_DENIED: Final = ("AccessDeniedException", "access_denied")
"""Error codes of denials; the last is that of Chat Completions."""


def request_view(request: ReceivedRequest) -> dict[str, Any]:
    """Convert a request to JSON data: its parameters, the IAM decisions, the guardrail assessments and the response."""
    identifier, version = request.guardrail or (None, None)
    return {
        "id": request.request_id,
        "at": request.at,
        "operation": request.operation or f"{request.http_request.method} {request.http_request.path}",
        "model": request.params.get("modelId"),
        "guardrail": identifier,
        "version": version,
        "status": request.status,
        "error": request.error,
        "denied": any(decision.is_denied for decision in request.decisions) or request.error in _DENIED,
        "intervened": any(one.intervened for one in request.assessments),
        "decisions": [_decision(decision) for decision in request.decisions],
        "assessments": [_assessment(one) for one in request.assessments],
        "faults": [type(fault).__name__ for fault in request.faults],
        "params": _params(request),
    }


def _params(request: ReceivedRequest) -> str:
    try:
        text = json.dumps(request.params, indent=2, default=_readable, ensure_ascii=False)
    except RecursionError:
        return "(nested too deeply)"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}\n... and {len(text) - _LONGEST:,} more characters"


def _decision(decision: Decision) -> dict[str, Any]:
    return {
        "action": decision.request.action,
        "resource": decision.request.resource,
        "outcome": decision.outcome,
        "policyType": decision.policy_type,
        "statements": [str(statement) for statement in decision.statements],
        "message": decision.message() if decision.is_denied else None,
    }


def _assessment(assessed: LoggedAssessment) -> dict[str, Any]:
    return {
        "guardrail": assessed.guardrail,
        "version": assessed.version,
        "source": assessed.source,
        "action": assessed.action,
        "findings": list(_findings(assessed.assessment)),
    }


def _findings(assessment: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """List the findings of every policy in an assessment, whatever policies it has."""
    for policy, found in assessment.items():
        lists = (entries for entries in found.values() if isinstance(entries, list)) if policy.endswith("Policy") else ()
        for entry in (entry for entries in lists for entry in entries if isinstance(entry, dict)):
            what = " ".join(str(entry[name]) for name in ("type", "name", "match") if entry.get(name))
            yield {"policy": policy, "what": what, "action": str(entry.get("action", ""))}


def _readable(value: object) -> object:
    """Show bytes as JSON if they are JSON, else as text."""
    if not isinstance(value, bytes):
        return str(value)
    text = value.decode(errors="replace")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
