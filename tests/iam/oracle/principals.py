"""Principals: the caller, and how closely Principal and NotPrincipal name it."""

from __future__ import annotations

from dataclasses import dataclass

from iam.oracle.conditions import Json, listed
from iam.oracle.logic import Truth
from iam.oracle.wildcards import SEGMENTS

NOBODY, ACCOUNT, PERHAPS, ROLE, EVERYONE, HERSELF, UNDOCUMENTED = range(7)
"""How closely a Principal element names the caller."""


@dataclass(frozen=True)
class Who:
    """A caller, or whom a principal element names."""

    arn: str
    account: str = ""
    kind: str = ""
    name: str = ""

    @property
    def is_service_linked(self) -> bool:
        """Whether it is a service-linked role."""
        path = self.arn.split(":", 5)[-1].split("/")
        if self.kind == "role":
            return path[:2] == ["role", "aws-service-role"]
        return self.kind == "assumed-role" and self.name.startswith("AWSServiceRoleFor")


def who(arn: str) -> Who:
    """Read a principal."""
    parts = arn.split(":", 5)
    if len(parts) < SEGMENTS:
        return Who(arn, kind="service" if arn.endswith(".amazonaws.com") else "")
    kind, *path = parts[5].split("/")
    return Who(arn, parts[4], kind, path[0] if kind == "assumed-role" else path[-1] if path else "")


def named(element: Json, caller: Who) -> int:
    """Return how closely an element names the caller."""
    return max((naming(kind, name, caller) for kind, name in pairs(element)), default=NOBODY)


def pairs(element: Json) -> list[tuple[str, str]]:
    """List the names of an element, each with its kind."""
    if element == "*":
        return [("AWS", "*")]
    return [(kind, name) for kind, names in element.items() for name in listed(names)]


def naming(kind: str, name: str, caller: Who) -> int:
    """Return how closely one name of an element names the caller."""
    if kind == "Service":
        return HERSELF if caller.kind == "service" and name in ("*", caller.arn) else NOBODY
    if kind != "AWS":
        return NOBODY
    if name == "*":
        return EVERYONE
    if name == caller.arn:
        return ROLE if caller.kind == "role" else HERSELF
    other = who(name)
    if caller.account and name in (caller.account, f"arn:aws:iam::{caller.account}:root"):
        return ACCOUNT
    if other.account != caller.account:
        return NOBODY
    if (other.kind, caller.kind) == ("role", "assumed-role"):
        return ROLE if other.name == caller.name else NOBODY
    return PERHAPS if (other.kind, caller.kind) == ("user", "federated-user") else NOBODY


def degree(statement: Json, caller: Who, *, bounded: bool = False) -> int:
    """Return how closely a statement names the caller; a Deny with NotPrincipal applies to every bounded caller."""
    if bounded and statement["Effect"] == "Deny" and caller.kind in ("user", "role", "assumed-role"):
        return named(statement["Principal"], caller) if "Principal" in statement else EVERYONE
    if "Principal" in statement:
        return named(statement["Principal"], caller)
    if "NotPrincipal" not in statement:
        return EVERYONE
    spared = left_out(statement["NotPrincipal"], caller)
    if spared:
        return NOBODY
    return UNDOCUMENTED if spared is None or statement["Effect"] == "Allow" else EVERYONE


def left_out(element: Json, caller: Who) -> Truth:
    """Return whether NotPrincipal lists the caller with its account and, for a session, its role; a part is undocumented."""
    names = [name for kind, name in pairs(element) if kind == "AWS"]
    if "*" in names:
        return True
    if not caller.account:
        return named(element, caller) > ACCOUNT
    listed = {naming("AWS", name, caller) for name in names}
    if caller.kind == "root":
        return caller.arn in names or caller.account in names
    needed = {ACCOUNT, {"role": ROLE}.get(caller.kind, HERSELF)} | ({ROLE} if caller.kind == "assumed-role" else set())
    if needed <= listed:
        return True
    return None if listed & (needed - {ACCOUNT} | {PERHAPS}) else False
