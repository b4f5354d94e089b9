"""
The backstop policy: Deny statements with which AWS refuses calls that bypass the guard.

Source: Bedrock User Guide, "Set up permissions to use guardrails for content filtering" and "Control permissions for generating
and using Amazon Bedrock API keys"; Service Authorization Reference, "Actions, resources, and condition keys for Amazon Bedrock".
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Literal, TypeAlias

from guardedbedrock._nearest import suggest
from guardedbedrock._root import ConfigurationError
from guardedbedrock.bedrock.actions import GUARDRAIL_KEY, INFERENCE
from guardedbedrock.bedrock.guardrail.guardrail import Guardrail

ApiKeys: TypeAlias = Literal["allow", "short-term", "deny"]

_PROFILES: Final = ("application-inference-profile", "inference-profile")
"""Resources left out of the Deny: AWS also authorizes their models, and does not document the condition key on profiles."""
_INDIRECT: Final = (
    "bedrock:AgenticRetrieveStream",
    "bedrock:CreateAdvancedPromptOptimizationJob",
    "bedrock:CreateEvaluationJob",
    "bedrock:CreateModelInvocationJob",
    "bedrock:GenerateQuery",
    "bedrock:InvokeAgent",
    "bedrock:InvokeDataAutomation",
    "bedrock:InvokeDataAutomationAsync",
    "bedrock:InvokeFlow",
    "bedrock:InvokeInlineAgent",
    "bedrock:OptimizePrompt",
    "bedrock:Rerank",
    "bedrock:RetrieveAndGenerate",
    "bedrock:StartFlowExecution",
)
"""Actions with which AWS calls models for the caller, without the condition key."""
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
    guardrails: Iterable[Guardrail],
    *,
    api_keys: ApiKeys = "allow",
    allow_mantle: bool = False,
    deny_indirect: bool = False,
    unguarded_models: Iterable[str] = (),
) -> dict[str, Any]:
    """
    Return the policy. It has one list for all regions, because a profile is authorized in other regions than its guardrail.

    Args:
        guardrails: The approved guardrails.
        api_keys: Whether Bedrock API keys may call: all (``allow``), short-term ones only, or none (``deny``).
        allow_mantle: Do not deny ``bedrock-mantle``, which supports no guardrails.
        deny_indirect: Also deny actions with which AWS calls models for the caller, such as agents, flows and batch jobs.
        unguarded_models: Patterns of foundation model IDs that take no guardrail and may be called without one.

    Raises:
        ConfigurationError: No guardrail is approved, or AWS rejects an ID.
    """
    approved = tuple(guardrails)
    if not approved:
        raise ConfigurationError("no guardrail is approved, so the backstop would deny every call: approve one")
    for guardrail in approved:
        guardrail.require_aws_id()
    if api_keys not in _API_KEYS:
        raise ConfigurationError(f"api_keys: `{api_keys}` is not a value; {suggest(str(api_keys), _API_KEYS, 'values')}")
    statements: list[dict[str, Any]] = [_only_approved(approved, tuple(unguarded_models)), *_API_KEYS[api_keys]]
    if not allow_mantle:
        statements.append({"Sid": "DenyMantle", "Effect": "Deny", "Action": "bedrock-mantle:*", "Resource": "*"})
    if deny_indirect:
        statements.append({"Sid": "DenyIndirectCalls", "Effect": "Deny", "Action": list(_INDIRECT), "Resource": "*"})
    return {"Version": "2012-10-17", "Statement": statements}


def _only_approved(approved: tuple[Guardrail, ...], unguarded_models: tuple[str, ...]) -> dict[str, Any]:
    partitions = sorted({guardrail.arn.split(":")[1] for guardrail in approved})
    return {
        "Sid": "DenyWithoutApprovedGuardrail",
        "Effect": "Deny",
        "Action": list(INFERENCE),
        "NotResource": [
            *(f"arn:{partition}:bedrock:*:*:{kind}/*" for partition in partitions for kind in _PROFILES),
            *(f"arn:{partition}:bedrock:*::foundation-model/{model}" for partition in partitions for model in unguarded_models),
        ],
        "Condition": {"StringNotEquals": {GUARDRAIL_KEY: sorted({guardrail.key for guardrail in approved})}},
    }
