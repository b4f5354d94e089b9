"""
The operations of ``bedrock``, the control plane.

Where the Service Authorization Reference lists no resource type, the resource is ``*``; creating a guardrail is asked on
``guardrail/*``, as AWS's denials name it. Creating something with tags is asked as ``bedrock:TagResource`` too, passing a role
as ``iam:PassRole``.
Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon Bedrock"; Bedrock API Reference,
"Amazon Bedrock"; IAM User Guide, "Grant a user permissions to pass a role to an AWS service".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from guardedbedrock.bedrock.operations.rows import Ask, Operation

_SERVICE: Final = "bedrock"

_ON_NOTHING: Final = (
    "CreateFoundationModelAgreement",
    "DeleteEnforcedGuardrailConfiguration",
    "DeleteFoundationModelAgreement",
    "DeleteModelInvocationLoggingConfiguration",
    "GetAccountDataRetention",
    "GetFoundationModelAvailability",
    "GetModelInvocationLoggingConfiguration",
    "GetUseCaseForModelAccess",
    "ListAdvancedPromptOptimizationJobs",
    "ListCustomModelDeployments",
    "ListCustomModels",
    "ListEnforcedGuardrailsConfiguration",
    "ListEvaluationJobs",
    "ListFoundationModelAgreementOffers",
    "ListFoundationModels",
    "ListImportedModels",
    "ListInferenceProfiles",
    "ListMarketplaceModelEndpoints",
    "ListModelCopyJobs",
    "ListModelCustomizationJobs",
    "ListModelImportJobs",
    "ListModelInvocationJobs",
    "ListPromptRouters",
    "ListProvisionedModelThroughputs",
    "PutEnforcedGuardrailConfiguration",
    "PutUseCaseForModelAccess",
)
"""Operations whose action knows no resource type."""

_ON_ONE: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("advanced-prompt-optimization-job", "jobIdentifier"): (
        "GetAdvancedPromptOptimizationJob",
        "StopAdvancedPromptOptimizationJob",
    ),
    ("advanced-prompt-optimization-job", "jobIdentifiers[]"): ("BatchDeleteAdvancedPromptOptimizationJob",),
    ("application-inference-profile", "inferenceProfileIdentifier"): ("DeleteInferenceProfile",),
    ("automated-reasoning-policy", "policyArn"): (
        "CancelAutomatedReasoningPolicyBuildWorkflow",
        "CreateAutomatedReasoningPolicyTestCase",
        "CreateAutomatedReasoningPolicyVersion",
        "DeleteAutomatedReasoningPolicy",
        "DeleteAutomatedReasoningPolicyBuildWorkflow",
        "DeleteAutomatedReasoningPolicyTestCase",
        "ExportAutomatedReasoningPolicyVersion",
        "GetAutomatedReasoningPolicy",
        "GetAutomatedReasoningPolicyAnnotations",
        "GetAutomatedReasoningPolicyBuildWorkflow",
        "GetAutomatedReasoningPolicyBuildWorkflowResultAssets",
        "GetAutomatedReasoningPolicyNextScenario",
        "GetAutomatedReasoningPolicyTestCase",
        "GetAutomatedReasoningPolicyTestResult",
        "ListAutomatedReasoningPolicyBuildWorkflows",
        "ListAutomatedReasoningPolicyTestCases",
        "ListAutomatedReasoningPolicyTestResults",
        "StartAutomatedReasoningPolicyBuildWorkflow",
        "UpdateAutomatedReasoningPolicy",
        "UpdateAutomatedReasoningPolicyAnnotations",
        "UpdateAutomatedReasoningPolicyTestCase",
    ),
    ("bedrock-marketplace-model-endpoint", ""): (
        "DeleteMarketplaceModelEndpoint",
        "DeregisterMarketplaceModelEndpoint",
        "GetMarketplaceModelEndpoint",
        "RegisterMarketplaceModelEndpoint",
    ),
    ("custom-model", "modelArn"): ("CreateCustomModelDeployment",),
    ("custom-model", "modelIdentifier"): ("DeleteCustomModel", "GetCustomModel"),
    ("custom-model-deployment", "customModelDeploymentIdentifier"): ("DeleteCustomModelDeployment", "GetCustomModelDeployment"),
    ("evaluation-job", "jobIdentifier"): ("GetEvaluationJob", "StopEvaluationJob"),
    ("evaluation-job", "jobIdentifiers[]"): ("BatchDeleteEvaluationJob",),
    ("foundation-model", "modelIdentifier"): ("GetFoundationModel",),
    ("guardrail", "guardrailIdentifier"): ("CreateGuardrailVersion", "DeleteGuardrail", "GetGuardrail"),
    ("imported-model", "modelIdentifier"): ("DeleteImportedModel", "GetImportedModel"),
    ("inference-profile", "inferenceProfileIdentifier"): ("GetInferenceProfile",),
    ("model-copy-job", "jobArn"): ("GetModelCopyJob",),
    ("model-customization-job", "jobIdentifier"): ("GetModelCustomizationJob", "StopModelCustomizationJob"),
    ("model-import-job", "jobIdentifier"): ("GetModelImportJob",),
    ("model-invocation-job", "jobIdentifier"): ("GetModelInvocationJob", "StopModelInvocationJob"),
    ("prompt-router", "promptRouterArn"): ("DeletePromptRouter", "GetPromptRouter"),
    ("provisioned-model", "provisionedModelId"): ("DeleteProvisionedModelThroughput", "GetProvisionedModelThroughput"),
    ("arn", "resourceARN"): ("ListTagsForResource", "TagResource", "UntagResource"),
    ("arn", "resourceArn"): ("GetResourcePolicy", "PutResourcePolicy"),
}
"""Operations that ask the action of their own name on what one parameter names."""

_TAKES_NAMES: Final = frozenset(
    {
        "custom-model",
        "custom-model-deployment",
        "imported-model",
        "model-customization-job",
        "model-import-job",
        "provisioned-model",
    }
)
"""Types of which a parameter takes a name as well as an ARN."""

_REASONING: Final = "automatedReasoningPolicyConfig.policies[]"
_SHIELD: Final = (
    Ask("", "guardrail-profile", ("crossRegionConfig.guardrailProfileIdentifier",), when="given"),
    Ask("", "automated-reasoning-policy", (_REASONING,), when="given"),
)


def _passing(path: str) -> Ask:
    """Ask for passing the role that a parameter names."""
    return Ask("iam:PassRole", "role", (path,), when="given")


_ROLE: Final = _passing("roleArn")
_SAGEMAKER_ROLE: Final = _passing("endpointConfig.sageMaker.executionRole")
_MODEL: Final = "base-model"

_OTHERS: Final[Mapping[str, tuple[Ask, ...]]] = {
    "CreateAdvancedPromptOptimizationJob": (Ask("", _MODEL, ("modelConfigurations[].modelId",)),),
    "CreateAutomatedReasoningPolicy": (Ask(""),),
    "CreateCustomModel": (Ask(""), _ROLE),
    "CreateEvaluationJob": (Ask("", _MODEL, ("inferenceConfig.models[].bedrockModel.modelIdentifier",)), _ROLE),
    "CreateGuardrail": (Ask("", "guardrail"), *_SHIELD),
    "CreateInferenceProfile": (
        Ask("", "application-inference-profile"),
        Ask("", _MODEL, ("modelSource.copyFrom",)),
    ),
    "CreateMarketplaceModelEndpoint": (Ask(""), _SAGEMAKER_ROLE),
    "CreateModelCopyJob": (Ask("", "custom-model", ("sourceModelArn",)),),
    "CreateModelCustomizationJob": (
        Ask("", _MODEL, ("baseModelIdentifier",)),
        Ask("", "custom-model", when="perhaps"),
        _ROLE,
    ),
    "CreateModelImportJob": (Ask(""), _ROLE),
    "CreateModelInvocationJob": (
        Ask("", _MODEL, ("modelId",)),
        Ask("", "model-invocation-job", when="perhaps"),
        _ROLE,
    ),
    "CreatePromptRouter": (
        Ask("", _MODEL, ("models[].modelArn",)),
        Ask("", _MODEL, ("fallbackModel.modelArn",)),
    ),
    "CreateProvisionedModelThroughput": (Ask("", _MODEL, ("modelId",)),),
    "DeleteResourcePolicy": (
        Ask("", "arn", ("resourceArn",)),
        Ask("PutResourcePolicy", "arn", ("resourceArn",), when="perhaps"),
    ),
    "ListAutomatedReasoningPolicies": (Ask("", "automated-reasoning-policy", ("policyArn",), when="either"),),
    "ListGuardrails": (Ask("", "guardrail", ("guardrailIdentifier",), when="either"),),
    "PutAccountDataRetention": (Ask(""),),
    "PutModelInvocationLoggingConfiguration": (Ask(""), _passing("loggingConfig.cloudWatchConfig.roleArn")),
    "StartAutomatedReasoningPolicyTestWorkflow": (
        Ask("", "automated-reasoning-policy", ("policyArn",)),
        Ask("InvokeAutomatedReasoningPolicy", "automated-reasoning-policy", ("policyArn",), when="perhaps"),
    ),
    "UpdateCustomModelDeployment": (
        Ask("", "custom-model-deployment", ("customModelDeploymentIdentifier",), loose=True),
        Ask("", "custom-model", ("modelArn",), loose=True),
    ),
    "UpdateGuardrail": (Ask("", "guardrail", ("guardrailIdentifier",)), *_SHIELD),
    "UpdateMarketplaceModelEndpoint": (Ask("", "bedrock-marketplace-model-endpoint"), _SAGEMAKER_ROLE),
    "UpdateProvisionedModelThroughput": (
        Ask("", "provisioned-model", ("provisionedModelId",), loose=True),
        Ask("", _MODEL, ("desiredModelId",), when="given"),
    ),
}
"""Operations that ask more, or otherwise."""

_TAGS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "CreateAdvancedPromptOptimizationJob": (("tags", "advanced-prompt-optimization-job"),),
    "CreateAutomatedReasoningPolicy": (("tags", "automated-reasoning-policy"),),
    "CreateAutomatedReasoningPolicyVersion": (("tags", "automated-reasoning-policy-version"),),
    "CreateCustomModel": (("modelTags", "custom-model"),),
    "CreateCustomModelDeployment": (("tags", "custom-model-deployment"),),
    "CreateEvaluationJob": (("jobTags", "evaluation-job"),),
    "CreateGuardrail": (("tags", "guardrail"),),
    "CreateInferenceProfile": (("tags", "application-inference-profile"),),
    "CreateMarketplaceModelEndpoint": (("tags", "bedrock-marketplace-model-endpoint"),),
    "CreateModelCopyJob": (("targetModelTags", "custom-model"),),
    "CreateModelCustomizationJob": (("jobTags", "model-customization-job"), ("customModelTags", "custom-model")),
    "CreateModelImportJob": (("jobTags", "model-import-job"), ("importedModelTags", "imported-model")),
    "CreateModelInvocationJob": (("tags", "model-invocation-job"),),
    "CreatePromptRouter": (("tags", "prompt-router"),),
    "CreateProvisionedModelThroughput": (("tags", "provisioned-model"),),
}
_KEYS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "PutAccountDataRetention": (("bedrock:DataRetentionMode", "mode"),),
}


def _asks() -> Iterator[tuple[str, tuple[Ask, ...]]]:
    yield from ((name, (Ask(name),)) for name in _ON_NOTHING)
    for (resource_type, named), names in _ON_ONE.items():
        for name in names:
            yield name, (Ask(name, resource_type, (named,) if named else (), loose=resource_type in _TAKES_NAMES),)
    for name, asks in _OTHERS.items():
        yield name, tuple(Ask(ask.action or name, ask.on, ask.named, ask.when, ask.loose) for ask in asks)


CONTROL: Final = tuple(
    Operation(name, _SERVICE, asks, tags=_TAGS.get(name, ()), keys=_KEYS.get(name, ())) for name, asks in sorted(_asks())
)
