"""The table of the operations of ``bedrock-agent``."""

from __future__ import annotations

from copy import deepcopy
from hashlib import sha256
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.forks import ForkSafeLock
from guardedbedrock.testing.agents.agents_and_flows.agents import AgentOperations
from guardedbedrock.testing.agents.agents_and_flows.flow_validation import validate_flow
from guardedbedrock.testing.agents.agents_and_flows.flows import FlowOperations
from guardedbedrock.testing.agents.agents_and_flows.versions import VersionStore
from guardedbedrock.testing.agents.knowledge_bases import KnowledgeBases
from guardedbedrock.testing.agents.prompts import Prompts
from guardedbedrock.testing.agents.tags import AgentTags
from guardedbedrock.testing.control.tags import TagStore
from guardedbedrock.testing.resources.named_guardrails import first_guardrail, named_guardrails
from guardedbedrock.testing.wire import ApiParams, OperationOutput, ShapeValidator

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from guardedbedrock.testing.resources import FakeKnowledgeBase, GuardrailStore
    from guardedbedrock.testing.resources.knowledge_base import Passage

_TAGGABLE: Final = r"arn:aws[a-z-]*:bedrock:[a-z0-9-]+:\d{12}:(agent|agent-alias|knowledge-base|flow|prompt|session)/.+"
"""Replaces the pattern of the service model, which matches no ARN because it has ``/d`` instead of ``\\d``."""
_ALIAS_OF_AGENT: Final = ("agentId", "agentAliasId")
_ALIAS_OF_FLOW: Final = ("flowIdentifier", "flowAliasIdentifier")


