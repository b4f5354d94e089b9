"""The operations on prompts of Prompt management, and their versions."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from guardedbedrock.testing.agents.errors import conflict, not_found
from guardedbedrock.testing.wire import ApiParams, ServiceError
from guardedbedrock.testing.wire.pages import page

if TYPE_CHECKING:
    from collections.abc import Callable

    from guardedbedrock.testing.agents.tags import AgentTags

_DRAFT: Final = "DRAFT"
_CONTENT: Final = ("name", "description", "customerEncryptionKeyArn", "defaultVariant", "variants")
_SUMMARY: Final = ("name", "description", "id", "arn", "version", "createdAt", "updatedAt")


class Prompts:
    """
    The prompts. Each has a draft and numbered versions, which do not change.

    Args:
        prefix: ARN of the region and account, up to the type of the resource.
        new_id: Returns a new ID that begins with a prefix.
        tags: The tags of all resources.
    """

    def __init__(self, prefix: str, new_id: Callable[[str], str], tags: AgentTags) -> None:
        self._prefix, self._new_id, self._tags = f"{prefix}prompt/", new_id, tags
        self._versions: dict[str, dict[str, ApiParams]] = {}
        self._numbers: dict[str, int] = {}

    def create(self, params: ApiParams) -> ApiParams:
        """
        Create a prompt.

        Raises:
            ServiceError: ``ConflictException`` (409) for a name in use; ``ValidationException`` (400) for an unknown variant.
        """
        self._check(params)
        identifier, now = self._new_id("PROMP"), datetime.now(UTC)
        arn = self._prefix + identifier
        state = {"id": identifier, "arn": arn, "version": _DRAFT, "createdAt": now, "updatedAt": now}
        self._versions[identifier] = {_DRAFT: {**_content(params), **state}}
        self._numbers[identifier] = 0
        self._tags.put(arn, params)
        return self._versions[identifier][_DRAFT]

    def get(self, params: ApiParams) -> ApiParams:
        """Return the draft or a version."""
        identifier, version = _parse(params["promptIdentifier"])
        return self._find(identifier, params.get("promptVersion") or version)

    def list(self, params: ApiParams) -> ApiParams:
        """Return the drafts of all prompts, or all versions of one."""
        if "promptIdentifier" in params:
            found = [*self._existing(_parse(params["promptIdentifier"])[0]).values()]
        else:
            found = [versions[_DRAFT] for versions in self._versions.values()]
        shown = [{name: each[name] for name in _SUMMARY if name in each} for each in found]
        return page("promptSummaries", shown, params)

    def update(self, params: ApiParams) -> ApiParams:
        """
        Replace the draft.

        Raises:
            ServiceError: As `create`.
        """
        identifier = _parse(params["promptIdentifier"])[0]
        draft = self._find(identifier, _DRAFT)
        self._check(params, identifier)
        kept = {name: draft[name] for name in ("id", "arn", "version", "createdAt")}
        self._versions[identifier][_DRAFT] = {**_content(params), **kept, "updatedAt": datetime.now(UTC)}
        return self._versions[identifier][_DRAFT]

    def delete(self, params: ApiParams) -> ApiParams:
        """Delete a prompt with all versions, or one version."""
        identifier = _parse(params["promptIdentifier"])[0]
        if "promptVersion" not in params:
            for each in self._existing(identifier).values():
                self._tags.remove(each["arn"])
            del self._versions[identifier]
            return {"id": identifier}
        found = self._find(identifier, params["promptVersion"])
        version = found["version"]
        self._tags.remove(found["arn"])
        del self._versions[identifier][version]
        return {"id": identifier, "version": version}

    def create_version(self, params: ApiParams) -> ApiParams:
        """Freeze the draft as the next version. The number of a deleted version is not used again."""
        identifier, now = _parse(params["promptIdentifier"])[0], datetime.now(UTC)
        draft = self._find(identifier, _DRAFT)
        self._numbers[identifier] += 1
        number = str(self._numbers[identifier])
        state: ApiParams = {"arn": f"{draft['arn']}:{number}", "version": number, "createdAt": now, "updatedAt": now}
        described = {"description": params["description"]} if "description" in params else {}
        self._versions[identifier][number] = {**deepcopy(draft), **described, **state}
        self._tags.put(state["arn"], params)
        return self._versions[identifier][number]

    def _check(self, params: ApiParams, own: str = "") -> None:
        name = params["name"]
        if any(each[_DRAFT]["name"] == name for identifier, each in self._versions.items() if identifier != own):
            raise conflict(f"A prompt with the name {name} already exists.")
        variants = [variant["name"] for variant in params.get("variants", ())]
        if "defaultVariant" in params and params["defaultVariant"] not in variants:
            raise ServiceError.invalid(f"defaultVariant: the prompt has no variant {params['defaultVariant']}.")

    def _existing(self, identifier: str) -> dict[str, ApiParams]:
        if identifier not in self._versions:
            raise not_found(f"Prompt {identifier} does not exist.")
        return self._versions[identifier]

    def _find(self, identifier: str, version: str) -> ApiParams:
        versions = self._existing(identifier)
        if version not in versions:
            raise not_found(f"Version {version} of prompt {identifier} does not exist.")
        return versions[version]


def _content(params: ApiParams) -> ApiParams:
    return {name: params[name] for name in _CONTENT if name in params}


def _parse(identifier: str) -> tuple[str, str]:
    """Return the ID and the version, for an ID or an ARN. Without a version, the version is the draft."""
    prompt, _, version = identifier.rpartition("/")[2].partition(":")
    return prompt, version or _DRAFT
