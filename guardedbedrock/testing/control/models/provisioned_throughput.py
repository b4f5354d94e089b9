"""The operations on Provisioned Throughput."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from guardedbedrock.testing.control.errors import conflict
from guardedbedrock.testing.control.listing import find, select, summaries
from guardedbedrock.testing.resources.models import find_family

if TYPE_CHECKING:
    from collections.abc import Callable

    from guardedbedrock.testing.control.tags import TagStore
    from guardedbedrock.testing.wire import ApiParams

_DAYS: Final = {"OneMonth": 30, "SixMonths": 180}


class ProvisionedThroughput:
    """
    The provisioned models. A provisioned model is in service after the first Get.

    Args:
        region_account: Region and account.
        tags: The tags of all resources.
        new_id: Returns a new ID.
    """

    def __init__(self, region_account: tuple[str, str], tags: TagStore, new_id: Callable[[], str]) -> None:
        self._region = region_account[0]
        self._prefix = f"arn:aws:bedrock:{region_account[0]}:{region_account[1]}:provisioned-model/"
        self._tags, self._new_id = tags, new_id
        self._provisioned: dict[str, ApiParams] = {}

    def create(self, params: ApiParams) -> ApiParams:
        """
        Provision a model.

        Raises:
            ServiceError: ``ValidationException`` (400) for an unknown model; ``ConflictException`` (400) for a name in use.
        """
        name = params["provisionedModelName"]
        self._check_name(name)
        arn, model, now = self._prefix + self._new_id(), self._model(params["modelId"]), datetime.now(UTC)
        self._provisioned[arn] = {
            "provisionedModelArn": arn,
            "provisionedModelName": name,
            "modelUnits": params["modelUnits"],
            "desiredModelUnits": params["modelUnits"],
            "modelArn": model,
            "desiredModelArn": model,
            "foundationModelArn": model,
            "status": "Creating",
            "creationTime": now,
            "lastModifiedTime": now,
            **_commitment(params, now),
        }
        self._tags.put(arn, params.get("tags", ()))
        return {"provisionedModelArn": arn}

    def get(self, params: ApiParams) -> ApiParams:
        """Return a provisioned model. The next call returns it as in service."""
        provisioned = self._find(params)
        shown = dict(provisioned)
        provisioned |= {"status": "InService", "modelArn": provisioned["desiredModelArn"]}
        return shown

    def list(self, params: ApiParams) -> ApiParams:
        """Return the provisioned models that match the filters."""
        found = select(self._provisioned.values(), params, name="provisionedModelName", time="creationTime")
        return summaries("provisionedModelSummaries", found, {name for one in found for name in one}, params)

    def update(self, params: ApiParams) -> ApiParams:
        """Change the name or the model."""
        provisioned = self._find(params)
        name = params.get("desiredProvisionedModelName") or provisioned["provisionedModelName"]
        if name != provisioned["provisionedModelName"]:
            self._check_name(name)
        if "desiredModelId" in params:
            provisioned |= {"desiredModelArn": self._model(params["desiredModelId"]), "status": "Updating"}
        provisioned |= {"provisionedModelName": name, "lastModifiedTime": datetime.now(UTC)}
        return {}

    def delete(self, params: ApiParams) -> ApiParams:
        """
        Delete a provisioned model.

        Raises:
            ServiceError: ``ConflictException`` (400) during its commitment.
        """
        provisioned = self._find(params)
        if "commitmentDuration" in provisioned:
            raise conflict("A Provisioned Throughput cannot be deleted before its commitment ends.")
        del self._provisioned[provisioned["provisionedModelArn"]]
        self._tags.remove(provisioned["provisionedModelArn"])
        return {}

    def _find(self, params: ApiParams) -> ApiParams:
        return find(self._provisioned, params["provisionedModelId"], name="provisionedModelName")

    def _check_name(self, name: str) -> None:
        if any(one["provisionedModelName"] == name for one in self._provisioned.values()):
            raise conflict(f"The provisioned model name {name} is already in use.")

    def _model(self, identifier: str) -> str:
        find_family(identifier, {})
        return identifier if identifier.startswith("arn:") else f"arn:aws:bedrock:{self._region}::foundation-model/{identifier}"


def _commitment(params: ApiParams, now: datetime) -> ApiParams:
    duration = params.get("commitmentDuration")
    if duration is None:
        return {}
    return {"commitmentDuration": duration, "commitmentExpirationTime": now + timedelta(days=_DAYS[duration])}
