"""
A call in the shape of a CloudTrail record.

Fields that this process cannot know (source address, access key ID) are left out. What CloudTrail does not know, such as the
local decision, is under ``additionalEventData.guardedbedrock``.
Source: AWS CloudTrail User Guide, "CloudTrail record contents", "CloudTrail userIdentity element"; Bedrock User Guide, "Monitor
Amazon Bedrock API calls using CloudTrail".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from botocore.exceptions import ClientError

from guardedbedrock.bedrock import Guardrail
from guardedbedrock.bedrock.guardrail.intervention import Intervention
from guardedbedrock.bedrock.parameters import as_mapping
from guardedbedrock.core.records import Call, Verdict
from guardedbedrock.errors import AccessDeniedError
from guardedbedrock.iam.matching.arns import split
from guardedbedrock.iam.matching.principals import identify
from guardedbedrock.telemetry.model_requests import guardrail_of

EVENT_VERSION: Final = "1.09"
EVENT_SOURCE: Final = "bedrock.amazonaws.com"
DENIED: Final = "AccessDenied"
"""The error code of a denial in CloudTrail; the SDK's is ``AccessDeniedException``."""

_DATA_EVENTS: Final = (
    *("ApplyGuardrail", "StartAsyncInvoke", "GetAsyncInvoke", "InvokeModelWithBidirectionalStream"),
    *("InvokeAgent", "InvokeInlineAgent", "InvokeFlow", "Retrieve", "RetrieveAndGenerate", "RetrieveAndGenerateStream"),
)
_WRITING: Final = ("Create", "Update", "Delete", "Put", "Start", "Stop", "Tag", "Untag", "Batch", "Register", "Deregister")
_NAMES: Final = ("modelId", "guardrailIdentifier", "guardrailVersion", "inferenceProfileIdentifier", "invocationArn", "agentId")
"""Parameters that are recorded: they name resources, and never contain a prompt."""

_TYPES: Final = {
    "user": "IAMUser",
    "role": "Role",
    "assumed-role": "AssumedRole",
    "federated-user": "FederatedUser",
    "root": "Root",
}
_RESOURCES: Final = (("foundation-model", "Model"), ("guardrail", "Guardrail"), ("inference-profile", "InferenceProfile"))


@dataclass(slots=True)
class CallFacts:
    """
    The facts about a call when it ends.

    Args:
        call: The call.
        principal: ARN of the caller, as configured; ``""`` if unknown.
        guardrail: The approved guardrail that is sent.
        verdict: The result of the preflight.
        request_id: AWS's ID of the request; ``""`` if nothing was sent.
        intervention: What the guardrail did or detected.
        would_refuse: Class of the error that mode ``enforce`` would have raised; ``""`` if none.
        diverged: Whether AWS and the preflight decided differently.
        unguarded: Whether the reply shows that no guardrail ran.
    """

    call: Call
    principal: str = ""
    guardrail: Guardrail | None = None
    verdict: Verdict | None = None
    request_id: str = ""
    intervention: Intervention | None = None
    would_refuse: str = ""
    diverged: bool = False
    unguarded: bool = False


def record(facts: CallFacts, error: BaseException | None, event_id: str, when: datetime) -> dict[str, Any]:
    """
    Write the record of a call.

    Args:
        facts: What is known about it.
        error: The error that it ended with; None if it succeeded.
        event_id: A new UUID.
        when: When it ended; a time with a time zone.
    """
    call, principal = facts.call, _principal(facts, error)
    account = identify(principal).account if principal else ""
    written: dict[str, Any] = {
        "eventVersion": EVENT_VERSION,
        "userIdentity": user_identity(principal),
        "eventTime": when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": EVENT_SOURCE,
        "eventName": call.name,
        "awsRegion": call.region,
        "userAgent": "guardedbedrock",
        **_failure(error),
        "requestParameters": _parameters(facts),
        "responseElements": None,
        "additionalEventData": {"guardedbedrock": _additional(facts, error)},
        "requestID": facts.request_id or _request_id(error),
        "eventID": event_id,
        "readOnly": not call.name.startswith(_WRITING),
        "resources": list(_resources(facts, error)),
        "eventType": "AwsApiCall",
        "managementEvent": call.name not in _DATA_EVENTS,
        "recipientAccountId": account,
        "eventCategory": "Data" if call.name in _DATA_EVENTS else "Management",
    }
    return written


