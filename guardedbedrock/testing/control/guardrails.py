"""CreateGuardrail, GetGuardrail, ListGuardrails, UpdateGuardrail, CreateGuardrailVersion, DeleteGuardrail."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.testing.control import configuration
from guardedbedrock.testing.control.behaviour import behaviour
from guardedbedrock.testing.control.errors import conflict, missing
from guardedbedrock.testing.pages import page

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from guardedbedrock.testing.control.tags import Tags
    from guardedbedrock.testing.guardrails import FakeGuardrail, Shelf
    from guardedbedrock.testing.wire import Params

DRAFT: Final = "DRAFT"

_READY: Final = {"status": "READY", "statusReasons": [], "failureRecommendations": []}
_SUMMARY: Final = {
    "id": "guardrailId",
    "arn": "guardrailArn",
    **{name: name for name in ("status", "name", "description", "version", "createdAt", "updatedAt", "crossRegionDetails")},
}
"""Member of a summary to the member of GetGuardrail that it repeats."""


class Guardrails:
    """
    The guardrails of a region, as the control plane sees them; what they do, the shelf knows.

    Args:
        shelf: What the runtime takes guardrails from. One that was put there without a DRAFT gets one: its newest version.
        tags: Where tags are kept.
        new_id: Makes an ID that nobody has.
    """

    def __init__(self, shelf: Shelf, tags: Tags, new_id: Callable[[], str]) -> None:
        self._shelf, self._tags, self._new_id = shelf, tags, new_id
        self._shown: dict[str, dict[str, Params]] = {guardrail.identifier: {} for guardrail in shelf}
        self._last: dict[str, int] = {}
        newest: dict[str, FakeGuardrail] = {}
        for guardrail in sorted(shelf, key=_number):
            newest[guardrail.identifier] = guardrail
            self._take_over(guardrail)
        for arn in [arn for arn, versions in self._shown.items() if DRAFT not in versions]:
            self._take_over(newest[arn].at(arn, DRAFT))

    def _take_over(self, guardrail: FakeGuardrail) -> None:
        arn, version = guardrail.identifier, guardrail.version
        self._shown[arn][version] = {**_heading(arn, version), **configuration.given(guardrail)}
        self._last[arn] = max(_number(guardrail), self._last.get(arn, 0))
        self._shelf.put(guardrail)

    def create(self, params: Params) -> Params:
        """Make a guardrail, which can be used at once."""
        arn = self._shelf.arn(self._new_id())
        self._check_name(params["name"], arn)
        shown = self._configure(arn, params)
        acting = behaviour(arn, shown)
        self._tags.put(arn, params.get("tags", ()))
        self._shown[arn], self._last[arn] = {DRAFT: shown}, 0
        self._shelf.put(acting)
        return _pick(shown, "guardrailId", "guardrailArn", "version", "createdAt")

    def update(self, params: Params) -> Params:
        """Configure the DRAFT anew; what the request does not have is no more."""
        arn = self.arn(params)
        self._check_name(params["name"], arn)
        shown = {**self._configure(arn, params), "createdAt": self._shown[arn][DRAFT]["createdAt"]}
        self._shelf.put(behaviour(arn, shown))
        self._shown[arn][DRAFT] = shown
        return _pick(shown, "guardrailId", "guardrailArn", "version", "updatedAt")

    def create_version(self, params: Params) -> Params:
        """Freeze the DRAFT under the next number."""
        arn = self.arn(params)
        self._last[arn] += 1
        version = str(self._last[arn])
        draft = {name: value for name, value in self._shown[arn][DRAFT].items() if name != "description"}
        self._shown[arn][version] = {**draft, **_heading(arn, version), **_pick(params, "description")}
        self._shelf.put(self._shelf.find(arn, DRAFT).at(arn, version))
        return {"guardrailId": arn.rpartition("/")[2], "version": version}

    def get(self, params: Params) -> Params:
        """Show one version, the DRAFT unless asked otherwise."""
        return self._shown[self.arn(params)][params.get("guardrailVersion", DRAFT)]

    def list(self, params: Params) -> Params:
        """Show the DRAFT of the account's guardrails, or all versions of one."""
        if "guardrailIdentifier" in params:
            versions = self._shown[self.arn(params)]
            shown = [versions[DRAFT], *(one for version, one in versions.items() if version != DRAFT)]
        else:
            shown = [versions[DRAFT] for arn, versions in self._shown.items() if self._is_own(arn)]
        return page("guardrails", [_summary(one) for one in shown], params)

    def delete(self, params: Params) -> Params:
        """Throw away one version, or all of a guardrail."""
        arn, version = self.arn(params), params.get("guardrailVersion")
        for number in [version] if version else [*self._shown[arn]]:
            self._shelf.drop(arn, number)
            del self._shown[arn][number]
        if not version:
            del self._shown[arn]
            self._tags.drop(arn)
        return {}

    def __contains__(self, arn: str) -> bool:
        return arn in self._shown

    def arn(self, params: Mapping[str, Any]) -> str:
        """
        Find what ``guardrailIdentifier`` and, where there is one, ``guardrailVersion`` name.

        Raises:
            ServiceError: ``ResourceNotFoundException`` (404).
        """
        arn = self._shelf.arn(params["guardrailIdentifier"])
        version = params.get("guardrailVersion", DRAFT)
        if version not in self._shown.get(arn, ()):
            raise missing(f"there is no guardrail {arn}, version {version}")
        return arn

    def _configure(self, arn: str, params: Params) -> Params:
        return {**_heading(arn, DRAFT), **configuration.requested(params, self._shelf.region, self._shelf.account)}

    def _check_name(self, name: str, arn: str) -> None:
        others = (versions[DRAFT] for other, versions in self._shown.items() if other != arn and self._is_own(other))
        if any(shown["name"] == name for shown in others):
            raise conflict(f"another guardrail of the account has the name {name}")

    def _is_own(self, arn: str) -> bool:
        return arn.split(":")[4] == self._shelf.account


def _number(guardrail: FakeGuardrail) -> int:
    return int(guardrail.version) if guardrail.version.isdecimal() else 0


def _heading(arn: str, version: str) -> Params:
    now = datetime.now(UTC)
    place = {"guardrailId": arn.rpartition("/")[2], "guardrailArn": arn, "version": version}
    return {**place, **_READY, "createdAt": now, "updatedAt": now}


def _pick(shown: Params, *names: str) -> Params:
    return {name: shown[name] for name in names if name in shown}


def _summary(shown: Params) -> Params:
    return {name: shown[same] for name, same in _SUMMARY.items() if same in shown}
