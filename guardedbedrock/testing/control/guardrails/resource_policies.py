"""PutResourcePolicy, GetResourcePolicy, DeleteResourcePolicy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guardedbedrock.bedrock.resources.resource_policies import check_resource_policy
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.testing.control.errors import not_found
from guardedbedrock.testing.wire import ServiceError

if TYPE_CHECKING:
    from guardedbedrock.testing.control.guardrails.operations import GuardrailOperations
    from guardedbedrock.testing.wire import ApiParams


class ResourcePolicies:
    """
    The resource-based policies of guardrails and guardrail profiles. They are stored and have no effect.

    Args:
        guardrails: The guardrails that a policy can be attached to.
    """

    def __init__(self, guardrails: GuardrailOperations) -> None:
        self._guardrails = guardrails
        self._policies: dict[str, str] = {}

    def put(self, params: ApiParams) -> ApiParams:
        """Attach a policy, or replace the attached policy."""
        arn, policy = params["resourceArn"], params["resourcePolicy"]
        self._check_resource(arn)
        try:
            check_resource_policy(policy, arn)
        except ConfigurationError as error:
            raise ServiceError.invalid(str(error)) from error
        self._policies[arn] = policy
        return {"resourceArn": arn}

    def get(self, params: ApiParams) -> ApiParams:
        """Return the policy of a resource."""
        return {"resourcePolicy": self._policies[self._existing(params)]}

    def delete(self, params: ApiParams) -> ApiParams:
        """Delete the policy of a resource."""
        del self._policies[self._existing(params)]
        return {}

    def remove(self, arn: str) -> None:
        """Remove the policy of a deleted resource."""
        self._policies.pop(arn, None)

    def _check_resource(self, arn: str) -> None:
        if arn not in self._guardrails and ":guardrail-profile/" not in arn:
            raise ServiceError.invalid(f"resourceArn: {arn} is neither an existing guardrail nor a guardrail profile")

    def _existing(self, params: ApiParams) -> str:
        arn = str(params["resourceArn"])
        if arn not in self._policies:
            raise not_found(f"{arn} has no resource policy")
        return arn
