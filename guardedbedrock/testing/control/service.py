"""The table of the operations of ``bedrock``."""

from __future__ import annotations

from hashlib import sha256
from itertools import count
from typing import TYPE_CHECKING

from guardedbedrock.forks import ForkSafeLock
from guardedbedrock.testing.control.guardrails.enforced_guardrails import EnforcedConfiguration
from guardedbedrock.testing.control.guardrails.operations import GuardrailOperations
from guardedbedrock.testing.control.guardrails.resource_policies import ResourcePolicies
from guardedbedrock.testing.control.jobs import BatchJobs, EvaluationJobs
from guardedbedrock.testing.control.models.custom_models import CustomModels
from guardedbedrock.testing.control.models.customization_jobs import CustomizationJobs
from guardedbedrock.testing.control.models.foundation_models import FoundationModels
from guardedbedrock.testing.control.models.imported_models import ImportedModels
from guardedbedrock.testing.control.models.inference_profiles import InferenceProfileOperations
from guardedbedrock.testing.control.models.marketplace_endpoints import MarketplaceEndpoints
from guardedbedrock.testing.control.models.model_copy_jobs import CopyJobs
from guardedbedrock.testing.control.models.prompt_routers import PromptRouters
from guardedbedrock.testing.control.models.provisioned_throughput import ProvisionedThroughput
from guardedbedrock.testing.control.tags import TagStore
from guardedbedrock.testing.resources.named_guardrails import first_guardrail
from guardedbedrock.testing.wire import ApiParams, OperationOutput, ShapeValidator

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from guardedbedrock.testing.control.logging_configuration import InvocationLogging
    from guardedbedrock.testing.resources import GuardrailStore
    from guardedbedrock.testing.resources.enforcement import FakeEnforcement
    from guardedbedrock.testing.resources.inference_profile import FakeInferenceProfile


