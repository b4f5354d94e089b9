"""
Who asks, and what a Principal element says of them.

Source: IAM User Guide, "AWS JSON policy elements: Principal" and "NotPrincipal".
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from functools import lru_cache
from typing import Literal, NamedTuple, TypeAlias

from guardedbedrock.iam.engine.context import Truth
from guardedbedrock.iam.matching.arns import split

PrincipalKind: TypeAlias = Literal["user", "role", "assumed-role", "federated-user", "root", "service", "other"]


class Grant(IntEnum):
    """How closely a Principal element names a caller; the closer, the less can limit the grant."""

    NONE = 0
    ACCOUNT = 1
    """The account: a delegation, the caller's own policies must still allow."""
    PERHAPS = 2
    """A user, and the caller is a federated session: whose, its ARN does not tell. A boundary and a session policy limit."""
    ROLE = 3
    """The role of a session: a boundary and a session policy still limit."""
    OPEN = 4
    """Everyone: a boundary does not limit; whether a session policy does is not documented."""
    EXACT = 5
    """This very user or session: nothing of the caller's own account limits but an explicit deny and an SCP."""


class Principal(NamedTuple):
    """
    A principal, read from its ARN.

    Args:
        arn: As given.
        kind: What it is; ``other`` for a text that is no ARN of a principal.
        account: Twelve digits, or ``""``.
        role_name: Name of the role behind a session or of the role itself, without path; ``""`` for others.
    """

    arn: str
    kind: PrincipalKind
    account: str
    role_name: str = ""

    @property
    def is_service_linked(self) -> bool:
        """Tell a service-linked role, to which no SCP applies, by its path or name."""
        return ":role/aws-service-role/" in self.arn or self.role_name.startswith("AWSServiceRoleFor")


_KINDS: Mapping[tuple[str, str], PrincipalKind] = {
    ("iam", "user"): "user",
    ("iam", "role"): "role",
    ("iam", "root"): "root",
    ("sts", "assumed-role"): "assumed-role",
    ("sts", "federated-user"): "federated-user",
}


@lru_cache(maxsize=1024)
def identify(arn: str) -> Principal:
    """
    Read a principal's ARN.

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


PrincipalElement: TypeAlias = tuple[tuple[str, str], ...]
"""Pairs of a principal type (``AWS``, ``Service``, ``Federated``, ``CanonicalUser``) and one value; ``"*"`` is ``("AWS",
"*")``."""


def grant(element: PrincipalElement, principal: Principal) -> Grant:
    """Say how closely an element names a principal."""
    return max((_named(kind, value, principal) for kind, value in element), default=Grant.NONE)


def _named(kind: str, value: str, principal: Principal) -> Grant:
    if kind == "Service":
        return Grant.EXACT if principal.kind == "service" and value in (principal.arn, "*") else Grant.NONE
    if kind != "AWS":
        return Grant.EXACT if principal.kind == "other" and value == principal.arn else Grant.NONE
    if value == "*":
        return Grant.OPEN
    if value == principal.arn:
        return Grant.ROLE if principal.kind == "role" else Grant.EXACT
    named = identify(value)
    if principal.account and (value == principal.account or (named.kind == "root" and named.account == principal.account)):
        return Grant.ACCOUNT
    if principal.kind == "assumed-role" and named.kind == "role":
        same = named.account == principal.account and named.role_name == principal.role_name
        return Grant.ROLE if same else Grant.NONE
    if principal.kind == "federated-user" and named.kind == "user" and named.account == principal.account:
        return Grant.PERHAPS
    return Grant.NONE


def excepted(element: PrincipalElement, principal: Principal) -> Truth:
    """
    Say whether NotPrincipal leaves a caller out; None of a federated session whose user may be the one it names.

    A role session is left out only where the element lists its account, its role and the session itself.
    """
    names = [value for kind, value in element if kind == "AWS"]
    if "*" in names:
        return True
    if principal.kind != "assumed-role":
        closest = grant(element, principal)
        return None if closest is Grant.PERHAPS else closest > Grant.ACCOUNT
    account = any(grant((("AWS", name),), principal) is Grant.ACCOUNT for name in names)
    role = any(identify(name).kind == "role" and grant((("AWS", name),), principal) is Grant.ROLE for name in names)
    return account and role and principal.arn in names
