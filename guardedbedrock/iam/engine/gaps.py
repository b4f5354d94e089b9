"""
Gaps: policies that apply to a principal and could not be read.

An unread policy may have an Allow or a Deny, so a decision that could depend on it is `indeterminate`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from guardedbedrock.iam.language.documents import PolicyType
from guardedbedrock.iam.matching.context import Truth
from guardedbedrock.iam.matching.requests import Request

ALTERNATIVES: Final[tuple[PolicyType, ...]] = ("identity", "resource")
"""Policy types of which one policy must allow. Of the other types, every policy or level must allow."""


@dataclass(frozen=True, slots=True)
class Gap:
    """
    Policies of one type that could not be read.

    Args:
        policy_type: Their type.
        reason: Which policies they are and why they could not be read, in words.
        resource: ARN of the only resource that they concern; ``""`` if they concern every resource.
    """

    policy_type: PolicyType
    reason: str
    resource: str = ""

    def concerns(self, request: Request) -> bool:
        """Return whether the policies may apply to a request. A resource that is partly known may be the one."""
        return self.resource in ("", request.resource) or bool(request.unknown_parts)

    def may_deny(self, request: Request) -> Truth:
        """Return None if a Deny of the policies may apply, else False."""
        return None if self.concerns(request) else False

    def may_allow(self, request: Request) -> Truth:
        """Return None if an Allow of the policies may apply or be missing; else what leaves the other policies to decide."""
        return None if self.concerns(request) else self.policy_type not in ALTERNATIVES


def add_to_groups(
    groups: Sequence[tuple[PolicyType, tuple[Callable[[Request], Truth], ...]]], gaps: Sequence[Gap], types: Sequence[PolicyType]
) -> tuple[tuple[PolicyType, tuple[Callable[[Request], Truth], ...]], ...]:
    """
    Add the gaps of some policy types to the Allow tests of groups.

    An unread identity-based policy is one more alternative. An unread policy of another type is one more group that must allow.
    """
    found = list(groups)
    for gap in gaps:
        if gap.policy_type not in types:
            continue
        position = next((index for index, (kind, _) in enumerate(found) if kind == gap.policy_type), None)
        if gap.policy_type in ALTERNATIVES and position is not None:
            kind, tests = found[position]
            found[position] = kind, (*tests, gap.may_allow)
        else:
            found.append((gap.policy_type, (gap.may_allow,)))
    return tuple(found)
