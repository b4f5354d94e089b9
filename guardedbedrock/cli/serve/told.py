"""A request as the page shows it: JSON, with nothing in it that the page would have to trust."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from guardedbedrock.iam import Decision
    from guardedbedrock.testing import ReceivedRequest
    from guardedbedrock.testing.witnessed import Witnessed


def told(request: ReceivedRequest) -> dict[str, Any]:
    """Tell of a request: what it was, what IAM and the guardrails made of it, how it was answered."""
    identifier, version = request.guardrail or (None, None)
    return {
        "id": request.request_id,
        "at": request.at,
        "operation": request.operation or f"{request.incoming.method} {request.incoming.target}",
        "model": request.params.get("modelId"),
        "guardrail": identifier,
        "version": version,
        "status": request.status,
        "error": request.error,
        "denied": any(decision.is_denied for decision in request.decisions) or request.error == "AccessDeniedException",
        "intervened": any(one.intervened for one in request.witnessed),
        "decisions": [_decision(decision) for decision in request.decisions],
        "assessments": [_assessment(one) for one in request.witnessed],
        "faults": [type(fault).__name__ for fault in request.faults],
        "params": json.dumps(request.params, indent=2, default=_readable, ensure_ascii=False),
    }


def _decision(decision: Decision) -> dict[str, Any]:
    return {
        "action": decision.request.action,
        "resource": decision.request.resource,
        "outcome": decision.outcome,
        "policyType": decision.policy_type,
        "statements": [str(statement) for statement in decision.statements],
        "message": decision.message() if decision.is_denied else None,
    }


def _assessment(seen: Witnessed) -> dict[str, Any]:
    return {
        "guardrail": seen.guardrail,
        "version": seen.version,
        "source": seen.source,
        "action": seen.action,
        "findings": list(_findings(seen.assessment)),
    }


def _findings(assessment: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Write out every finding of every policy, whichever there are."""
    for policy, found in assessment.items():
        lists = (entries for entries in found.values() if isinstance(entries, list)) if policy.endswith("Policy") else ()
        for entry in (entry for entries in lists for entry in entries if isinstance(entry, dict)):
            what = " ".join(str(entry[name]) for name in ("type", "name", "match") if entry.get(name))
            yield {"policy": policy, "what": what, "action": str(entry.get("action", ""))}


def _readable(value: object) -> object:
    """Show a blob as the JSON or the text that it is."""
    if not isinstance(value, bytes):
        return str(value)
    text = value.decode(errors="replace")
    try:
        return json.loads(text)
    except ValueError:
        return text
