"""The outcome of a decision, what an undecided one depends on, and how a decision names a statement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from guardedbedrock.iam.language.documents import PolicyType

Outcome: TypeAlias = Literal["allowed", "implicitDeny", "explicitDeny", "indeterminate"]
"""The four results of a decision."""


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

    @property
    def label(self) -> str:
        """How a sentence names the statement: by its Sid, or by its position in the policy."""
        return f"statement `{self.sid}`" if self.sid else f"statement {self.index} of `{self.policy}`"

    def __str__(self) -> str:
        return f"{self.policy_type} {self.name}"


class Unresolved(NamedTuple):
    """
    The reason of an indeterminate decision.

    Args:
        keys: Unknown context keys, sorted, as the policies spell them.
        is_exact: Whether each of the keys can change the outcome; otherwise some of them may not.
        reasons: Why the decision is open apart from unknown keys, in words: policies that could not be read, and rules that AWS
            does not document.
    """

    keys: tuple[str, ...] = ()
    is_exact: bool = True
    reasons: tuple[str, ...] = ()
