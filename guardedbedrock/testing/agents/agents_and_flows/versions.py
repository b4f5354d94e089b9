"""The drafts, versions and aliases of agents and flows."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.testing.agents.errors import conflict, not_found
from guardedbedrock.testing.resources.named_guardrails import named_guardrails

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from guardedbedrock.testing.agents.tags import AgentTags
    from guardedbedrock.testing.wire import ApiParams

DRAFT: Final = "DRAFT"
TEST_ALIAS: Final = "TSTALIASID"
"""The alias that every agent and flow has; it routes to the draft."""


class VersionStore:
    """
    The drafts, numbered versions and aliases of all agents and flows. An owner is the ID of an agent or of a flow.

    Args:
        tags: The tags of all resources.
    """

    def __init__(self, tags: AgentTags) -> None:
        self._tags = tags
        self._versions: dict[tuple[str, str], dict[str, Any]] = {}
        self._aliases: dict[tuple[str, str], dict[str, Any]] = {}
        self._numbers: dict[str, int] = {}

    def guardrails_of(self, owner: str, alias: str) -> tuple[tuple[str, str], ...]:
        """
        Return the guardrails of an agent alias or a flow alias.

        Raises:
            ServiceError: ``ResourceNotFoundException`` (404).
        """
        return tuple(named for version in self.routed(owner, alias) for named in named_guardrails(version))

    def routed(self, owner: str, alias: str) -> list[dict[str, Any]]:
        """
        Return the versions that an alias of an agent or a flow routes to.

        Raises:
            ServiceError: ``ResourceNotFoundException`` (404).
        """
        routes = self.alias(identifier_of(owner), alias)["routingConfiguration"]
        return [self.find(identifier_of(owner), next(iter(route.values()))) for route in routes]

    def check_kind(self, params: ApiParams) -> None:
        """
        Check that a request does not name a flow as an agent, or an agent as a flow.

        Raises:
            ServiceError: ``ResourceNotFoundException`` (404).
        """
        for member, is_agent in (("agentId", True), ("flowIdentifier", False)):
            owner = identifier_of(params.get(member, ""))
            draft = self._versions.get((owner, DRAFT))
            if draft is not None and ("agentId" in draft) != is_agent:
                raise not_found(f"{owner} does not exist.")

    def check_name(self, member: str, params: ApiParams, own: str = "") -> None:
        """
        Check that no other owner has the name in a request.

        Args:
            member: ``agentName`` for agents, ``name`` for flows.
            params: The request.
            own: The owner that may have the name.

        Raises:
            ServiceError: ``ConflictException`` (409).
        """
        for (owner, version), entry in self._versions.items():
            if version == DRAFT and owner != own and entry.get(member) == params[member]:
                kind = "An agent" if member == "agentName" else "A flow"
                raise conflict(f"{kind} with the name {params[member]} already exists.")

    def find(self, owner: str, version: str) -> dict[str, Any]:
        """
        Return the draft or a version.

        Raises:
            ServiceError: ``ResourceNotFoundException`` (404).
        """
        return _found(self._versions, (owner, version))

    def existing(self, owner: str) -> str:
        """
        Return the owner if it has a draft.

        Raises:
            ServiceError: ``ResourceNotFoundException`` (404).
        """
        self.find(owner, DRAFT)
        return owner

    def drafts(self, member: str) -> list[dict[str, Any]]:
        """Return the drafts with a member: ``agentId`` for those of agents, ``id`` for those of flows."""
        return [draft for (_, version), draft in self._versions.items() if version == DRAFT and member in draft]

    def versions(self, owner: str) -> list[tuple[str, dict[str, Any]]]:
        """Return the draft and the versions of an owner, each with its number."""
        self.existing(owner)
        return [(version, each) for (found, version), each in self._versions.items() if found == owner]

    def put_draft(self, owner: str, draft: ApiParams, test_alias: dict[str, Any]) -> dict[str, Any]:
        """Create or replace the draft. Add the test alias if it is missing."""
        created = self._versions.get((owner, DRAFT), {}).get("createdAt")
        self._versions[owner, DRAFT] = {**draft, **times(), **({"createdAt": created} if created else {})}
        self._aliases.setdefault((owner, TEST_ALIAS), test_alias)
        return self._versions[owner, DRAFT]

    def freeze(self, owner: str, without: Iterable[str]) -> dict[str, Any]:
        """
        Copy the draft to the next version. The number of a deleted version is not used again.

        Args:
            owner: The owner.
            without: Members of the draft that a version does not have.
        """
        draft = self.find(owner, DRAFT)
        self._numbers[owner] = self._numbers.get(owner, 0) + 1
        number = str(self._numbers[owner])
        version = {**deepcopy(draft), "version": number}
        for name in without:
            version.pop(name, None)
        self._versions[owner, number] = version
        return version

    def delete_version(self, owner: str, version: str, params: ApiParams) -> None:
        """
        Delete a version.

        Raises:
            ServiceError: ``ConflictException`` (409) if an alias routes to it, except with ``skipResourceInUseCheck``.
        """
        self.find(owner, version)
        used = [
            alias
            for (each, alias), entry in self._aliases.items()
            if each == owner and any(version in route.values() for route in entry["routingConfiguration"])
        ]
        _check_unused(used, params)
        del self._versions[owner, version]

    def delete(self, owner: str, params: ApiParams) -> None:
        """
        Delete an owner with its versions and aliases.

        Raises:
            ServiceError: ``ConflictException`` (409) if it has aliases, except with ``skipResourceInUseCheck``.
        """
        draft = self.find(owner, DRAFT)
        used = [alias for each, alias in self._aliases if each == owner and alias != TEST_ALIAS]
        _check_unused(used, params)
        self._tags.remove(draft.get("agentArn") or draft["arn"])
        for alias in self.aliases(owner):
            self._tags.remove(_alias_arn(alias))
        for kept in (self._versions, self._aliases):
            for key in [key for key in kept if key[0] == owner]:
                del kept[key]

    def alias(self, owner: str, alias: str) -> dict[str, Any]:
        """
        Return an alias by its ID or ARN.

        Raises:
            ServiceError: ``ResourceNotFoundException`` (404).
        """
        return _found(self._aliases, (owner, identifier_of(alias)))

    def aliases(self, owner: str) -> list[dict[str, Any]]:
        """Return the aliases of an owner."""
        self.existing(owner)
        return [alias for (found, _), alias in self._aliases.items() if found == owner]

    def check_alias_name(self, owner: str, member: str, params: ApiParams) -> None:
        """
        Check that no alias of the owner has the name in a request.

        Args:
            owner: The owner.
            member: ``agentAliasName`` for agents, ``name`` for flows.
            params: The request.

        Raises:
            ServiceError: ``ConflictException`` (409).
        """
        if any(alias[member] == params[member] for alias in self.aliases(owner)):
            raise conflict(f"An alias with the name {params[member]} already exists.")

    def add_alias(self, owner: str, alias: str, entry: dict[str, Any]) -> dict[str, Any]:
        """Add an alias, and return it."""
        self._aliases[owner, alias] = entry
        return entry

    def delete_alias(self, owner: str, alias: str) -> None:
        """
        Delete an alias.

        Raises:
            ServiceError: ``ResourceNotFoundException`` (404).
        """
        self._tags.remove(_alias_arn(self.alias(owner, alias)))
        del self._aliases[owner, alias]


def _found(among: Mapping[tuple[str, str], dict[str, Any]], key: tuple[str, str]) -> dict[str, Any]:
    if key not in among:
        raise not_found(f"{' '.join(key)} does not exist.")
    return among[key]


def _check_unused(users: list[str], params: ApiParams) -> None:
    if users and not params.get("skipResourceInUseCheck"):
        raise conflict(f"The resource is used by the alias {users[0]}. Delete the alias first, or set skipResourceInUseCheck.")


def _alias_arn(alias: ApiParams) -> str:
    return str(alias.get("agentAliasArn") or alias["arn"])


def members(entry: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Return the members of an entry that have one of the names."""
    return {name: entry[name] for name in names if name in entry}


def identifier_of(identifier: str) -> str:
    """Return the ID, for an ID or an ARN."""
    return identifier.rpartition("/")[2]


def times() -> dict[str, datetime]:
    """Return the times of a new resource."""
    now = datetime.now(UTC)
    return {"createdAt": now, "updatedAt": now}
