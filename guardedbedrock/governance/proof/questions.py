"""
The questions that can be proved.

Every question has two halves. It is refuted if some request surely shows the opposite, and the engine confirms it. It is proved
if no request could, not even where AWS documents no rule. Otherwise the answer is unknown, with the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from time import perf_counter
from typing import Final

from guardedbedrock.bedrock import reference
from guardedbedrock.governance.proof.actions import (
    TooManyActionsError,
    actions_of,
    covered_actions,
    distinguished_actions,
    unknown_actions,
)
from guardedbedrock.governance.proof.answers import Answer, ProofAnswer, StatementPlace
from guardedbedrock.governance.proof.logic.formulas import RESOURCE, Matches, Present, Text, Tri, conjoin, disjoin, negate
from guardedbedrock.governance.proof.logic.keys import ALWAYS_PRESENT
from guardedbedrock.governance.proof.logic.vocabulary import MOST_SLOTS, canonical_key
from guardedbedrock.governance.proof.policies import Placed, ProofPolicies
from guardedbedrock.governance.proof.solving.parts import NO_SOLVER, TIMEOUT, Options, Part, Prover
from guardedbedrock.governance.proof.solving.propositional import is_unsatisfiable
from guardedbedrock.governance.proof.solving.requests import GUARDRAIL, INFERENCE, NOT_THE_MODEL, Situation, well_formed
from guardedbedrock.governance.proof.solving.solver import is_available
from guardedbedrock.iam import Decision, Request
from guardedbedrock.iam.matching.context import text_of
from guardedbedrock.iam.matching.patterns import ANY_BUT_COLON, compile_pattern, compile_tokens, join, tokenize
from guardedbedrock.iam.matching.principals import identify

__all__ = [
    "TIMEOUT",
    "Options",
    "actions_of",
    "always_allowed",
    "equivalent",
    "guardrail_required",
    "never",
    "no_new_access",
    "unreachable",
]

_SEVERAL = (list, tuple, set, frozenset)
_TOO_MANY_ACTIONS: Final = "the policies tell too many actions of other services apart"
_NO_CALL: Final = "the calls need no authorization, so there is nothing to prove"
_NO_REQUEST: Final = "no request that AWS could receive has the values and the resource that the question gives"

# -- the questions ----------------------------------------------------------------------------------------------------


def guardrail_required(
    policies: ProofPolicies,
    approved: Sequence[str],
    options: Options | None = None,
    *,
    patterns: Sequence[str] = (),
    exempt_models: Sequence[str] = (),
) -> Answer:
    """
    Is every inference request denied unless it carries an approved guardrail?

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
    is_counting, is_exempt = ([compile_tokens(one) for one in listed] for listed in (counting, exempt))

    carries = conjoin((Present(GUARDRAIL), disjoin(Matches(Text(GUARDRAIL), one) for one in counting)))
    breaks = conjoin((negate(carries), *(negate(Matches(RESOURCE, one)) for one in exempt)))

    def unguarded(request: Request) -> bool:
        value = next((str(value) for key, value in request.context.items() if key.lower() == GUARDRAIL), None)
        if value is not None and any(matches(value) for matches in is_counting):
            return False
        if any(matches(request.resource) for matches in is_exempt):
            return False
        return policies.policy_set().evaluate(request).outcome == "allowed"

    prover = _prover((policies,), settings.fixed(policies), settings, also=(GUARDRAIL,))

    def parts() -> Iterable[Part]:
        for action in INFERENCE:
            types = reference.actions()[action.lower()].types - NOT_THE_MODEL
            for situation in prover.situations(action, types):
                allowed = prover.encoder(situation).allowed(policies)
                shown = Tri(conjoin((allowed.must, breaks)), conjoin((allowed.may, breaks)))
                yield Part(situation, shown, policies, unguarded)

    listed = ", ".join((*approved, *patterns)) or "none"
    question = f"no inference request is allowed unless it carries an approved guardrail ({listed})"
    answer = _answer(question, prover, parts(), policies, settings, is_limited=bool(settings.assumed))
    if not exempt_models:
        return answer
    exemption = f"models that take no guardrail may be called without one: {', '.join(exempt_models)}"
    return replace(answer, assumptions=(*answer.assumptions, exemption))


