"""
The operations of ``bedrock-agent-runtime``.

Agents, flows and knowledge bases call models by themselves, with roles and guardrails of their own: what of that can be known
from the call is asked, and `Operation.beyond` says the rest.
Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon Bedrock"; Bedrock User Guide, "Set up
permissions for a user or role to create and manage knowledge bases", "Permissions for reranking in Amazon Bedrock".
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
    ("any", ()): ("AgenticRetrieveStream", "CreateSession", "GenerateQuery", "ListSessions", "OptimizePrompt"),
    ("arn", ("resourceArn",)): ("ListTagsForResource", "TagResource", "UntagResource"),
    ("flow-alias", _FLOW): ("InvokeFlow",),
    ("flow-execution", _EXECUTION): (
        "GetExecutionFlowSnapshot",
        "GetFlowExecution",
        "ListFlowExecutionEvents",
        "StopFlowExecution",
    ),
    ("knowledge-base", _BASE): ("CheckIngestedDocumentAcl", "GetDocumentContent", "GetIngestedDocumentAcl", "Retrieve"),
    ("session", _SESSION): (
        "CreateInvocation",
        "DeleteSession",
        "EndSession",
        "GetInvocationStep",
        "GetSession",
        "ListInvocationSteps",
        "ListInvocations",
        "PutInvocationStep",
        "UpdateSession",
    ),
}
"""Operations that ask the action of their own name on one resource."""


def _model(*path: str) -> Ask:
    """Ask for a model that the service calls for the caller, perhaps: with a guardrail or without, nobody outside knows."""
    return Ask("InvokeModel", "model", path, when="perhaps", own_guardrail=False)


_GENERATE: Final = "retrieveAndGenerateConfiguration"
_GENERATING: Final = (
    Ask("RetrieveAndGenerate"),
    Ask("Retrieve", "knowledge-base", (f"{_GENERATE}.knowledgeBaseConfiguration.knowledgeBaseId",), when="given"),
    _model(f"{_GENERATE}.knowledgeBaseConfiguration.modelArn"),
    _model(f"{_GENERATE}.externalSourcesConfiguration.modelArn"),
)
_OTHERS: Final[Mapping[str, tuple[Ask, ...]]] = {
    "InvokeInlineAgent": (Ask("InvokeInlineAgent"), _model("foundationModel")),
    "ListFlowExecutions": (Ask("ListFlowExecutions", "flow", ("flowIdentifier",)),),
    "Rerank": (Ask("Rerank"), _model("rerankingConfiguration.bedrockRerankingConfiguration.modelConfiguration.modelArn")),
    "RetrieveAndGenerate": _GENERATING,
    "RetrieveAndGenerateStream": _GENERATING,
    "StartFlowExecution": (
        Ask("StartFlowExecution", "flow", ("flowIdentifier",)),
        Ask("StartFlowExecution", "flow-alias", _FLOW),
    ),
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
        yield from ((name, (Ask(name, resource_type, named),)) for name in names if name not in _OTHERS)
    yield from _OTHERS.items()


AGENTS: Final = tuple(
    Operation(name, _SERVICE, asks, tags=_TAGS.get(name, ()), keys=_KEYS.get(name, ()), beyond=_BEYOND.get(name, ""))
    for name, asks in sorted(_asks())
)
