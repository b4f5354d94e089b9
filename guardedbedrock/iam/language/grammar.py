"""
Check the form of the actions and resources of a statement.

Source: IAM User Guide, "IAM JSON policy elements: Action" and "IAM JSON policy elements: Resource".
"""

from __future__ import annotations

from functools import lru_cache

from guardedbedrock.iam.matching.arns import PARTS


@lru_cache(maxsize=4096)
def check_action(text: str) -> str | None:
    """Return what is wrong with a pattern of Action or NotAction, None if it is valid."""
    service, _, name = text.partition(":")
    if (service and name and ":" not in name) or text == "*":
        return None
    return f"`{text}` is not an action; write `service:Action` or `*`"


@lru_cache(maxsize=4096)
def check_resource(text: str) -> str | None:
    """Return what is wrong with a pattern of Resource or NotResource, None if it is valid."""
    short = text.count(":") < len(PARTS) - 1 and not text.endswith("*")
    if (text.startswith("arn:") and not short) or text == "*":
        return None
    return f"`{text}` is not an ARN; write `arn:partition:service:region:account:resource` or `*`"
