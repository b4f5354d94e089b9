"""
Check the form of the actions, resources and principals of a statement.

Source: IAM User Guide, "IAM JSON policy elements: Action", "IAM JSON policy elements: Resource" and "AWS JSON policy elements:
Principal"; for incomplete ARNs and unique IDs "IAM identifiers".
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from guardedbedrock.iam.matching.arns import is_incomplete

COMPLETED_IN: Final = frozenset({"identity", "boundary"})
"""Policy types in which AWS completes an ARN that has fewer than six parts with ``*``; session policies must not have one."""

_INCOMPLETE: Final = (
    "`{}` is not a complete ARN; write all of `arn:partition:service:region:account:resource` (AWS completes an ARN only in "
    "identity-based policies)"
)

_SERVICE_WILDCARD: Final = "`{}` has a wildcard in the service; write the name of one service, such as `bedrock`, or `*` alone"
_EVERY_ACTION: Final = ("*", "*:*")
"""Every action of every service. AWS documents the first form; whether it accepts the second one is unknown."""

_NAME: Final = r"[A-Za-z0-9_+=,.@-]+"
_PRINCIPAL_FORMS: Final = (
    r"[0-9]{12}",
    rf"arn:[a-z0-9-]+:iam::[0-9]{{12}}:(?:root|(?:user|role)/(?:[!-~]+/)?{_NAME})",
    rf"arn:[a-z0-9-]+:sts::[0-9]{{12}}:(?:assumed-role/{_NAME}/{_NAME}|federated-user/{_NAME})",
    r"arn:[a-z0-9-]+:iam::cloudfront:user/CloudFront Origin Access Identity [A-Z0-9]+",
    rf"(?:AIDA|AROA)[A-Z0-9]+(?::{_NAME})?",  # AWS replaces the ARN of a user or role that was deleted with its unique ID
)
_PRINCIPAL: Final = re.compile("|".join(_PRINCIPAL_FORMS))


@lru_cache(maxsize=4096)  # keyed by the pattern: policies of an organization repeat their actions
def check_action(text: str) -> str | None:
    """Return what is wrong with a pattern of Action or NotAction, None if it is valid."""
    service, _, name = text.partition(":")
    if any(character.isspace() for character in text):
        return f"`{text}` contains white space; remove it"
    if text in _EVERY_ACTION:
        return None
    if not service or not name or ":" in name:
        return f"`{text}` is not an action; write `service:Action` or `*`"
    return _SERVICE_WILDCARD.format(text) if _has_wildcard(service) else None


@lru_cache(maxsize=4096)  # keyed by the pattern: policies of an organization repeat their resources
def check_resource(text: str) -> str | None:
    """Return what is wrong with a pattern of Resource or NotResource, None if it is valid in every policy type."""
    if text == "*":
        return None
    if text.startswith("arn:"):
        return _INCOMPLETE.format(text) if is_incomplete(text) else _check_service(text)
    return f"`{text}` is not an ARN; write `arn:partition:service:region:account:resource` or `*`"


@lru_cache(maxsize=4096)  # keyed by the pattern, for the same reason
def check_completed_resource(text: str) -> str | None:
    """Return what is wrong with a pattern of Resource or NotResource where AWS completes incomplete ARNs, None if it is valid."""
    return _check_service(text) if text.startswith("arn:") else check_resource(text)


def _check_service(arn: str) -> str | None:
    service = arn.split(":")[2:3]
    return _SERVICE_WILDCARD.format(arn) if service and _has_wildcard(service[0]) else None


def _has_wildcard(text: str) -> bool:
    return "*" in text or "?" in text


@lru_cache(maxsize=4096)  # keyed by the principal, for the same reason
def check_principal(text: str) -> str | None:
    """Return what is wrong with a value of ``AWS`` in Principal or NotPrincipal, None if it is valid."""
    if text == "*" or _PRINCIPAL.fullmatch(text):
        return None
    if _has_wildcard(text):
        return f"`{text}` has a wildcard; Principal matches whole names only: write `*`, and test `aws:PrincipalArn` in Condition"
    return f"`{text}` is not a principal; write `*`, an account ID of 12 digits, or the ARN of an account, user, role or session"
