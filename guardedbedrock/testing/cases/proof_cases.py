"""
Proof cases: policy tests whose expectation is about every request, not about one.

    {"id": "guarded", "prove": "guardrail-required", "policies": {...}, "guardrails": [...], "expect": {"answer": "proved"}}

The questions are those of ``guardedbedrock prove``. Questions that need a solver need the extra ``proof``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias, get_args

from guardedbedrock.governance.proof.answers import Answer
from guardedbedrock.governance.proof.options import Options
from guardedbedrock.governance.proof.policies import ProofPolicies
from guardedbedrock.governance.proof.questions import (
    always_allowed,
    equivalent,
    guardrail_required,
    never,
    no_new_access,
    unreachable,
)
from guardedbedrock.iam import Request

QuestionName: TypeAlias = Literal["guardrail-required", "no-new-access", "equivalent", "never", "always-allowed", "unreachable"]
ExpectedAnswer: TypeAlias = Literal["proved", "refuted"]

QUESTIONS: Final[tuple[QuestionName, ...]] = get_args(QuestionName)
ANSWERS: Final[tuple[ExpectedAnswer, ...]] = get_args(ExpectedAnswer)


@dataclass(frozen=True, slots=True)
class ProofCase:
    """
    A policy test about every request.

    Args:
        id: Unique name among all cases that are loaded together.
        question: The question, as ``guardedbedrock prove`` names it.
        policies: The policies; the new ones, if the question compares two versions.
        expected: The expected answer.
        determining: Expected Sids of the statements that the answer names; None if they are not checked.
        before: The old policies of ``no-new-access``, or the other version of ``equivalent``.
        approved: Approved guardrails as the condition key writes them, for ``guardrail-required``.
        exempt_models: Patterns of models that may be called without a guardrail, for ``guardrail-required``.
        action: Action or pattern, for ``never``.
        resource: ARN or pattern, for ``never``.
        when: Context keys with the values that ``never`` is limited to.
        requests: The requests that must stay allowed, for ``always-allowed``.
        options: Timeout and assumptions.
        why: The rule that the case tests, in words.
        file: The file of the case.
    """

    id: str
    question: QuestionName
    policies: ProofPolicies
    expected: ExpectedAnswer
    determining: frozenset[str] | None = None
    before: ProofPolicies | None = None
    approved: tuple[str, ...] = ()
    exempt_models: tuple[str, ...] = ()
    action: str = ""
    resource: str = "*"
    when: Mapping[str, str] = field(default_factory=dict)
    requests: tuple[Request, ...] = ()
    options: Options = field(default_factory=Options)
    why: str = ""
    file: str = ""


@dataclass(frozen=True, slots=True)
class ProofResult:
    """
    The result of a proof case.

    Args:
        id: ID of the case.
        answer: The answer with its witness. ``unknown`` is never the expected answer, so that such a case fails.
        expected: The expected answer.
        differences: Field of ``expect`` to a pair: the expected and the actual value.
    """

    id: str
    answer: Answer
    expected: ExpectedAnswer
    differences: Mapping[str, tuple[object, object]] = field(default_factory=dict)

    @property
    def determining(self) -> frozenset[str]:
        """Sids of the statements that the answer names. A statement without a Sid is left out."""
        return frozenset(statement.sid for statement in self.answer.statements if statement.sid)

    @property
    def passed(self) -> bool:
        """Whether the result equals the expectation."""
        return not self.differences


def run_proof(case: ProofCase) -> ProofResult:
    """Answer the question of a case, and compare the answer with the expectation."""
    answer = _ask(case)
    result = ProofResult(case.id, answer, case.expected)
    compared = {"answer": (case.expected, answer.answer), "determining": (case.determining, result.determining)}
    differences = {name: pair for name, pair in compared.items() if pair[0] is not None and pair[0] != pair[1]}
    return ProofResult(case.id, answer, case.expected, differences)


def _ask(case: ProofCase) -> Answer:
    if case.question == "guardrail-required":
        return guardrail_required(case.policies, case.approved, case.options, exempt_models=case.exempt_models)
    if case.question == "never":
        return never(case.policies, case.action, case.resource, case.when, case.options)
    if case.question == "always-allowed":
        return always_allowed(case.policies, case.requests, case.options)
    if case.question == "unreachable" or case.before is None:
        return unreachable(case.policies, case.options)
    compare = equivalent if case.question == "equivalent" else no_new_access
    return compare(case.before, case.policies, case.options)
