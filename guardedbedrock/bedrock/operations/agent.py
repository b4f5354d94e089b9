"""
The operations of ``bedrock-agent``, with which agents, flows, knowledge bases and prompts are built.

- If the Service Authorization Reference lists no resource type for an action, the resource is ``*``.
- An agent, a flow, a knowledge base or a data source calls models later, with a service role. The role needs
  ``bedrock:ApplyGuardrail`` on the guardrail; the caller needs ``iam:PassRole`` on the role.
- Some operations of botocore are not in the Service Authorization Reference yet. They require the action of the same name; see
  `_UNPUBLISHED`.

Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon Bedrock"; Bedrock API Reference,
"Agents for Amazon Bedrock"; Bedrock User Guide, "Create a service role for Amazon Bedrock Agents".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from guardedbedrock.bedrock.guardrail.location import OF_AGENT, OF_FLOW, GuardrailLocation
from guardedbedrock.bedrock.operations.row import Indirect, Operation, RequiredAction, pass_role

_SERVICE: Final = "bedrock-agent"

_WITHOUT_RESOURCE: Final = (
    "CreateAgent",
    "CreateFlow",
    "CreateKnowledgeBase",
    "CreatePrompt",
    "ListAgents",
    "ListFlows",
    "ListKnowledgeBases",
    "ValidateFlowDefinition",
)
"""Operations whose action has no resource type."""

_ON_ONE_RESOURCE: Final[Mapping[tuple[str, tuple[str, ...]], tuple[str, ...]]] = {
    ("agent", ("agentId",)): (
        "AssociateAgentCollaborator",
        "AssociateAgentKnowledgeBase",
        "CreateAgentActionGroup",
        "CreateAgentAlias",
        "DeleteAgent",
        "DeleteAgentActionGroup",
        "DeleteAgentVersion",
        "DisassociateAgentCollaborator",
        "DisassociateAgentKnowledgeBase",
        "GetAgent",
        "GetAgentActionGroup",
        "GetAgentCollaborator",
        "GetAgentKnowledgeBase",
        "GetAgentVersion",
        "ListAgentActionGroups",
        "ListAgentAliases",
        "ListAgentCollaborators",
        "ListAgentKnowledgeBases",
        "ListAgentVersions",
        "PrepareAgent",
        "UpdateAgent",
        "UpdateAgentActionGroup",
        "UpdateAgentCollaborator",
        "UpdateAgentKnowledgeBase",
    ),
    ("agent-alias", ("agentId", "agentAliasId")): ("DeleteAgentAlias", "GetAgentAlias", "UpdateAgentAlias"),
    ("arn", ("resourceArn",)): (
        "DeleteResourcePolicy",
        "GetResourcePolicy",
        "ListTagsForResource",
        "PutResourcePolicy",
        "TagResource",
        "UntagResource",
    ),
    ("flow", ("flowIdentifier",)): (
        "CreateFlowAlias",
        "CreateFlowVersion",
        "DeleteFlow",
        "DeleteFlowVersion",
        "GetFlow",
        "GetFlowVersion",
        "ListFlowAliases",
        "ListFlowVersions",
        "PrepareFlow",
        "UpdateFlow",
    ),
    ("flow-alias", ("flowIdentifier", "aliasIdentifier")): ("DeleteFlowAlias", "GetFlowAlias", "UpdateFlowAlias"),
    ("knowledge-base", ("knowledgeBaseId",)): (
        "CreateDataSource",
        "DeleteDataSource",
        "DeleteKnowledgeBase",
        "DeleteKnowledgeBaseDocuments",
        "GetDataSource",
        "GetIngestionJob",
        "GetKnowledgeBase",
        "GetKnowledgeBaseDocuments",
        "IngestKnowledgeBaseDocuments",
        "ListDataSources",
        "ListIngestionJobs",
        "ListKnowledgeBaseDocuments",
        "StartIngestionJob",
        "StopIngestionJob",
        "UpdateDataSource",
        "UpdateKnowledgeBase",
    ),
    ("prompt", ("promptIdentifier",)): (
        "CreatePromptVersion",
        "DeletePrompt",
        "GetPrompt",
        "UpdatePrompt",
    ),
}
"""Operations that require the action of the same name on one resource, by type and parameters."""

_BESIDE: Final[Mapping[str, tuple[RequiredAction, ...]]] = {
    **{
        f"{verb}AgentKnowledgeBase": (RequiredAction(f"{verb}AgentKnowledgeBase", "knowledge-base", ("knowledgeBaseId",)),)
        for verb in ("Associate", "Disassociate", "Get", "Update")
    },
    **{
        name: (RequiredAction(name, "prompt-version", ("promptIdentifier", "promptVersion"), when="undocumented"),)
        for name in ("DeletePrompt", "GetPrompt")
    },
    "CreateAgent": (pass_role("agentResourceRoleArn"),),
    "CreateFlow": (pass_role("executionRoleArn"),),
    "CreateKnowledgeBase": (pass_role("roleArn"),),
    "UpdateAgent": (pass_role("agentResourceRoleArn"),),
    "UpdateFlow": (pass_role("executionRoleArn"),),
    "UpdateKnowledgeBase": (pass_role("roleArn"),),
}
"""The actions that an operation requires beside the action of the same name."""

_UNPUBLISHED: Final = (
    "CreateRetrievalInstruction",
    "CreateRetrievalInstructionVersion",
    "CreateVpcConfiguration",
    "DeleteRetrievalInstruction",
    "DeleteVpcConfiguration",
    "GetRetrievalInstruction",
    "GetVpcConfiguration",
    "ListRetrievalInstructionVersions",
    "ListRetrievalInstructions",
    "ListVpcConfigurations",
    "UpdateRetrievalInstruction",
)
"""Operations whose actions the Service Authorization Reference does not list yet."""

_TAGS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "CreateAgent": (("tags", "agent"),),
    "CreateAgentAlias": (("tags", "agent-alias"),),
    "CreateFlow": (("tags", "flow"),),
    "CreateFlowAlias": (("tags", "flow-alias"),),
    "CreateKnowledgeBase": (("tags", "knowledge-base"),),
    "CreatePrompt": (("tags", "prompt"),),
    "CreatePromptVersion": (("tags", "prompt-version"),),
    "CreateRetrievalInstruction": (("tags", "unknown"),),
}
_LOCATIONS: Final[Mapping[str, GuardrailLocation]] = {
    "CreateAgent": OF_AGENT,
    "CreateFlow": OF_FLOW,
    "UpdateAgent": OF_AGENT,
    "UpdateFlow": OF_FLOW,
}
_INDIRECT: Final[Mapping[str, Indirect]] = {"CreateFlow": "flow-definition", "UpdateFlow": "flow-definition"}
_PATHS: Final[Mapping[str, str]] = {
    "CreateAgent": "PUT /agents/",
    "CreateFlow": "POST /flows/",
    "UpdateAgent": "PUT /agents/{agentId}/",
    "UpdateFlow": "PUT /flows/{flowIdentifier}/",
}


def _required() -> Iterator[tuple[str, tuple[RequiredAction, ...]]]:
    yield from ((name, (RequiredAction(name),)) for name in _WITHOUT_RESOURCE)
    for (resource_type, named), names in _ON_ONE_RESOURCE.items():
        yield from ((name, (RequiredAction(name, resource_type, named),)) for name in names)
    yield "ListPrompts", (RequiredAction("ListPrompts", "prompt", ("promptIdentifier",), when="either"),)
    yield from ((name, (RequiredAction(name, "unknown"),)) for name in _UNPUBLISHED)


AGENT: Final = tuple(
    Operation(
        name,
        _SERVICE,
        (*actions, *_BESIDE.get(name, ())),
        configures_inference=name in _LOCATIONS,
        location=_LOCATIONS.get(name),
        tags=_TAGS.get(name, ()),
        indirect=_INDIRECT.get(name, ""),
        path=_PATHS.get(name, ""),
    )
    for name, actions in sorted(_required())
)
