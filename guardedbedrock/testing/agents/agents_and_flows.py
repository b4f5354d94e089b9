"""Agents and flows with their drafts, versions and aliases. They are ready at once."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.testing.agents.agent_parts import AGENT_PARTS, AgentParts
from guardedbedrock.testing.agents.errors import conflict, not_found
from guardedbedrock.testing.resources.named_guardrails import named_guardrails
from guardedbedrock.testing.wire import Params
from guardedbedrock.testing.wire.pages import page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from guardedbedrock.testing.agents.tags import AgentTags

DRAFT: Final = "DRAFT"
TEST_ALIAS: Final = "TSTALIASID"
"""The alias that every agent and flow has; it routes to the draft."""
_ROLE: Final = "arn:aws:iam::{account}:role/service-role/AmazonBedrockExecutionRoleForAgents"
_AGENT_MEMBERS: Final = ("agentId", "agentName", "agentStatus", "description", "updatedAt", "guardrailConfiguration")
_AGENT_VERSION_MEMBERS: Final = (*_AGENT_MEMBERS[1:], "createdAt")
_FLOW_MEMBERS: Final = ("name", "description", "id", "arn", "status", "createdAt", "updatedAt", "version")
_FLOW_VERSION_MEMBERS: Final = ("id", "arn", "status", "createdAt", "version")
_ALIAS_CHANGES: Final = ("agentAliasName", "description", "routingConfiguration", "aliasInvocationState")
_ALIAS_MEMBERS: Final = (*_ALIAS_CHANGES, "agentAliasId", "agentAliasStatus", "createdAt", "updatedAt")
_FLOW_ALIAS_CHANGES: Final = ("name", "description", "routingConfiguration", "concurrencyConfiguration")
_FLOW_ALIAS_MEMBERS: Final = (*_FLOW_ALIAS_CHANGES, "flowId", "id", "arn", "createdAt", "updatedAt")
_NOT_STORED: Final = frozenset({"clientToken", "tags", "agentId", "flowIdentifier"})


class AgentsAndFlows:
    """
    The agents and flows. Each has a draft, numbered versions, and aliases that route to them.

    Args:
        place: Region and account.
        new_id: Returns a new ID of ten letters and digits that begins with a prefix of five.
        tags: The tags of all resources.
    """

    def __init__(self, place: tuple[str, str], new_id: Callable[[str], str], tags: AgentTags) -> None:
        self._place, self._new_id, self._tags = place, new_id, tags
        self._versions: dict[tuple[str, str], dict[str, Any]] = {}
        self._aliases: dict[tuple[str, str], dict[str, Any]] = {}
        self._numbers: dict[str, int] = {}
        self.parts = {kind.entry: AgentParts(kind, self.version, new_id) for kind in AGENT_PARTS}

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
        routes = self._alias(identifier_of(owner), alias)["routingConfiguration"]
        return [self.version(identifier_of(owner), next(iter(route.values()))) for route in routes]

    def check_kind(self, params: Params) -> None:
        """
        Check that a request names no flow as an agent, and no agent as a flow.

        Raises:
            ServiceError: ``ResourceNotFoundException`` (404).
        """
        for member, is_agent in (("agentId", True), ("flowIdentifier", False)):
            owner = identifier_of(params.get(member, ""))
            draft = self._versions.get((owner, DRAFT))
            if draft is not None and ("agentId" in draft) != is_agent:
                raise not_found(f"{owner} does not exist.")

    def create_agent(self, params: Params) -> Params:
        """
        Create an agent.

        Raises:
            ServiceError: ``ConflictException`` (409) for a name in use.
        """
        self._check_name("agentName", params)
        agent = self._new_id("AGENT")
        self._tags.put(self._arn(f"agent/{agent}"), params)
        return {"agent": self._put_agent(agent, params)}

    def update_agent(self, params: Params) -> Params:
        """
        Replace the draft of an agent.

        Raises:
            ServiceError: As `create_agent`.
        """
        agent = self._existing(params["agentId"])
        self._check_name("agentName", params, agent)
        return {"agent": self._put_agent(agent, params)}

    def get_agent(self, params: Params) -> Params:
        """Return the draft of an agent."""
        return {"agent": self.version(params["agentId"], DRAFT)}

    def list_agents(self, params: Params) -> Params:
        """Return all agents."""
        drafts = [draft for (_, version), draft in self._versions.items() if version == DRAFT and "agentId" in draft]
        return page("agentSummaries", [_members(draft, _AGENT_MEMBERS) for draft in drafts], params)

    def prepare_agent(self, params: Params) -> Params:
        """Prepare the draft of an agent."""
        draft = self.version(params["agentId"], DRAFT)
        draft |= {"agentStatus": "PREPARED", "preparedAt": datetime.now(UTC)}
        return {name: draft[name] for name in ("agentId", "agentStatus", "agentVersion", "preparedAt")}

    def delete_agent(self, params: Params) -> Params:
        """
        Delete an agent with its versions, aliases and parts.

        Raises:
            ServiceError: ``ConflictException`` (409) if it has aliases, except with ``skipResourceInUseCheck``.
        """
        agent = self._delete(params["agentId"], params)
        return {"agentId": agent, "agentStatus": "DELETING"}

    def get_agent_version(self, params: Params) -> Params:
        """Return a version of an agent."""
        return {"agentVersion": self.version(params["agentId"], params["agentVersion"])}

    def list_agent_versions(self, params: Params) -> Params:
        """Return the draft and the versions of an agent."""
        versions = self._versions_of(params["agentId"])
        summaries = [{**_members(each, _AGENT_VERSION_MEMBERS), "agentVersion": number} for number, each in versions]
        return page("agentVersionSummaries", summaries, params)

    def delete_agent_version(self, params: Params) -> Params:
        """
        Delete a version of an agent.

        Raises:
            ServiceError: ``ConflictException`` (409) if an alias routes to it, except with ``skipResourceInUseCheck``.
        """
        agent, version = params["agentId"], params["agentVersion"]
        self._delete_version(agent, version, params)
        return {"agentId": agent, "agentVersion": version, "agentStatus": "DELETING"}

    def create_agent_alias(self, params: Params) -> Params:
        """
        Create an alias of an agent. Without a routing it freezes the draft as a new version, and routes to it.

        Raises:
            ServiceError: ``ConflictException`` (409) for a name in use.
        """
        agent = self._existing(params["agentId"])
        self._check_alias_name(agent, "agentAliasName", params)
        routes = params.get("routingConfiguration") or [{"agentVersion": self._new_version(agent)["version"]}]
        alias = self._new_id("ALIAS")
        self._tags.put(self._arn(f"agent-alias/{agent}/{alias}"), params)
        return {"agentAlias": self._put_agent_alias(agent, alias, {**params, "routingConfiguration": routes})}

    def get_agent_alias(self, params: Params) -> Params:
        """Return an alias of an agent."""
        return {"agentAlias": self._alias(params["agentId"], params["agentAliasId"])}

    def list_agent_aliases(self, params: Params) -> Params:
        """Return the aliases of an agent."""
        aliases = self._aliases_of(params["agentId"])
        return page("agentAliasSummaries", [_members(alias, _ALIAS_MEMBERS) for alias in aliases], params)

    def update_agent_alias(self, params: Params) -> Params:
        """Change the members of an alias that are given."""
        alias = self._alias(params["agentId"], params["agentAliasId"])
        alias |= {**_members(params, _ALIAS_CHANGES), "updatedAt": datetime.now(UTC)}
        return {"agentAlias": alias}

    def delete_agent_alias(self, params: Params) -> Params:
        """Delete an alias of an agent."""
        owner, alias = params["agentId"], params["agentAliasId"]
        self._tags.remove(self._alias(owner, alias)["agentAliasArn"])
        del self._aliases[owner, alias]
        return {"agentId": owner, "agentAliasId": alias, "agentAliasStatus": "DELETING"}

    def create_flow(self, params: Params) -> Params:
        """
        Create a flow.

        Raises:
            ServiceError: ``ConflictException`` (409) for a name in use.
        """
        self._check_name("name", params)
        flow = self._new_id("FLOW0")
        self._tags.put(self._arn(f"flow/{flow}"), params)
        return self._put_flow(flow, params)

    def update_flow(self, params: Params) -> Params:
        """
        Replace the draft of a flow.

        Raises:
            ServiceError: As `create_flow`.
        """
        flow = self._existing(identifier_of(params["flowIdentifier"]))
        self._check_name("name", params, flow)
        return self._put_flow(flow, params)

    def get_flow(self, params: Params) -> Params:
        """Return the draft of a flow."""
        return self.version(identifier_of(params["flowIdentifier"]), DRAFT)

    def list_flows(self, params: Params) -> Params:
        """Return all flows."""
        drafts = [draft for (_, version), draft in self._versions.items() if version == DRAFT and "agentId" not in draft]
        return page("flowSummaries", [_members(draft, _FLOW_MEMBERS) for draft in drafts], params)

    def prepare_flow(self, params: Params) -> Params:
        """Prepare the draft of a flow."""
        draft = self.version(identifier_of(params["flowIdentifier"]), DRAFT)
        draft["status"] = "Prepared"
        return {name: draft[name] for name in ("id", "status")}

    def delete_flow(self, params: Params) -> Params:
        """
        Delete a flow with its versions and aliases.

        Raises:
            ServiceError: ``ConflictException`` (409) if it has aliases, except with ``skipResourceInUseCheck``.
        """
        return {"id": self._delete(identifier_of(params["flowIdentifier"]), params)}

    def create_flow_version(self, params: Params) -> Params:
        """Freeze the draft of a flow as the next version."""
        return self._new_version(identifier_of(params["flowIdentifier"]))

    def get_flow_version(self, params: Params) -> Params:
        """Return a version of a flow."""
        return self.version(identifier_of(params["flowIdentifier"]), params["flowVersion"])

    def list_flow_versions(self, params: Params) -> Params:
        """Return the versions of a flow."""
        versions = self._versions_of(identifier_of(params["flowIdentifier"]))
        summaries = [_members(each, _FLOW_VERSION_MEMBERS) for number, each in versions if number != DRAFT]
        return page("flowVersionSummaries", summaries, params)

    def delete_flow_version(self, params: Params) -> Params:
        """
        Delete a version of a flow.

        Raises:
            ServiceError: ``ConflictException`` (409) if an alias routes to it, except with ``skipResourceInUseCheck``.
        """
        flow, version = identifier_of(params["flowIdentifier"]), params["flowVersion"]
        self._delete_version(flow, version, params)
        return {"id": flow, "version": version}

    def create_flow_alias(self, params: Params) -> Params:
        """
        Create an alias of a flow.

        Raises:
            ServiceError: ``ConflictException`` (409) for a name in use.
        """
        flow = self._existing(identifier_of(params["flowIdentifier"]))
        self._check_alias_name(flow, "name", params)
        alias = self._new_id("ALIAS")
        self._tags.put(self._arn(f"flow/{flow}/alias/{alias}"), params)
        return self._put_flow_alias(flow, alias, params)

    def get_flow_alias(self, params: Params) -> Params:
        """Return an alias of a flow."""
        return self._alias(identifier_of(params["flowIdentifier"]), params["aliasIdentifier"])

    def list_flow_aliases(self, params: Params) -> Params:
        """Return the aliases of a flow."""
        aliases = self._aliases_of(identifier_of(params["flowIdentifier"]))
        return page("flowAliasSummaries", [_members(alias, _FLOW_ALIAS_MEMBERS) for alias in aliases], params)

    def update_flow_alias(self, params: Params) -> Params:
        """Change the members of an alias that are given."""
        alias = self._alias(identifier_of(params["flowIdentifier"]), params["aliasIdentifier"])
        alias |= {**_members(params, _FLOW_ALIAS_CHANGES), "updatedAt": datetime.now(UTC)}
        return alias

    def delete_flow_alias(self, params: Params) -> Params:
        """Delete an alias of a flow."""
        owner, alias = identifier_of(params["flowIdentifier"]), identifier_of(params["aliasIdentifier"])
        self._tags.remove(self._alias(owner, alias)["arn"])
        del self._aliases[owner, alias]
        return {"flowId": owner, "id": alias}

    def version(self, owner: str, version: str) -> dict[str, Any]:
        """
        Return the draft or a version of an agent or a flow.

        Raises:
            ServiceError: ``ResourceNotFoundException`` (404).
        """
        return _found(self._versions, (owner, version))

    def _put_agent(self, agent: str, params: Params) -> dict[str, Any]:
        self._versions[agent, DRAFT] = {
            "agentResourceRoleArn": _ROLE.format(account=self._place[1]),
            "idleSessionTTLInSeconds": 600,
            **_stored(params),
            "agentId": agent,
            "agentArn": self._arn(f"agent/{agent}"),
            "agentVersion": DRAFT,
            "agentStatus": "NOT_PREPARED",
            **self._draft_times(agent),
        }
        if (agent, TEST_ALIAS) not in self._aliases:
            test = {"agentAliasName": "AgentTestAlias", "routingConfiguration": [{"agentVersion": DRAFT}]}
            self._put_agent_alias(agent, TEST_ALIAS, test)
        return self._versions[agent, DRAFT]

    def _put_flow(self, flow: str, params: Params) -> dict[str, Any]:
        self._versions[flow, DRAFT] = {
            **_stored(params),
            "id": flow,
            "arn": self._arn(f"flow/{flow}"),
            "version": DRAFT,
            "status": "NotPrepared",
            **self._draft_times(flow),
        }
        if (flow, TEST_ALIAS) not in self._aliases:
            self._put_flow_alias(flow, TEST_ALIAS, {"name": TEST_ALIAS, "routingConfiguration": [{"flowVersion": DRAFT}]})
        return self._versions[flow, DRAFT]

    def _draft_times(self, owner: str) -> dict[str, datetime]:
        """Return the times of a new draft, or of a draft that is replaced."""
        created = self._versions.get((owner, DRAFT), {}).get("createdAt")
        return times() if created is None else {**times(), "createdAt": created}

    def _put_agent_alias(self, agent: str, alias: str, params: Params) -> dict[str, Any]:
        self._aliases[agent, alias] = {
            **_members(params, _ALIAS_CHANGES),
            "agentId": agent,
            "agentAliasId": alias,
            "agentAliasArn": self._arn(f"agent-alias/{agent}/{alias}"),
            "agentAliasStatus": "PREPARED",
            **times(),
        }
        return self._aliases[agent, alias]

    def _put_flow_alias(self, flow: str, alias: str, params: Params) -> dict[str, Any]:
        self._aliases[flow, alias] = {
            **_members(params, _FLOW_ALIAS_CHANGES),
            "flowId": flow,
            "id": alias,
            "arn": self._arn(f"flow/{flow}/alias/{alias}"),
            **times(),
        }
        return self._aliases[flow, alias]

    def _new_version(self, owner: str) -> dict[str, Any]:
        """Freeze the draft as the next version. The number of a deleted version is not used again."""
        draft = self.version(owner, DRAFT)
        self._numbers[owner] = self._numbers.get(owner, 0) + 1
        number = str(self._numbers[owner])
        version = {**deepcopy(draft), "version": number}
        for name in ("updatedAt", "validations") if "id" in draft else ("agentVersion",):
            version.pop(name, None)
        self._versions[owner, number] = version
        for parts in self.parts.values():
            parts.freeze(owner, number)
        return version

    def _delete(self, owner: str, params: Params) -> str:
        self._existing(owner)
        used = [alias for each, alias in self._aliases if each == owner and alias != TEST_ALIAS]
        _check_unused(used, params)
        draft = self._versions[owner, DRAFT]
        self._tags.remove(draft.get("agentArn") or draft["arn"])
        for alias in self._aliases_of(owner):
            self._tags.remove(alias.get("agentAliasArn") or alias["arn"])
        for kept in (self._versions, self._aliases):
            for key in [key for key in kept if key[0] == owner]:
                del kept[key]
        for parts in self.parts.values():
            parts.remove(owner)
        return owner

    def _delete_version(self, owner: str, version: str, params: Params) -> None:
        self.version(owner, version)
        used = [
            alias
            for (each, alias), entry in self._aliases.items()
            if each == owner and any(version in route.values() for route in entry["routingConfiguration"])
        ]
        _check_unused(used, params)
        del self._versions[owner, version]

    def _check_name(self, member: str, params: Params, own: str = "") -> None:
        for (owner, version), entry in self._versions.items():
            if version == DRAFT and owner != own and entry.get(member) == params[member]:
                kind = "An agent" if member == "agentName" else "A flow"
                raise conflict(f"{kind} with the name {params[member]} already exists.")

    def _check_alias_name(self, owner: str, member: str, params: Params) -> None:
        if any(alias[member] == params[member] for alias in self._aliases_of(owner)):
            raise conflict(f"An alias with the name {params[member]} already exists.")

    def _versions_of(self, owner: str) -> list[tuple[str, dict[str, Any]]]:
        self._existing(owner)
        return [(version, each) for (found, version), each in self._versions.items() if found == owner]

    def _aliases_of(self, owner: str) -> list[dict[str, Any]]:
        self._existing(owner)
        return [alias for (found, _), alias in self._aliases.items() if found == owner]

    def _existing(self, owner: str) -> str:
        self.version(owner, DRAFT)
        return owner

    def _alias(self, owner: str, alias: str) -> dict[str, Any]:
        return _found(self._aliases, (owner, identifier_of(alias)))

    def _arn(self, name: str) -> str:
        return f"arn:aws:bedrock:{self._place[0]}:{self._place[1]}:{name}"


def _found(among: Mapping[tuple[str, str], dict[str, Any]], key: tuple[str, str]) -> dict[str, Any]:
    if key not in among:
        raise not_found(f"{' '.join(key)} does not exist.")
    return among[key]


def _check_unused(users: list[str], params: Params) -> None:
    if users and not params.get("skipResourceInUseCheck"):
        raise conflict(f"The resource is used by the alias {users[0]}. Delete the alias first, or set skipResourceInUseCheck.")


def _stored(params: Params) -> dict[str, Any]:
    return {name: value for name, value in params.items() if name not in _NOT_STORED}


def _members(entry: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    return {name: entry[name] for name in names if name in entry}


def identifier_of(identifier: str) -> str:
    """Return the ID in an ID or ARN."""
    return identifier.rpartition("/")[2]


def times() -> dict[str, datetime]:
    """Return the times of a new resource."""
    now = datetime.now(UTC)
    return {"createdAt": now, "updatedAt": now}
