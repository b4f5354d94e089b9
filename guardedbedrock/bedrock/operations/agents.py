"""
The operations of ``bedrock-agent-runtime``.

Agents, flows and knowledge bases call models by themselves, with roles and guardrails of their own: what of that can be known
from the call is asked, and `Operation.beyond` says the rest.
Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon Bedrock"; Bedrock User Guide, "Set up
permissions for a user or role to create and manage knowledge bases", "Resource policies for managed knowledge bases",
"Permissions for reranking in Amazon Bedrock".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from guardedbedrock.bedrock.operations.rows import Ask, Operation

_SERVICE: Final = "bedrock-agent-runtime"

_AGENT: Final = ("agentId", "agentAliasId")
_FLOW: Final = ("flowIdentifier", "flowAliasIdentifier")
_EXECUTION: Final = (*_FLOW, "executionIdentifier")
_SESSION: Final = ("sessionIdentifier",)
_BASE: Final = ("knowledgeBaseId",)

_ON_ONE: Final[Mapping[tuple[str, tuple[str, ...]], tuple[str, ...]]] = {
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
"""Operations that ask the action of their own name on one resource."""


def _model(path: str, action: str = "InvokeModel") -> Ask:
    """Ask for a model that the service calls for the caller, perhaps: with a guardrail or without, nobody outside knows."""
    return Ask(action, "model", (path,), when="perhaps", own_guardrail=False)


def _of_execution(name: str) -> tuple[Ask, ...]:
    """AWS lists the flow and the alias beside the execution, and not whether both are asked or one."""
    return (
        Ask(name, "flow-execution", _EXECUTION),
        Ask(name, "flow-alias", _FLOW, when="perhaps"),
        Ask(name, "flow", ("flowIdentifier",), when="perhaps"),
    )


_AGENTIC: Final = "agenticRetrieveConfiguration"
_RETRIEVERS: Final = ("retrievers[].configuration.knowledgeBase.knowledgeBaseId",)
_RERANKER: Final = "rerankingConfiguration.bedrockRerankingConfiguration.modelConfiguration.modelArn"
_QUERIED: Final = ("transformationConfiguration.textToSqlConfiguration.knowledgeBaseConfiguration.knowledgeBaseArn",)
_GENERATE: Final = "retrieveAndGenerateConfiguration"
_GENERATING: Final = (
    Ask("RetrieveAndGenerate"),
    Ask("Retrieve", "knowledge-base", (f"{_GENERATE}.knowledgeBaseConfiguration.knowledgeBaseId",), when="given"),
    _model(f"{_GENERATE}.knowledgeBaseConfiguration.modelArn"),
    _model(f"{_GENERATE}.externalSourcesConfiguration.modelArn"),
)
_OTHERS: Final[Mapping[str, tuple[Ask, ...]]] = {
    "AgenticRetrieveStream": (
        Ask("AgenticRetrieveStream"),
        Ask("Retrieve", "knowledge-base", _RETRIEVERS, when="given"),
        Ask("GetDocumentContent", "knowledge-base", _RETRIEVERS, when="perhaps"),
        _model(
            f"{_AGENTIC}.foundationModelConfiguration.bedrockFoundationModelConfiguration.modelConfiguration.modelArn",
            "InvokeModelWithResponseStream",
        ),
        _model(f"{_AGENTIC}.{_RERANKER}"),
    ),
    "CheckIngestedDocumentAcl": (Ask("CheckIngestedDocumentAcl", "knowledge-base", _BASE, when="either"),),
    "GenerateQuery": (
        Ask("GenerateQuery"),
        Ask("GetKnowledgeBase", "knowledge-base", _QUERIED, when="given"),
        Ask("sqlworkbench:GetSqlRecommendations", when="perhaps"),
    ),
    "GetDocumentContent": (Ask("GetDocumentContent", "knowledge-base", _BASE), Ask("Retrieve", "knowledge-base", _BASE)),
    "GetExecutionFlowSnapshot": _of_execution("GetExecutionFlowSnapshot"),
    "GetFlowExecution": _of_execution("GetFlowExecution"),
    "GetIngestedDocumentAcl": (Ask("GetIngestedDocumentAcl", "knowledge-base", _BASE, when="either"),),
    "InvokeInlineAgent": (Ask("InvokeInlineAgent"), _model("foundationModel")),
    "ListFlowExecutionEvents": _of_execution("ListFlowExecutionEvents"),
    "ListFlowExecutions": (
        Ask("ListFlowExecutions", "flow", ("flowIdentifier",)),
        Ask("ListFlowExecutions", "flow-alias", _FLOW, when="perhaps"),
    ),
    "ListInvocationSteps": (
        Ask("ListInvocationSteps", "session", _SESSION),
        Ask("ListInvocations", "session", _SESSION, when="perhaps"),
    ),
    "Rerank": (Ask("Rerank"), _model(_RERANKER)),
    "RetrieveAndGenerate": _GENERATING,
    "RetrieveAndGenerateStream": _GENERATING,
    "StartFlowExecution": (
        Ask("StartFlowExecution", "flow-alias", _FLOW),
        Ask("StartFlowExecution", "flow", ("flowIdentifier",), when="perhaps"),
    ),
    "StopFlowExecution": _of_execution("StopFlowExecution"),
}
"""Operations that ask more, or otherwise."""

_BY_ITSELF: Final = "calls models beyond this guard's sight: this guard puts no guardrail into those calls, and sees none of them"
_WITH_CALLER: Final = (
    "makes several model calls for the caller, some of them without a guardrail: a Deny of calls without one stops it, whatever "
    "guardrail is configured"
)
_BEYOND: Final[Mapping[str, str]] = {
    "AgenticRetrieveStream": f"the retrieval {_BY_ITSELF}; configure one where the retrieval is configured",
    "GenerateQuery": f"the query generation {_BY_ITSELF}",
    "InvokeAgent": f"the agent {_BY_ITSELF}; attach one to the agent, whose role makes the calls",
    "InvokeFlow": f"the flow {_BY_ITSELF}; attach one to its nodes, whose role makes the calls",
    "InvokeInlineAgent": f"the agent {_BY_ITSELF}; name one in guardrailConfiguration",
    "OptimizePrompt": f"the optimization {_BY_ITSELF}",
    "Rerank": f"the reranking {_BY_ITSELF}; rerankers support none",
    "Retrieve": f"the retrieval {_BY_ITSELF}; name one in guardrailConfiguration",
    "RetrieveAndGenerate": f"the knowledge base {_WITH_CALLER}",
    "RetrieveAndGenerateStream": f"the knowledge base {_WITH_CALLER}",
    "StartFlowExecution": f"the flow {_BY_ITSELF}; attach one to its nodes, whose role makes the calls",
}
_KEYS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {"InvokeInlineAgent": (("bedrock:InlineAgentName", "agentName"),)}
_TAGS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {"CreateSession": (("tags", "session"),)}


def _asks() -> Iterator[tuple[str, tuple[Ask, ...]]]:
    for (resource_type, named), names in _ON_ONE.items():
        yield from ((name, (Ask(name, resource_type, named),)) for name in names)
    yield from _OTHERS.items()


AGENTS: Final = tuple(
    Operation(name, _SERVICE, asks, tags=_TAGS.get(name, ()), keys=_KEYS.get(name, ()), indirect_effects=_BEYOND.get(name, ""))
    for name, asks in sorted(_asks())
)
