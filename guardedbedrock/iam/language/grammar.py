"""
Check the form of the actions and resources of a statement.

Source: IAM User Guide, "IAM JSON policy elements: Action" and "IAM JSON policy elements: Resource"; for incomplete ARNs "IAM
identifiers".
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from guardedbedrock.iam.matching.arns import is_incomplete

COMPLETED_IN: Final = frozenset({"identity", "boundary"})
"""Policy types in which AWS completes an ARN that has fewer than six parts with ``*``; session policies must not have one."""

_INCOMPLETE: Final = (
    "`{}` is not a complete ARN; write all of `arn:partition:service:region:account:resource` (AWS completes an ARN only in "
    "identity-based policies)"
)


@lru_cache(maxsize=4096)  # keyed by the pattern: policies of an organization repeat their actions
def check_action(text: str) -> str | None:
    """Return what is wrong with a pattern of Action or NotAction, None if it is valid."""
    service, _, name = text.partition(":")
    if any(character.isspace() for character in text):
        return f"`{text}` contains white space; remove it"
    if (service and name and ":" not in name) or text == "*":
        return None
    return f"`{text}` is not an action; write `service:Action` or `*`"


@lru_cache(maxsize=4096)  # keyed by the pattern: policies of an organization repeat their resources
def check_resource(text: str) -> str | None:
    """Return what is wrong with a pattern of Resource or NotResource, None if it is valid in every policy type."""
    if text == "*":
        return None
    if text.startswith("arn:"):
        return _INCOMPLETE.format(text) if is_incomplete(text) else None
    return f"`{text}` is not an ARN; write `arn:partition:service:region:account:resource` or `*`"


@lru_cache(maxsize=4096)  # keyed by the pattern, for the same reason
def check_completed_resource(text: str) -> str | None:
    """Return what is wrong with a pattern of Resource or NotResource where AWS completes incomplete ARNs, None if it is valid."""
    return None if text.startswith("arn:") else check_resource(text)
