"""Whole policy sets: what must allow, what may deny, and who is named for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from iam.oracle.conditions import Json, conditions_hold, listed
from iam.oracle.logic import Truth, every, some
from iam.oracle.principals import ACCOUNT, EVERYONE, HERSELF, NOBODY, PERHAPS, ROLE, UNDOCUMENTED, Who, degree, who
from iam.oracle.questions import Asked, asked
from iam.oracle.resources import covers_action, covers_resource
from iam.oracle.wildcards import SEGMENTS

from guardedbedrock import iam

Policies: TypeAlias = Mapping[str, Json]

NAMED_FIRST: Final = ("rcp", "scp", "endpoint", "resource", "identity", "boundary", "session")
WITH_RCPS: Final = ("s3", "kms", "sts")
"""The services of the tested requests to which RCPs apply."""
NEEDS_NOTHING: Final = ("sts:getcalleridentity", "sts:getsessiontoken", "sts:getaccesskeyinfo")
"""Actions that identity-based policies cannot deny."""
NOT_FOR_SERVICE_LINKED_ROLES: Final = ("scp", "rcp")


@dataclass(frozen=True)
class Verdict:
    """The oracle's decision on a request, with the Sids of the determining statements."""

    outcome: str
    policy_type: str | None
    sids: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Placed:
    """A raw statement, the type of its policy, the group with which it is joined, and whether the caller has a boundary."""

    policy_type: str
    group: int
    raw: Json
    variables: bool
    bounded: bool

    def applies(self, question: Asked) -> Truth:
        """Return whether the statement applies to a request."""
        if not covers_action(self.raw, question.request.action):
            return False
        question = replace(question, variables=self.variables)
        closeness = degree(self.raw, who(question.request.principal), bounded=self.bounded)
        return every(
            (
                None if closeness in (PERHAPS, UNDOCUMENTED) else closeness != NOBODY,
                covers_resource(self.raw, question),
                conditions_hold(self.raw.get("Condition", {}), question),
            )
        )


def groups_of(policies: Policies) -> Iterator[tuple[str, list[Json]]]:
    """List the groups of documents in play: each policy type, and each level of the organization."""
    for policy_type in NAMED_FIRST:
        given = policies.get(policy_type)
        if policy_type in NOT_FOR_SERVICE_LINKED_ROLES:
            yield from ((policy_type, listed(level)) for level in given or ())
        elif given is not None and (policy_type in ("identity", "resource", "session") or given):
            yield policy_type, listed(given)


