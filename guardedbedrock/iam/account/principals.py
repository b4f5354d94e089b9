"""The users and roles of an account, and the condition keys of their requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from guardedbedrock.iam.matching.patterns import compile_pattern
from guardedbedrock.iam.matching.principals import KEYS_NOT_IN_THE_ARN, identify, role_arn_patterns, without_path

UNKNOWN_KEYS: Final = (
    *KEYS_NOT_IN_THE_ARN,
    "aws:CurrentTime",
    "aws:EpochTime",
    "aws:RequestedRegion",
    "aws:ResourceAccount",
    "aws:ResourceTag/*",
    "aws:SecureTransport",
    "aws:ViaAWSService",
)
"""Keys that AWS derives from the network, the session, the time, the resource or the organization."""
_ANY_TAG: Final = "aws:PrincipalTag/*"
_TAG_SESSION: Final = "sts:tagsession"
_TYPES: Final = {"user": "User", "role": "AssumedRole", "root": "Account"}


@dataclass(frozen=True, slots=True)
class AccountPrincipal:
    """
    A user or a role of an account.

    Args:
        arn: Its ARN, path included.
        kind: ``user`` or ``role``.
        name: Its name without the path.
        id: Its unique ID, such as ``AROAEXAMPLE``.
        tags: Its tags.
        boundary: ARN of its permissions boundary, if it has one.
        groups: ARNs of the groups of a user.
        managed: ARNs of its attached managed policies.
        inline: Its inline policies by name.
        trust: Trust policy of a role.
        last_used: When a role was last used, ISO 8601; None if it was never used or is not known.
        missing: Names of groups of a user that the snapshot does not have.
    """

    arn: str
    kind: str
    name: str
    id: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    boundary: str | None = None
    groups: tuple[str, ...] = ()
    managed: tuple[str, ...] = ()
    inline: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)
    trust: Mapping[str, Any] | None = field(default=None, repr=False)
    last_used: str | None = None
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PrincipalKeys:
    """
    The condition keys of every request of a principal.

    Args:
        known: Keys with their values.
        partly_known: Keys of which a part of the value is known, with patterns.
        unknown: Keys whose value is not known, present or absent.
    """

    known: Mapping[str, object]
    partly_known: Mapping[str, tuple[str, ...]]
    unknown: tuple[str, ...]


def keys_of(principal: AccountPrincipal, organization: str, *, was_read: bool) -> PrincipalKeys:
    """
    Return the condition keys of every request of a principal.

    Args:
        principal: The principal.
        organization: ID of its organization; ``""`` if that is not known.
        was_read: Whether IAM returned the user or role itself, with its tags and its path.
    """
    identity = identify(principal.arn)
    known: dict[str, object] = {
        "aws:PrincipalAccount": identity.account,
        "aws:PrincipalIsAWSService": "false",
        "aws:PrincipalType": _TYPES[principal.kind],
    }
    partly_known: dict[str, tuple[str, ...]] = {}
    if organization:
        known["aws:PrincipalOrgID"] = organization
    if is_path_known(principal, was_read=was_read):
        known["aws:PrincipalArn"] = principal.arn
    else:
        partly_known["aws:PrincipalArn"] = role_arn_patterns(identity)
    if principal.kind == "role":
        partly_known["aws:userid"] = (f"{principal.id or '*'}:*",)
    elif principal.kind == "user":
        known["aws:username"] = principal.name
        if principal.id:
            known["aws:userid"] = principal.id
    if tags_are_certain(principal):
        known |= {f"aws:PrincipalTag/{key}": value for key, value in principal.tags.items()}
    # A user has no session tags, so a tag that IAM did not return is absent.
    unknown = UNKNOWN_KEYS if principal.kind == "user" and was_read else (*UNKNOWN_KEYS, _ANY_TAG)
    return PrincipalKeys(known, partly_known, unknown)


def is_path_known(principal: AccountPrincipal, *, was_read: bool) -> bool:
    """Return whether the ARN has the path of the principal. The ARN of a session, which may be all that is known, has none."""
    return was_read or principal.kind != "role" or principal.arn != without_path(principal.arn)


def tags_are_certain(principal: AccountPrincipal) -> bool:
    """Return whether the principal tags of a request are those of the user or role: session tags override those of a role."""
    if principal.kind != "role":
        return principal.kind == "user"
    statements = [] if principal.trust is None else principal.trust.get("Statement") or []
    allows = [one for one in (statements if isinstance(statements, list) else [statements]) if one.get("Effect") == "Allow"]
    return bool(allows) and not any(_may_tag(statement) for statement in allows)


def _may_tag(statement: Mapping[str, Any]) -> bool:
    """Return whether a statement of a trust policy may let a session have tags."""
    actions = statement.get("Action") or "*"
    patterns = [actions] if isinstance(actions, str) else actions
    return any(compile_pattern(pattern.lower())(_TAG_SESSION) for pattern in patterns)
