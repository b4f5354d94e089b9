"""
Proofs for the guardrail rules: whether any call without a guardrail gets through, beyond the sample requests.

Without the extra ``proof`` the rules use their sample requests alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from guardedbedrock.governance.lint.policy import DEFAULT_PRINCIPAL, Group, LintedPolicy, LintedStatement
from guardedbedrock.governance.proof.answers import Answer
from guardedbedrock.governance.proof.options import Options
from guardedbedrock.governance.proof.policies import ProofPolicies
from guardedbedrock.governance.proof.questions import guardrail_required
from guardedbedrock.governance.proof.solving.solver import is_available

_TIMEOUT: Final = 1.0  # s


def prove_guarded(group: Group, approved: Sequence[str] = (), patterns: Sequence[str] = ()) -> Answer | None:
    """
    Prove that every call carries an approved guardrail, except calls to models that take none.

    Args:
        group: The policies.
        approved: Values of the guardrail key that count.
        patterns: Patterns of values that count.

    Returns:
        The answer. None if the statement is neither proved nor refuted, if values are known only at deployment, or if the solver
        is not installed.
    """
    policies = group.policy_set
    if policies is None or _has_unresolved(group) or not is_available():
        return None
    options = Options(timeout=_TIMEOUT, any_principal=group.principal == DEFAULT_PRINCIPAL)
    given = ProofPolicies.of(policies, group.principal)
    answer = guardrail_required(given, approved, options, patterns=patterns, exempt_models=group.exempt_models)
    return None if answer.answer == "unknown" else answer


def responsible(group: Group, answer: Answer) -> Iterator[tuple[LintedPolicy, LintedStatement]]:
    """Yield the statements of the group that let the witness through."""
    named = {(one.policy, one.policy_type, one.index) for one in answer.statements}
    for policy in group.policies:
        for index, statement in enumerate(policy.statements):
            if (policy.name, policy.policy_type, index) in named and statement.is_allow:
                yield policy, statement


def witness_of(group: Group, answer: Answer) -> str:
    """Describe the witness: action, resource, and the context keys that the policies read."""
    request, policies = answer.witness, group.policy_set
    if request is None or policies is None:
        return ""
    read = {key.lower() for key in policies.reads}
    shown = [f"`{key}` = `{value}`" for key, value in sorted(request.context.items()) if key.lower() in read]
    context = f" with {', '.join(shown)}" if shown else ""
    return f"`{request.action}` on `{request.resource}`{context}"


def _has_unresolved(group: Group) -> bool:
    return any(
        not item.is_resolved
        for _, statement in group.statements()
        for item in (
            *statement.actions,
            *statement.resources,
            *(one for line in statement.conditions for one in line.values),
        )
    )
