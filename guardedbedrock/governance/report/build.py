"""Build the access report: evaluate each group of principals with the policy engine, and merge groups with equal decisions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias

from guardedbedrock.bedrock import find_operation
from guardedbedrock.bedrock.actions import is_guardrail_key
from guardedbedrock.bedrock.authorization.cross_account import caller_side
from guardedbedrock.governance.lint.checks.governance_rules import MANAGEMENT
from guardedbedrock.governance.proof.options import Options
from guardedbedrock.governance.proof.policies import ProofPolicies
from guardedbedrock.governance.proof.questions import guardrail_required
from guardedbedrock.governance.proof.solving.solver import is_available
from guardedbedrock.governance.report.call_classes import CallClasses
from guardedbedrock.governance.report.matrix import Matrix
from guardedbedrock.governance.report.records import AccessReport, GuardrailPermission, PrincipalRow, RowProof, count_unguarded
from guardedbedrock.governance.report.scope import PrincipalGroup, Scope
from guardedbedrock.iam import Outcome

_SERVICE: Final = "bedrock"

Progress: TypeAlias = Callable[[int, int], None]


def build(
    scope: Scope, *, proof: bool = True, timeout: float = 5.0, progress: Progress = lambda _done, _total: None
) -> AccessReport:
    """
    Evaluate everything in a scope.

    Args:
        scope: What to evaluate.
        proof: Whether to ask the solver too, if cvc5 is installed.
        timeout: Limit of the solver for each part of a proof, in seconds.
        progress: Called with the number of evaluated groups of principals, and the number of all groups.
    """
    calls = CallClasses(scope)
    situations = calls.situations
    rows: dict[object, tuple[list[str], PrincipalRow]] = {}
    for number, group in enumerate(scope.groups):
        matrix = Matrix(scope, group, calls)
        found = tuple(matrix.verdicts())
        changes = tuple(_changes(scope, group, matrix.guardrail_groups()))
        answer = _prove(scope, group, timeout) if proof and is_available() else None
        key = found, changes, answer
        if key not in rows:
            rows[key] = [], PrincipalRow(group.principals, matrix.explained(), changes, answer)
        rows[key][0].extend(group.principals)
        progress(number + 1, len(scope.groups))
    merged = [PrincipalRow(tuple(names), row.cells, row.changes, row.proof) for names, row in rows.values()]
    merged.sort(
        key=lambda row: (*(-count_unguarded(row, situations, one) for one in ("allowed", "indeterminate")), row.principals)
    )
    return AccessReport(scope, tuple(merged), situations)


def _changes(scope: Scope, group: PrincipalGroup, guardrail_groups: Sequence[tuple[str, ...]]) -> Iterator[GuardrailPermission]:
    """Yield the changes of guardrails that are allowed or indeterminate. Each group of guardrails is evaluated once."""
    order = {one.arn: number for number, one in enumerate(scope.guardrails)}
    for action, sample in MANAGEMENT.items():
        operation = find_operation(_SERVICE, action.partition(":")[2])
        found: dict[tuple[Outcome, tuple[str, ...]], set[str]] = {}
        on_guardrails = [(arns, arns[0].split(":")[3]) for arns in guardrail_groups]
        for arns, region in on_guardrails if sample != "*" else [((), region) for region in scope.regions]:
            params = {"guardrailIdentifier": arns[0]} if arns else {}
            required = scope.authorizer(operation, params, group.caller(region), scope.inventory)
            required = caller_side(required, group.policies)
            decisions = tuple(group.policies.evaluate(request) for request in required.requests)
            outcome = required.outcome(decisions, () if scope.rcp_applies else ("rcp",))
            if outcome in ("allowed", "indeterminate"):
                keys = {key for decision in decisions for key in decision.hangs_on} if outcome == "indeterminate" else ()
                found.setdefault((outcome, tuple(sorted(keys))), set()).update(arns)
        for (outcome, keys_of_it), names in found.items():
            yield GuardrailPermission(action, outcome, tuple(sorted(names, key=order.__getitem__)), keys_of_it)


def _prove(scope: Scope, group: PrincipalGroup, timeout: float) -> RowProof:
    approved = tuple(one.key for one in scope.guardrails)
    policies = ProofPolicies.of(group.identity, group.principals[0], rcp_applies=scope.rcp_applies)
    answer = guardrail_required(policies, approved, Options(timeout=timeout))
    if answer.witness is None:
        return RowProof(answer.answer, answer.reason)
    guardrail = next((value for key, value in answer.witness.context.items() if is_guardrail_key(key)), None)
    carries = f"with the guardrail {guardrail}" if guardrail else "without a guardrail"
    return RowProof(answer.answer, f"{answer.witness.action} on {answer.witness.resource} {carries} is allowed")
