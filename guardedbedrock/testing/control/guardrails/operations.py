"""CreateGuardrail, GetGuardrail, ListGuardrails, UpdateGuardrail, CreateGuardrailVersion, DeleteGuardrail."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.testing.control.errors import conflict, not_found
from guardedbedrock.testing.control.guardrails import configuration
from guardedbedrock.testing.control.guardrails.behaviour import to_fake_guardrail
from guardedbedrock.testing.wire.pages import page

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from guardedbedrock.testing.control.tags import TagStore
    from guardedbedrock.testing.resources import FakeGuardrail, GuardrailStore
    from guardedbedrock.testing.wire import ApiParams

DRAFT: Final = "DRAFT"

_READY: Final = {"status": "READY", "statusReasons": [], "failureRecommendations": []}
_SUMMARY: Final = {
    "id": "guardrailId",
    "arn": "guardrailArn",
    **{name: name for name in ("status", "name", "description", "version", "createdAt", "updatedAt", "crossRegionDetails")},
}
"""Member of a summary to the member of GetGuardrail with the same value."""


class GuardrailOperations:
    """
    The operations on guardrails.

    Args:
        store: The guardrails that the runtime uses. A guardrail without a DRAFT gets one, equal to its newest version.
        tags: The tags of all resources.
        new_id: Returns a new ID.
    """

    def __init__(self, store: GuardrailStore, tags: TagStore, new_id: Callable[[], str]) -> None:
        self._store, self._tags, self._new_id = store, tags, new_id
        self._configurations: dict[str, dict[str, ApiParams]] = {guardrail.identifier: {} for guardrail in store}
        self._last: dict[str, int] = {}
        newest: dict[str, FakeGuardrail] = {}
        for guardrail in sorted(store, key=_number):
            newest[guardrail.identifier] = guardrail
            self._adopt(guardrail)
        for arn in [arn for arn, versions in self._configurations.items() if DRAFT not in versions]:
            self._adopt(newest[arn].renamed(arn, DRAFT))

    def _adopt(self, guardrail: FakeGuardrail) -> None:
        arn, version = guardrail.identifier, guardrail.version
        self._configurations[arn][version] = {**_heading(arn, version), **configuration.from_fake_guardrail(guardrail)}
        self._last[arn] = max(_number(guardrail), self._last.get(arn, 0))
        self._store.put(guardrail)

    def create(self, params: ApiParams) -> ApiParams:
        """Create a guardrail. It can be used immediately."""
        arn = self._store.arn(self._new_id())
        self._check_name(params["name"], arn)
        shown = self._configure(arn, params)
        guardrail = to_fake_guardrail(arn, shown)
        self._tags.put(arn, params.get("tags", ()))
        self._configurations[arn], self._last[arn] = {DRAFT: shown}, 0
        self._store.put(guardrail)
        return _pick(shown, "guardrailId", "guardrailArn", "version", "createdAt")

    def update(self, params: ApiParams) -> ApiParams:
        """Replace the configuration of the DRAFT."""
        arn = self.arn(params)
        self._check_name(params["name"], arn)
        shown = {**self._configure(arn, params), "createdAt": self._configurations[arn][DRAFT]["createdAt"]}
        self._store.put(to_fake_guardrail(arn, shown))
        self._configurations[arn][DRAFT] = shown
        return _pick(shown, "guardrailId", "guardrailArn", "version", "updatedAt")

    def create_version(self, params: ApiParams) -> ApiParams:
        """Publish the DRAFT as the next version."""
        arn = self.arn(params)
        self._last[arn] += 1
        version = str(self._last[arn])
        draft = {name: value for name, value in self._configurations[arn][DRAFT].items() if name != "description"}
        self._configurations[arn][version] = {**draft, **_heading(arn, version), **_pick(params, "description")}
        self._store.put(self._store.find(arn, DRAFT).renamed(arn, version))
        return {"guardrailId": arn.rpartition("/")[2], "version": version}

    def get(self, params: ApiParams) -> ApiParams:
        """Return one version, by default the DRAFT."""
        return self._configurations[self.arn(params)][params.get("guardrailVersion", DRAFT)]

    def list(self, params: ApiParams) -> ApiParams:
        """Return the DRAFT of each guardrail of the account, or all versions of one guardrail."""
        if "guardrailIdentifier" in params:
            versions = self._configurations[self.arn(params)]
            shown = [versions[DRAFT], *(one for version, one in versions.items() if version != DRAFT)]
        else:
            shown = [versions[DRAFT] for arn, versions in self._configurations.items() if self._is_own(arn)]
        return page("guardrails", [_summary(one) for one in shown], params)

    def delete(self, params: ApiParams) -> ApiParams:
        """Delete one version of a guardrail, or all."""
        arn, version = self.arn(params), params.get("guardrailVersion")
        for number in [version] if version else [*self._configurations[arn]]:
            self._store.remove(arn, number)
            del self._configurations[arn][number]
        if not version:
            del self._configurations[arn]
            self._tags.remove(arn)
        return {}

    def __contains__(self, arn: str) -> bool:
        return arn in self._configurations

    def arn(self, params: Mapping[str, Any]) -> str:
        """
        Return the ARN of the guardrail in a request, and check that the version exists.

        Raises:
            ServiceError: ``ResourceNotFoundException`` (404).
        """
        arn = self._store.arn(params["guardrailIdentifier"])
        version = params.get("guardrailVersion", DRAFT)
        if version not in self._configurations.get(arn, ()):
            raise not_found(f"unknown guardrail {arn}, version {version}")
        return arn

    def _configure(self, arn: str, params: ApiParams) -> ApiParams:
        return {**_heading(arn, DRAFT), **configuration.from_request(params, self._store.region, self._store.account)}

    def _check_name(self, name: str, arn: str) -> None:
        others = (versions[DRAFT] for other, versions in self._configurations.items() if other != arn and self._is_own(other))
        if any(shown["name"] == name for shown in others):
            raise conflict(f"name: another guardrail of the account has the name {name}")

    def _is_own(self, arn: str) -> bool:
        return arn.split(":")[4] == self._store.account


def _number(guardrail: FakeGuardrail) -> int:
    return int(guardrail.version) if guardrail.version.isdecimal() else 0


def _heading(arn: str, version: str) -> ApiParams:
    now = datetime.now(UTC)
    identifiers = {"guardrailId": arn.rpartition("/")[2], "guardrailArn": arn, "version": version}
    return {**identifiers, **_READY, "createdAt": now, "updatedAt": now}


def _pick(shown: ApiParams, *names: str) -> ApiParams:
    return {name: shown[name] for name in names if name in shown}


def _summary(shown: ApiParams) -> ApiParams:
    return {name: shown[same] for name, same in _SUMMARY.items() if same in shown}
