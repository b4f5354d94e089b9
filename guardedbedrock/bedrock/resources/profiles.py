"""
Destination Regions of system-defined profiles, which no request contains.

For a profile that is not in the table the result is None, never a guess from the prefix: the Regions differ by model and by
source Region.
Source: Bedrock User Guide, "Supported Regions and models for inference profiles", "Models at a glance" and "Supported Regions for
cross-Region guardrail inference".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from guardedbedrock.bedrock.resources.profile_data import GROUPS, GUARDRAIL_PROFILES, ProfileRoutes

_INFERENCE_PROFILES: Final[Mapping[str, ProfileRoutes]] = {
    profile: group.routes for group in GROUPS for profile in group.profiles
}
_NO_ROUTES: Final[ProfileRoutes] = {}


def destinations(profile: str, source: str) -> tuple[str, ...] | None:
    """
    Return the Regions that an inference profile routes to, sorted; None if unknown.

    >>> destinations("jp.anthropic.claude-sonnet-4-6", "ap-northeast-1")
    ('ap-northeast-1', 'ap-northeast-3')

    Args:
        profile: ID of a system-defined profile, not its ARN.
        source: Region of the client; it need not be a destination.
    """
    return _INFERENCE_PROFILES.get(profile, _NO_ROUTES).get(source)


def guardrail_destinations(profile: str, source: str) -> tuple[str, ...] | None:
    """
    Return the Regions that a guardrail profile routes to, sorted; None if unknown.

    >>> guardrail_destinations("us.guardrail.v1:0", "us-east-1")
    ('us-east-1', 'us-east-2', 'us-west-2')

    Args:
        profile: ID of a system-defined guardrail profile, not its ARN.
        source: Region of the guardrail.
    """
    return GUARDRAIL_PROFILES.get(profile, _NO_ROUTES).get(source)
