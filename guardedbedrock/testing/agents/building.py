"""The table of the operations of ``bedrock-agent``, and those on agents and flows, which are ready at once."""

from __future__ import annotations

from copy import deepcopy
from datetime import UTC, datetime
from hashlib import sha256
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.forks import ForkSafeLock
from guardedbedrock.testing.agents.knowledge_bases import KnowledgeBases
from guardedbedrock.testing.agents.prompts import Prompts
from guardedbedrock.testing.resources.named_guardrails import first_guardrail, named_guardrails
from guardedbedrock.testing.wire import OperationOutput, Params, ServiceError, ShapeValidator
from guardedbedrock.testing.wire.pages import page

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from guardedbedrock.testing.resources import FakeKnowledgeBase, GuardrailStore

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
_FLOW_ALIAS_CHANGES: Final = ("name", "description", "routingConfiguration")
_FLOW_ALIAS_MEMBERS: Final = (*_FLOW_ALIAS_CHANGES, "flowId", "id", "arn", "createdAt", "updatedAt")
_NOT_STORED: Final = frozenset({"clientToken", "tags", "definition"})


class Agents:
    """
    Performs the operations of ``bedrock-agent``: on agents, flows, their versions and aliases, prompts and knowledge bases.

    Args:
        store: The guardrails. A guardrail that an agent or a node names must exist.
        knowledge_bases: The knowledge bases that exist.
    """

    service = "bedrock-agent"

    def __init__(self, store: GuardrailStore, knowledge_bases: Iterable[FakeKnowledgeBase] = ()) -> None:
        self.validator = ShapeValidator()
        self._store, self._lock, self._numbers = store, ForkSafeLock(), count(1)
        self._versions: dict[tuple[str, str], dict[str, Any]] = {}
        self._aliases: dict[tuple[str, str], dict[str, Any]] = {}
        self._collaborators: dict[str, list[dict[str, Any]]] = {}
        self.knowledge_bases = KnowledgeBases(knowledge_bases, (store.region, store.account))
        prompts = Prompts(self._arn(""), lambda: self._new_id("PROMP"))
        self._operations: Mapping[str, Callable[[Params], Params]] = {
            "AssociateAgentCollaborator": self._associate_collaborator,
            "CreateAgent": lambda params: {"agent": self._put_agent(self._new_id("AGENT"), params)},
            "CreateAgentAlias": self._create_agent_alias,
            "CreateFlow": lambda params: self._put_flow(self._new_id("FLOW0"), params),
            "CreateFlowAlias": self._create_flow_alias,
            "CreateFlowVersion": lambda params: self._new_version(_id(params["flowIdentifier"])),
            "CreatePrompt": prompts.create,
            "CreatePromptVersion": prompts.create_version,
            "DeleteAgent": lambda params: {"agentId": self._delete(params["agentId"]), "agentStatus": "DELETING"},
            "DeleteAgentAlias": self._delete_agent_alias,
            "DeleteFlow": lambda params: {"id": self._delete(_id(params["flowIdentifier"]))},
            "DeleteFlowAlias": self._delete_flow_alias,
            "DeletePrompt": prompts.delete,
            "GetAgent": lambda params: {"agent": self._version(params["agentId"], DRAFT)},
            "GetAgentAlias": lambda params: {"agentAlias": self._alias(params["agentId"], params["agentAliasId"])},
            "GetAgentVersion": self._get_agent_version,
            "GetFlow": lambda params: self._version(_id(params["flowIdentifier"]), DRAFT),
            "GetFlowAlias": lambda params: self._alias(_id(params["flowIdentifier"]), params["aliasIdentifier"]),
            "GetFlowVersion": lambda params: self._version(_id(params["flowIdentifier"]), params["flowVersion"]),
            "GetKnowledgeBase": self.knowledge_bases.get,
            "GetPrompt": prompts.get,
            "ListAgentAliases": self._list_agent_aliases,
            "ListAgentCollaborators": self._list_collaborators,
            "ListAgentVersions": self._list_agent_versions,
            "ListAgents": self._list_agents,
            "ListFlowAliases": self._list_flow_aliases,
            "ListFlowVersions": self._list_flow_versions,
            "ListFlows": self._list_flows,
            "ListKnowledgeBases": self.knowledge_bases.list,
            "ListPrompts": prompts.list,
            "PrepareAgent": self._prepare_agent,
            "PrepareFlow": self._prepare_flow,
            "UpdateAgent": lambda params: {"agent": self._put_agent(self._existing(params["agentId"]), params)},
            "UpdateAgentAlias": self._update_agent_alias,
            "UpdateFlow": lambda params: self._put_flow(self._existing(_id(params["flowIdentifier"])), params),
            "UpdateFlowAlias": self._update_flow_alias,
            "UpdatePrompt": prompts.update,
        }

    @property
    def operations(self) -> Collection[str]:
        """Names of the operations that are implemented."""
        return self._operations

    def guardrail(self, params: Params) -> tuple[str, str] | None:
        """Return the first guardrail that a request names."""
        return first_guardrail(params)

    def perform(self, operation: str, params: Params) -> OperationOutput:
        """
        Perform an operation.

        Raises:
            ServiceError: ``ResourceNotFoundException`` (404), or ``ValidationException`` (400) for an unknown guardrail.
        """
        for named in named_guardrails(params):
            self._store.find(*named)
        with self._lock:
            return OperationOutput(deepcopy(self._operations[operation](params)))

    def guardrails_of(self, owner: str, alias: str) -> tuple[tuple[str, str], ...]:
        """
        Return the guardrails of an agent alias or a flow alias.

        Raises:
            ServiceError: ``ResourceNotFoundException`` (404).
        """
        with self._lock:
            routes = self._alias(_id(owner), _id(alias))["routingConfiguration"]
            versions = [self._version(_id(owner), next(iter(route.values()))) for route in routes]
            return tuple(named for version in versions for named in named_guardrails(version))

    def _put_agent(self, agent: str, params: Params) -> dict[str, Any]:
        given = {name: value for name, value in params.items() if name not in {*_NOT_STORED, "agentId"}}
        self._versions[agent, DRAFT] = {
            "agentResourceRoleArn": _ROLE.format(account=self._store.account),
            "idleSessionTTLInSeconds": 600,
            **given,
            "agentId": agent,
            "agentArn": self._arn(f"agent/{agent}"),
            "agentVersion": DRAFT,
            "agentStatus": "NOT_PREPARED",
            **_times(),
        }
        self._test_alias(agent, "agent")
        return self._versions[agent, DRAFT]

    def _put_flow(self, flow: str, params: Params) -> dict[str, Any]:
        given = {name: value for name, value in params.items() if name not in {*_NOT_STORED, "flowIdentifier"}}
        definition = {"definition": params["definition"]} if "definition" in params else {}
        self._versions[flow, DRAFT] = {
            **given,
            **definition,
            "id": flow,
            "arn": self._arn(f"flow/{flow}"),
            "version": DRAFT,
            "status": "NotPrepared",
            **_times(),
        }
        self._test_alias(flow, "flow")
        return self._versions[flow, DRAFT]

    def _prepare_agent(self, params: Params) -> Params:
        draft = self._version(params["agentId"], DRAFT)
        draft |= {"agentStatus": "PREPARED", "preparedAt": datetime.now(UTC)}
        return {name: draft[name] for name in ("agentId", "agentStatus", "agentVersion", "preparedAt")}

    def _prepare_flow(self, params: Params) -> Params:
        draft = self._version(_id(params["flowIdentifier"]), DRAFT)
        draft["status"] = "Prepared"
        return {name: draft[name] for name in ("id", "status")}

    def _list_agents(self, params: Params) -> Params:
        drafts = [draft for (_, version), draft in self._versions.items() if version == DRAFT and "agentId" in draft]
        return page("agentSummaries", [_members(draft, _AGENT_MEMBERS) for draft in drafts], params)

    def _list_agent_versions(self, params: Params) -> Params:
        versions = self._versions_of(params["agentId"])
        summaries = [{**_members(each, _AGENT_VERSION_MEMBERS), "agentVersion": number} for number, each in versions]
        return page("agentVersionSummaries", summaries, params)

    def _list_flows(self, params: Params) -> Params:
        drafts = [draft for (_, version), draft in self._versions.items() if version == DRAFT and "agentId" not in draft]
        return page("flowSummaries", [_members(draft, _FLOW_MEMBERS) for draft in drafts], params)

    def _list_flow_versions(self, params: Params) -> Params:
        versions = self._versions_of(_id(params["flowIdentifier"]))
        summaries = [_members(each, _FLOW_VERSION_MEMBERS) for number, each in versions if number != DRAFT]
        return page("flowVersionSummaries", summaries, params)

    def _versions_of(self, owner: str) -> list[tuple[str, dict[str, Any]]]:
        self._existing(owner)
        return [(version, each) for (found, version), each in self._versions.items() if found == owner]

    def _list_agent_aliases(self, params: Params) -> Params:
        aliases = self._aliases_of(params["agentId"])
        return page("agentAliasSummaries", [_members(alias, _ALIAS_MEMBERS) for alias in aliases], params)

    def _list_flow_aliases(self, params: Params) -> Params:
        aliases = self._aliases_of(_id(params["flowIdentifier"]))
        return page("flowAliasSummaries", [_members(alias, _FLOW_ALIAS_MEMBERS) for alias in aliases], params)

    def _aliases_of(self, owner: str) -> list[dict[str, Any]]:
        self._existing(owner)
        return [alias for (found, _), alias in self._aliases.items() if found == owner]

    def _update_agent_alias(self, params: Params) -> Params:
        alias = self._alias(params["agentId"], params["agentAliasId"])
        alias |= {name: params[name] for name in _ALIAS_CHANGES if name in params} | {"updatedAt": datetime.now(UTC)}
        return {"agentAlias": alias}

    def _update_flow_alias(self, params: Params) -> Params:
        alias = self._alias(_id(params["flowIdentifier"]), params["aliasIdentifier"])
        alias |= {name: params[name] for name in _FLOW_ALIAS_CHANGES if name in params} | {"updatedAt": datetime.now(UTC)}
        return alias

    def _delete_agent_alias(self, params: Params) -> Params:
        owner, alias = params["agentId"], params["agentAliasId"]
        self._alias(owner, alias)
        del self._aliases[owner, alias]
        return {"agentId": owner, "agentAliasId": alias, "agentAliasStatus": "DELETING"}

    def _delete_flow_alias(self, params: Params) -> Params:
        owner, alias = _id(params["flowIdentifier"]), _id(params["aliasIdentifier"])
        self._alias(owner, alias)
        del self._aliases[owner, alias]
        return {"flowId": owner, "id": alias}

    def _delete(self, owner: str) -> str:
        """Delete an agent or a flow with its versions and aliases."""
        self._existing(owner)
        for kept in (self._versions, self._aliases):
            for key in [key for key in kept if key[0] == owner]:
                del kept[key]
        self._collaborators.pop(owner, None)
        return owner

    def _test_alias(self, owner: str, kind: str) -> None:
        put = self._put_agent_alias if kind == "agent" else self._put_flow_alias
        put(owner, TEST_ALIAS, "test", [{f"{kind}Version": DRAFT}])

    def _new_version(self, owner: str) -> dict[str, Any]:
        """Freeze the draft as the next version."""
        draft = self._version(owner, DRAFT)
        number = str(sum(each == owner for each, _ in self._versions))
        version = {**deepcopy(draft), "version": number}
        for name in ("updatedAt", "validations") if "id" in draft else ("agentVersion", "clientToken"):
            version.pop(name, None)
        self._versions[owner, number] = version
        return version

    def _get_agent_version(self, params: Params) -> Params:
        return {"agentVersion": self._version(params["agentId"], params["agentVersion"])}

    def _create_agent_alias(self, params: Params) -> Params:
        agent = self._existing(params["agentId"])
        routes = params.get("routingConfiguration") or [{"agentVersion": self._new_version(agent)["version"]}]
        return {"agentAlias": self._put_agent_alias(agent, self._new_id("ALIAS"), params["agentAliasName"], routes)}

    def _put_agent_alias(self, agent: str, alias: str, name: str, routes: list[Any]) -> dict[str, Any]:
        self._aliases[agent, alias] = {
            "agentId": agent,
            "agentAliasId": alias,
            "agentAliasName": name,
            "agentAliasArn": self._arn(f"agent-alias/{agent}/{alias}"),
            "routingConfiguration": routes,
            "agentAliasStatus": "PREPARED",
            **_times(),
        }
        return self._aliases[agent, alias]

    def _create_flow_alias(self, params: Params) -> Params:
        flow = self._existing(_id(params["flowIdentifier"]))
        return self._put_flow_alias(flow, self._new_id("ALIAS"), params["name"], params["routingConfiguration"])

    def _put_flow_alias(self, flow: str, alias: str, name: str, routes: list[Any]) -> dict[str, Any]:
        self._aliases[flow, alias] = {
            "name": name,
            "routingConfiguration": routes,
            "flowId": flow,
            "id": alias,
            "arn": self._arn(f"flow/{flow}/alias/{alias}"),
            **_times(),
        }
        return self._aliases[flow, alias]

    def _associate_collaborator(self, params: Params) -> Params:
        agent, identifier = self._existing(params["agentId"]), self._new_id("COLLA")
        times = _times()
        entry = {
            **{name: params[name] for name in ("agentDescriptor", "collaboratorName", "collaborationInstruction")},
            "agentId": agent,
            "agentVersion": params["agentVersion"],
            "collaboratorId": identifier,
            "relayConversationHistory": params.get("relayConversationHistory", "DISABLED"),
            "createdAt": times["createdAt"],
            "lastUpdatedAt": times["updatedAt"],
        }
        self._collaborators.setdefault(agent, []).append(entry)
        return {"agentCollaborator": entry}

    def _list_collaborators(self, params: Params) -> Params:
        return page("agentCollaboratorSummaries", self._collaborators.get(self._existing(params["agentId"]), []), params)

    def _existing(self, owner: str) -> str:
        self._version(owner, DRAFT)
        return owner

    def _version(self, owner: str, version: str) -> dict[str, Any]:
        return _found(self._versions, (owner, version))

    def _alias(self, owner: str, alias: str) -> dict[str, Any]:
        return _found(self._aliases, (owner, _id(alias)))

    def _arn(self, name: str) -> str:
        return f"arn:aws:bedrock:{self._store.region}:{self._store.account}:{name}"

    def _new_id(self, prefix: str) -> str:
        """Return ten capital letters and digits, the same in every run."""
        return prefix + sha256(f"{next(self._numbers)}".encode()).hexdigest()[:5].upper()


def _found(among: Mapping[tuple[str, str], dict[str, Any]], key: tuple[str, str]) -> dict[str, Any]:
    if key not in among:
        raise ServiceError(404, "ResourceNotFoundException", f"{' '.join(key)} does not exist.")
    return among[key]


def _members(entry: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: entry[name] for name in names if name in entry}


def _id(identifier: str) -> str:
    return identifier.rpartition("/")[2]


def _times() -> dict[str, datetime]:
    now = datetime.now(UTC)
    return {"createdAt": now, "updatedAt": now}
