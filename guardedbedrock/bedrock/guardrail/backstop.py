"""
The Deny statements with which AWS itself refuses what goes round a guard.

Source: Bedrock User Guide, "Set up permissions to use guardrails for content filtering" and "Control permissions for generating
and using Amazon Bedrock API keys"; Service Authorization Reference, "Actions, resources, and condition keys for Amazon Bedrock".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Literal, TypeAlias

from guardedbedrock._root import ConfigurationError
from guardedbedrock.bedrock.guardrail.approved import Guardrail

ApiKeys: TypeAlias = Literal["allow", "short-term", "deny"]

_KEY: Final = "bedrock:GuardrailIdentifier"
_INFERENCE: Final = ("bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream")
"""Converse, jobs and the bidirectional stream are asked as these two."""
_PROFILES: Final = ("application-inference-profile", "inference-profile")
"""What leads to models that are asked on themselves; whether the condition key is there when a profile is, is not documented."""
_INDIRECT: Final = (
    "bedrock:CreateModelInvocationJob",
    "bedrock:InvokeAgent",
    "bedrock:InvokeFlow",
    "bedrock:InvokeInlineAgent",
    "bedrock:OptimizePrompt",
    "bedrock:Rerank",
    "bedrock:RetrieveAndGenerate",
    "bedrock:StartFlowExecution",
)
"""What calls models on AWS's side, and knows nothing of the condition key."""
_API_KEYS: Final[dict[ApiKeys, tuple[dict[str, Any], ...]]] = {
    "allow": (),
    "short-term": (
        {
            "Sid": "DenyLongTermApiKeys",
            "Effect": "Deny",
            "Action": "bedrock:CallWithBearerToken",
            "Resource": "*",
            "Condition": {"StringEquals": {"bedrock:BearerTokenType": "LONG_TERM"}},
        },
    ),
    "deny": ({"Sid": "DenyApiKeys", "Effect": "Deny", "Action": "bedrock:CallWithBearerToken", "Resource": "*"},),
}


def backstop(
    guardrails: Iterable[Guardrail], *, api_keys: ApiKeys = "allow", allow_mantle: bool = False, deny_indirect: bool = False
) -> dict[str, Any]:
    """
    Write the policy; one list of all regions, since a profile asks about regions that the guardrail is not of.

    Args:
        guardrails: The approved ones, each pinned to a version.
        api_keys: Whether Bedrock API keys may call: all, short-term ones only, or none.
        allow_mantle: Leave ``bedrock-mantle`` open, where no guardrail can be named.
        deny_indirect: Deny what calls models on AWS's side too, such as agents, flows and batch jobs.

    Raises:
        ConfigurationError: Nothing is approved, or an ID is none that AWS has.
    """
    approved = tuple(guardrails)
    if not approved:
        raise ConfigurationError("no guardrail is approved, so that the backstop would deny every call: approve one")
    for guardrail in approved:
        guardrail.check("aws")
    statements: list[dict[str, Any]] = [_only_approved(approved), *_API_KEYS[api_keys]]
    if not allow_mantle:
        statements.append({"Sid": "DenyMantle", "Effect": "Deny", "Action": "bedrock-mantle:*", "Resource": "*"})
    if deny_indirect:
        statements.append({"Sid": "DenyIndirectCalls", "Effect": "Deny", "Action": list(_INDIRECT), "Resource": "*"})
    return {"Version": "2012-10-17", "Statement": statements}


def _only_approved(approved: tuple[Guardrail, ...]) -> dict[str, Any]:
    partitions = sorted({guardrail.arn.split(":")[1] for guardrail in approved})
    return {
        "Sid": "DenyWithoutApprovedGuardrail",
        "Effect": "Deny",
        "Action": list(_INFERENCE),
        "NotResource": [f"arn:{partition}:bedrock:*:*:{kind}/*" for partition in partitions for kind in _PROFILES],
        "Condition": {"StringNotEquals": {_KEY: sorted({guardrail.key for guardrail in approved})}},
    }
