"""PutResourcePolicy, GetResourcePolicy, DeleteResourcePolicy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guardedbedrock.bedrock.resources.resource_policies import check_resource_policy
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.testing.control.errors import missing
from guardedbedrock.testing.wire import ServiceError

if TYPE_CHECKING:
    from guardedbedrock.testing.control.guardrails import Guardrails
    from guardedbedrock.testing.wire import Params


class ResourcePolicies:
    """
    The resource-based policies of guardrails and guardrail profiles, which nothing decides by.

    Args:
        guardrails: Those that a policy can be attached to.
    """

    def __init__(self, guardrails: Guardrails) -> None:
        self._guardrails = guardrails
        self._policies: dict[str, str] = {}

    def put(self, params: Params) -> Params:
        """Attach a policy, in place of the one that was there."""
        arn, policy = params["resourceArn"], params["resourcePolicy"]
        self._check_resource(arn)
        try:
            check_resource_policy(policy, arn)
        except ConfigurationError as error:
            raise ServiceError.invalid(str(error)) from error
        self._policies[arn] = policy
        return {"resourceArn": arn}

    def get(self, params: Params) -> Params:
        """Show the policy of a resource."""
        return {"resourcePolicy": self._policies[self._having(params)]}

    def delete(self, params: Params) -> Params:
        """Detach the policy of a resource."""
        del self._policies[self._having(params)]
        return {}

    def drop(self, arn: str) -> None:
        """Forget a resource."""
        self._policies.pop(arn, None)

    def _check_resource(self, arn: str) -> None:
        if arn not in self._guardrails and ":guardrail-profile/" not in arn:
            raise ServiceError.invalid(
                f"{arn} is no guardrail that is here, and no guardrail profile: the fake keeps no policy of it"
            )

    def _having(self, params: Params) -> str:
        arn = str(params["resourceArn"])
        if arn not in self._policies:
            raise missing(f"{arn} has no resource policy")
        return arn
