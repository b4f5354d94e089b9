"""Questions about requests that must never be allowed: inference without an approved guardrail, and actions on resources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from guardedbedrock.bedrock import reference
from guardedbedrock.bedrock.actions import INFERENCE
from guardedbedrock.governance.proof.actions import TooManyActionsError, actions_of, unknown_actions
from guardedbedrock.governance.proof.answers import Answer
from guardedbedrock.governance.proof.logic.formulas import (
    RESOURCE,
    Matches,
    Present,
    Tri,
    UnknownString,
    conjoin,
    disjoin,
    negate,
)
from guardedbedrock.governance.proof.options import Options
from guardedbedrock.governance.proof.policies import ProofPolicies
from guardedbedrock.governance.proof.questions.answering import (
    TOO_MANY_ACTIONS,
    answer_parts,
    answered,
    open_if_unknown,
    prover_of,
)
from guardedbedrock.governance.proof.solving.parts import Part
from guardedbedrock.governance.proof.solving.requests import GUARDRAIL, NOT_THE_MODEL
from guardedbedrock.iam import Request
from guardedbedrock.iam.matching.patterns import ANY_BUT_COLON, compile_pattern, compile_tokens, join, tokenize


def guardrail_required(
    policies: ProofPolicies,
    approved: Sequence[str],
    options: Options | None = None,
    *,
    patterns: Sequence[str] = (),
    exempt_models: Sequence[str] = (),
) -> Answer:
    """
    Decide whether every inference request is denied unless it carries an approved guardrail.

    Args:
        policies: The policies of one principal.
        approved: Values of ``bedrock:GuardrailIdentifier`` that count: ``ARN:VERSION``, or an ARN for its DRAFT.
        options: Timeout and assumptions.
        patterns: Patterns of further values that count.
        exempt_models: Patterns of IDs of foundation models that take no guardrail.
    """
    settings = options or Options()
    counting = [*((value,) for value in approved), *map(tokenize, patterns)]
    exempt = [
        join(("arn:", ANY_BUT_COLON, ":bedrock:", ANY_BUT_COLON, "::foundation-model/", *tokenize(one))) for one in exempt_models
    ]
    counting_matchers, exempt_matchers = ([compile_tokens(one) for one in listed] for listed in (counting, exempt))

    carries = conjoin((Present(GUARDRAIL), disjoin(Matches(UnknownString(GUARDRAIL), one) for one in counting)))
    breaks = conjoin((negate(carries), *(negate(Matches(RESOURCE, one)) for one in exempt)))

    def unguarded(request: Request) -> bool:
        value = next((str(value) for key, value in request.context.items() if key.lower() == GUARDRAIL), None)
        if value is not None and any(matches(value) for matches in counting_matchers):
            return False
        if any(matches(request.resource) for matches in exempt_matchers):
            return False
        return policies.policy_set().evaluate(request).outcome == "allowed"

    prover = prover_of((policies,), settings.fixed(policies), settings, also=(GUARDRAIL,))

    def parts() -> Iterable[Part]:
        for action in INFERENCE:
            types = reference.actions()[action.lower()].types - NOT_THE_MODEL
            for request_class in prover.request_classes(action, types):
                allowed = prover.encoder(request_class).allowed(policies)
                shown = Tri(conjoin((allowed.must, breaks)), conjoin((allowed.may, breaks)))
                yield Part(request_class, shown, policies, unguarded)

    listed = ", ".join((*approved, *patterns)) or "none"
    question = f"no inference request is allowed unless it carries an approved guardrail ({listed})"
    answer = answer_parts(question, prover, parts(), policies, settings, is_limited=bool(settings.assumed))
    assumed = answer.assumptions
    if not counting:
        assumed += ("no guardrail is approved, so no request may carry one (name the approved ones with --approved or --config)",)
    if exempt_models:
        assumed += (f"models that take no guardrail may be called without one: {', '.join(exempt_models)}",)
    return replace(answer, assumptions=assumed)


def never(
    policies: ProofPolicies,
    action: str,
    resource: str = "*",
    when: Mapping[str, str] | None = None,
    options: Options | None = None,
) -> Answer:
    """
    Decide whether an action is never allowed on a resource.

    Args:
        policies: The policies of one principal.
        action: Action or pattern.
        resource: ARN or pattern.
        when: Context keys with values that the question is limited to.
        options: Timeout and assumptions.

    Raises:
        ConfigurationError: The action pattern covers no action that this version knows.
    """
    settings = options or Options()
    limits = "".join(f", {key} = {value}" for key, value in (when or {}).items())
    question = f"{action} on {resource} is never allowed{limits}"
    try:
        names = actions_of(action, (policies,), settings.timeout)
    except TooManyActionsError:
        return answered(question, "unknown", policies, settings, TOO_MANY_ACTIONS)

    prover = prover_of((policies,), {**settings.fixed(policies), **(when or {})}, settings)
    patterns = () if resource == "*" else (resource,)

    def is_allowed(request: Request) -> bool:
        return policies.policy_set().evaluate(request).outcome == "allowed"

    def parts() -> Iterable[Part]:
        for name in names:
            for request_class in prover.request_classes(name, patterns=patterns):
                yield Part(request_class, prover.encoder(request_class).allowed(policies), policies, is_allowed)

    is_limited = bool(when or patterns or settings.assumed)
    answer = answer_parts(question, prover, parts(), policies, settings, is_limited=is_limited)
    covers = compile_pattern(action.lower())
    return open_if_unknown(answer, [one for one in unknown_actions(policies) if covers(one.lower())])
