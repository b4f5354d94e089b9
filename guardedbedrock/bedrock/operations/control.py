"""
The operations of ``bedrock``, the control plane.

- If the Service Authorization Reference lists no resource type for an action, the resource is ``*``.
- CreateGuardrail is authorized on ``guardrail/*``, which is the resource that AWS's denials name.
- Creating a resource with tags also requires ``bedrock:TagResource``; passing a role also requires ``iam:PassRole``.
- Some operations of botocore are not in the Service Authorization Reference yet. They require the action of the same name; see
  `_UNPUBLISHED`.

Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon Bedrock"; Bedrock API Reference,
"Amazon Bedrock"; IAM User Guide, "Grant a user permissions to pass a role to an AWS service".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from guardedbedrock.bedrock.guardrail.location import OF_EVALUATION
from guardedbedrock.bedrock.operations.row import Indirect, Operation, RequiredAction, pass_role

_SERVICE: Final = "bedrock"

_WITHOUT_RESOURCE: Final = (
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
"""Operations whose action has no resource type."""

_ON_ONE_RESOURCE: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
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
"""Operations that require the action of the same name on the resource that one parameter names, by type and parameter."""

_ACCEPTS_NAMES: Final = frozenset(
    {
        "custom-model",
        "custom-model-deployment",
        "imported-model",
        "model-customization-job",
        "model-import-job",
        "provisioned-model",
    }
)
"""Resource types whose parameters accept a name as well as an ARN."""

_REASONING: Final = "automatedReasoningPolicyConfig.policies[]"
_GUARDRAIL_PARTS: Final = (
    RequiredAction("", "guardrail-profile", ("crossRegionConfig.guardrailProfileIdentifier",), when="if-named"),
    RequiredAction("", "automated-reasoning-policy", (_REASONING,), when="if-named"),
)


_ROLE: Final = pass_role("roleArn")
_SAGEMAKER_ROLE: Final = pass_role("endpointConfig.sageMaker.executionRole")
_MODEL: Final = "base-model"

_SPECIAL: Final[Mapping[str, tuple[RequiredAction, ...]]] = {
    "CreateAdvancedPromptOptimizationJob": (RequiredAction("", _MODEL, ("modelConfigurations[].modelId",)),),
    "CreateAutomatedReasoningPolicy": (RequiredAction(""),),
    "CreateCustomModel": (RequiredAction(""), _ROLE),
    "CreateEvaluationJob": (RequiredAction("", _MODEL, ("inferenceConfig.models[].bedrockModel.modelIdentifier",)), _ROLE),
    "CreateGuardrail": (RequiredAction("", "guardrail"), *_GUARDRAIL_PARTS),
    "CreateInferenceProfile": (
        RequiredAction("", "application-inference-profile"),
        RequiredAction("", _MODEL, ("modelSource.copyFrom",)),
    ),
    "CreateMarketplaceModelEndpoint": (RequiredAction(""), _SAGEMAKER_ROLE),
    "CreateModelCopyJob": (RequiredAction("", "custom-model", ("sourceModelArn",)),),
    "CreateModelCustomizationJob": (
        RequiredAction("", _MODEL, ("baseModelIdentifier",)),
        RequiredAction("", "custom-model", when="undocumented"),
        _ROLE,
    ),
    "CreateModelImportJob": (RequiredAction(""), _ROLE),
    "CreateModelInvocationJob": (
        RequiredAction("", _MODEL, ("modelId",)),
        RequiredAction("", "model-invocation-job", when="undocumented"),
        _ROLE,
    ),
    "CreatePromptRouter": (
        RequiredAction("", _MODEL, ("models[].modelArn",)),
        RequiredAction("", _MODEL, ("fallbackModel.modelArn",)),
    ),
    "CreateProvisionedModelThroughput": (RequiredAction("", _MODEL, ("modelId",)),),
    "DeleteResourcePolicy": (
        RequiredAction("", "arn", ("resourceArn",)),
        RequiredAction("PutResourcePolicy", "arn", ("resourceArn",), when="undocumented"),
    ),
    "ListAutomatedReasoningPolicies": (RequiredAction("", "automated-reasoning-policy", ("policyArn",), when="either"),),
    "ListGuardrails": (RequiredAction("", "guardrail", ("guardrailIdentifier",), when="either"),),
    "PutAccountDataRetention": (RequiredAction(""),),
    "PutModelInvocationLoggingConfiguration": (RequiredAction(""), pass_role("loggingConfig.cloudWatchConfig.roleArn")),
    "StartAutomatedReasoningPolicyTestWorkflow": (
        RequiredAction("", "automated-reasoning-policy", ("policyArn",)),
        RequiredAction("InvokeAutomatedReasoningPolicy", "automated-reasoning-policy", ("policyArn",), when="undocumented"),
    ),
    "UpdateCustomModelDeployment": (
        RequiredAction("", "custom-model-deployment", ("customModelDeploymentIdentifier",), accepts_names=True),
        RequiredAction("", "custom-model", ("modelArn",), accepts_names=True),
    ),
    "UpdateGuardrail": (RequiredAction("", "guardrail", ("guardrailIdentifier",)), *_GUARDRAIL_PARTS),
    "UpdateMarketplaceModelEndpoint": (RequiredAction("", "bedrock-marketplace-model-endpoint"), _SAGEMAKER_ROLE),
    "UpdateProvisionedModelThroughput": (
        RequiredAction("", "provisioned-model", ("provisionedModelId",), accepts_names=True),
        RequiredAction("", _MODEL, ("desiredModelId",), when="if-named"),
    ),
}
"""Operations that require other actions or several resources; an empty action means the action of the same name."""

_ON_A_PROJECT: Final = (
    "ArchiveProject",
    "DeleteProjectDataRetentionStorage",
    "GetProject",
    "GetProjectDataRetentionStorage",
    "PutProjectDataRetentionStorage",
    "UpdateProject",
)
_ON_PROJECTS: Final = ("CreateProject", "ListProjects")
_ON_AN_UNKNOWN_RESOURCE: Final = (
    "DeleteAccountDataRetentionStorage",
    "DeleteOrganizationDataRetentionStorage",
    "GetAccountDataRetentionStorage",
    "GetOrganizationDataRetentionStorage",
    "GetTrustedAccessProgram",
    "GetTrustedAccessProgramAccountEnrollment",
    "GetTrustedAccessProgramOrganizationEnrollment",
    "GetTrustedAccessProgramProjectEnrollment",
    "ListTrustedAccessPrograms",
    "PutAccountDataRetentionStorage",
    "PutOrganizationDataRetentionStorage",
    "PutTrustedAccessProgramAccountEnrollment",
    "PutTrustedAccessProgramOrganizationEnrollment",
    "PutTrustedAccessProgramProjectEnrollment",
    "StartTrustedAccessProgramAccountApplication",
    "StartTrustedAccessProgramOrganizationApplication",
    "StartTrustedAccessProgramProjectApplication",
)

_UNPUBLISHED: Final = (
    *(RequiredAction(name, "project", ("projectIdentifier",), when="either") for name in _ON_A_PROJECT),
    *(RequiredAction(name, "project", when="either") for name in _ON_PROJECTS),
    *(RequiredAction(name, "unknown") for name in _ON_AN_UNKNOWN_RESOURCE),
)
"""Operations whose actions the Service Authorization Reference does not list yet."""

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
    "CreateProject": (("tags", "project"),),
    "CreatePromptRouter": (("tags", "prompt-router"),),
    "CreateProvisionedModelThroughput": (("tags", "provisioned-model"),),
}
_MODE: Final = (("bedrock:DataRetentionMode", "dataRetention.mode"),)
_KEYS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "CreateProject": _MODE,
    "PutAccountDataRetention": (("bedrock:DataRetentionMode", "mode"),),
    "UpdateProject": _MODE,
}


def _required() -> Iterator[tuple[str, tuple[RequiredAction, ...]]]:
    yield from ((name, (RequiredAction(name),)) for name in _WITHOUT_RESOURCE)
    for (resource_type, named), names in _ON_ONE_RESOURCE.items():
        for name in names:
            yield (
                name,
                (RequiredAction(name, resource_type, (named,) if named else (), accepts_names=resource_type in _ACCEPTS_NAMES),),
            )
    for name, actions in _SPECIAL.items():
        yield name, tuple(replace(required, action=required.action or name) for required in actions)
    yield from ((required.action, (required,)) for required in _UNPUBLISHED)


_STORAGE: Final = "AWS also checks that the caller may use the bucket and the key of storageConfiguration; the guard does not"
_INDIRECT_EFFECTS: Final[Mapping[str, str]] = {
    **{f"Put{scope}DataRetentionStorage": _STORAGE for scope in ("Account", "Organization", "Project")},
    "CreateAdvancedPromptOptimizationJob": "the job calls models inside AWS, without a guardrail",
    "CreateModelInvocationJob": "the job calls the model inside AWS, without a guardrail",
}
_EFFECTS_OF: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "CreateEvaluationJob": (("inferenceConfig.models", "the job calls the evaluated models inside AWS, without a guardrail"),),
}
_INDIRECT: Final[Mapping[str, Indirect]] = {
    "CreateAdvancedPromptOptimizationJob": "unverifiable",
    "CreateEvaluationJob": "evaluation",
}
_PATHS: Final[Mapping[str, str]] = {
    "CreateAdvancedPromptOptimizationJob": "POST /advanced-prompt-optimization-jobs",
    "CreateEvaluationJob": "POST /evaluation-jobs",
    "CreateModelInvocationJob": "POST /model-invocation-job",
}
_CONFIGURES_INFERENCE: Final = frozenset({"CreateEvaluationJob", "CreateModelInvocationJob"})


CONTROL: Final = tuple(
    Operation(
        name,
        _SERVICE,
        actions,
        configures_inference=name in _CONFIGURES_INFERENCE,
        location=OF_EVALUATION if name == "CreateEvaluationJob" else None,
        tags=_TAGS.get(name, ()),
        keys=_KEYS.get(name, ()),
        indirect_effects=_INDIRECT_EFFECTS.get(name, ""),
        effects_of=_EFFECTS_OF.get(name, ()),
        indirect=_INDIRECT.get(name, ""),
        path=_PATHS.get(name, ""),
    )
    for name, actions in sorted(_required())
)
