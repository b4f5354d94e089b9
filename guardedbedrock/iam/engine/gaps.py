"""
Gaps: policies that apply to a principal and could not be read.

An unread policy may have an Allow or a Deny, so a decision that could depend on it is `indeterminate`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from guardedbedrock.iam.language.documents import PolicyType
from guardedbedrock.iam.matching.arns import PARTS
from guardedbedrock.iam.matching.context import Truth
from guardedbedrock.iam.matching.requests import Request
from guardedbedrock.iam.matching.resources import Test, compile_resources

ALTERNATIVES: Final[tuple[PolicyType, ...]] = ("identity", "resource")
"""Policy types of which one policy must allow. Of the other types, every policy or level must allow."""
_REGION: Final = PARTS.index("region")


@dataclass(frozen=True, slots=True)
class Gap:
    """
    Policies of one type that could not be read.

    Args:
        policy_type: Their type.
        reason: Which policies they are and why they could not be read, in words.
        resource: ARN, or pattern of the ARNs, of the only resources that they concern; ``""`` if they concern every resource.
        regions_read: Regions of whose resources the policies were read, so that they concern only other Regions.
    """

    policy_type: PolicyType
    reason: str
    resource: str = ""
    regions_read: tuple[str, ...] = ()

    def concerns(self, request: Request) -> bool:
        """Return whether the policies may apply to a request. A resource that is partly known may be one that they concern."""
        if not self.resource:
            return True
        parts = request.parts
        if parts is not None and _REGION not in request.unknown_parts and parts[_REGION] in self.regions_read:
            return False
        return _test_of(self.resource)(request) is not False

    def may_deny(self, request: Request) -> Truth:
        """Return None if a Deny of the policies may apply, else False."""
        return None if self.concerns(request) else False

    def may_allow(self, request: Request) -> Truth:
        """Return None if an Allow of the policies may apply or be missing, else the answer that leaves it to the others."""
        return None if self.concerns(request) else self.policy_type not in ALTERNATIVES


@lru_cache(maxsize=1024)  # keyed by the pattern: a gap is sent to other processes, which a compiled pattern is not
def _test_of(pattern: str) -> Test:
    return compile_resources((pattern,), variables=False)


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
