"""
The operations of ``bedrock-agent-runtime``.

Knowledge bases and inline agents take the guardrail in the call. Agents and flows call models with their own guardrails:
`Operation.indirect` says how, and `Operation.indirect_effects` describes it.
Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon Bedrock"; Bedrock User Guide, "Set up
permissions for a user or role to create and manage knowledge bases", "Resource policies for managed knowledge bases",
"Permissions for reranking in Amazon Bedrock".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from guardedbedrock.bedrock.guardrail.location import (
    OF_AGENTIC_RETRIEVAL,
    OF_GENERATION,
    OF_INLINE_AGENT,
    OF_RETRIEVAL,
    GuardrailLocation,
)
from guardedbedrock.bedrock.operations.row import Indirect, Operation, ReplyFormat, RequiredAction

_SERVICE: Final = "bedrock-agent-runtime"

_AGENT: Final = ("agentId", "agentAliasId")
_FLOW: Final = ("flowIdentifier", "flowAliasIdentifier")
_EXECUTION: Final = (*_FLOW, "executionIdentifier")
_SESSION: Final = ("sessionIdentifier",)
_BASE: Final = ("knowledgeBaseId",)

_ON_ONE_RESOURCE: Final[Mapping[tuple[str, tuple[str, ...]], tuple[str, ...]]] = {
    ("agent-alias", _AGENT): ("DeleteAgentMemory", "GetAgentMemory", "InvokeAgent"),
    ("any", ()): ("CreateSession", "ListSessions", "OptimizePrompt"),
    ("arn", ("resourceArn",)): ("ListTagsForResource", "TagResource", "UntagResource"),
    ("flow-alias", _FLOW): ("InvokeFlow",),
    ("knowledge-base", _BASE): ("Retrieve",),
    ("session", _SESSION): (
        "CreateInvocation",
        "DeleteSession",
        "EndSession",
        "GetInvocationStep",
        "GetSession",
        "ListInvocations",
        "PutInvocationStep",
        "UpdateSession",
    ),
}
"""Operations that require the action of the same name on one resource, by type and parameters."""


def _model(path: str, action: str = "InvokeModel") -> RequiredAction:
    """Require a model that AWS calls for the caller; AWS documents neither the check nor the guardrail of that call."""
    return RequiredAction(action, "model", (path,), when="undocumented", carries_guardrail=False)


def _of_execution(name: str) -> tuple[RequiredAction, ...]:
    """AWS lists the flow and the alias beside the execution; it does not document which of the three it checks."""
    return (
        RequiredAction(name, "flow-execution", _EXECUTION),
        RequiredAction(name, "flow-alias", _FLOW, when="undocumented"),
        RequiredAction(name, "flow", ("flowIdentifier",), when="undocumented"),
    )


_AGENTIC: Final = "agenticRetrieveConfiguration"
_RETRIEVERS: Final = ("retrievers[].configuration.knowledgeBase.knowledgeBaseId",)
_RERANKER: Final = "rerankingConfiguration.bedrockRerankingConfiguration.modelConfiguration.modelArn"
_QUERIED: Final = ("transformationConfiguration.textToSqlConfiguration.knowledgeBaseConfiguration.knowledgeBaseArn",)
_GENERATE: Final = "retrieveAndGenerateConfiguration"
_GENERATING: Final = (
    RequiredAction("RetrieveAndGenerate"),
    RequiredAction("Retrieve", "knowledge-base", (f"{_GENERATE}.knowledgeBaseConfiguration.knowledgeBaseId",), when="if-named"),
    _model(f"{_GENERATE}.knowledgeBaseConfiguration.modelArn"),
    _model(f"{_GENERATE}.externalSourcesConfiguration.modelArn"),
)
_SPECIAL: Final[Mapping[str, tuple[RequiredAction, ...]]] = {
    "AgenticRetrieveStream": (
        RequiredAction("AgenticRetrieveStream"),
        RequiredAction("Retrieve", "knowledge-base", _RETRIEVERS, when="if-named"),
        RequiredAction("GetDocumentContent", "knowledge-base", _RETRIEVERS, when="undocumented"),
        _model(
            f"{_AGENTIC}.foundationModelConfiguration.bedrockFoundationModelConfiguration.modelConfiguration.modelArn",
            "InvokeModelWithResponseStream",
        ),
        _model(f"{_AGENTIC}.{_RERANKER}"),
    ),
    "CheckIngestedDocumentAcl": (RequiredAction("CheckIngestedDocumentAcl", "knowledge-base", _BASE, when="either"),),
    "GenerateQuery": (
        RequiredAction("GenerateQuery"),
        RequiredAction("GetKnowledgeBase", "knowledge-base", _QUERIED, when="if-named"),
        RequiredAction("sqlworkbench:GetSqlRecommendations", when="undocumented"),
    ),
    "GetDocumentContent": (
        RequiredAction("GetDocumentContent", "knowledge-base", _BASE),
        RequiredAction("Retrieve", "knowledge-base", _BASE),
    ),
    "GetExecutionFlowSnapshot": _of_execution("GetExecutionFlowSnapshot"),
    "GetFlowExecution": _of_execution("GetFlowExecution"),
    "GetIngestedDocumentAcl": (RequiredAction("GetIngestedDocumentAcl", "knowledge-base", _BASE, when="either"),),
    "InvokeInlineAgent": (
        RequiredAction("InvokeInlineAgent"),
        _model("foundationModel"),
        _model("collaborators[].foundationModel"),
    ),
    "ListFlowExecutionEvents": _of_execution("ListFlowExecutionEvents"),
    "ListFlowExecutions": (
        RequiredAction("ListFlowExecutions", "flow", ("flowIdentifier",)),
        RequiredAction("ListFlowExecutions", "flow-alias", _FLOW, when="undocumented"),
    ),
    "ListInvocationSteps": (
        RequiredAction("ListInvocationSteps", "session", _SESSION),
        RequiredAction("ListInvocations", "session", _SESSION, when="undocumented"),
    ),
    "Rerank": (RequiredAction("Rerank"), _model(_RERANKER)),
    "RetrieveAndGenerate": _GENERATING,
    "RetrieveAndGenerateStream": _GENERATING,
    "StartFlowExecution": (
        RequiredAction("StartFlowExecution", "flow-alias", _FLOW),
        RequiredAction("StartFlowExecution", "flow", ("flowIdentifier",), when="undocumented"),
    ),
    "StopFlowExecution": _of_execution("StopFlowExecution"),
}
"""Operations that require other actions or several resources."""

_BY_ITSELF: Final = "calls models inside AWS; the guard neither sees those calls nor adds a guardrail to them"
_WITH_CALLER: Final = (
    "makes several model calls for the caller, some of them without a guardrail; a Deny on calls without a guardrail stops the "
    "operation, even if a guardrail is configured"
)
_INDIRECT_EFFECTS: Final[Mapping[str, str]] = {
    "GenerateQuery": f"the query generation {_BY_ITSELF}",
    "InvokeAgent": f"the agent {_BY_ITSELF}; attach a guardrail to the agent, whose role makes the calls",
    "InvokeFlow": f"the flow {_BY_ITSELF}; attach a guardrail to the nodes of the flow, whose role makes the calls",
    "OptimizePrompt": f"the optimization {_BY_ITSELF}",
    "Rerank": f"the reranking {_BY_ITSELF}; rerankers do not support guardrails",
    "RetrieveAndGenerate": f"the knowledge base {_WITH_CALLER}",
    "RetrieveAndGenerateStream": f"the knowledge base {_WITH_CALLER}",
    "StartFlowExecution": f"the flow {_BY_ITSELF}; attach a guardrail to the nodes of the flow, whose role makes the calls",
}
_REWRITING: Final = (
    (
        f"{_GENERATE}.knowledgeBaseConfiguration.orchestrationConfiguration",
        "orchestrationConfiguration rewrites the query with an additional model call, which has no guardrail",
    ),
)
_FILTERING: Final = "implicitFilterConfiguration calls a model for the filter, which has no guardrail"
_FILTER: Final = "retrievalConfiguration.vectorSearchConfiguration.implicitFilterConfiguration"
_GENERATION_EFFECTS: Final = (*_REWRITING, (f"{_GENERATE}.knowledgeBaseConfiguration.{_FILTER}", _FILTERING))
_EFFECTS_OF: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "Retrieve": ((_FILTER, _FILTERING),),
    "RetrieveAndGenerate": _GENERATION_EFFECTS,
    "RetrieveAndGenerateStream": _GENERATION_EFFECTS,
}
_LOCATIONS: Final[Mapping[str, GuardrailLocation]] = {
    "AgenticRetrieveStream": OF_AGENTIC_RETRIEVAL,
    "InvokeInlineAgent": OF_INLINE_AGENT,
    "Retrieve": OF_RETRIEVAL,
    "RetrieveAndGenerate": OF_GENERATION,
    "RetrieveAndGenerateStream": OF_GENERATION,
}
"""Operations that carry a guardrail, which runs for the caller."""
_REPLIES: Final[Mapping[str, ReplyFormat]] = {
    "AgenticRetrieveStream": "agentic-stream",
    "InvokeAgent": "agent-stream",
    "InvokeInlineAgent": "agent-stream",
    "Retrieve": "action",
    "RetrieveAndGenerate": "action",
    "RetrieveAndGenerateStream": "generate-stream",
}
_INDIRECT: Final[Mapping[str, Indirect]] = {
    "GenerateQuery": "unverifiable",
    "InvokeAgent": "agent-alias",
    "InvokeFlow": "flow-alias",
    "InvokeInlineAgent": "agent-list",
    "OptimizePrompt": "unverifiable",
    "Rerank": "unverifiable",
    "StartFlowExecution": "flow-alias",
}
_KEYS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {"InvokeInlineAgent": (("bedrock:InlineAgentName", "agentName"),)}
_TAGS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {"CreateSession": (("tags", "session"),)}
_PATHS: Final[Mapping[str, str]] = {
    "AgenticRetrieveStream": "POST /agenticRetrieveStream",
    "GenerateQuery": "POST /generateQuery",
    "InvokeAgent": "POST /agents/{agentId}/agentAliases/{agentAliasId}/sessions/{sessionId}/text",
    "InvokeFlow": "POST /flows/{flowIdentifier}/aliases/{flowAliasIdentifier}",
    "InvokeInlineAgent": "POST /agents/{sessionId}",
    "OptimizePrompt": "POST /optimize-prompt",
    "Rerank": "POST /rerank",
    "Retrieve": "POST /knowledgebases/{knowledgeBaseId}/retrieve",
    "RetrieveAndGenerate": "POST /retrieveAndGenerate",
    "RetrieveAndGenerateStream": "POST /retrieveAndGenerateStream",
    "StartFlowExecution": "POST /flows/{flowIdentifier}/aliases/{flowAliasIdentifier}/executions",
}


def _required() -> Iterator[tuple[str, tuple[RequiredAction, ...]]]:
    for (resource_type, named), names in _ON_ONE_RESOURCE.items():
        yield from ((name, (RequiredAction(name, resource_type, named),)) for name in names)
    yield from _SPECIAL.items()


AGENT_RUNTIME: Final = tuple(
    Operation(
        name,
        _SERVICE,
        actions,
        inference=name in _LOCATIONS,
        location=_LOCATIONS.get(name),
        reply=_REPLIES.get(name, ""),
        tags=_TAGS.get(name, ()),
        keys=_KEYS.get(name, ()),
        indirect_effects=_INDIRECT_EFFECTS.get(name, ""),
        effects_of=_EFFECTS_OF.get(name, ()),
        indirect=_INDIRECT.get(name, ""),
        path=_PATHS.get(name, ""),
    )
    for name, actions in sorted(_required())
)
