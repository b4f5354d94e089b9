"""Questions that compare two versions of policies."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from guardedbedrock.governance.proof.actions import TooManyActionsError, distinguished_actions, unknown_actions
from guardedbedrock.governance.proof.answers import Answer
from guardedbedrock.governance.proof.logic.formulas import Tri, conjoin, negate
from guardedbedrock.governance.proof.options import Options
from guardedbedrock.governance.proof.policies import ProofPolicies
from guardedbedrock.governance.proof.questions.answering import (
    TOO_MANY_ACTIONS,
    answer_parts,
    answered,
    open_if_unknown,
    prover_of,
)
from guardedbedrock.governance.proof.solving.parts import Part, Prover
from guardedbedrock.iam import Request


def no_new_access(old: ProofPolicies, new: ProofPolicies, options: Options | None = None) -> Answer:
    """
    Decide whether the new version allows nothing that the old version does not allow.

    Args:
        old: The old policies.
        new: The new policies.
        options: Timeout and assumptions.
    """
    settings = options or Options()
    return _compare(old, new, settings, prover_of((old, new), settings.fixed(new), settings))


def equivalent(first: ProofPolicies, second: ProofPolicies, options: Options | None = None) -> Answer:
    """
    Decide whether two versions allow the same requests.

    Args:
        first: One version.
        second: The other.
        options: Timeout and assumptions.
    """
    question, settings = "both versions allow the same requests", options or Options()
    prover = prover_of((first, second), settings.fixed(second), settings)
    forth = _compare(first, second, settings, prover)
    if forth.answer == "refuted":
        return replace(forth, question=question, reason="only the second version allows this request")
    back = _compare(second, first, settings, prover)
    spent = forth.milliseconds + back.milliseconds
    if back.answer == "refuted":
        return replace(back, question=question, reason="only the first version allows this request", milliseconds=spent)
    open_one = next((one for one in (forth, back) if one.answer == "unknown"), forth)
    return replace(open_one, question=question, milliseconds=spent)


def _compare(old: ProofPolicies, new: ProofPolicies, options: Options, prover: Prover) -> Answer:
    question = "the new policies allow nothing that the old policies do not allow"
    if old.same_documents(new):
        return answered(question, "proved", new, options, "both are the same policies")

    def is_new(request: Request) -> bool:
        before = old.policy_set().evaluate(request).outcome
        return before in ("implicitDeny", "explicitDeny") and new.policy_set().evaluate(request).outcome == "allowed"

    def parts() -> Iterable[Part]:
        for name in distinguished_actions(old, new, options.timeout):
            for request_class in prover.request_classes(name):
                encoder = prover.encoder(request_class)
                after = encoder.allowed(new)
                if after.may is False:
                    continue
                before = encoder.allowed(old)
                shown = Tri(conjoin((after.must, negate(before.may))), conjoin((after.may, negate(before.must))))
                yield Part(request_class, shown, new, is_new, older=old)

    try:
        answer = answer_parts(question, prover, parts(), new, options, is_limited=bool(options.assumed))
    except TooManyActionsError:
        return answered(question, "unknown", new, options, TOO_MANY_ACTIONS)
    return open_if_unknown(answer, unknown_actions(old, new))
