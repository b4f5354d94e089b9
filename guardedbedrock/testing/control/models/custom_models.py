"""Custom models: those that customization jobs and copy jobs create, and those that were trained elsewhere."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from guardedbedrock.testing.control.listing import check_name, find, select, summaries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from guardedbedrock.testing.control.tags import TagStore
    from guardedbedrock.testing.wire import ApiParams

_IMPORTED_BASE: Final = "amazon.nova-lite-v1:0"
"""The base model of a model that was trained elsewhere; AWS reads it from the files of the model."""
_SUMMARY: Final = (
    "modelArn",
    "modelName",
    "creationTime",
    "baseModelArn",
    "baseModelName",
    "customizationType",
    "ownerAccountId",
    "modelStatus",
)
_SHOWN_ONLY_IN_LISTS: Final = ("baseModelName", "ownerAccountId")


class CustomModels:
    """
    The custom models of an account.

    Args:
        region_account: Region and account.
        tags: The tags of all resources.
        new_id: Returns a new ID.
    """

    def __init__(self, region_account: tuple[str, str], tags: TagStore, new_id: Callable[[], str]) -> None:
        self.region, self.account = region_account
        self._tags, self._new_id = tags, new_id
        self._models: dict[str, ApiParams] = {}

    def new_arn(self, base: str) -> str:
        """Return the ARN of a new model: ``base`` is the ID of its base model, or ``imported``."""
        return f"arn:aws:bedrock:{self.region}:{self.account}:custom-model/{base}/{self._new_id()}"

    def check_name(self, name: str) -> None:
        """
        Check that no model uses a name.

        Raises:
            ServiceError: ``ConflictException`` (400).
        """
        check_name(self._models, "modelName", name)

    def add(self, arn: str, members: ApiParams, tags: Iterable[Mapping[str, str]]) -> None:
        """Add a model with the members of its description, among them ``baseModelArn``."""
        base = (
            members["baseModelArn"].rpartition("/")[2].partition(":")[0]
        )  # a list shows the ID without the part after the colon
        own = {"modelArn": arn, "baseModelName": base, "ownerAccountId": self.account, "creationTime": datetime.now(UTC)}
        self._models[arn] = {**own, **members}
        self._tags.put(arn, tags)

    def create(self, params: ApiParams) -> ApiParams:
        """Import a model that was trained elsewhere. It is active after the first Get."""
        self.check_name(params["modelName"])
        arn = self.new_arn("imported")
        base = f"arn:aws:bedrock:{self.region}::foundation-model/{_IMPORTED_BASE}"
        state = {"baseModelArn": base, "customizationType": "IMPORTED", "modelStatus": "Creating"}
        self.add(arn, {"modelName": params["modelName"], **state}, params.get("modelTags", ()))
        return {"modelArn": arn}

    def get(self, params: ApiParams) -> ApiParams:
        """Return a model. The next call returns it as active."""
        model = self.find(params["modelIdentifier"])
        shown = {name: value for name, value in model.items() if name not in _SHOWN_ONLY_IN_LISTS}
        model["modelStatus"] = "Active"
        return shown

    def list(self, params: ApiParams) -> ApiParams:
        """Return the models that match the filters."""
        equal = {"baseModelArnEquals": "baseModelArn", "foundationModelArnEquals": "baseModelArn", "modelStatus": "modelStatus"}
        found = [
            model
            for model in select(self._models.values(), params, name="modelName", time="creationTime")
            if all(model[member] == params[given] for given, member in equal.items() if given in params)
            and params.get("isOwned", True)
        ]
        return summaries("modelSummaries", found, _SUMMARY, params)

    def delete(self, params: ApiParams) -> ApiParams:
        """Delete a model."""
        arn = self.find(params["modelIdentifier"])["modelArn"]
        del self._models[arn]
        self._tags.remove(arn)
        return {}

    def find(self, identifier: str) -> ApiParams:
        """Return a model by ARN, ID or name."""
        return find(self._models, identifier, name="modelName")