class ControlPlane:
    """
    Performs the operations of ``bedrock``, one at a time.

    Args:
        store: The guardrails, shared with the runtime.
        profiles: The inference profiles that exist at the start.
        principal: ARN of the principal of all requests.
        patterns: Shape name to the pattern that replaces the pattern of the service model.
        logging: The logging configuration of model calls.
    """

    service = "bedrock"

    def __init__(
        self,
        store: GuardrailStore,
        profiles: Iterable[FakeInferenceProfile],
        principal: str,
        patterns: Mapping[str, str],
        logging: InvocationLogging,
    ) -> None:
        self.validator = ShapeValidator(patterns)
        self._lock, self._numbers = ForkSafeLock(), count(1)
        self._jobs = f"arn:aws:bedrock:{store.region}:{store.account}:"
        self._done: dict[tuple[str, str], ApiParams] = {}
        models = FoundationModels(store.region)
        tags = TagStore(store.tags, store.region)
        self._guardrails = GuardrailOperations(store, tags, self._new_id)
        self._enforcement = EnforcedConfiguration(self._guardrails, principal, self._new_id)
        self._policies = ResourcePolicies(self._guardrails)
        self._profiles = InferenceProfileOperations(profiles, (store.region, store.account), tags, self._new_id)
        region_account = store.region, store.account
        batch_jobs = BatchJobs(region_account, tags, self._new_id, lambda: self.resolved_models)
        evaluation_jobs = EvaluationJobs(region_account, tags, self._new_id)
        routers = PromptRouters(region_account, tags, self._new_id, self._profiles.resolved_models)
        endpoints = MarketplaceEndpoints(region_account, tags)
        provisioned = ProvisionedThroughput(region_account, tags, self._new_id)
        custom_models = CustomModels(region_account, tags, self._new_id)
        customization = CustomizationJobs(custom_models, tags, self._new_id)
        copies, imported = CopyJobs(custom_models, self._new_id), ImportedModels(region_account, tags, self._new_id)
        self._operations: Mapping[str, Callable[[ApiParams], ApiParams]] = {
            "BatchDeleteEvaluationJob": evaluation_jobs.batch_delete,
            "CreateAdvancedPromptOptimizationJob": self._create_job("advanced-prompt-optimization-job"),
            "CreateCustomModel": custom_models.create,
            "CreateEvaluationJob": evaluation_jobs.create,
            "CreateModelCopyJob": copies.create,
            "CreateModelCustomizationJob": customization.create,
            "CreateModelImportJob": imported.create_job,
            "DeleteCustomModel": custom_models.delete,
            "DeleteImportedModel": imported.delete,
            "GetCustomModel": custom_models.get,
            "GetImportedModel": imported.get,
            "GetModelCopyJob": copies.get,
            "GetModelCustomizationJob": customization.get,
            "GetModelImportJob": imported.get_job,
            "ListCustomModels": custom_models.list,
            "ListImportedModels": imported.list,
            "ListModelCopyJobs": copies.list,
            "ListModelCustomizationJobs": customization.list,
            "ListModelImportJobs": imported.list_jobs,
            "StopModelCustomizationJob": customization.stop,
            "CreateMarketplaceModelEndpoint": endpoints.create,
            "CreateModelInvocationJob": batch_jobs.create,
            "CreatePromptRouter": routers.create,
            "CreateProvisionedModelThroughput": provisioned.create,
            "DeleteMarketplaceModelEndpoint": endpoints.remove,
            "DeletePromptRouter": routers.delete,
            "DeleteProvisionedModelThroughput": provisioned.delete,
            "DeregisterMarketplaceModelEndpoint": endpoints.remove,
            "GetEvaluationJob": evaluation_jobs.get,
            "GetMarketplaceModelEndpoint": endpoints.get,
            "GetModelInvocationJob": batch_jobs.get,
            "GetPromptRouter": routers.get,
            "GetProvisionedModelThroughput": provisioned.get,
            "ListEvaluationJobs": evaluation_jobs.list,
            "ListMarketplaceModelEndpoints": endpoints.list,
            "ListModelInvocationJobs": batch_jobs.list,
            "ListPromptRouters": routers.list,
            "ListProvisionedModelThroughputs": provisioned.list,
            "RegisterMarketplaceModelEndpoint": endpoints.register,
            "StopEvaluationJob": evaluation_jobs.stop,
            "StopModelInvocationJob": batch_jobs.stop,
            "UpdateMarketplaceModelEndpoint": endpoints.update,
            "UpdateProvisionedModelThroughput": provisioned.update,
            "CreateGuardrail": self._guardrails.create,
            "CreateGuardrailVersion": self._guardrails.create_version,
            "CreateInferenceProfile": self._profiles.create,
            "DeleteEnforcedGuardrailConfiguration": self._enforcement.delete,
            "DeleteGuardrail": self._delete_guardrail,
            "DeleteInferenceProfile": self._profiles.delete,
            "DeleteResourcePolicy": self._policies.delete,
            "DeleteModelInvocationLoggingConfiguration": logging.delete,
            "GetFoundationModel": models.get,
            "GetFoundationModelAvailability": models.availability,
            "GetGuardrail": self._guardrails.get,
            "GetInferenceProfile": self._profiles.get,
            "GetModelInvocationLoggingConfiguration": logging.get,
            "GetResourcePolicy": self._policies.get,
            "ListEnforcedGuardrailsConfiguration": self._enforcement.list,
            "ListFoundationModels": models.list,
            "ListGuardrails": self._guardrails.list,
            "ListInferenceProfiles": self._profiles.list,
            "ListTagsForResource": tags.list,
            "PutEnforcedGuardrailConfiguration": self._enforcement.put,
            "PutModelInvocationLoggingConfiguration": logging.put,
            "PutResourcePolicy": self._policies.put,
            "TagResource": tags.tag,
            "UntagResource": tags.untag,
            "UpdateGuardrail": self._guardrails.update,
        }

    @property
    def resolved_models(self) -> Mapping[str, tuple[str, ...]]:
        """ARN of each inference profile and prompt router to its models. It changes as clients create and delete them."""
        return self._profiles.resolved_models

    @property
    def enforced(self) -> tuple[FakeEnforcement, ...]:
        """The guardrails that the account currently enforces."""
        return self._enforcement.guardrails

    @property
    def operations(self) -> Collection[str]:
        """Names of the operations that are implemented."""
        return self._operations

    def guardrail(self, params: ApiParams) -> tuple[str, str] | None:
        """Return the guardrail that an evaluation job names; other requests to the control plane name none."""
        return first_guardrail(params.get("inferenceConfig"))

    def _create_job(self, kind: str) -> Callable[[ApiParams], ApiParams]:
        """Return the operation that creates a job. The job never runs."""
        return lambda _: {"jobArn": f"{self._jobs}{kind}/{self._new_id()}"}

    def perform(self, operation: str, params: ApiParams) -> OperationOutput:
        """
        Perform an operation.

        Raises:
            ServiceError: The error response of the operation.
        """
        with self._lock:
            return OperationOutput(self._once(operation, params))

    def _once(self, operation: str, params: ApiParams) -> ApiParams:
        """Perform an operation only once for each ``clientRequestToken``."""
        token = params.get("clientRequestToken")
        if token is None:
            return self._operations[operation](params)
        if (operation, token) not in self._done:
            self._done[operation, token] = self._operations[operation](params)
        return self._done[operation, token]

    def _delete_guardrail(self, params: ApiParams) -> ApiParams:
        arn, version = self._guardrails.arn(params), params.get("guardrailVersion")
        self._enforcement.check_not_enforced(arn, version)
        if version is None:
            self._policies.remove(arn)
        return self._guardrails.delete(params)

    def _new_id(self) -> str:
        """Return twelve letters and digits, the same in every run."""
        return sha256(f"{next(self._numbers)}".encode()).hexdigest()[:12]
