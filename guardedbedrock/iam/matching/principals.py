"""
Identify the caller of a request, and match it against Principal and NotPrincipal.

Source: IAM User Guide, "AWS JSON policy elements: Principal" and "NotPrincipal".
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from functools import lru_cache
from typing import Final, Literal, NamedTuple, TypeAlias

from guardedbedrock.iam.matching.arns import split
from guardedbedrock.iam.matching.context import Truth

PrincipalKind: TypeAlias = Literal["user", "role", "assumed-role", "federated-user", "root", "service", "other"]


class Grant(IntEnum):
    """How directly a Principal element names a caller. The more direct, the fewer policies limit the grant."""

    NONE = 0
    ACCOUNT = 1
    """The element names the account: the caller's own policies must allow too."""
    PERHAPS = 2
    """
    Whether the element names the caller is unknown: it names a user, and the ARN of a federated session does not contain the
    user. A boundary and a session policy limit the grant.
    """
    ROLE = 3
    """The element names the role of a session: a boundary and a session policy limit the grant."""
    OPEN = 4
    """The element names everyone: a boundary does not limit the grant; for a session policy AWS documents no rule."""
    EXACT = 5
    """The element names this user or session: in the caller's account only an explicit deny and an SCP limit the grant."""
    UNDOCUMENTED = 6
    """NotPrincipal in a form for which AWS documents no rule. Whether it names the caller, and what limits it, is unknown."""


class Principal(NamedTuple):
    """
    A principal, parsed from its ARN.

    Args:
        arn: The ARN as given.
        kind: The type of the principal; ``other`` for a string that is not the ARN of a principal.
        account: Twelve digits, or ``""``.
        role_name: Name, without path, of the role or of the role behind a session; ``""`` for other principals.
    """

    arn: str
    kind: PrincipalKind
    account: str
    role_name: str = ""

    @property
    def is_service_linked(self) -> bool:
        """
        Whether this is a service-linked role, to which no SCP and no RCP applies.

        The path of a role shows it. The ARN of a session has no path, but the name of a service-linked role starts with
        ``AWSServiceRoleFor``; `is_service_linked_by` prefers the ARN of the role.
        """
        if self.kind == "role":
            return ":role/aws-service-role/" in self.arn
        return self.kind == "assumed-role" and self.role_name.startswith("AWSServiceRoleFor")

    def is_service_linked_by(self, role_arn: object) -> bool:
        """
        Return `is_service_linked` of the role of a session if the ARN of the role is known, otherwise of this principal.

        Args:
            role_arn: The value of ``aws:PrincipalArn`` as a string; anything else if it is not known.
        """
        role = identify(role_arn) if self.kind == "assumed-role" and isinstance(role_arn, str) else self
        return role.is_service_linked if role.kind == "role" else self.is_service_linked


_KINDS: Mapping[tuple[str, str], PrincipalKind] = {
    ("iam", "user"): "user",
    ("iam", "role"): "role",
    ("iam", "root"): "root",
    ("sts", "assumed-role"): "assumed-role",
    ("sts", "federated-user"): "federated-user",
}

KEYS_NOT_IN_THE_ARN: Final = (
    "aws:FederatedProvider",
    "aws:MultiFactorAuthAge",
    "aws:MultiFactorAuthPresent",
    "aws:PrincipalOrgID",
    "aws:PrincipalOrgPaths",
    "aws:ResourceOrgID",
    "aws:ResourceOrgPaths",
    "aws:SignInSessionArn",
    "aws:SourceIdentity",
    "aws:SourceIp",
    "aws:SourceVpc",
    "aws:SourceVpcArn",
    "aws:SourceVpce",
    "aws:TokenIssueTime",
    "aws:UserAgent",
    "aws:userid",
    "aws:VpceAccount",
    "aws:VpceOrgID",
    "aws:VpceOrgPaths",
    "aws:VpcSourceIp",
)
"""Condition keys of the network, the session and the organization, which the ARN of a principal does not show."""


@lru_cache(maxsize=1024)  # keyed by the ARN: a process has few principals, and each request names one
def identify(arn: str) -> Principal:
    """
    Parse the ARN of a principal, or the name of a service.

    >>> identify("arn:aws:sts::111122223333:assumed-role/App/session").role_name
    'App'
    """
    parts = split(arn)
    if parts is None:
        return Principal(arn, "service" if arn.endswith(".amazonaws.com") else "other", "")
    kind_name, _, rest = parts[5].partition("/")
    kind = _KINDS.get((parts[2], kind_name), "other")
    role = {"role": rest.rpartition("/")[2], "assumed-role": rest.partition("/")[0]}.get(kind, "")
    return Principal(arn, kind, parts[4], role)


