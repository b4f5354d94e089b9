"""The operations on agents. An agent is ready immediately."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.testing.agents.agents_and_flows.agent_parts import AGENT_PARTS, AgentParts
from guardedbedrock.testing.agents.agents_and_flows.versions import DRAFT, TEST_ALIAS, VersionStore, members, times
from guardedbedrock.testing.wire.pages import page

if TYPE_CHECKING:
    from collections.abc import Callable

    from guardedbedrock.testing.agents.tags import AgentTags
    from guardedbedrock.testing.wire import ApiParams

_ROLE: Final = "arn:aws:iam::{account}:role/service-role/AmazonBedrockExecutionRoleForAgents"
_NOT_STORED: Final = frozenset({"clientToken", "tags", "agentId"})
_SUMMARY: Final = ("agentId", "agentName", "agentStatus", "description", "updatedAt", "guardrailConfiguration")
_VERSION_SUMMARY: Final = (*_SUMMARY[1:], "createdAt")
_ALIAS_CHANGES: Final = ("agentAliasName", "description", "routingConfiguration", "aliasInvocationState")
_ALIAS_SUMMARY: Final = (*_ALIAS_CHANGES, "agentAliasId", "agentAliasStatus", "createdAt", "updatedAt")


class AgentOperations:
    """
    The operations on agents, their versions and their aliases.

    Args:
        region_account: Region and account.
        new_id: Returns a new ID of ten letters and digits that begins with a prefix of five.
        tags: The tags of all resources.
        versions: The drafts, versions and aliases of all agents and flows.
    """

    def __init__(
        self, region_account: tuple[str, str], new_id: Callable[[str], str], tags: AgentTags, versions: VersionStore
    ) -> None:
        self._region_account, self._new_id, self._tags, self._versions = region_account, new_id, tags, versions
        self.parts = {kind.entry: AgentParts(kind, versions.find, new_id) for kind in AGENT_PARTS}

    def create(self, params: ApiParams) -> ApiParams:
        """
        Create an agent.

        Raises:
            ServiceError: ``ConflictException`` (409) for a name in use.
        """
        self._versions.check_name("agentName", params)
        agent = self._new_id("AGENT")
        self._tags.put(self._arn(f"agent/{agent}"), params)
        return {"agent": self._put_draft(agent, params)}

    def update(self, params: ApiParams) -> ApiParams:
        """
        Replace the draft of an agent.

        Raises:
            ServiceError: As `create`.
        """
        agent = self._versions.existing(params["agentId"])
        self._versions.check_name("agentName", params, agent)
        return {"agent": self._put_draft(agent, params)}

    def get(self, params: ApiParams) -> ApiParams:
        """Return the draft of an agent."""
        return {"agent": self._versions.find(params["agentId"], DRAFT)}

    def list(self, params: ApiParams) -> ApiParams:
        """Return all agents."""
        return page("agentSummaries", [members(draft, _SUMMARY) for draft in self._versions.drafts("agentId")], params)

    def prepare(self, params: ApiParams) -> ApiParams:
        """Prepare the draft of an agent."""
        draft = self._versions.find(params["agentId"], DRAFT)
        draft |= {"agentStatus": "PREPARED", "preparedAt": datetime.now(UTC)}
        return {name: draft[name] for name in ("agentId", "agentStatus", "agentVersion", "preparedAt")}

    def delete(self, params: ApiParams) -> ApiParams:
        """
        Delete an agent with its versions, aliases and parts.

        Raises:
            ServiceError: ``ConflictException`` (409) if it has aliases, except with ``skipResourceInUseCheck``.
        """
        agent = params["agentId"]
        self._versions.delete(agent, params)
        for parts in self.parts.values():
            parts.remove(agent)
        return {"agentId": agent, "agentStatus": "DELETING"}

    def get_version(self, params: ApiParams) -> ApiParams:
        """Return a version of an agent."""
        return {"agentVersion": self._versions.find(params["agentId"], params["agentVersion"])}

    def list_versions(self, params: ApiParams) -> ApiParams:
        """Return the draft and the versions of an agent."""
        versions = self._versions.versions(params["agentId"])
        summaries = [{**members(each, _VERSION_SUMMARY), "agentVersion": number} for number, each in versions]
        return page("agentVersionSummaries", summaries, params)

    def delete_version(self, params: ApiParams) -> ApiParams:
        """
        Delete a version of an agent.

        Raises:
            ServiceError: ``ConflictException`` (409) if an alias routes to it, except with ``skipResourceInUseCheck``.
        """
        agent, version = params["agentId"], params["agentVersion"]
        self._versions.delete_version(agent, version, params)
        return {"agentId": agent, "agentVersion": version, "agentStatus": "DELETING"}

    def create_alias(self, params: ApiParams) -> ApiParams:
        """
        Create an alias of an agent. Without a routing it freezes the draft as a new version, and routes to it.

        Raises:
            ServiceError: ``ConflictException`` (409) for a name in use.
        """
        agent = self._versions.existing(params["agentId"])
        self._versions.check_alias_name(agent, "agentAliasName", params)
        routes = params.get("routingConfiguration") or [{"agentVersion": self._freeze(agent)}]
        alias = self._new_id("ALIAS")
        self._tags.put(self._arn(f"agent-alias/{agent}/{alias}"), params)
        entry = self._alias_members(agent, alias, {**params, "routingConfiguration": routes})
        return {"agentAlias": self._versions.add_alias(agent, alias, entry)}

    def get_alias(self, params: ApiParams) -> ApiParams:
        """Return an alias of an agent."""
        return {"agentAlias": self._versions.alias(params["agentId"], params["agentAliasId"])}

    def list_aliases(self, params: ApiParams) -> ApiParams:
        """Return the aliases of an agent."""
        aliases = self._versions.aliases(params["agentId"])
        return page("agentAliasSummaries", [members(alias, _ALIAS_SUMMARY) for alias in aliases], params)

    def update_alias(self, params: ApiParams) -> ApiParams:
        """Change the members of an alias that are given."""
        alias = self._versions.alias(params["agentId"], params["agentAliasId"])
        alias |= {**members(params, _ALIAS_CHANGES), "updatedAt": datetime.now(UTC)}
        return {"agentAlias": alias}

    def delete_alias(self, params: ApiParams) -> ApiParams:
        """Delete an alias of an agent."""
        agent, alias = params["agentId"], params["agentAliasId"]
        self._versions.delete_alias(agent, alias)
        return {"agentId": agent, "agentAliasId": alias, "agentAliasStatus": "DELETING"}

    def _put_draft(self, agent: str, params: ApiParams) -> dict[str, Any]:
        draft = {
            "agentResourceRoleArn": _ROLE.format(account=self._region_account[1]),
            "idleSessionTTLInSeconds": 600,
            **{name: value for name, value in params.items() if name not in _NOT_STORED},
            "agentId": agent,
            "agentArn": self._arn(f"agent/{agent}"),
            "agentVersion": DRAFT,
            "agentStatus": "NOT_PREPARED",
        }
        test = {"agentAliasName": "AgentTestAlias", "routingConfiguration": [{"agentVersion": DRAFT}]}
        return self._versions.put_draft(agent, draft, self._alias_members(agent, TEST_ALIAS, test))

    def _freeze(self, agent: str) -> str:
        """Freeze the draft and its parts as the next version, and return its number."""
        number = str(self._versions.freeze(agent, without=("agentVersion",))["version"])
        for parts in self.parts.values():
            parts.freeze(agent, number)
        return number

    def _alias_members(self, agent: str, alias: str, params: ApiParams) -> dict[str, Any]:
        return {
            **members(params, _ALIAS_CHANGES),
            "agentId": agent,
            "agentAliasId": alias,
            "agentAliasArn": self._arn(f"agent-alias/{agent}/{alias}"),
            "agentAliasStatus": "PREPARED",
            **times(),
        }

    def _arn(self, name: str) -> str:
        return f"arn:aws:bedrock:{self._region_account[0]}:{self._region_account[1]}:{name}"
