"""Runs a case: evaluates its policies and compares the decisions with the expectation."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

from guardedbedrock.testing.cases.proof_cases import ProofCase, ProofResult, run_proof
from guardedbedrock.testing.cases.records import Case, Result

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from guardedbedrock.iam import Decision, Outcome


@overload
def run(case: Case) -> Result: ...
@overload
def run(case: ProofCase) -> ProofResult: ...
@overload
def run(case: Case | ProofCase) -> Result | ProofResult: ...
def run(case: Case | ProofCase) -> Result | ProofResult:
    """Run a case. All its authorizations are evaluated, even if the first is denied; a proof case is proved or refuted."""
    return run_proof(case) if isinstance(case, ProofCase) else _evaluate(case)


def _evaluate(case: Case) -> Result:
    answers = tuple(map(case.policies.evaluate, case.asked.requests))
    outcome = case.asked.outcome(answers, case.advisory_policy_types)
    deciding = _deciding(case, answers)
    determining = determining_sids(answers, outcome)
    keys = {key for answer in answers for key in answer.hangs_on} if outcome == "indeterminate" else ()
    expect = case.expect
    compared = {
        "decision": (expect.decision, outcome),
        "determining": (expect.determining, determining),
        "policyType": (expect.policy_type, deciding.policy_type),
        "hangsOn": (None if expect.hangs_on is None else _folded(expect.hangs_on), _folded(keys)),
    }
    return Result(case.id, outcome, expect.decision, determining, expect.determining, answers, _differences(compared))


def determining_sids(decisions: Iterable[Decision], outcome: Outcome) -> frozenset[str]:
    """
    Return the Sids of the statements that determine the outcome of a call.

    Only the denials of a denied call count: the Allow of another authorization does not determine that it is denied.
    """
    is_denied = outcome in ("implicitDeny", "explicitDeny")
    deciding = (one for one in decisions if (one.is_denied if is_denied else one.outcome == outcome))
    return frozenset(statement.sid for decision in deciding for statement in decision.statements if statement.sid)


def _deciding(case: Case, answers: tuple[Decision, ...]) -> Decision:
    """
    Return the decision that decides the call.

    Precedence: 1. the first certain denial, which AWS reports, 2. the first that is not ``allowed``, 3. the first.
    """
    index = case.asked.first_denied(answers, case.advisory_policy_types)
    if index is not None:
        return answers[index]
    return next((answer for answer in answers if answer.outcome != "allowed"), answers[0])


def _folded(keys: Iterable[str]) -> frozenset[str]:
    """Lower the case of context keys, which is not significant."""
    return frozenset(key.lower() for key in keys)


def _differences(compared: Mapping[str, tuple[object, object]]) -> dict[str, tuple[object, object]]:
    return {name: pair for name, pair in compared.items() if pair[0] is not None and pair[0] != pair[1]}
