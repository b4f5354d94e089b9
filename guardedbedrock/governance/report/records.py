"""The records of the access report: its decisions with their explanations, its rows, and the report as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from guardedbedrock.governance.proof.solving.solver import is_available
from guardedbedrock.governance.report.scope import Scope, Situation
from guardedbedrock.iam import Outcome, PolicyType

OPERATIONS: Final = ("Converse", "ConverseStream")
ASSUMPTIONS: Final = (
    (
        "The report evaluates Converse (bedrock:InvokeModel) and ConverseStream (bedrock:InvokeModelWithResponseStream). "
        "InvokeModel and InvokeModelWithResponseStream need the same authorizations."
    ),
    "Agents, flows, batch jobs and bedrock-mantle are not part of the report.",
    "Calls go directly to Bedrock over TLS, signed with SigV4, without a session policy and without a VPC endpoint policy.",
    (
        "A context key that neither the snapshot nor the configuration contains is unknown. A decision that depends on it is "
        "indeterminate."
    ),
    "A principal that may change IAM policies can give itself more access than the report shows.",
    "Another guardrail is represented by a guardrail of this account that no policy names.",
    "A column that is named by a pattern is evaluated with one sample model that matches the pattern.",
)


@dataclass(frozen=True, slots=True)
class CallDecision:
    """
    The decision on one operation, without its explanation.

    Args:
        outcome: The decision.
        policy_type: The policy type that decides; None if several policy types or none decide.
        depends_on: Unknown context keys that an indeterminate decision depends on.
    """

    outcome: Outcome
    policy_type: PolicyType | None = None
    depends_on: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ExplainedDecision:
    """
    A decision with its explanation, in which placeholders replace the model and the guardrail.

    Equal decisions of many models have equal records. The placeholders are those of `placeholders.fill`.

    Args:
        verdict: The decision.
        action: The IAM action that the explanation is about.
        resource: Its resource.
        summary: The reason, in one sentence.
        statements: The statements that decide or come closest: policy type, effect, and what the statement requires.
        remarks: What the decision does not show.
    """

    verdict: CallDecision
    action: str = ""
    resource: str = ""
    summary: str = ""
    statements: tuple[tuple[PolicyType, str, str], ...] = ()
    remarks: tuple[str, ...] = ()


Cell: TypeAlias = tuple[ExplainedDecision, ...]
"""One decision for each of `OPERATIONS`."""


@dataclass(frozen=True, slots=True)
class GuardrailPermission:
    """
    An action that changes guardrails, and that a principal may perform.

    Args:
        action: The IAM action.
        outcome: ``allowed`` or ``indeterminate``.
        guardrails: ARNs of the guardrails; ``()`` for an action without one.
        depends_on: Unknown context keys of an indeterminate decision.
    """

    action: str
    outcome: Outcome
    guardrails: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RowProof:
    """
    The answer to "is every model call denied unless it carries an approved guardrail?".

    Args:
        answer: ``proved``, ``refuted`` or ``unknown``.
        reason: Why it is unknown, or the request that refutes it.
    """

    answer: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PrincipalRow:
    """
    Principals with equal decisions.

    Args:
        principals: Their ARNs. The explanations are those of the first one.
        cells: For each situation one cell for each model; None where the Region does not have the model.
        changes: What they may do to guardrails.
        proof: The proof about their policies; None without a solver.
    """

    principals: tuple[str, ...]
    cells: tuple[tuple[Cell | None, ...], ...]
    changes: tuple[GuardrailPermission, ...] = ()
    proof: RowProof | None = None


@dataclass(frozen=True, slots=True)
class AccessReport:
    """
    The access report.

    Args:
        scope: What the report is about.
        rows: The rows; those that can call most without a guardrail come first.
        situations: The situations of the scope, in the order of the cells of a row.
    """

    scope: Scope
    rows: tuple[PrincipalRow, ...]
    situations: tuple[Situation, ...] = field(default=())

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What the report assumes, in sentences."""
        reason = "--no-proof was given" if is_available() else "guardedbedrock[proof] is not installed"
        solver = () if any(row.proof for row in self.rows) else (f"No proof was made: {reason}.",)
        return (*self.scope.assumptions, *ASSUMPTIONS, *solver)

    def unguarded(self, outcome: Outcome) -> int:
        """Count the principals for which at least one call without a guardrail has an outcome."""
        return sum(len(row.principals) for row in self.rows if count_unguarded(row, self.situations, outcome))

    @property
    def undecided(self) -> int:
        """The number of principals for which no call without a guardrail is allowed, and at least one is indeterminate."""
        return sum(
            len(row.principals)
            for row in self.rows
            if not count_unguarded(row, self.situations, "allowed") and count_unguarded(row, self.situations, "indeterminate")
        )


def count_unguarded(row: PrincipalRow, situations: Sequence[Situation], outcome: Outcome) -> int:
    """Count the pairs of model and Region for which at least one operation without a guardrail has an outcome."""
    unguarded = [cells for situation, cells in zip(situations, row.cells, strict=True) if situation.kind == "none"]
    return sum(any(one.verdict.outcome == outcome for one in cell or ()) for cells in unguarded for cell in cells)
