"""
The changes between two snapshots: which principal gained or lost which action on which resource.

The engine decides every Bedrock action on sample resources with both snapshots. The samples are the guardrails, profiles and
models of the snapshots, one resource for each pattern that a policy names, and one resource of each type that none names.

Changes by policies that could not be read are reported as unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal, TypeAlias

from guardedbedrock.bedrock import reference
from guardedbedrock.bedrock.actions import GUARDRAIL_KEY
from guardedbedrock.bedrock.authorization.condition_keys import carries
from guardedbedrock.bedrock.operations import TABLE
from guardedbedrock.iam import Account, PolicySet, Request
from guardedbedrock.iam.matching.patterns import compile_pattern

Direction: TypeAlias = Literal["gained", "lost"]

_SAMPLE: Final = "example"
_EVERYTHING: Final = "*"
_LEVELS: Final = {"explicitDeny": 0, "implicitDeny": 0, "indeterminate": 1, "allowed": 2}
_ARN_PARTS: Final = 6
_DIRECTIONS: Final[tuple[Direction, ...]] = ("gained", "lost")


@dataclass(frozen=True, slots=True, order=True)
class AccessChange:
    """
    One change.

    Args:
        principal: ARN of the principal.
        change: ``gained`` or ``lost``. Access that became conditional is lost, access that lost its condition is gained.
        action: The action.
        resource: ARN of a resource, or a pattern of a policy if all its samples changed.
    """

    principal: str
    change: Direction
    action: str
    resource: str


@dataclass(frozen=True, slots=True)
class UnknownChange:
    """
    A principal with policies that could be read in only one of the snapshots, so that more access may have changed.

    Args:
        principal: ARN of the principal.
        reasons: The policies that could not be read on one side only.
    """

    principal: str
    reasons: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """The principal and the reasons in one sentence."""
        return f"{self.principal}: not known whether more access changed: {'; '.join(self.reasons)}"


def find_access_changes(before: Account, after: Account) -> tuple[AccessChange, ...]:
    """
    Compare two accounts.

    Returns:
        The changes by the policies that could be read, sorted. A principal that only one account has is compared with no access.
    """
    differing = differing_principals(before, after)
    return tuple(sorted(change for arn in differing for change in _Comparison(arn, before, after).changes()))


def find_unknown_changes(before: Account, after: Account) -> tuple[UnknownChange, ...]:
    """
    Return the principals with a policy that could be read in only one of the accounts.

    Policies that are missing from both are presumed to be the same; see `has_gaps`.
    """
    found = []
    for arn in differing_principals(before, after):
        first, second = (_gap_reasons(account, arn) for account in (before, after))
        if differing := [one for one in (*first, *second) if (one in first) is not (one in second)]:
            found.append(UnknownChange(arn, tuple(differing)))
    return tuple(found)


def has_gaps(account: Account) -> bool:
    """Return whether a policy of some principal could not be read."""
    return any(_gap_reasons(account, arn) for arn in account.principals)


def _gap_reasons(account: Account, principal: str) -> tuple[str, ...]:
    if principal not in account.principals:
        return ()
    # A snapshot never has the policies of Regions that it does not cover.
    gaps = (gap for gap in account.policy_set(principal).gaps if not gap.regions_read)
    return tuple(dict.fromkeys(gap.reason for gap in gaps))


def differing_principals(before: Account, after: Account) -> tuple[str, ...]:
    """Return the ARNs of the principals whose policies differ between two accounts, sorted."""
    principals = sorted({*before.principals, *after.principals})
    return tuple(arn for arn in principals if _policies_of(before, arn) != _policies_of(after, arn))


def _policies_of(account: Account, principal: str) -> Any:
    """Return everything that the decisions of a principal depend on."""
    entry, snapshot = account.principals.get(principal), account.snapshot
    if entry is None:
        return None
    groups = [(snapshot.get("groups") or {}).get(arn) for arn in entry.groups]
    managed = {arn for owner in groups if owner for arn in owner["managed"]} | {*entry.managed, entry.boundary}
    documents = {arn: (snapshot.get("managed_policies") or {}).get(arn) for arn in managed if arn}
    shared = [snapshot.get(name) for name in ("scp", "rcp", "resource_policies")]
    gaps = account.gaps_of(principal)
    of_principal = dict(entry.tags), dict(entry.inline), entry.boundary, entry.missing
    return of_principal, groups, documents, shared, gaps, account.is_management_account


@dataclass(frozen=True, slots=True)
class _Sample:
    """A sample resource, and the label under which a change on it is reported."""

    arn: str
    label: str


class _Comparison:
    """The decisions of one principal in two accounts."""

    def __init__(self, principal: str, before: Account, after: Account) -> None:
        self._principal = principal
        self._accounts = [account for account in (before, after) if principal in account.principals]
        self._sides = [_Side(principal, account) for account in (before, after)]
        self._unknown = frozenset(key for side in self._sides for key in side.reads) - {GUARDRAIL_KEY.lower()}
        policies = [side.policies for side in self._sides if side.policies is not None]
        self._patterns = tuple(dict.fromkeys(pattern for one in policies for pattern in _patterns_in(one)))
        self._contexts: tuple[Mapping[str, object], ...] = (
            {},
            *({GUARDRAIL_KEY: value} for value in dict.fromkeys(self._guardrail_values(policies))),
        )

    def _guardrail_values(self, policies: Iterable[PolicySet]) -> Iterator[str]:
        for policy in policies:
            for _, document in policy:
                for statement in document.statements:
                    for condition in statement.conditions:
                        if condition.key.lower() == GUARDRAIL_KEY.lower():
                            yield from (value.replace("*", "1").replace("?", "1") for value in condition.values)
        for account in self._accounts:
            for guardrail in account.snapshot.get("guardrails") or ():
                yield f"{guardrail['arn']}:{guardrail.get('version', 'DRAFT')}"

    def changes(self) -> Iterator[AccessChange]:
        """Yield the changes of the principal."""
        for action in _actions():
            samples = tuple(self._samples(action))
            changed = {sample: self._change(action, sample.arn) for sample in samples}
            for direction in _DIRECTIONS:
                # A pattern is reported if all its samples changed. The resources that it covers are then not reported.
                by_label: dict[str, list[_Sample]] = {}
                for sample in samples:
                    by_label.setdefault(sample.label, []).append(sample)
                whole = [label for label, found in by_label.items() if all(direction in changed[one] for one in found)]
                parts = [one.arn for one in samples if one.label not in whole and direction in changed[one]]
                for resource in dict.fromkeys((*whole, *parts)):
                    if not any(other != resource and compile_pattern(other)(resource) for other in whole):
                        yield AccessChange(self._principal, direction, action, resource)

    def _change(self, action: str, resource: str) -> frozenset[Direction]:
        found: set[Direction] = set()
        for context in self._contexts if carries(action, GUARDRAIL_KEY) else ({},):
            before, after = (side.level(action, resource, context, self._unknown) for side in self._sides)
            if before != after:
                found.add("gained" if before < after else "lost")
        return frozenset(found)

    def _samples(self, action: str) -> Iterator[_Sample]:
        types = reference.actions()[action.lower()].types
        if not types:
            yield _Sample("*", "*")
            return
        account = self._accounts[0]
        region = next(iter(account.snapshot.get("regions") or ()), "us-east-1")
        placeholders = {"Partition": account.snapshot.get("partition") or "aws", "Region": region, "Account": account.id}
        prefixes: dict[str, str] = {}
        for name in sorted(types):
            template = reference.resource_arns()[name]
            generic = re.sub(r"\$\{(\w+)\}", lambda match: placeholders.get(match[1], _SAMPLE), template)
            prefixes[name] = generic.split(":", 5)[5].split("/")[0]
            yield _Sample(generic, _EVERYTHING)
        for arn in dict.fromkeys((*self._patterns, *self._resources())):
            parts = arn.split(":", 5)
            if len(parts) == _ARN_PARTS and parts[2] == "bedrock" and parts[5].split("/")[0] in prefixes.values():
                yield _Sample(_instance(parts, placeholders), arn)

    def _resources(self) -> Iterator[str]:
        for account in self._accounts:
            yield from (one["arn"] for one in account.snapshot.get("guardrails") or ())
            for profile in account.snapshot.get("inference_profiles") or ():
                yield from (profile["arn"], *profile["models"])


class _Side:
    """One of the two accounts, for a principal that it may not have."""

    def __init__(self, principal: str, account: Account) -> None:
        self._principal, self._account = principal, account
        self._exists = principal in account.principals
        self._known: dict[PolicySet, PolicySet] = {}
        self.policies = account.policy_set(principal) if self._exists else None
        self.reads: frozenset[str] = frozenset() if self.policies is None else self.policies.reads

    def level(self, action: str, resource: str, context: Mapping[str, object], unknown: Iterable[str]) -> int:
        """Return 0 for a denial, 1 for an indeterminate decision, 2 for an allow, by the policies that could be read."""
        if not self._exists:
            return 0
        tags = {f"aws:PrincipalTag/{key}": value for key, value in self._account.principals[self._principal].tags.items()}
        open_keys: Sequence[str] = sorted(set(unknown) - {name.lower() for name in tags})
        request = Request(self._principal, action, resource, {**tags, **context}, open_keys)
        return _LEVELS[self._known_policies(resource).evaluate(request).outcome]

    def _known_policies(self, resource: str) -> PolicySet:
        policies = self._account.policy_set(self._principal, resource)
        if policies not in self._known:
            self._known[policies] = policies.without_gaps()
        return self._known[policies]


def _patterns_in(policies: PolicySet) -> Iterator[str]:
    for _, document in policies:
        for statement in document.statements:
            yield from (pattern for pattern in statement.resources if pattern != _EVERYTHING)


def _instance(parts: Sequence[str], placeholders: Mapping[str, str]) -> str:
    """Return a resource that a pattern covers."""
    usual = ("arn", placeholders["Partition"], "bedrock", placeholders["Region"], placeholders["Account"])
    named = [usual[index] if part == _EVERYTHING else part for index, part in enumerate(parts[:5])]
    name = parts[5].replace("*", _SAMPLE).replace("?", "1")
    return ":".join((*(part.replace("*", "1").replace("?", "1") for part in named), name))


@cache  # made once: the list follows from the table of operations
def _actions() -> tuple[str, ...]:
    """Return the Bedrock actions that an operation requires."""
    required = {one.iam_action for row in TABLE for one in row.required_actions}
    return tuple(sorted(action for action in required if action.lower() in reference.actions()))
