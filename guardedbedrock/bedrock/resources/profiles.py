"""
Where a profile of the service routes to: the destination Regions behind its ID, which no request tells.

What is not in the table is None, never a guess from the prefix: the Regions differ from model to model and from source to source.
Source: Bedrock User Guide, "Supported Regions and models for inference profiles", "Models at a glance" and "Supported Regions for
cross-Region guardrail inference".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from guardedbedrock.bedrock.resources.profile_data import GROUPS, GUARDRAIL_PROFILES, Routes

_INFERENCE_PROFILES: Final[Mapping[str, Routes]] = {profile: group.routes for group in GROUPS for profile in group.profiles}
_NOWHERE: Final[Routes] = {}


def destinations(profile: str, source: str) -> tuple[str, ...] | None:
    """
    Name the Regions that an inference profile routes to, sorted; None where that is not known.

    >>> destinations("jp.anthropic.claude-sonnet-4-6", "ap-northeast-1")
    ('ap-northeast-1', 'ap-northeast-3')

    Args:
        profile: ID of a system-defined profile, not its ARN.
        source: Region that is called; it need not be among the destinations.
    """
    return _INFERENCE_PROFILES.get(profile, _NOWHERE).get(source)


def guardrail_destinations(profile: str, source: str) -> tuple[str, ...] | None:
    """
    Name the Regions that a guardrail profile routes to, sorted; None where that is not known.

    >>> guardrail_destinations("us.guardrail.v1:0", "us-east-1")
    ('us-east-1', 'us-east-2', 'us-west-2')

    Args:
        profile: ID of a system-defined guardrail profile, not its ARN.
        source: Region of the guardrail.
    """
    return GUARDRAIL_PROFILES.get(profile, _NOWHERE).get(source)