def without_path(arn: str) -> str:
    """
    Return the ARN of a user, role or group without its path; of a session, the ARN of its role without a path.

    The name alone identifies each of them within an account.

    >>> without_path("arn:aws:iam::111122223333:role/team/App")
    'arn:aws:iam::111122223333:role/App'
    """
    head, _, rest = arn.rpartition(":")
    kind, *names = rest.split("/")
    if kind == "assumed-role" and names:
        return f"{head.replace(':sts:', ':iam:', 1)}:role/{names[0]}"
    return f"{head}:{kind}/{names[-1]}" if names else arn


def role_arn_patterns(session: Principal) -> tuple[str, ...]:
    """
    Return what is known of ``aws:PrincipalArn`` for a role session: patterns, of which the ARN of the role matches one.

    The ARN of a session has the name of the role, but not its path. AWS documents the path of service-linked roles and of the
    roles of IAM Identity Center; the Region in the latter may be missing.

    >>> role_arn_patterns(identify("arn:aws:sts::111122223333:assumed-role/App/session"))
    ('arn:aws:iam::111122223333:role/App', 'arn:aws:iam::111122223333:role/*/App')
    """
    partition = session.arn.split(":")[1]
    start, name = f"arn:{partition}:iam::{session.account}:role/", session.role_name
    if name.startswith("AWSServiceRoleFor"):
        return (f"{start}aws-service-role/*/{name}",)
    if name.startswith("AWSReservedSSO_"):
        path = f"{start}aws-reserved/sso.amazonaws.com/"
        return f"{path}{name}", f"{path}*/{name}"
    return f"{start}{name}", f"{start}*/{name}"


PrincipalElement: TypeAlias = tuple[tuple[str, str], ...]
"""
Pairs of a principal type (``AWS``, ``Service``, ``Federated``, ``CanonicalUser``) and one value.

``"Principal": "*"`` is ``(("AWS", "*"),)``.
"""


def grant(element: PrincipalElement, principal: Principal) -> Grant:
    """Return how directly an element names a principal."""
    return max((_grant_by(kind, value, principal) for kind, value in element), default=Grant.NONE)


def _grant_by(kind: str, value: str, principal: Principal) -> Grant:
    if kind == "Service":
        return Grant.EXACT if principal.kind == "service" and value in (principal.arn, "*") else Grant.NONE
    if kind != "AWS":
        return Grant.EXACT if principal.kind == "other" and value == principal.arn else Grant.NONE
    if value == "*":
        return Grant.OPEN
    if value == principal.arn:
        return Grant.ROLE if principal.kind == "role" else Grant.EXACT
    named = identify(value)
    if principal.account and _is_account(value, principal.account):
        return Grant.ACCOUNT
    if principal.kind == "assumed-role" and named.kind == "role":
        same = named.account == principal.account and named.role_name == principal.role_name
        return Grant.ROLE if same else Grant.NONE
    if principal.kind == "federated-user" and named.kind == "user" and named.account == principal.account:
        return Grant.PERHAPS
    return Grant.NONE


def excepted(element: PrincipalElement, principal: Principal) -> Truth:
    """
    Return whether NotPrincipal lists a caller, so that the statement does not apply to it.

    A user or role is excepted if the element lists its account and the user or role; a session if it also lists the session.
    The answer is None if the element lists only a part of these: AWS documents that a Deny "might" then apply. It is also None
    for a federated session whose user may be the listed one.
    """
    names = [value for kind, value in element if kind == "AWS"]
    if "*" in names:
        return True
    if not principal.account:
        return grant(element, principal) > Grant.ACCOUNT
    account = any(_is_account(name, principal.account) for name in names)
    if principal.kind == "root":
        return account
    listed = [principal.arn in names]
    if principal.kind == "assumed-role":
        listed.append(any(identify(name).kind == "role" and _grant_by("AWS", name, principal) is Grant.ROLE for name in names))
    if not any(listed):
        return None if grant(element, principal) is Grant.PERHAPS else False
    return True if account and all(listed) else None


def _is_account(name: str, account: str) -> bool:
    named = identify(name)
    return name == account or (named.kind == "root" and named.account == account)
