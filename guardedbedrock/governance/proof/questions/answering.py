"""Answer a question: decide its parts one by one, and add the assumptions to the answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from time import perf_counter
from typing import Final

from guardedbedrock.governance.proof.answers import Answer, ProofAnswer, StatementLocation
from guardedbedrock.governance.proof.options import Options
from guardedbedrock.governance.proof.policies import ProofPolicies
from guardedbedrock.governance.proof.solving.parts import Part, Prover
from guardedbedrock.governance.proof.solving.requests import RequestClass
from guardedbedrock.iam import Decision, Request
from guardedbedrock.iam.matching.principals import identify

TOO_MANY_ACTIONS: Final = "the policies tell too many actions of other services apart"
_NO_REQUEST: Final = "no request that AWS could receive has the values and the resource that the question gives"


def prover_of(
    policies: Sequence[ProofPolicies],
    fixed: Mapping[str, str | None],
    options: Options,
    also: Iterable[str] = (),
    lists: Mapping[str, tuple[str, ...]] | None = None,
) -> Prover:
    """
    Return the prover for the parts of a question.

    Args:
        policies: The policies that the question is about, and those that they are compared with.
        fixed: Keys with their value in every request; None for a key that no request has.
        options: Timeout and assumptions.
        also: Further keys that the question reads.
        lists: Keys with several values in every request.
    """
    placed = [statement for one in policies for statement in one.statements()]
    return Prover(
        placed, fixed, policies, options.timeout, also=also, partly_known=options.partly_known(policies[0]), lists=lists
    )


def answer_parts(  # noqa: PLR0913  # all but one are positional
    question: str, prover: Prover, parts: Iterable[Part], policies: ProofPolicies, options: Options, *, is_limited: bool
) -> Answer:
    """
    Decide the parts of a question.

    If no request meets the limits of the question, the answer is ``unknown``: otherwise every policy would be proved.
    """
    started = perf_counter()
    found = answered(question, "proved", policies, options)
    request_classes: list[RequestClass] = []
    for part in parts:
        request_classes.append(part.request_class)
        outcome = prover.decide(part)
        if outcome.witness is not None:
            statements = _responsible(part.policies, outcome.witness)
            found = replace(found, answer="refuted", witness=outcome.witness, statements=statements, reason="")
            break
        if outcome.answer == "unknown" and found.answer == "proved":
            found = replace(found, answer="unknown", reason=outcome.reason)
    if found.answer == "proved" and is_limited and request_classes and not any(map(prover.has_request, request_classes)):
        found = replace(found, answer="unknown", reason=_NO_REQUEST)
    return replace(found, milliseconds=(perf_counter() - started) * 1000)


def answered(question: str, answer: ProofAnswer, policies: ProofPolicies, options: Options, reason: str = "") -> Answer:
    """Return an answer with its assumptions."""
    assumptions = _assumptions(policies, options)
    return Answer(question, answer, reason=reason, assumptions=assumptions, principal=policies.principal)


def open_if_unknown(answer: Answer, unknown: Sequence[str]) -> Answer:
    """Change a proof to ``unknown`` if policies name Bedrock actions that this version does not know."""
    if answer.answer != "proved" or not unknown:
        return answer
    return replace(answer, answer="unknown", reason=f"this version knows no action that matches `{unknown[0]}`")


def _responsible(policies: ProofPolicies, witness: Request) -> tuple[StatementLocation, ...]:
    """Name the statements that decide about the witness."""
    decision: Decision = policies.policy_set().evaluate(witness)
    return tuple(
        StatementLocation(
            one.policy, one.index, one.sid, one.policy_type, "allows this request" if one.effect == "Allow" else "denies it"
        )
        for one in decision.statements
    )


def _assumptions(policies: ProofPolicies, options: Options) -> tuple[str, ...]:
    found = ["the keys of the principal have any value" if options.any_principal else f"the principal is {policies.principal}"]
    found += [f"{key} is {value}" for key, value in options.assumed.items()]
    if policies.rcp and not policies.rcp_applies:
        found.append("resource control policies are ignored: AWS does not list Bedrock among the services that they reach")
    found += [f"could not be read: {gap.reason}" for gap in policies.gaps]
    if policies.resource is None and identify(policies.principal).account:
        found.append("no resource-based policy grants access")
    return tuple(found)
