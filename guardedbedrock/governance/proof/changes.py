"""The principals that can call models without an approved guardrail in one of two snapshots, but not in the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from guardedbedrock.governance.proof.answers import Answer, ProofAnswer, request_as_data
from guardedbedrock.governance.proof.options import Options
from guardedbedrock.governance.proof.policies import ProofPolicies
from guardedbedrock.governance.proof.questions import guardrail_required
from guardedbedrock.iam import Account, Request
from guardedbedrock.sources.access_changes import differing_principals

_QUESTION = "no inference request is allowed unless it carries an approved guardrail"


@dataclass(frozen=True, slots=True)
class GuardrailChange:
    """
    What changed for one principal.

    Args:
        principal: ARN of the principal.
        before: Whether it is proved for the earlier account that every call carries an approved guardrail.
        after: Whether it is proved for the later account.
        witness: A call without an approved guardrail, of the account that allows it.
        reason: Why an answer is unknown; ``""`` if both are known.
    """

    principal: str
    before: ProofAnswer
    after: ProofAnswer
    witness: Request | None = None
    reason: str = ""

    @property
    def sentence(self) -> str:
        """The change in one sentence."""
        if "unknown" in (self.before, self.after):
            return f"{self.principal}: before {self.before}, now {self.after}: {self.reason}"
        shown = "" if self.witness is None else f": {self.witness.action} on {self.witness.resource}"
        if self.after == "refuted":
            return f"{self.principal} can now call models without an approved guardrail{shown}"
        return f"{self.principal} could call models without an approved guardrail, and cannot now{shown}"

    def as_data(self) -> dict[str, Any]:
        """Return the change as JSON data."""
        witness = None if self.witness is None else request_as_data(self.witness)
        sides = {"before": self.before, "after": self.after}
        return {"principal": self.principal, **sides, "witness": witness, "reason": self.reason}


def find_guardrail_changes(
    before: Account, after: Account, approved: Sequence[str] = (), options: Options | None = None
) -> Iterator[GuardrailChange]:
    """
    Compare two accounts, principal by principal.

    Args:
        before: The earlier account.
        after: The later one.
        approved: Values of ``bedrock:GuardrailIdentifier`` that count as approved; every guardrail counts if it is empty.
        options: Timeout and assumptions.

    Yields:
        A change for each principal whose answers differ, and for each whose answer is unknown. Principals whose policies are the
        same in both accounts are left out. A principal that an account does not have can call nothing there.
    """
    for arn in differing_principals(before, after):
        first, second = (_ask(account, arn, approved, options) for account in (before, after))
        if first.answer == second.answer != "unknown":
            continue
        shown = next((one for one in (second, first) if one.witness is not None), first)
        reason = next((one.reason for one in (second, first) if one.answer == "unknown"), "")
        yield GuardrailChange(arn, first.answer, second.answer, shown.witness, reason)


def _ask(account: Account, arn: str, approved: Sequence[str], options: Options | None) -> Answer:
    if arn not in account.principals:
        return Answer(_QUESTION, "proved", principal=arn)
    policies = ProofPolicies.of(account.policy_set(arn), arn)
    return guardrail_required(policies, approved, options, patterns=() if approved else ("*",))
