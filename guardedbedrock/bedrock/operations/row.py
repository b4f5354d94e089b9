"""The types of the table of operations: one `Operation` per row, with the IAM actions that it requires."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from guardedbedrock.bedrock.guardrail.location import GuardrailLocation, GuardrailRef
from guardedbedrock.bedrock.parameters import Params, read_parameter

ReplyFormat: TypeAlias = Literal[
    "converse",
    "converse-stream",
    "invoke",
    "invoke-stream",
    "chat",
    "chat-stream",
    "apply",
    "action",
    "generate-stream",
    "agent-stream",
    "agentic-stream",
    "",
]
"""How a reply shows an intervention; ``""`` if it shows none."""

Indirect: TypeAlias = Literal["agent-alias", "flow-alias", "flow-definition", "agent-list", "evaluation", "unverifiable", ""]
"""
How a call makes AWS call models where the call itself has no guardrail location:

- ``agent-alias``: through the agent alias that it names;
- ``flow-alias``: through the flow alias that it names;
- ``flow-definition``: through agent nodes of the definition, or the definition has no node that takes a guardrail;
- ``agent-list``: through agent aliases that it names as collaborators;
- ``evaluation``: through the models that it evaluates;
- ``unverifiable``: through models that AWS chooses, or that take no guardrail there;
- ``""``: not at all.
"""

_MODEL_ID: Final = ("modelId",)
_TAGS: Final = ("tags", "tagKeys")
"""Parameters that set condition keys of tags in every operation."""
_END_OF_MEMBER: Final = re.compile(r"[.\[]")
"""Where the first member of a path ends."""

When: TypeAlias = Literal["always", "if-named", "either", "undocumented"]
"""
When AWS requires an action:

- ``always``;
- ``if-named``: only if the parameters name a resource;
- ``either``: on the named resource or on ``*``; AWS does not document which. On ``*`` if the parameters name nothing;
- ``undocumented``: AWS does not document whether it requires the action, so a denial leaves the verdict ``indeterminate``.
"""


@dataclass(frozen=True, slots=True)
class RequiredAction:
    """
    One IAM action that an operation requires.

    Args:
        action: The action without the prefix ``bedrock:``, or with the prefix of another service.
        resource_type: A resource type of `RESOURCE_TYPES`, or one of ``any`` (the resource is ``*``), ``arn`` (the ARN that the
            parameter has), ``model`` (everything that invoking a model is authorized on), ``base-model`` (the model alone),
            ``role``, ``unknown`` (this version does not know the resource type).
        parameters: Paths of the parameters that name the resource, such as ``a.b`` and ``a[].b``. A type whose name has several
            parts, such as ``flow-alias``, has one path for each part.
        when: See `When`.
        accepts_names: The parameter also accepts a name, from which the ARN does not follow.
        carries_guardrail: The authorization carries the guardrail that the call names. Otherwise AWS does not document which of
            the model calls carry it.
    """

    action: str
    resource_type: str = "any"
    parameters: tuple[str, ...] = ()
    when: When = "always"
    accepts_names: bool = False
    carries_guardrail: bool = True

    @property
    def iam_action(self) -> str:
        """The action with its service prefix."""
        return self.action if ":" in self.action else f"bedrock:{self.action}"


def pass_role(path: str) -> RequiredAction:
    """Require passing the role that a parameter names."""
    return RequiredAction("iam:PassRole", "role", (path,), when="if-named")


@dataclass(frozen=True, slots=True)
class Operation:
    """
    One operation.

    Args:
        name: Name in the API, such as ``Converse``.
        service: The boto3 service name.
        required_actions: The IAM actions, in the order in which AWS evaluates them.
        inference: The call needs a guardrail, which runs for the caller: ``bedrock:ApplyGuardrail`` is checked on it.
        configures_inference: The call creates or changes something that calls models later, such as an agent or a job. It needs
            a guardrail, which a service role applies: the caller needs no ``bedrock:ApplyGuardrail``.
        location: Where the operation carries its guardrail; None if it cannot carry one.
        reply: How the reply shows an intervention.
        tags: Parameters with tags, each with the type of the tagged resource: AWS also requires ``bedrock:TagResource`` on it.
        keys: Condition keys of Bedrock, each with the path of the parameter that contains its value.
        indirect_effects: What AWS does because of the call that the guard cannot see; ``""`` if nothing.
        effects_of: Further indirect effects, each with the path of the parameter that causes it.
        indirect: See `Indirect`.
        is_known: The table contains the operation.
        path: HTTP method and path, such as ``POST /model/{modelId}/converse``. Rows of ``bedrock-runtime`` have one, and rows of
            other services that call models; `data_automation` has no paths.

    Attributes:
        has_indirect_effects: Whether a call can have indirect effects.
        needs_guardrail: Whether the guard sends the call only with an approved guardrail.
        streams: Whether the reply is an event stream.
        names_model_in_body: Whether the model is in the body of the request, and not in its path.
        identifier_paths: Paths of the parameters that name the resources of the required actions.
        evaluated_paths: Paths of all parameters that the policies are evaluated for, each after its member at the top level.
    """

    name: str
    service: str
    required_actions: tuple[RequiredAction, ...]
    inference: bool = False
    configures_inference: bool = False
    location: GuardrailLocation | None = None
    reply: ReplyFormat = ""
    tags: tuple[tuple[str, str], ...] = ()
    keys: tuple[tuple[str, str], ...] = ()
    indirect_effects: str = ""
    effects_of: tuple[tuple[str, str], ...] = ()
    indirect: Indirect = ""
    is_known: bool = True
    path: str = ""
    has_indirect_effects: bool = field(init=False, repr=False, compare=False)
    needs_guardrail: bool = field(init=False, repr=False, compare=False)
    streams: bool = field(init=False, repr=False, compare=False)
    names_model_in_body: bool = field(init=False, repr=False, compare=False)
    _model_paths: tuple[str, ...] = field(init=False, repr=False, compare=False)
    identifier_paths: frozenset[str] = field(init=False, repr=False, compare=False)
    evaluated_paths: tuple[tuple[str, str], ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        models = self.location.models if self.location and self.location.models else _MODEL_ID
        identifiers = frozenset(path for action in self.required_actions for path in action.parameters)
        context = (*(path for _, path in self.keys), *(path for path, _ in self.tags), *_TAGS)
        paths = tuple(sorted({*identifiers, *context}))
        object.__setattr__(self, "identifier_paths", identifiers)
        object.__setattr__(self, "evaluated_paths", tuple((_END_OF_MEMBER.split(path)[0], path) for path in paths))
        object.__setattr__(self, "has_indirect_effects", bool(self.indirect or self.indirect_effects or self.effects_of))
        object.__setattr__(self, "needs_guardrail", self.inference or self.configures_inference)
        object.__setattr__(self, "streams", self.reply.endswith("-stream"))
        in_body = "modelId" in identifiers and bool(self.path) and "{modelId}" not in self.path
        object.__setattr__(self, "names_model_in_body", in_body)
        object.__setattr__(self, "_model_paths", tuple(path.replace("?", "") for path in models if "[]" not in path))

    def model(self, params: Params) -> str | None:
        """Read the model that the parameters name, if they name one for the whole call."""
        for path in self._model_paths:
            model: str | None = read_parameter(params, path)
            if model is not None:
                return model
        return None

    def guardrail_refs(self, params: Params) -> tuple[GuardrailRef, ...]:
        """Read the guardrail of every structure that can hold one; none if the operation has no guardrail location."""
        return () if self.location is None else self.location.read_all(params)

    def evaluated(self, params: Params) -> dict[str, Any]:
        """
        Read the parameters that the policies are evaluated for, by their paths.

        They name the resources of the required actions, such as the model, or set condition keys and tags.
        """
        return {path: read_parameter(params, path) for member, path in self.evaluated_paths if params.get(member) is not None}

    def effects(self, params: Params) -> Iterator[str]:
        """Yield the indirect effects of a call."""
        if self.indirect_effects:
            yield self.indirect_effects
        yield from (effect for path, effect in self.effects_of if read_parameter(params, path) is not None)
