"""The question whether every statement can apply to some request."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from time import perf_counter

from guardedbedrock.governance.proof.actions import TooManyActionsError, covered_actions
from guardedbedrock.governance.proof.answers import Answer, ProofAnswer, StatementLocation
from guardedbedrock.governance.proof.logic.compared_keys import MOST_SLOTS
from guardedbedrock.governance.proof.logic.formulas import conjoin
from guardedbedrock.governance.proof.options import Options
from guardedbedrock.governance.proof.policies import PlacedStatement, ProofPolicies
from guardedbedrock.governance.proof.questions.answering import TOO_MANY_ACTIONS, answered
from guardedbedrock.governance.proof.solving.parts import NO_SOLVER, Prover
from guardedbedrock.governance.proof.solving.propositional import is_unsatisfiable
from guardedbedrock.governance.proof.solving.requests import well_formed
from guardedbedrock.governance.proof.solving.solver import is_available


def unreachable(policies: ProofPolicies, options: Options | None = None) -> Answer:
    """
    Decide whether every statement can apply to some request.

    If some statements cannot, the answer is ``refuted`` and lists them.

    Args:
        policies: The policies of one principal.
        options: Timeout and assumptions.
    """
    settings, started = options or Options(), perf_counter()
    dead: list[StatementLocation] = []
    open_ones: list[StatementLocation] = []
    for placed, prover in _provers(policies, settings):
        status = _reaches(placed, prover, policies, settings.timeout)
        if status != "reachable":
            why = "no request meets it" if status == "dead" else status
            (dead if status == "dead" else open_ones).append(_location(placed, why))
    answer: ProofAnswer = "refuted" if dead else "unknown" if open_ones or policies.gaps else "proved"
    open_reasons = [*(one.reason for one in open_ones), *(gap.reason for gap in policies.gaps)]
    reason = _count_dead(len(dead)) if dead else next(iter(open_reasons), "")
    found = answered("every statement applies to some request", answer, policies, settings, reason)
    spent = (perf_counter() - started) * 1000
    return replace(found, statements=tuple(dead or open_ones), milliseconds=spent)


def _count_dead(number: int) -> str:
    return "1 statement applies to no request" if number == 1 else f"{number} statements apply to no request"


def _provers(policies: ProofPolicies, options: Options) -> Iterator[tuple[PlacedStatement, Prover]]:
    """Yield each statement with its prover. Statements share a prover unless they need too many values of one key."""
    placed, fixed = tuple(policies.statements()), options.fixed(policies)
    partly = options.partly_known(policies)
    shared = Prover(placed, fixed, (policies,), options.timeout, every_account=True, partly_known=partly)
    fits = all(count <= MOST_SLOTS for count in shared.keys.slots.values())
    for one in placed:
        yield (
            one,
            shared if fits else Prover((one,), fixed, (policies,), options.timeout, every_account=True, partly_known=partly),
        )


def _reaches(placed: PlacedStatement, prover: Prover, policies: ProofPolicies, timeout: float) -> str:
    """Return ``reachable``, ``dead``, or the reason why neither is certain."""
    try:
        actions = covered_actions(placed, timeout)
    except TooManyActionsError:
        return TOO_MANY_ACTIONS
    if not actions:
        named = placed.statement.actions
        return f"this version knows no action that matches `{named[0]}`" if named and not placed.statement.not_action else "dead"
    reason = ""
    for action in actions:
        for request_class in prover.request_classes(action):
            applies = prover.encoder(request_class).statement(placed, policies)
            possible = conjoin((well_formed(request_class, prover.keys), applies.may))
            if is_unsatisfiable(possible, has_solver=is_available()):
                continue
            if not is_available():
                return NO_SOLVER
            status, _, why = prover.solve(possible, request_class)
            if status == "satisfiable":
                return "reachable"
            reason = reason or why
    return reason or "dead"


def _location(placed: PlacedStatement, reason: str) -> StatementLocation:
    return StatementLocation(placed.policy, placed.index, placed.statement.sid, placed.policy_type, reason)
