"""CreateInferenceProfile, GetInferenceProfile, ListInferenceProfiles, DeleteInferenceProfile."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from guardedbedrock.testing.control.errors import missing
from guardedbedrock.testing.pages import page
from guardedbedrock.testing.profiles import FakeInferenceProfile
from guardedbedrock.testing.wire import ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from guardedbedrock.testing.control.tags import Tags
    from guardedbedrock.testing.wire import Params

_LONGEST_NAME: Final = 64  # characters


class Profiles:
    """
    The inference profiles of a region.

    Args:
        given: Those that exist from the start.
        place: Region and account.
        tags: Where tags are kept.
        new_id: Makes an ID that nobody has.
    """

    def __init__(
        self, given: Iterable[FakeInferenceProfile], place: tuple[str, str], tags: Tags, new_id: Callable[[], str]
    ) -> None:
        self._place, self._tags, self._new_id = place, tags, new_id
        self._shown: dict[str, Params] = {}
        self.resolved_models: dict[str, tuple[str, ...]] = {}
        for profile in given:
            self._put(profile, {"tags": [{"key": key, "value": value} for key, value in profile.tags.items()]})

    def create(self, params: Params) -> Params:
        """Make an application profile for a foundation model, or for what a system-defined profile has behind it."""
        models = self._models(params["modelSource"].get("copyFrom", ""))
        shown = self._put(FakeInferenceProfile(self._new_id(), models, params["inferenceProfileName"], "APPLICATION"), params)
        return {"inferenceProfileArn": shown["inferenceProfileArn"], "status": shown["status"]}

    def get(self, params: Params) -> Params:
        """Show a profile."""
        return self._shown[self._find(params["inferenceProfileIdentifier"])]

    def list(self, params: Params) -> Params:
        """Show all profiles, or those of one kind."""
        kinds = {None, params.get("typeEquals")}
        wanted = [shown for shown in self._shown.values() if kinds == {None} or shown["type"] in kinds]
        return page("inferenceProfileSummaries", wanted, params)

    def delete(self, params: Params) -> Params:
        """Throw away an application profile."""
        arn = self._find(params["inferenceProfileIdentifier"])
        if self._shown[arn]["type"] != "APPLICATION":
            raise ServiceError.invalid(f"{arn} is defined by the system and can not be deleted")
        del self._shown[arn], self.resolved_models[arn]
        self._tags.drop(arn)
        return {}

    def _put(self, profile: FakeInferenceProfile, params: Params) -> Params:
        arn, now = profile.arn(*self._place), datetime.now(UTC)
        if profile.kind == "APPLICATION":
            self._tags.put(arn, params.get("tags", ()))
        self.resolved_models[arn] = profile.models
        self._shown[arn] = {
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
        return self._shown[arn]

    def _models(self, source: str) -> tuple[str, ...]:
        return (source,) if ":foundation-model/" in source else self.resolved_models[self._find(source)]

    def _find(self, identifier: str) -> str:
        for arn in self._shown:
            if identifier in {arn, arn.rpartition("/")[2]}:
                return arn
        raise missing(f"there is no inference profile {identifier}")


def _name(identifier: str) -> str:
    return re.sub(r"[^0-9a-zA-Z]+", " ", identifier.rpartition("/")[2])[:_LONGEST_NAME].strip()