class Oracle:
    """Answers requests from raw policies."""

    def __init__(self, policies: Policies) -> None:
        self.groups = [policy_type for policy_type, _ in groups_of(policies)]
        self.empty = {group for group, (_, documents) in enumerate(groups_of(policies)) if not documents}
        self.placed = [
            Placed(policy_type, group, raw, document.get("Version") == "2012-10-17", bool(policies.get("boundary")))
            for group, (policy_type, documents) in enumerate(groups_of(policies))
            for document in documents
            for raw in listed(document["Statement"])
        ]

    def evaluate(self, request: iam.Request) -> Verdict:
        """Decide one request."""
        question = asked(request)
        caller = who(request.principal)
        role = question.value("aws:PrincipalArn")
        by_path = who(role) if caller.kind == "assumed-role" and isinstance(role, str) else caller
        is_service_linked = (by_path if by_path.kind == "role" else caller).is_service_linked
        exempt = NOT_FOR_SERVICE_LINKED_ROLES if is_service_linked else () if caller.account else ("scp",)
        answers = [(one, one.applies(question)) for one in self.placed]
        if request.action.lower() in NEEDS_NOTHING:
            return self.without_permission(answers, is_service_linked)
        denies = [(one, answer) for one, answer in answers if one.raw["Effect"] == "Deny" and one.policy_type not in exempt]
        if not request.rcp_applies and request.action.partition(":")[0].lower() not in WITH_RCPS:
            denies = [(one, None if answer and one.policy_type == "rcp" else answer) for one, answer in denies]
        sure = [one for one, answer in denies if answer]
        if sure:
            first = min((one.policy_type for one in sure), key=NAMED_FIRST.index)
            return Verdict("explicitDeny", first, frozenset(one.raw["Sid"] for one in sure))
        allows = [(one, answer) for one, answer in answers if one.raw["Effect"] == "Allow"]
        readings = [self.permission(question, allows, exempt, foreign=foreign) for foreign in foreign_or_not(question)]
        allowed = readings[0].allowed if len({reading.allowed for reading in readings}) == 1 else None
        if allowed is False:
            return Verdict("implicitDeny", readings[0].policy_type)
        if allowed is None or any(answer is None for _, answer in denies):
            return Verdict("indeterminate", None)
        return Verdict("allowed", readings[0].policy_type, frozenset.intersection(*(reading.sids for reading in readings)))

    def without_permission(self, answers: list[tuple[Placed, Truth]], is_exempt: bool) -> Verdict:  # noqa: FBT001
        """Decide an action that needs no permission: only policies other than identity-based ones leave it open."""
        counted = [
            (one, answer) for one, answer in answers if not (is_exempt and one.policy_type in NOT_FOR_SERVICE_LINKED_ROLES)
        ]
        limits = [(one, answer) for one, answer in counted if one.policy_type in ("scp", "rcp", "endpoint")]
        denied = any(one.raw["Effect"] == "Deny" and answer is not False for one, answer in limits)
        groups = {one.group for one, _ in limits if one.policy_type != "rcp"}
        allowed = all(
            any(answer is True for one, answer in limits if one.group == group and one.raw["Effect"] == "Allow")
            for group in groups
        )
        return Verdict("allowed", "identity") if allowed and not denied else Verdict("indeterminate", None)

    def with_mandatory_policy(self, mine: Truth, allows: list[tuple[Placed, Truth]], caller: Who, *, foreign: bool) -> Truth:
        """Count the caller's own policies only if the resource's policy names the account; without it nothing is sure."""
        if "resource" not in self.groups:
            return False if foreign and mine is False else None
        delegated = some(answer for one, answer in allows if one.policy_type == "resource" and degree(one.raw, caller) == ACCOUNT)
        return every((mine, delegated)) if not foreign else mine

    def permission(
        self, question: Asked, allows: list[tuple[Placed, Truth]], exempt: tuple[str, ...], *, foreign: bool
    ) -> Permission:
        """Ask all that must allow."""
        caller = who(question.request.principal)
        groups = [
            (kind, some(answer for one, answer in allows if one.group == group))
            for group, kind in enumerate(self.groups)
            if kind not in exempt and not (group in self.empty and kind == "session" and caller.kind != "federated-user")
        ]
        outer_limits = [(kind, answer) for kind, answer in groups if kind in ("scp", "endpoint")]
        own = [(kind, answer) for kind, answer in groups if kind in ("identity", "boundary", "session")]
        limits = dict(own)
        if caller.kind == "root":
            own = []
        granted = [
            (one, every((answer, passes(degree(one.raw, caller), limits, foreign=foreign))))
            for one, answer in allows
            if one.policy_type == "resource"
        ]
        mine, theirs = every(answer for _, answer in own), some(answer for _, answer in granted)
        if is_mandatory(question.request):
            mine = self.with_mandatory_policy(mine, allows, caller, foreign=foreign)
        permitted = every((mine, theirs)) if foreign else some((mine, theirs))
        allowed = every((*(answer for _, answer in outer_limits), permitted))
        if allowed is False:
            return Permission(allowed, next((kind for kind, answer in [*outer_limits, *own] if answer is False), "resource"))
        granting = {one.raw["Sid"] for one, answer in granted if answer}
        if mine:
            granting |= {one.raw["Sid"] for one, answer in allows if answer and one.policy_type == "identity"}
        return Permission(allowed, "identity" if mine else "resource", frozenset(granting))


def is_mandatory(request: iam.Request) -> bool:
    """Return whether the resource has a policy that must allow: a KMS key, or a role that is assumed."""
    parts = request.resource.split(":", 5)
    if len(parts) < SEGMENTS:
        return False
    is_key = parts[2] == "kms" and parts[5].startswith("key/")
    return is_key or (parts[2] == "iam" and parts[5].startswith("role/") and request.action.lower().startswith("sts:"))


@dataclass(frozen=True)
class Permission:
    """Whether all that must allow allows, which policy type says so, and the Sids of the Allows that grant."""

    allowed: Truth
    policy_type: str
    sids: frozenset[str] = frozenset()


def passes(closeness: int, limits: Mapping[str, Truth], *, foreign: bool) -> Truth:
    """Return whether a grant of the resource's owner passes what limits the caller."""
    if foreign or closeness in (HERSELF, UNDOCUMENTED):
        return True
    session = limits.get("session", True)
    if closeness == EVERYONE:
        return True if session else None
    return every((limits.get("boundary", True), session)) if closeness in (ROLE, PERHAPS) else False


def foreign_or_not(question: Asked) -> list[bool]:
    """Return whether the resource belongs to another account; both when its account is unknown."""
    request = question.request
    account = who(request.principal).account
    if not account:
        return [False]
    if request.resource_account is None and "resource:account" in question.unknown:
        return [False, True]
    parts = request.resource.split(":", 5)
    owner = request.resource_account or (parts[4] if len(parts) == SEGMENTS else "")
    return [owner not in ("", "aws", account)]
