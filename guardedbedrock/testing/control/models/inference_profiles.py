"""CreateInferenceProfile, GetInferenceProfile, ListInferenceProfiles, DeleteInferenceProfile."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from guardedbedrock.testing.control.errors import not_found
from guardedbedrock.testing.resources.inference_profile import FakeInferenceProfile
from guardedbedrock.testing.wire import ServiceError
from guardedbedrock.testing.wire.pages import page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from guardedbedrock.testing.control.tags import TagStore
    from guardedbedrock.testing.wire import ApiParams

_MAX_NAME: Final = 64  # characters


class InferenceProfileOperations:
    """
    The operations on inference profiles.

    Args:
        given: The profiles that exist at the start.
        region_account: Region and account.
        tags: The tags of all resources.
        new_id: Returns a new ID.
    """

    def __init__(
        self, given: Iterable[FakeInferenceProfile], region_account: tuple[str, str], tags: TagStore, new_id: Callable[[], str]
    ) -> None:
        self._region_account, self._tags, self._new_id = region_account, tags, new_id
        self._profiles: dict[str, ApiParams] = {}
        self.resolved_models: dict[str, tuple[str, ...]] = {}
        for profile in given:
            self._put(profile, {"tags": [{"key": key, "value": value} for key, value in profile.tags.items()]})

    def create(self, params: ApiParams) -> ApiParams:
        """Create an application profile from a foundation model, or from the models of a system-defined profile."""
        models = self._models(params["modelSource"].get("copyFrom", ""))
        shown = self._put(FakeInferenceProfile(self._new_id(), models, params["inferenceProfileName"], "APPLICATION"), params)
        return {"inferenceProfileArn": shown["inferenceProfileArn"], "status": shown["status"]}

    def get(self, params: ApiParams) -> ApiParams:
        """Return a profile."""
        return self._profiles[self._find(params["inferenceProfileIdentifier"])]

    def list(self, params: ApiParams) -> ApiParams:
        """Return all profiles, or those of one type."""
        kinds = {None, params.get("typeEquals")}
        wanted = [shown for shown in self._profiles.values() if kinds == {None} or shown["type"] in kinds]
        return page("inferenceProfileSummaries", wanted, params)

    def delete(self, params: ApiParams) -> ApiParams:
        """Delete an application profile."""
        arn = self._find(params["inferenceProfileIdentifier"])
        if self._profiles[arn]["type"] != "APPLICATION":
            raise ServiceError.invalid(f"{arn} is system-defined and cannot be deleted")
        del self._profiles[arn], self.resolved_models[arn]
        self._tags.remove(arn)
        return {}

    def _put(self, profile: FakeInferenceProfile, params: ApiParams) -> ApiParams:
        arn, now = profile.arn(*self._region_account), datetime.now(UTC)
        if profile.kind == "APPLICATION":
            self._tags.put(arn, params.get("tags", ()))
        self.resolved_models[arn] = profile.models
        self._profiles[arn] = {
            "inferenceProfileName": profile.name or _name(profile.identifier),
            "inferenceProfileArn": arn,
            "inferenceProfileId": arn.rpartition("/")[2],
            "models": [{"modelArn": model} for model in profile.models],
            "status": "ACTIVE",
            "type": profile.kind,
            "createdAt": now,
            "updatedAt": now,
            **({"description": params["description"]} if "description" in params else {}),
        }
        return self._profiles[arn]

    def _models(self, source: str) -> tuple[str, ...]:
        return (source,) if ":foundation-model/" in source else self.resolved_models[self._find(source)]

    def _find(self, identifier: str) -> str:
        for arn in self._profiles:
            if identifier in {arn, arn.rpartition("/")[2]}:
                return arn
        raise not_found(f"unknown inference profile {identifier}")


def _name(identifier: str) -> str:
    return re.sub(r"[^0-9a-zA-Z]+", " ", identifier.rpartition("/")[2])[:_MAX_NAME].strip()
