"""Known facts about the resources that calls name: tags, resolved models, enforced guardrails, guardrail profiles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from guardedbedrock.bedrock.guardrail.guardrail import Guardrail

Tags = Mapping[str, Mapping[str, str]]
"""Guardrail ARN to resource tags; the tags of an ARN that is not here are unknown."""

ResolvedModels = Mapping[str, tuple[str, ...]]
"""Identifier of an inference profile, prompt router, prompt or provisioned model to its models, as IDs or ARNs."""

GuardrailOnProfiles: TypeAlias = Literal["unknown", "present", "absent"]
"""Whether AWS sets ``bedrock:GuardrailIdentifier`` on the authorization of an inference profile, which it does not document."""


def models_of(identifier: str, resolved_models: ResolvedModels) -> tuple[str, ...] | None:
    """Return the known models of a profile, router, prompt or provisioned model, by its ARN or by the ID in it."""
    return resolved_models.get(identifier) or resolved_models.get(identifier.rpartition("/")[2])


@dataclass(frozen=True, slots=True)
class Inventory:
    """
    Known facts about an account's resources, from the configuration or from AWS.

    Args:
        tags: Resource tags of guardrails, by ARN. They may change while a fake serves them.
        resolved_models: Identifier of an inference profile, prompt router, prompt or provisioned model (as calls name it, or its
            ARN) to its models (IDs or ARNs). Identifiers that are not here are resolved as AWS documents, or are unknown.
        enforced: Guardrails that the account or the organization enforces in their region: on the models of an
            `EnforcedGuardrail`; on every model that takes a guardrail otherwise.
        profiles: ARN of a guardrail to the ID or ARN of the guardrail profile that it uses across regions.
        guardrail_on_profiles: Whether AWS sets the guardrail key on the authorization of an inference profile, as the user has
            tested.
    """

    tags: Tags = field(default_factory=dict)
    resolved_models: ResolvedModels = field(default_factory=dict)
    enforced: tuple[Guardrail, ...] = ()
    profiles: Mapping[str, str] = field(default_factory=dict)
    guardrail_on_profiles: GuardrailOnProfiles = "unknown"


NOTHING_KNOWN = Inventory()
