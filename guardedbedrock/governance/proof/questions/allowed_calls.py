"""The question whether calls stay allowed for every value of their unknown keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from time import perf_counter
from typing import Final

from guardedbedrock.governance.proof.answers import Answer
from guardedbedrock.governance.proof.logic.compared_keys import canonical_key
from guardedbedrock.governance.proof.logic.formulas import Tri, negate
from guardedbedrock.governance.proof.logic.keys import ALWAYS_PRESENT
from guardedbedrock.governance.proof.options import Options
from guardedbedrock.governance.proof.policies import ProofPolicies
from guardedbedrock.governance.proof.questions.answering import answer_parts, answered, prover_of
from guardedbedrock.governance.proof.solving.parts import Part, Prover
from guardedbedrock.governance.proof.solving.requests import RequestClass
from guardedbedrock.iam import Request
from guardedbedrock.iam.matching.context import text_of

_SEVERAL = (list, tuple, set, frozenset)
_NO_CALL: Final = "the calls need no authorization, so there is nothing to prove"


def always_allowed(policies: ProofPolicies, requests: Sequence[Request], options: Options | None = None) -> Answer:
    """
    Decide whether some requests stay allowed for every value of their unknown keys.

    Args:
        policies: The policies of one principal.
        requests: The requests; their `unknown` keys can have any value, all others are fixed.
        options: Timeout and assumptions.
    """
    settings, started = options or Options(), perf_counter()

    def denies(request: Request) -> bool:
        return policies.policy_set().evaluate(request).is_denied

    question = "the calls stay allowed for every value of the keys that are not known"
    answers = []
    for request in requests:
        own = replace(policies, principal=request.principal)
        prover, request_class = _call(own, request, settings)
        if request.unknown_parts:
            reason = f"the resource of a call is known only in part: {request.resource}"
            answers.append(answered(question, "unknown", own, settings, reason))
            continue
        allowed = prover.encoder(request_class).allowed(own)
        part = Part(request_class, Tri(negate(allowed.may), negate(allowed.must)), own, denies)
        answers.append(answer_parts(question, prover, [part], own, settings, is_limited=True))
        if answers[-1].answer == "refuted":
            break
    chosen = next((one for kind in ("refuted", "unknown", "proved") for one in answers if one.answer == kind), None)
    spent = (perf_counter() - started) * 1000
    return replace(chosen or answered(question, "unknown", policies, settings, _NO_CALL), milliseconds=spent)


def _call(policies: ProofPolicies, request: Request, options: Options) -> tuple[Prover, RequestClass]:
    """Return the prover and the requests of a call. A key without a value is absent, unless it is unknown or always sent."""
    context, lists = _scalars(request.context), _lists(request.context)
    names = {canonical_key(name) for name in (*context, *lists)}
    unknown = {key.lower() for key in request.unknown}
    known_in_part = {**options.partly_known(policies), **request.partly_known}
    partly = {name: tuple(patterns) for name, patterns in known_in_part.items() if canonical_key(name) not in names}
    free = {*unknown, *map(canonical_key, partly)}
    derived = {
        name: value
        for name, value in options.fixed(policies).items()
        if canonical_key(name) not in names and not _is_free(canonical_key(name), free)
    }
    given = {**derived, **context, **options.assumed}
    prover = prover_of((policies,), given, options, also=lists, lists=lists)
    known = {*map(canonical_key, given), *names}
    keys = prover.keys
    absent = {
        keys.spelling[key]: None
        for key in (*keys.cells, *keys.slots)
        if key not in known and key not in ALWAYS_PRESENT and not _is_free(key, free)
    }
    fixed = {**absent, **given}
    foreign = bool(request.cross_account)
    return prover, RequestClass(
        request.action,
        resource=request.resource,
        fixed=fixed,
        foreign=foreign,
        lists=lists,
        partly_known=partly,
        resource_account=request.resource_account,
    )


def _scalars(context: Mapping[str, object]) -> dict[str, str]:
    return {key: text_of(value) for key, value in context.items() if value is not None and not isinstance(value, _SEVERAL)}


def _lists(context: Mapping[str, object]) -> dict[str, tuple[str, ...]]:
    return {key: tuple(map(text_of, value)) for key, value in context.items() if isinstance(value, _SEVERAL) and value}


def _is_free(key: str, free: set[str]) -> bool:
    return key in free or f"{key.partition('/')[0]}/*" in free
