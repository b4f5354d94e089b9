"""The operations on endpoints of Amazon Bedrock Marketplace. They are in service immediately."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from guardedbedrock.testing.control.errors import conflict
from guardedbedrock.testing.control.listing import find, summaries
from guardedbedrock.testing.wire import ServiceError

if TYPE_CHECKING:
    from guardedbedrock.testing.control.tags import TagStore
    from guardedbedrock.testing.wire import ApiParams

_SUMMARY: Final = ("endpointArn", "modelSourceIdentifier", "status", "createdAt", "updatedAt")


class MarketplaceEndpoints:
    """
    The endpoints that are registered with Bedrock.

    Args:
        region_account: Region and account.
        tags: The tags of all resources.
    """

    def __init__(self, region_account: tuple[str, str], tags: TagStore) -> None:
        self._region_account, self._tags = region_account, tags
        self._endpoints: dict[str, ApiParams] = {}

    def create(self, params: ApiParams) -> ApiParams:
        """
        Create an endpoint.

        Raises:
            ServiceError: ``ConflictException`` (400) for a name in use.
        """
        arn = self._arn(params["endpointName"])
        if arn in self._endpoints:
            raise conflict(f"The endpoint {arn} already exists.")
        self._tags.put(arn, params.get("tags", ()))
        return self._put(arn, params["modelSourceIdentifier"], params["endpointConfig"])

    def register(self, params: ApiParams) -> ApiParams:
        """Register an endpoint of SageMaker, with a plausible configuration."""
        identifier = params["endpointIdentifier"]
        role = f"arn:aws:iam::{self._region_account[1]}:role/SageMakerExecution"
        config = {"sageMaker": {"initialInstanceCount": 1, "instanceType": "ml.g5.2xlarge", "executionRole": role}}
        arn = identifier if identifier.startswith("arn:") else self._arn(identifier)
        self._tags.put(arn, ())
        return self._put(arn, params["modelSourceIdentifier"], config)

    def get(self, params: ApiParams) -> ApiParams:
        """Return an endpoint."""
        return {"marketplaceModelEndpoint": find(self._endpoints, params["endpointArn"])}

    def list(self, params: ApiParams) -> ApiParams:
        """Return all endpoints, or those of one model."""
        wanted = params.get("modelSourceEquals")
        found = [one for one in self._endpoints.values() if wanted in {None, one["modelSourceIdentifier"]}]
        return summaries("marketplaceModelEndpoints", found, _SUMMARY, params)

    def update(self, params: ApiParams) -> ApiParams:
        """Change the configuration of an endpoint."""
        endpoint = find(self._endpoints, params["endpointArn"])
        endpoint |= {"endpointConfig": params["endpointConfig"], "updatedAt": datetime.now(UTC)}
        return {"marketplaceModelEndpoint": endpoint}

    def remove(self, params: ApiParams) -> ApiParams:
        """Delete or deregister an endpoint."""
        arn = find(self._endpoints, params["endpointArn"])["endpointArn"]
        del self._endpoints[arn]
        self._tags.remove(arn)
        return {}

    def _arn(self, name: str) -> str:
        if "/" in name:
            raise ServiceError.invalid(f"The endpoint name {name} is invalid.")
        region, account = self._region_account
        return f"arn:aws:sagemaker:{region}:{account}:endpoint/{name}"

    def _put(self, arn: str, source: str, config: ApiParams) -> ApiParams:
        now = datetime.now(UTC)
        self._endpoints[arn] = {
            "endpointArn": arn,
            "modelSourceIdentifier": source,
            "status": "REGISTERED",
            "createdAt": now,
            "updatedAt": now,
            "endpointConfig": config,
            "endpointStatus": "InService",
        }
        return {"marketplaceModelEndpoint": self._endpoints[arn]}
