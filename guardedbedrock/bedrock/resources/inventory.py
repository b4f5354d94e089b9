"""What is known of the resources that calls name: tags, models behind a profile, guardrails that are enforced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from guardedbedrock.bedrock.guardrail.approved import Guardrail

Tags = Mapping[str, Mapping[str, str]]
"""Guardrail ARN to its resource tags; an ARN that is not here has tags that nobody fetched."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """
    What is known of an account's resources, from the configuration or from AWS.

    Args:
        tags: Resource tags of guardrails, by ARN; they may change while a fake serves them.
        resolved_models: Identifier of an inference profile, prompt router, prompt or provisioned model, as calls name it or as
            its ARN, to the IDs or ARNs of its models. For an identifier that is missing, AWS's documentation decides, if it can.
        enforced: Guardrails that the account or the organization puts on every model call of their region.
        profiles: ARN of a guardrail to the ID or ARN of the guardrail profile that it uses across regions.
    """

    tags: Tags = field(default_factory=dict)
    resolved_models: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    enforced: tuple[Guardrail, ...] = ()
    profiles: Mapping[str, str] = field(default_factory=dict)


NOTHING_KNOWN = Inventory()
