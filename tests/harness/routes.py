"""Every route that carries or causes inference beside `bedrock-runtime`: how to call it, and how to name a guardrail there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from botocore import xform_name
from harness.installed import MISSING

from guardedbedrock.bedrock import ROWS

NOVA: Final = "amazon.nova-lite-v1:0"
OPUS: Final = "arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-3-opus-20240229-v1:0"
ROLE: Final = "arn:aws:iam::123456789012:role/Agents"
ALIAS: Final = "arn:aws:bedrock:us-east-1:123456789012:agent-alias/AGENT00001/TSTALIASID"

Params: TypeAlias = dict[str, Any]
Named: TypeAlias = Callable[[Params], Params]
"""Writes a call that names the guardrail of a structure such as ``{"guardrailIdentifier": ...}``."""


def generation(kind: str = "knowledgeBase", **members: Any) -> Params:
    """Write the configuration of RetrieveAndGenerate."""
    parts: dict[str, tuple[str, Params]] = {
        "knowledgeBase": ("KNOWLEDGE_BASE", {"knowledgeBaseId": "KB00000001"}),
        "externalSources": ("EXTERNAL_SOURCES", {"sources": [{"sourceType": "S3", "s3Location": {"uri": "s3://bucket/a.txt"}}]}),
    }
    name, part = parts[kind]
    return {"type": name, f"{kind}Configuration": {**part, "modelArn": NOVA, **members}}


def _generate(guardrail: Params, kind: str = "knowledgeBase") -> Params:
    guarded = {"generationConfiguration": {"guardrailConfiguration": guardrail}} if guardrail else {}
    return {"input": {"text": "hello"}, "retrieveAndGenerateConfiguration": generation(kind, **guarded)}


def _retrieve(guardrail: Params) -> Params:
    guarded = {"guardrailConfiguration": guardrail} if guardrail else {}
    return {"knowledgeBaseId": "KB00000001", "retrievalQuery": {"text": "hello"}, **guarded}


def _agentic(guardrail: Params) -> Params:
    guarded = {"policyConfiguration": {"bedrockGuardrailConfiguration": guardrail}} if guardrail else {}
    return {
        "agenticRetrieveConfiguration": {},
        "messages": [{"role": "user", "content": {"text": "hello"}}],
        "retrievers": [{"configuration": {"knowledgeBase": {"knowledgeBaseId": "KB00000001"}}}],
        **guarded,
    }


def _inline(guardrail: Params) -> Params:
    guarded = {"guardrailConfiguration": guardrail} if guardrail else {}
    return {
        "sessionId": "session",
        "inputText": "hello",
        "foundationModel": NOVA,
        "instruction": "i" * 40,
        "enableTrace": True,
        **guarded,
    }


def _supervisor(guardrail: Params) -> Params:
    guarded = {"guardrailConfiguration": guardrail} if guardrail else {}
    collaborator = {"agentName": "other", "foundationModel": NOVA, "instruction": "i" * 40, **guarded}
    return {**_inline(guardrail), "agentCollaboration": "SUPERVISOR", "collaborators": [collaborator]}


def _create_agent(guardrail: Params) -> Params:
    return {"agentName": "hr", "foundationModel": NOVA, **({"guardrailConfiguration": guardrail} if guardrail else {})}


def nodes(*configurations: Params) -> Params:
    """Write the definition of a flow with one node for each configuration."""
    kinds = {"prompt": "Prompt", "knowledgeBase": "KnowledgeBase", "loop": "Loop", "agent": "Agent", "input": "Input"}
    return {
        "nodes": [
            {"name": f"Node{number}", "type": kinds[next(iter(one))], "configuration": one}
            for number, one in enumerate(configurations)
        ]
    }


def prompt_node(guardrail: Params | None = None, model: str = NOVA) -> Params:
    """Write the configuration of a prompt node."""
    inline = {"modelId": model, "templateType": "TEXT", "templateConfiguration": {"text": {"text": "Say {{it}}"}}}
    guarded = {"guardrailConfiguration": guardrail} if guardrail else {}
    return {"prompt": {"sourceConfiguration": {"inline": inline}, **guarded}}


def knowledge_node(guardrail: Params | None = None) -> Params:
    """Write the configuration of a knowledge base node."""
    guarded = {"guardrailConfiguration": guardrail} if guardrail else {}
    return {"knowledgeBase": {"knowledgeBaseId": "KB00000001", "modelId": NOVA, **guarded}}


def agent_node() -> Params:
    """Write the configuration of an agent node."""
    return {"agent": {"agentAliasArn": ALIAS}}


def _create_flow(guardrail: Params) -> Params:
    inner = nodes(knowledge_node(guardrail), {"loop": {"definition": nodes(prompt_node(guardrail))}})
    definition = nodes(prompt_node(guardrail), {"loop": {"definition": inner}})
    return {"name": "flow", "executionRoleArn": ROLE, "definition": definition}


def _evaluate(guardrail: Params, kind: str = "knowledgeBase") -> Params:
    guarded = {"generationConfiguration": {"guardrailConfiguration": guardrail}} if guardrail else {}
    config = {"knowledgeBaseConfig": {"retrieveAndGenerateConfig": generation(kind, **guarded)}}
    metrics = {"taskType": "QuestionAndAnswer", "dataset": {"name": "d"}, "metricNames": ["Builtin.Correctness"]}
    return {
        "jobName": "job",
        "roleArn": ROLE,
        "evaluationConfig": {"automated": {"datasetMetricConfigs": [metrics]}},
        "inferenceConfig": {"ragConfigs": [config]},
        "outputDataConfig": {"s3Uri": "s3://bucket/out"},
    }


@dataclass(frozen=True)
class Route:
    """
    One way to carry a guardrail.

    Args:
        service: The boto3 service.
        method: The client method.
        operation: The operation.
        write: Writes a call with the guardrail in every structure that can hold one; ``{}`` for none.
        identifier: The member with the identifier.
        stream: The member of the response that is an event stream; ``""`` without a stream.
        shows: The reply shows an intervention.
    """

    service: str
    method: str
    operation: str
    write: Named
    identifier: str = "guardrailIdentifier"
    stream: str = ""
    shows: bool = True
    created: tuple[str, Params] | None = field(default=None)

    @property
    def is_id_only(self) -> bool:
        """Whether the identifier must be an ID."""
        return self.identifier == "guardrailId"

    def guardrail(self, identifier: str, version: str) -> Params:
        """Write the structure that names a guardrail."""
        return {self.identifier: identifier, "guardrailVersion": version}

    def sent(self, request: Any) -> set[tuple[str | None, str | None]]:
        """Read every guardrail of a request that arrived."""
        location = ROWS[self.service, self.operation].location
        assert location is not None
        return set(location.read_all(request.params))


RUNTIME: Final = "bedrock-agent-runtime"
BUILDING: Final = "bedrock-agent"
_EXTERNAL: Final = "externalSources"
_ROUTES: Final[dict[str, Route]] = {
    "retrieve": Route(RUNTIME, "retrieve", "Retrieve", _retrieve, "guardrailId"),
    "generate": Route(RUNTIME, "retrieve_and_generate", "RetrieveAndGenerate", _generate, "guardrailId"),
    "generate-from-sources": Route(
        RUNTIME, "retrieve_and_generate", "RetrieveAndGenerate", lambda named: _generate(named, _EXTERNAL), "guardrailId"
    ),
    "generate-stream": Route(
        RUNTIME, "retrieve_and_generate_stream", "RetrieveAndGenerateStream", _generate, "guardrailId", "stream"
    ),
    "agentic": Route(RUNTIME, "agentic_retrieve_stream", "AgenticRetrieveStream", _agentic, "guardrailId", "stream"),
    "inline-agent": Route(RUNTIME, "invoke_inline_agent", "InvokeInlineAgent", _inline, stream="completion"),
    "supervisor": Route(RUNTIME, "invoke_inline_agent", "InvokeInlineAgent", _supervisor, stream="completion"),
    "create-agent": Route(BUILDING, "create_agent", "CreateAgent", _create_agent, shows=False),
    "update-agent": Route(
        BUILDING,
        "update_agent",
        "UpdateAgent",
        lambda named: {**_create_agent(named), "agentId": "AGENT6B86B", "agentResourceRoleArn": ROLE},
        shows=False,
        created=("create_agent", _create_agent({})),
    ),
    "create-flow": Route(BUILDING, "create_flow", "CreateFlow", _create_flow, shows=False),
    "update-flow": Route(
        BUILDING,
        "update_flow",
        "UpdateFlow",
        lambda named: {**_create_flow(named), "flowIdentifier": "FLOW06B86B"},
        shows=False,
        created=("create_flow", _create_flow({})),
    ),
    "evaluate": Route("bedrock", "create_evaluation_job", "CreateEvaluationJob", _evaluate, "guardrailId", shows=False),
    "evaluate-sources": Route(
        "bedrock",
        "create_evaluation_job",
        "CreateEvaluationJob",
        lambda named: _evaluate(named, _EXTERNAL),
        "guardrailId",
        shows=False,
    ),
}
ROUTES: Final = {name: route for name, route in _ROUTES.items() if (route.service, route.operation) not in MISSING}
"""The routes with a guardrail location that the installed botocore has."""

_INDIRECT: Final[dict[str, tuple[str, str, Params]]] = {
    "agent": (
        RUNTIME,
        "invoke_agent",
        {"agentId": "AGENT6B86B", "agentAliasId": "TSTALIASID", "sessionId": "session", "inputText": "hi"},
    ),
    "flow": (
        RUNTIME,
        "invoke_flow",
        {
            "flowIdentifier": "FLOW0D4735",
            "flowAliasIdentifier": "TSTALIASID",
            "inputs": [{"content": {"document": "hello"}, "nodeName": "Input", "nodeOutputName": "document"}],
        },
    ),
    "flow-execution": (
        RUNTIME,
        "start_flow_execution",
        {
            "flowIdentifier": "FLOW0D4735",
            "flowAliasIdentifier": "TSTALIASID",
            "inputs": [{"content": {"document": "hello"}, "nodeName": "Input", "nodeOutputName": "document"}],
        },
    ),
    "optimize": (RUNTIME, "optimize_prompt", {"input": {"textPrompt": {"text": "hello"}}, "targetModelId": NOVA}),
    "query": (
        RUNTIME,
        "generate_query",
        {
            "queryGenerationInput": {"text": "hello", "type": "TEXT"},
            "transformationConfiguration": {"mode": "TEXT_TO_SQL"},
        },
    ),
    "rerank": (
        RUNTIME,
        "rerank",
        {
            "queries": [{"type": "TEXT", "textQuery": {"text": "hello"}}],
            "sources": [
                {"type": "INLINE", "inlineDocumentSource": {"type": "TEXT", "textDocument": {"text": "a"}}},
            ],
            "rerankingConfiguration": {
                "type": "BEDROCK_RERANKING_MODEL",
                "bedrockRerankingConfiguration": {
                    "modelConfiguration": {"modelArn": "arn:aws:bedrock:us-east-1::foundation-model/amazon.rerank-v1:0"}
                },
            },
        },
    ),
    "prompt-job": (
        "bedrock",
        "create_advanced_prompt_optimization_job",
        {
            "jobName": "job",
            "inputConfig": {"s3Uri": "s3://bucket/in.jsonl"},
            "outputConfig": {"s3Uri": "s3://bucket/out/"},
            "modelConfigurations": [{"modelId": NOVA}],
        },
    ),
    "evaluate-models": (
        "bedrock",
        "create_evaluation_job",
        {**_evaluate({}), "inferenceConfig": {"models": [{"bedrockModel": {"modelIdentifier": NOVA}}]}},
    ),
    "empty-flow": (BUILDING, "create_flow", {"name": "flow", "executionRoleArn": ROLE}),
    "agent-in-a-flow": (
        BUILDING,
        "create_flow",
        {"name": "flow", "executionRoleArn": ROLE, "definition": nodes({"loop": {"definition": nodes(agent_node())}})},
    ),
    "agent-of-an-inline-agent": (
        RUNTIME,
        "invoke_inline_agent",
        {
            **_inline({}),
            "agentCollaboration": "SUPERVISOR",
            "collaboratorConfigurations": [
                {"collaboratorName": "other", "collaboratorInstruction": "help", "agentAliasArn": ALIAS}
            ],
        },
    ),
}
_MISSING_METHODS: Final = {(service, xform_name(operation)) for service, operation in MISSING}
INDIRECT: Final = {name: call for name, call in _INDIRECT.items() if call[:2] not in _MISSING_METHODS}
"""Calls that make AWS call models where the call cannot name a guardrail: service, client method and parameters."""

UNVERIFIABLE: Final = tuple(name for name in ("optimize", "query", "rerank", "prompt-job", "evaluate-models") if name in INDIRECT)
BATCH: Final[Params] = {
    "jobName": "job",
    "roleArn": ROLE,
    "modelId": NOVA,
    "inputDataConfig": {"s3InputDataConfig": {"s3Uri": "s3://bucket/in"}},
    "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://bucket/out"}},
}
"""The parameters of CreateModelInvocationJob."""