def never(
    policies: ProofPolicies,
    action: str,
    resource: str = "*",
    when: Mapping[str, str] | None = None,
    options: Options | None = None,
) -> Answer:
    """
    Is an action never allowed on a resource?

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
        return _answered(question, "unknown", policies, settings, _TOO_MANY_ACTIONS)

    prover = _prover((policies,), {**settings.fixed(policies), **(when or {})}, settings)
    patterns = () if resource == "*" else (resource,)

    def is_allowed(request: Request) -> bool:
        return policies.policy_set().evaluate(request).outcome == "allowed"

    def parts() -> Iterable[Part]:
        for name in names:
            for situation in prover.situations(name, patterns=patterns):
                yield Part(situation, prover.encoder(situation).allowed(policies), policies, is_allowed)

    is_limited = bool(when or patterns or settings.assumed)
    answer = _answer(question, prover, parts(), policies, settings, is_limited=is_limited)
    covers = compile_pattern(action.lower())
    return _if_known(answer, [one for one in unknown_actions(policies) if covers(one.lower())])


def no_new_access(old: ProofPolicies, new: ProofPolicies, options: Options | None = None) -> Answer:
    """
    Does the new version allow nothing that the old one does not allow?

    Args:
        old: The old policies.
        new: The new policies.
        options: Timeout and assumptions.
    """
    settings = options or Options()
    return _compare(old, new, settings, _prover((old, new), settings.fixed(new), settings))


def _compare(old: ProofPolicies, new: ProofPolicies, options: Options, prover: Prover) -> Answer:
    question = "the new policies allow nothing that the old policies do not allow"
    if old.same_documents(new):
        return _answered(question, "proved", new, options, "both are the same policies")

    def is_new(request: Request) -> bool:
        before = old.policy_set().evaluate(request).outcome
        return before in ("implicitDeny", "explicitDeny") and new.policy_set().evaluate(request).outcome == "allowed"

    def parts() -> Iterable[Part]:
        for name in distinguished_actions(old, new, options.timeout):
            for situation in prover.situations(name):
                encoder = prover.encoder(situation)
                after = encoder.allowed(new)
                if after.may is False:
                    continue
                before = encoder.allowed(old)
                shown = Tri(conjoin((after.must, negate(before.may))), conjoin((after.may, negate(before.must))))
                yield Part(situation, shown, new, is_new, older=old)

    try:
        answer = _answer(question, prover, parts(), new, options, is_limited=bool(options.assumed))
    except TooManyActionsError:
        return _answered(question, "unknown", new, options, _TOO_MANY_ACTIONS)
    return _if_known(answer, unknown_actions(old, new))


def _if_known(answer: Answer, unknown: Sequence[str]) -> Answer:
    """Leave a proof open if policies name Bedrock actions that this version does not know."""
    if answer.answer != "proved" or not unknown:
        return answer
    return replace(answer, answer="unknown", reason=f"this version knows no action that `{unknown[0]}` covers")


def equivalent(first: ProofPolicies, second: ProofPolicies, options: Options | None = None) -> Answer:
    """
    Do two versions allow the same requests?

    Args:
        first: One version.
        second: The other.
        options: Timeout and assumptions.
    """
    question, settings = "both versions allow the same requests", options or Options()
    prover = _prover((first, second), settings.fixed(second), settings)
    forth = _compare(first, second, settings, prover)
    if forth.answer == "refuted":
        return replace(forth, question=question, reason="only the second version allows this request")
    back = _compare(second, first, settings, prover)
    spent = forth.milliseconds + back.milliseconds
    if back.answer == "refuted":
        return replace(back, question=question, reason="only the first version allows this request", milliseconds=spent)
    open_one = next((one for one in (forth, back) if one.answer == "unknown"), forth)
    return replace(open_one, question=question, milliseconds=spent)


def always_allowed(policies: ProofPolicies, requests: Sequence[Request], options: Options | None = None) -> Answer:
    """
    Do some requests stay allowed for every value of their unknown keys?

    Args:
        policies: The policies of one principal.
        requests: The requests; their `unknown` keys are free, all others are as given.
        options: Timeout and assumptions.
    """
    settings, started = options or Options(), perf_counter()

    def denies(request: Request) -> bool:
        return policies.policy_set().evaluate(request).is_denied

    question = "the calls stay allowed for every value of the keys that are not known"
    answers = []
    for request in requests:
        own = replace(policies, principal=request.principal)
        prover, situation = _call(own, request, settings)
        if request.unknown_parts:
            reason = f"the resource of a call is known only in part: {request.resource}"
            answers.append(_answered(question, "unknown", own, settings, reason))
            continue
        allowed = prover.encoder(situation).allowed(own)
        part = Part(situation, Tri(negate(allowed.may), negate(allowed.must)), own, denies)
        answers.append(_answer(question, prover, [part], own, settings, is_limited=True))
        if answers[-1].answer == "refuted":
            break
    chosen = next((one for kind in ("refuted", "unknown", "proved") for one in answers if one.answer == kind), None)
    spent = (perf_counter() - started) * 1000
    return replace(chosen or _answered(question, "unknown", policies, settings, _NO_CALL), milliseconds=spent)


def _call(policies: ProofPolicies, request: Request, options: Options) -> tuple[Prover, Situation]:
    """Return what decides about a call: keys without a value are absent, unless they are unknown or sent with every request."""
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
    prover = _prover((policies,), given, options, also=lists, lists=lists)
    known = {*map(canonical_key, given), *names}
    vocabulary = prover.vocabulary
    absent = {
        vocabulary.spelling[key]: None
        for key in (*vocabulary.cells, *vocabulary.slots)
        if key not in known and key not in ALWAYS_PRESENT and not _is_free(key, free)
    }
    fixed = {**absent, **given}
    foreign = bool(request.cross_account)
    return prover, Situation(
        request.action, resource=request.resource, fixed=fixed, foreign=foreign, lists=lists, partly_known=partly
    )


def _scalars(context: Mapping[str, object]) -> dict[str, str]:
    return {key: text_of(value) for key, value in context.items() if value is not None and not isinstance(value, _SEVERAL)}


def _lists(context: Mapping[str, object]) -> dict[str, tuple[str, ...]]:
    return {key: tuple(map(text_of, value)) for key, value in context.items() if isinstance(value, _SEVERAL) and value}


def unreachable(policies: ProofPolicies, options: Options | None = None) -> Answer:
    """
    Can every statement apply to some request?

    The answer is refuted if one cannot, and lists those statements.

    Args:
        policies: The policies of one principal.
        options: Timeout and assumptions.
    """
    settings, started = options or Options(), perf_counter()
    dead: list[StatementPlace] = []
    open_ones: list[StatementPlace] = []
    for placed, prover in _provers(policies, settings):
        status = _reaches(placed, prover, policies, settings.timeout)
        if status != "reachable":
            why = "no request meets it" if status == "dead" else status
            (dead if status == "dead" else open_ones).append(_place(placed, why))
    answer: ProofAnswer = "refuted" if dead else "unknown" if open_ones or policies.gaps else "proved"
    open_reasons = [*(one.reason for one in open_ones), *(gap.reason for gap in policies.gaps)]
    reason = _count_dead(len(dead)) if dead else next(iter(open_reasons), "")
    found = _answered("every statement applies to some request", answer, policies, settings, reason)
    spent = (perf_counter() - started) * 1000
    return replace(found, statements=tuple(dead or open_ones), milliseconds=spent)


def _count_dead(number: int) -> str:
    return "1 statement applies to no request" if number == 1 else f"{number} statements apply to no request"


# -- answering --------------------------------------------------------------------------------------------------------


def _prover(
    policies: Sequence[ProofPolicies],
    fixed: Mapping[str, str | None],
    options: Options,
    also: Iterable[str] = (),
    lists: Mapping[str, tuple[str, ...]] | None = None,
) -> Prover:
    placed = [statement for one in policies for statement in one.statements()]
    return Prover(
        placed, fixed, policies, options.timeout, also=also, partly_known=options.partly_known(policies[0]), lists=lists
    )


def _answer(  # noqa: PLR0913  # all but one are positional
    question: str, prover: Prover, parts: Iterable[Part], policies: ProofPolicies, options: Options, *, is_limited: bool
) -> Answer:
    """Decide the parts of a question. One whose limits no request meets would be proved whatever the policies are."""
    started = perf_counter()
    found = _answered(question, "proved", policies, options)
    situations: list[Situation] = []
    for part in parts:
        situations.append(part.situation)
        outcome = prover.decide(part)
        if outcome.witness is not None:
            statements = _responsible(part.policies, outcome.witness)
            found = replace(found, answer="refuted", witness=outcome.witness, statements=statements, reason="")
            break
        if outcome.answer == "unknown" and found.answer == "proved":
            found = replace(found, answer="unknown", reason=outcome.reason)
    if found.answer == "proved" and is_limited and situations and not any(map(prover.has_request, situations)):
        found = replace(found, answer="unknown", reason=_NO_REQUEST)
    return replace(found, milliseconds=(perf_counter() - started) * 1000)


def _answered(question: str, answer: ProofAnswer, policies: ProofPolicies, options: Options, reason: str = "") -> Answer:
    assumptions = _assumptions(policies, options)
    return Answer(question, answer, reason=reason, assumptions=assumptions, principal=policies.principal)


def _provers(policies: ProofPolicies, options: Options) -> Iterator[tuple[Placed, Prover]]:
    """Yield each statement with what decides about it; statements share it unless they need too many values of one key."""
    placed, fixed = tuple(policies.statements()), options.fixed(policies)
    partly = options.partly_known(policies)
    shared = Prover(placed, fixed, (policies,), options.timeout, every_account=True, partly_known=partly)
    fits = all(count <= MOST_SLOTS for count in shared.vocabulary.slots.values())
    for one in placed:
        yield (
            one,
            shared if fits else Prover((one,), fixed, (policies,), options.timeout, every_account=True, partly_known=partly),
        )


def _reaches(placed: Placed, prover: Prover, policies: ProofPolicies, timeout: float) -> str:
    """Return ``reachable``, ``dead``, or why neither is known."""
    try:
        actions = covered_actions(placed, timeout)
    except TooManyActionsError:
        return _TOO_MANY_ACTIONS
    if not actions:
        named = placed.statement.actions
        return f"this version knows no action that `{named[0]}` covers" if named and not placed.statement.not_action else "dead"
    reason = ""
    for action in actions:
        for situation in prover.situations(action):
            applies = prover.encoder(situation).statement(placed, policies)
            possible = conjoin((well_formed(situation, prover.vocabulary), applies.may))
            if is_unsatisfiable(possible, has_solver=is_available()):
                continue
            if not is_available():
                return NO_SOLVER
            status, _, why = prover.solve(possible, situation)
            if status == "satisfiable":
                return "reachable"
            reason = reason or why
    return reason or "dead"


def _responsible(policies: ProofPolicies, witness: Request) -> tuple[StatementPlace, ...]:
    """Name the statements that allow the witness."""
    decision: Decision = policies.policy_set().evaluate(witness)
    return tuple(
        StatementPlace(
            one.policy, one.index, one.sid, one.policy_type, "allows this request" if one.effect == "Allow" else "denies it"
        )
        for one in decision.statements
    )


def _place(placed: Placed, reason: str) -> StatementPlace:
    return StatementPlace(placed.policy, placed.index, placed.statement.sid, placed.policy_type, reason)


# -- helpers ----------------------------------------------------------------------------------------------------------


def _is_free(key: str, free: set[str]) -> bool:
    return key in free or f"{key.partition('/')[0]}/*" in free


def _assumptions(policies: ProofPolicies, options: Options) -> tuple[str, ...]:
    found = ["the keys of the principal have any value" if options.any_principal else f"the principal is {policies.principal}"]
    found += [f"{key} is {value}" for key, value in options.assumed.items()]
    if policies.rcp and not policies.rcp_applies:
        found.append("resource control policies are ignored: AWS does not list Bedrock among the services that they reach")
    found += [f"could not be read: {gap.reason}" for gap in policies.gaps]
    if policies.resource is None and identify(policies.principal).account:
        found.append("no resource-based policy grants access")
    return tuple(found)
