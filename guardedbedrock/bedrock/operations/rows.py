"""What one row of the table says of an operation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from guardedbedrock.bedrock.guardrail.location import GuardrailLocation

Reply: TypeAlias = Literal["converse", "converse-stream", "invoke", "invoke-stream", "apply", ""]
"""Where a reply shows an intervention; ``""`` where it shows none."""

When: TypeAlias = Literal["always", "given", "either", "perhaps"]
"""
When an action is asked: always; where the parameters name its resource; on what they name or on ``*``, nobody knows which, and on
``*`` where they name nothing; or perhaps at all, where AWS does not document it: then a denial of it leaves the verdict open.
"""


@dataclass(frozen=True, slots=True)
class Ask:
    """
    One action that an operation asks.

    Args:
        action: Without the prefix ``bedrock:``, or with another service's.
        on: A resource type of `RESOURCE_TYPES`, or ``any`` (the resource is ``*``), ``arn`` (whatever the parameter names),
            ``model`` (all that invoking it is authorized on), ``base-model`` (the model alone) or ``role``.
        named: Paths of the parameters that name the resource, ``a.b`` and ``a[].b``; of types whose name has several parts, such
            as ``flow-alias``, one for each part.
        when: See `When`.
        loose: The parameter takes a name too, from which the ARN does not follow.
        own_guardrail: Whether the guardrail that the call names is the one of this question; else nobody outside knows which
            model calls have one.
    """

    action: str
    on: str = "any"
    named: tuple[str, ...] = ()
    when: When = "always"
    loose: bool = False
    own_guardrail: bool = True

    @property
    def full(self) -> str:
        """The action with its prefix."""
        return self.action if ":" in self.action else f"bedrock:{self.action}"


@dataclass(frozen=True, slots=True)
class Operation:
    """
    One operation.

    Args:
        name: As the API spells it.
        service: The boto3 service.
        asks: What it asks of IAM, in the order in which AWS asks.
        inference: A model answers, so a guardrail has to be there.
        place: Where a guardrail sits; None when the operation has no place for one.
        reply: Where the reply shows an intervention.
        tags: Parameters that may carry tags, each with the resource type that they are put on: asked as
            ``bedrock:TagResource`` too.
        keys: Condition key of Bedrock to the path of the parameter that gives its value.
        beyond: What happens out of this guard's sight; ``""`` where nothing does.
        listed: Whether the table has it.
        path: HTTP method and path, such as ``POST /model/{modelId}/converse``; only the rows of ``bedrock-runtime`` have one.
    """

    name: str
    service: str
    asks: tuple[Ask, ...]
    inference: bool = False
    place: GuardrailLocation | None = None
    reply: Reply = ""
    tags: tuple[tuple[str, str], ...] = ()
    keys: tuple[tuple[str, str], ...] = ()
    indirect_effects: str = ""
    listed: bool = True
    path: str = ""

    @property
    def streams(self) -> bool:
        """Whether the reply is an event stream."""
        return self.reply.endswith("-stream")
