"""Asks the policies of a case, and holds the answers against what the case expects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guardedbedrock.testing.cases.records import Case, Result

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from guardedbedrock.iam import Decision


def run(case: Case) -> Result:
    """Ask every authorization of a case, whatever the first answers."""
    answers = tuple(map(case.policies.evaluate, case.requests))
    deciding = _deciding(answers)
    determining = frozenset(statement.sid for answer in answers for statement in answer.statements if statement.sid)
    keys = {key for answer in answers for key in answer.hangs_on} if deciding.outcome == "indeterminate" else ()
    expect = case.expect
    compared = {
        "decision": (expect.decision, deciding.outcome),
        "determining": (expect.determining, determining),
        "policyType": (expect.policy_type, deciding.policy_type),
        "hangsOn": (None if expect.hangs_on is None else _folded(expect.hangs_on), _folded(keys)),
    }
    return Result(case.id, deciding.outcome, expect.decision, determining, expect.determining, answers, _differences(compared))


def _deciding(answers: tuple[Decision, ...]) -> Decision:
    """Find the first denial, which is the error that AWS would send; else the first answer that is not sure; else the first."""
    denied = (answer for answer in answers if answer.is_denied)
    unsure = (answer for answer in answers if answer.outcome == "indeterminate")
    return next(denied, None) or next(unsure, None) or answers[0]


def _folded(keys: Iterable[str]) -> frozenset[str]:
    """Names of context keys ignore case."""
    return frozenset(key.lower() for key in keys)


def _differences(compared: Mapping[str, tuple[object, object]]) -> dict[str, tuple[object, object]]:
    return {name: pair for name, pair in compared.items() if pair[0] is not None and pair[0] != pair[1]}
