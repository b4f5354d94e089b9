"""The outcome of a decision, and the reference by which a decision names a statement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from guardedbedrock.iam.language.documents import PolicyType

Outcome: TypeAlias = Literal["allowed", "implicitDeny", "explicitDeny", "indeterminate"]


@dataclass(frozen=True, slots=True)
class StatementRef:
    """
    A reference to one statement of a policy.

    Args:
        policy_type: How the policy is attached.
        policy: Name of the policy; ``identity[0]`` if it has no name.
        index: Position among the statements of the policy, from 0.
        sid: Its Sid, if it has one.
        effect: ``Allow`` or ``Deny``.
        policy_arn: ARN of the policy, if it has one.
    """

    policy_type: PolicyType
    policy: str
    index: int
    sid: str | None
    effect: Literal["Allow", "Deny"]
    policy_arn: str | None = None

    @property
    def name(self) -> str:
        """The policy and the Sid; the position of the statement if it has no Sid."""
        return f"{self.policy} statement {self.sid or self.index}"

    def __str__(self) -> str:
        return f"{self.policy_type} {self.name}"