class Agents:
    """
    Performs the operations of ``bedrock-agent``.

    Args:
        store: The guardrails. A guardrail that an agent or a node names must exist.
        knowledge_bases: The knowledge bases that exist.
    """

    service = "bedrock-agent"

    def __init__(self, store: GuardrailStore, knowledge_bases: Iterable[FakeKnowledgeBase] = ()) -> None:
        self.validator = ShapeValidator({"TaggableResourcesArn": _TAGGABLE})
        self._store, self._lock, self._numbers = store, ForkSafeLock(), count(1)
        region_account, prefix = (store.region, store.account), f"arn:aws:bedrock:{store.region}:{store.account}:"
        self.tags = tags = AgentTags(TagStore(store.tags, store.region))
        self._versions = versions = VersionStore(tags)
        self._agents = agents = AgentOperations(region_account, self._new_id, tags, versions)
        flows = FlowOperations(prefix, self._new_id, tags, versions)
        self._knowledge_bases = bases = KnowledgeBases(knowledge_bases, region_account, self._new_id, tags)
        prompts = Prompts(prefix, self._new_id, tags)
        groups, linked, collaborators, sources = *agents.parts.values(), bases.data_sources
        self._operations: Mapping[str, Callable[[ApiParams], ApiParams]] = {
            "AssociateAgentCollaborator": collaborators.create,
            "AssociateAgentKnowledgeBase": self._associate_knowledge_base,
            "CreateAgent": agents.create,
            "CreateAgentActionGroup": groups.create,
            "CreateAgentAlias": agents.create_alias,
            "CreateDataSource": sources.create,
            "CreateFlow": flows.create,
            "CreateFlowAlias": flows.create_alias,
            "CreateFlowVersion": flows.create_version,
            "CreateKnowledgeBase": bases.create,
            "CreatePrompt": prompts.create,
            "CreatePromptVersion": prompts.create_version,
            "DeleteAgent": agents.delete,
            "DeleteAgentActionGroup": groups.delete,
            "DeleteAgentAlias": agents.delete_alias,
            "DeleteAgentVersion": agents.delete_version,
            "DeleteDataSource": sources.delete,
            "DeleteFlow": flows.delete,
            "DeleteFlowAlias": flows.delete_alias,
            "DeleteFlowVersion": flows.delete_version,
            "DeleteKnowledgeBase": bases.delete,
            "DeleteKnowledgeBaseDocuments": sources.delete_documents,
            "DeletePrompt": prompts.delete,
            "DisassociateAgentCollaborator": collaborators.delete,
            "DisassociateAgentKnowledgeBase": linked.delete,
            "GetAgent": agents.get,
            "GetAgentActionGroup": groups.get,
            "GetAgentAlias": agents.get_alias,
            "GetAgentCollaborator": collaborators.get,
            "GetAgentKnowledgeBase": linked.get,
            "GetAgentVersion": agents.get_version,
            "GetDataSource": sources.get,
            "GetFlow": flows.get,
            "GetFlowAlias": flows.get_alias,
            "GetFlowVersion": flows.get_version,
            "GetIngestionJob": sources.get_job,
            "GetKnowledgeBase": bases.get,
            "GetKnowledgeBaseDocuments": sources.get_documents,
            "GetPrompt": prompts.get,
            "IngestKnowledgeBaseDocuments": sources.ingest,
            "ListAgentActionGroups": groups.list,
            "ListAgentAliases": agents.list_aliases,
            "ListAgentCollaborators": collaborators.list,
            "ListAgentKnowledgeBases": linked.list,
            "ListAgentVersions": agents.list_versions,
            "ListAgents": agents.list,
            "ListDataSources": sources.list,
            "ListFlowAliases": flows.list_aliases,
            "ListFlowVersions": flows.list_versions,
            "ListFlows": flows.list,
            "ListIngestionJobs": sources.list_jobs,
            "ListKnowledgeBaseDocuments": sources.list_documents,
            "ListKnowledgeBases": bases.list,
            "ListPrompts": prompts.list,
            "ListTagsForResource": tags.list,
            "PrepareAgent": agents.prepare,
            "PrepareFlow": flows.prepare,
            "StartIngestionJob": sources.start_job,
            "StopIngestionJob": sources.stop_job,
            "TagResource": tags.tag,
            "UntagResource": tags.untag,
            "UpdateAgent": agents.update,
            "UpdateAgentActionGroup": groups.update,
            "UpdateAgentAlias": agents.update_alias,
            "UpdateAgentCollaborator": collaborators.update,
            "UpdateAgentKnowledgeBase": linked.update,
            "UpdateDataSource": sources.update,
            "UpdateFlow": flows.update,
            "UpdateFlowAlias": flows.update_alias,
            "UpdateKnowledgeBase": bases.update,
            "UpdatePrompt": prompts.update,
            "ValidateFlowDefinition": validate_flow,
        }

    @property
    def operations(self) -> Collection[str]:
        """Names of the operations that are implemented."""
        return self._operations

    def guardrail(self, params: ApiParams) -> tuple[str, str] | None:
        """Return the first guardrail that a request names."""
        return first_guardrail(params)

    def perform(self, operation: str, params: ApiParams) -> OperationOutput:
        """
        Perform an operation.

        Raises:
            ServiceError: ``ResourceNotFoundException`` (404), or ``ValidationException`` (400) for an unknown guardrail.
        """
        for named in named_guardrails(params):
            self._store.find(*named)
        with self._lock:
            self._versions.check_kind(params)
            return OperationOutput(deepcopy(self._operations[operation](params)))

    def guardrails_of(self, params: ApiParams) -> tuple[tuple[str, str], ...]:
        """
        Return the guardrails of the agent alias or the flow alias that a request calls.

        Raises:
            ServiceError: ``ResourceNotFoundException`` (404).
        """
        with self._lock:
            self._versions.check_kind(params)
            owner, alias = _ALIAS_OF_AGENT if "agentId" in params else _ALIAS_OF_FLOW
            return self._versions.guardrails_of(params[owner], params[alias])

    def search(self, knowledge_base: str, query: str, configuration: Mapping[str, Any]) -> list[Passage] | None:
        """
        Search a knowledge base; return None if the fake has no knowledge bases.

        Args:
            knowledge_base: ID of the knowledge base.
            query: The query.
            configuration: Bedrock's ``retrievalConfiguration``.

        Raises:
            ServiceError: ``ResourceNotFoundException`` (404).
        """
        with self._lock:
            return self._knowledge_bases.search(knowledge_base, query, configuration)

    def routed_version(self, owner: str, alias: str) -> ApiParams:
        """
        Return a copy of the first version that an alias routes to.

        Raises:
            ServiceError: ``ResourceNotFoundException`` (404).
        """
        with self._lock:
            return deepcopy(self._versions.routed(owner, alias)[0])

    def _associate_knowledge_base(self, params: ApiParams) -> ApiParams:
        self._knowledge_bases.check_exists(params["knowledgeBaseId"])
        return self._agents.parts["agentKnowledgeBase"].create(params)

    def _new_id(self, prefix: str) -> str:
        """Return ten capital letters and digits, the same in every run."""
        return prefix + sha256(f"{next(self._numbers)}".encode()).hexdigest()[:5].upper()
