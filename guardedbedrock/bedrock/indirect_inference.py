"""
Indirect inference: calls that make AWS call a model where the call itself has no guardrail location.

An agent alias or a flow alias leads to agents and nodes that have guardrails; `Attachment` records them.
Source: Bedrock API Reference, "InvokeAgent", "InvokeFlow", "InvokeInlineAgent", "CreateFlow" and "CreateEvaluationJob".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from guardedbedrock.bedrock.guardrail.location import OF_FLOW, GuardrailRef
from guardedbedrock.bedrock.operations.row import Indirect, Operation
from guardedbedrock.bedrock.parameters import Params, read_parameter
from guardedbedrock.bedrock.resources.resource_types import name_in
from guardedbedrock.iam.matching.arns import split

TargetKind: TypeAlias = Literal["agent-alias", "flow-alias", "no-model", "unverifiable"]

_COLLABORATORS: Final = "collaboratorConfigurations[].agentAliasArn"
_INLINE: Final = f"collaborators[].{_COLLABORATORS}"
_ALIAS_PARTS: Final = 3


@dataclass(frozen=True, slots=True)
class IndirectTarget:
    """
    Something that calls models inside AWS.

    Args:
        kind: ``agent-alias`` or ``flow-alias``, whose guardrails AWS reports; ``no-model`` if nothing that is known calls a
            model; ``unverifiable`` otherwise.
        description: A noun phrase that names it.
        owner: ID of the agent, or ID or ARN of the flow; ``""`` for the other kinds.
        alias: ID of the alias.
    """

    kind: TargetKind
    description: str
    owner: str = ""
    alias: str = ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """
    The guardrails of an agent alias or a flow alias, over all versions that the alias routes to.

    Args:
        guardrails: Identifier and version of the guardrail of each agent or node that calls a model.
        agents: The agent aliases that it calls in turn: collaborators and agent nodes.
    """

    guardrails: tuple[GuardrailRef, ...]
    agents: tuple[IndirectTarget, ...] = ()


def find_indirect(operation: Operation, params: Params) -> tuple[IndirectTarget, ...]:
    """List everything that calls models for a call without a guardrail location in the call."""
    find = _FINDERS.get(operation.indirect)
    return tuple(find(operation, params)) if find else ()


def agents_in(definition: Any) -> Iterator[IndirectTarget]:
    """Find the agent aliases in the agent nodes of a flow definition, also in loops."""
    nodes = definition.get("nodes") if isinstance(definition, Mapping) else None
    for node in nodes or ():
        configuration = node.get("configuration") or {}
        if configuration.get("agent") is not None:
            yield alias_of(configuration["agent"].get("agentAliasArn"))
        if configuration.get("loop") is not None:
            yield from agents_in(configuration["loop"].get("definition"))


def alias_of(arn: object) -> IndirectTarget:
    """Return the target of the ARN of an agent alias; it cannot be verified if it is not such an ARN."""
    parts = split(arn) if isinstance(arn, str) else None
    names = parts[5].split("/") if parts else []
    if len(names) != _ALIAS_PARTS or names[0] != "agent-alias":
        return IndirectTarget("unverifiable", "an agent that is not named by the ARN of an alias")
    return _agent(names[1], names[2])


def _agent(agent: str, alias: str) -> IndirectTarget:
    return IndirectTarget("agent-alias", f"agent {agent} with alias {alias}", agent, alias)


def _of_agent(_: Operation, params: Params) -> Iterable[IndirectTarget]:
    yield _agent(params["agentId"], params["agentAliasId"])


def _of_flow(_: Operation, params: Params) -> Iterable[IndirectTarget]:
    flow, alias = params["flowIdentifier"], name_in(params["flowAliasIdentifier"])
    yield IndirectTarget("flow-alias", f"flow {name_in(flow)} with alias {alias}", flow, alias)


def _of_definition(_: Operation, params: Params) -> Iterable[IndirectTarget]:
    agents = tuple(agents_in(params.get("definition")))
    yield from agents
    if not agents and not OF_FLOW.read_all(params):
        yield IndirectTarget("no-model", "a flow without a node that takes a guardrail")


def _of_collaborators(_: Operation, params: Params) -> Iterable[IndirectTarget]:
    own = read_parameter(params, _COLLABORATORS) or []
    inline = read_parameter(params, _INLINE) or []
    yield from (alias_of(arn) for arn in (*own, *(arn for arns in inline for arn in arns)))


def _of_evaluation(operation: Operation, params: Params) -> Iterable[IndirectTarget]:
    location = operation.location
    if read_parameter(params, "inferenceConfig.models[].bedrockModel"):
        yield IndirectTarget("unverifiable", "the evaluated models")
    elif location is not None and not location.read_all(params):
        yield IndirectTarget("unverifiable", "an evaluation without a generation that takes a guardrail")


def _unverifiable(operation: Operation, _: Params) -> Iterable[IndirectTarget]:
    yield IndirectTarget("unverifiable", f"{operation.name}, which calls models without a guardrail")


_FINDERS: Final[Mapping[Indirect, Callable[[Operation, Params], Iterable[IndirectTarget]]]] = {
    "agent-alias": _of_agent,
    "agent-list": _of_collaborators,
    "evaluation": _of_evaluation,
    "flow-alias": _of_flow,
    "flow-definition": _of_definition,
    "unverifiable": _unverifiable,
}
