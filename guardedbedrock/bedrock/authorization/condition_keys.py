"""
The condition keys that the authorization of an action can carry, in addition to those that every authorization carries.

Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon Bedrock"; IAM User Guide, "AWS global
condition context keys".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

ANY_REQUEST_TAG: Final = "aws:RequestTag/*"
TAG_KEYS: Final = "aws:TagKeys"
_TAGGED: Final = frozenset({ANY_REQUEST_TAG, TAG_KEYS})
_STREAMED: Final = frozenset(
    {"bedrock:GuardrailIdentifier", "bedrock:InferenceProfileArn", "bedrock:PromptRouterArn", "bedrock:ServiceTier"}
)

_RETAINED: Final = frozenset({"bedrock:DataRetentionMode"})

_WITH_TAGS: Final = (
    "CreateAdvancedPromptOptimizationJob",
    "CreateAgent",
    "CreateAgentActionGroup",
    "CreateAgentAlias",
    "CreateAutomatedReasoningPolicy",
    "CreateAutomatedReasoningPolicyVersion",
    "CreateCustomModel",
    "CreateCustomModelDeployment",
    "CreateEvaluationJob",
    "CreateFlow",
    "CreateFlowAlias",
    "CreateGuardrail",
    "CreateInferenceProfile",
    "CreateKnowledgeBase",
    "CreateModelCopyJob",
    "CreateModelCustomizationJob",
    "CreateModelImportJob",
    "CreateModelInvocationJob",
    "CreatePrompt",
    "CreatePromptRouter",
    "CreatePromptVersion",
    "CreateRetrievalInstruction",
    "CreateProvisionedModelThroughput",
    "CreateSession",
    "InvokeDataAutomationAsync",
    "PutResourcePolicy",
    "TagResource",
)

CARRIED: Final[Mapping[str, frozenset[str]]] = {
    **{f"bedrock:{name}": _TAGGED for name in _WITH_TAGS},
    "bedrock:CallWithBearerToken": frozenset({"bedrock:BearerTokenType"}),
    "bedrock:CreateProject": _TAGGED | _RETAINED,
    "bedrock:InvokeInlineAgent": frozenset({"bedrock:InlineAgentName"}),
    "bedrock:InvokeModel": _TAGGED | _STREAMED | {"bedrock:ModelArn", "bedrock:ProjectArn"},
    "bedrock:InvokeModelWithGuardrail": _TAGGED | _STREAMED,
    "bedrock:InvokeModelWithResponseStream": _STREAMED,
    "bedrock:PutAccountDataRetention": _RETAINED,
    "bedrock:UntagResource": frozenset({TAG_KEYS}),
    "bedrock:UpdateProject": _RETAINED,
    "iam:PassRole": frozenset({"iam:PassedToService", "iam:AssociatedResourceArn"}),
}
"""Action to its condition keys; other actions carry only the keys that every authorization carries."""

_OF_ONE_CALL: Final = (
    "aws:requesttag/",
    "aws:tagkeys",
    "bedrock:guardrailidentifier",
    "bedrock:inferenceprofilearn",
    "bedrock:promptrouterarn",
)
_OWN_PREFIXES: Final = ("aws:requesttag/", "aws:tagkeys", "bedrock:")
_LOWER: Final = {action: frozenset(key.lower() for key in keys) for action, keys in CARRIED.items()}


def carries(action: str, key: str) -> bool:
    """
    Return whether the authorization of an action can carry a condition key; the key is case-insensitive.

    >>> carries("bedrock:UpdateGuardrail", "aws:TagKeys")
    False
    """
    key = key.lower()
    if not key.startswith(_OWN_PREFIXES):
        return True
    family = f"{key.partition('/')[0]}/*" if "/" in key else key
    return family in _LOWER.get(action, ())


def is_of_one_call(key: str) -> bool:
    """
    Return whether each call sets a condition key, so that a configuration cannot set it for all calls.

    >>> is_of_one_call("bedrock:GuardrailIdentifier")
    True
    """
    return key.lower().startswith(_OF_ONE_CALL)