def user_identity(principal: str | None) -> dict[str, Any]:
    """Return the ``userIdentity`` of a principal, as far as its ARN shows it."""
    if not principal:
        return {"type": "Unknown"}
    who = identify(principal)
    identity: dict[str, Any] = {"type": _TYPES.get(who.kind, "Unknown"), "arn": principal, "accountId": who.account}
    if who.kind == "user":
        identity["userName"] = principal.rpartition("/")[2]
    if who.kind == "assumed-role":
        partition = (split(principal) or ("", "aws"))[1]
        role = f"arn:{partition}:iam::{who.account}:role/{who.role_name}"
        issuer = {"type": "Role", "arn": role, "accountId": who.account, "userName": who.role_name}
        identity["sessionContext"] = {"sessionIssuer": issuer}
    return identity


def _principal(facts: CallFacts, error: BaseException | None) -> str | None:
    if isinstance(error, AccessDeniedError) and error.principal:
        return error.principal
    decisions = facts.verdict.decisions if facts.verdict else ()
    return decisions[0].request.principal if decisions else facts.principal or None


def _failure(error: BaseException | None) -> dict[str, Any]:
    """Return the code and message of a denial; of any other error only the code, since its message may repeat the prompt."""
    if isinstance(error, AccessDeniedError):
        return {"errorCode": DENIED, "errorMessage": error.message}
    if isinstance(error, ClientError):
        return {"errorCode": str(error.response.get("Error", {}).get("Code", ""))}
    return {"errorCode": type(error).__name__} if error is not None else {}


def _request_id(error: BaseException | None) -> str:
    metadata = as_mapping(error.response.get("ResponseMetadata")) if isinstance(error, ClientError) else {}
    return str(metadata.get("RequestId", ""))


def _parameters(facts: CallFacts) -> dict[str, Any]:
    params = facts.call.params
    named = {name: params[name] for name in _NAMES if isinstance(params.get(name), str)}
    if facts.guardrail is not None:
        return named | {"guardrailIdentifier": facts.guardrail.arn, "guardrailVersion": facts.guardrail.version}
    identifier, version = guardrail_of(facts.call) or (None, None)
    given = {"guardrailIdentifier": identifier, "guardrailVersion": version}
    return named | {name: value for name, value in given.items() if value}


def _resources(facts: CallFacts, error: BaseException | None) -> Any:
    asked = facts.verdict.decisions if facts.verdict else ()
    arns = [decision.request.resource for decision in asked]
    if isinstance(error, AccessDeniedError) and error.resource:
        arns.insert(0, error.resource)
    for arn in dict.fromkeys(arns):
        parts = split(arn)
        if parts is not None:
            kind = next((name for beginning, name in _RESOURCES if parts[5].startswith(beginning)), None)
            about = {"type": f"AWS::Bedrock::{kind}"} if kind else {}
            yield {"accountId": parts[4], **about, "ARN": arn} if parts[4] else {**about, "ARN": arn}


def _additional(facts: CallFacts, error: BaseException | None) -> dict[str, Any]:
    extra: dict[str, Any] = {"decision": facts.verdict.decision if facts.verdict else None}
    denied = facts.verdict.denied if facts.verdict else None
    if denied and facts.verdict:
        extra["explanation"] = facts.verdict.explanation
        extra["statements"] = [str(statement) for statement in denied.decision.statements]
    if isinstance(error, AccessDeniedError):
        extra |= {"simulated": error.simulated, "errorType": type(error).__name__, "action": error.action}
        extra |= {"policyType": error.policy_type, "policyArn": error.policy_arn}
    if facts.intervention is not None:
        extra["intervention"] = _intervention(facts.intervention)
    extra |= {"wouldRefuse": facts.would_refuse} if facts.would_refuse else {}
    extra |= {"diverged": True} if facts.diverged else {}
    return extra | ({"unguardedReply": True} if facts.unguarded else {})


def _intervention(found: Intervention) -> dict[str, Any]:
    written = {"action": found.action, "policies": list(found.policies), "sources": list(found.sources)}
    detected = list(dict.fromkeys(str(finding) for finding in found.detected))
    return {**written, "detected": detected} if detected else written


def is_denial(written: Mapping[str, Any]) -> bool:
    """Return whether a record is the record of a denial."""
    return written.get("errorCode") == DENIED
