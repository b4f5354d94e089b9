"""The operations on flows. A flow is ready immediately."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.testing.agents.agents_and_flows.versions import (
    DRAFT,
    TEST_ALIAS,
    VersionStore,
    identifier_of,
    members,
    times,
)
from guardedbedrock.testing.wire.pages import page

if TYPE_CHECKING:
    from collections.abc import Callable

    from guardedbedrock.testing.agents.tags import AgentTags
    from guardedbedrock.testing.wire import ApiParams

_NOT_STORED: Final = frozenset({"clientToken", "tags", "flowIdentifier"})
_ONLY_IN_DRAFTS: Final = ("updatedAt", "validations")
_SUMMARY: Final = ("name", "description", "id", "arn", "status", "createdAt", "updatedAt", "version")
_VERSION_SUMMARY: Final = ("id", "arn", "status", "createdAt", "version")
_ALIAS_CHANGES: Final = ("name", "description", "routingConfiguration", "concurrencyConfiguration")
_ALIAS_SUMMARY: Final = (*_ALIAS_CHANGES, "flowId", "id", "arn", "createdAt", "updatedAt")


class FlowOperations:
    """
    The operations on flows, their versions and their aliases.

    Args:
        prefix: ARN of the region and account, up to the type of the resource.
        new_id: Returns a new ID of ten letters and digits that begins with a prefix of five.
        tags: The tags of all resources.
        versions: The drafts, versions and aliases of all agents and flows.
    """

    def __init__(self, prefix: str, new_id: Callable[[str], str], tags: AgentTags, versions: VersionStore) -> None:
        self._prefix, self._new_id, self._tags, self._versions = f"{prefix}flow/", new_id, tags, versions

    def create(self, params: ApiParams) -> ApiParams:
        """
        Create a flow.

        Raises:
            ServiceError: ``ConflictException`` (409) for a name in use.
        """
        self._versions.check_name("name", params)
        flow = self._new_id("FLOW0")
        self._tags.put(self._prefix + flow, params)
        return self._put_draft(flow, params)

    def update(self, params: ApiParams) -> ApiParams:
        """
        Replace the draft of a flow.

        Raises:
            ServiceError: As `create`.
        """
        flow = self._versions.existing(identifier_of(params["flowIdentifier"]))
        self._versions.check_name("name", params, flow)
        return self._put_draft(flow, params)

    def get(self, params: ApiParams) -> ApiParams:
        """Return the draft of a flow."""
        return self._versions.find(identifier_of(params["flowIdentifier"]), DRAFT)

    def list(self, params: ApiParams) -> ApiParams:
        """Return all flows."""
        return page("flowSummaries", [members(draft, _SUMMARY) for draft in self._versions.drafts("id")], params)

    def prepare(self, params: ApiParams) -> ApiParams:
        """Prepare the draft of a flow."""
        draft = self._versions.find(identifier_of(params["flowIdentifier"]), DRAFT)
        draft["status"] = "Prepared"
        return {name: draft[name] for name in ("id", "status")}

    def delete(self, params: ApiParams) -> ApiParams:
        """
        Delete a flow with its versions and aliases.

        Raises:
            ServiceError: ``ConflictException`` (409) if it has aliases, except with ``skipResourceInUseCheck``.
        """
        flow = identifier_of(params["flowIdentifier"])
        self._versions.delete(flow, params)
        return {"id": flow}

    def create_version(self, params: ApiParams) -> ApiParams:
        """Freeze the draft of a flow as the next version."""
        return self._versions.freeze(identifier_of(params["flowIdentifier"]), without=_ONLY_IN_DRAFTS)

    def get_version(self, params: ApiParams) -> ApiParams:
        """Return a version of a flow."""
        return self._versions.find(identifier_of(params["flowIdentifier"]), params["flowVersion"])

    def list_versions(self, params: ApiParams) -> ApiParams:
        """Return the versions of a flow."""
        versions = self._versions.versions(identifier_of(params["flowIdentifier"]))
        summaries = [members(each, _VERSION_SUMMARY) for number, each in versions if number != DRAFT]
        return page("flowVersionSummaries", summaries, params)

    def delete_version(self, params: ApiParams) -> ApiParams:
        """
        Delete a version of a flow.

        Raises:
            ServiceError: ``ConflictException`` (409) if an alias routes to it, except with ``skipResourceInUseCheck``.
        """
        flow, version = identifier_of(params["flowIdentifier"]), params["flowVersion"]
        self._versions.delete_version(flow, version, params)
        return {"id": flow, "version": version}

    def create_alias(self, params: ApiParams) -> ApiParams:
        """
        Create an alias of a flow.

        Raises:
            ServiceError: ``ConflictException`` (409) for a name in use.
        """
        flow = self._versions.existing(identifier_of(params["flowIdentifier"]))
        self._versions.check_alias_name(flow, "name", params)
        alias = self._new_id("ALIAS")
        self._tags.put(f"{self._prefix}{flow}/alias/{alias}", params)
        return self._versions.add_alias(flow, alias, self._alias_members(flow, alias, params))

    def get_alias(self, params: ApiParams) -> ApiParams:
        """Return an alias of a flow."""
        return self._versions.alias(identifier_of(params["flowIdentifier"]), params["aliasIdentifier"])

    def list_aliases(self, params: ApiParams) -> ApiParams:
        """Return the aliases of a flow."""
        aliases = self._versions.aliases(identifier_of(params["flowIdentifier"]))
        return page("flowAliasSummaries", [members(alias, _ALIAS_SUMMARY) for alias in aliases], params)

    def update_alias(self, params: ApiParams) -> ApiParams:
        """Change the members of an alias that are given."""
        alias = self._versions.alias(identifier_of(params["flowIdentifier"]), params["aliasIdentifier"])
        alias |= {**members(params, _ALIAS_CHANGES), "updatedAt": datetime.now(UTC)}
        return alias

    def delete_alias(self, params: ApiParams) -> ApiParams:
        """Delete an alias of a flow."""
        flow, alias = identifier_of(params["flowIdentifier"]), identifier_of(params["aliasIdentifier"])
        self._versions.delete_alias(flow, alias)
        return {"flowId": flow, "id": alias}

    def _put_draft(self, flow: str, params: ApiParams) -> dict[str, Any]:
        draft = {
            **{name: value for name, value in params.items() if name not in _NOT_STORED},
            "id": flow,
            "arn": self._prefix + flow,
            "version": DRAFT,
            "status": "NotPrepared",
        }
        test = {"name": TEST_ALIAS, "routingConfiguration": [{"flowVersion": DRAFT}]}
        return self._versions.put_draft(flow, draft, self._alias_members(flow, TEST_ALIAS, test))

    def _alias_members(self, flow: str, alias: str, params: ApiParams) -> dict[str, Any]:
        return {
            **members(params, _ALIAS_CHANGES),
            "flowId": flow,
            "id": alias,
            "arn": f"{self._prefix}{flow}/alias/{alias}",
            **times(),
        }
