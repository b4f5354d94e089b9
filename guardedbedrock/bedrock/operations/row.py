"""The types of the table of operations: one `Operation` per row, with the IAM actions that it requires."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from guardedbedrock.bedrock.guardrail.location import GuardrailLocation

ReplyFormat: TypeAlias = Literal["converse", "converse-stream", "invoke", "invoke-stream", "apply", ""]
"""How a reply shows an intervention; ``""`` if it shows none."""

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
            parameter gives), ``model`` (everything that invoking a model is authorized on), ``base-model`` (the model alone),
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


@dataclass(frozen=True, slots=True)
class Operation:
    """
    One operation.

    Args:
        name: Name in the API, such as ``Converse``.
        service: The boto3 service name.
        required_actions: The IAM actions, in the order in which AWS evaluates them.
        inference: A model answers, so the call needs a guardrail.
        location: Where the operation carries its guardrail; None if it cannot carry one.
        reply: How the reply shows an intervention.
        tags: Parameters with tags, each with the type of the tagged resource: AWS also requires ``bedrock:TagResource`` on it.
        keys: Condition keys of Bedrock, each with the path of the parameter that gives its value.
        indirect_effects: What AWS does because of the call that the guard cannot see; ``""`` if nothing.
        is_known: The table contains the operation.
        path: HTTP method and path, such as ``POST /model/{modelId}/converse``; only the rows of ``bedrock-runtime`` have one.
    """

    name: str
    service: str
    required_actions: tuple[RequiredAction, ...]
    inference: bool = False
    location: GuardrailLocation | None = None
    reply: ReplyFormat = ""
    tags: tuple[tuple[str, str], ...] = ()
    keys: tuple[tuple[str, str], ...] = ()
    indirect_effects: str = ""
    is_known: bool = True
    path: str = ""

    @property
    def streams(self) -> bool:
        """Whether the reply is an event stream."""
        return self.reply.endswith("-stream")
