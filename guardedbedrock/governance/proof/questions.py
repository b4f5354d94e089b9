"""
The questions that can be proved.

Every question has two halves. It is refuted if some request surely shows the opposite, and the engine confirms it. It is proved
if no request could, not even where AWS documents no rule. Otherwise the answer is unknown, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from time import perf_counter
from typing import Final

from guardedbedrock.bedrock import reference
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.governance.proof.answers import Answer, StatementPlace
from guardedbedrock.governance.proof.encoding import Encoder, Vocabulary, vocabulary_of
from guardedbedrock.governance.proof.formulas import RESOURCE, Formula, Matches, Present, Text, Tri, conjoin, disjoin, negate
from guardedbedrock.governance.proof.policies import Placed, ProofPolicies
from guardedbedrock.governance.proof.propositional import is_unsatisfiable
from guardedbedrock.governance.proof.requests import (
    GUARDRAIL,
    INFERENCE,
    NOT_THE_MODEL,
    Situation,
    accounts,
    principal_keys,
    rebuild,
    shapes_of,
    types_in,
    well_formed,
)
from guardedbedrock.governance.proof.solver import is_available, solve
from guardedbedrock.iam import Decision, Request
from guardedbedrock.iam.matching.patterns import ANY_BUT_COLON, compile_pattern, compile_tokens, join, tokenize
from guardedbedrock.iam.matching.principals import identify

TIMEOUT: Final = 5.0
_NO_SOLVER: Final = "the policies need a solver to compare; install guardedbedrock[proof]"
_ONE_SIDED: Final = "the answer depends on a pattern that the proof cannot express"
_UNCERTAIN: Final = "no certain decision"


@dataclass(frozen=True, slots=True)
class Options:
    """
    How a question is answered.

    Args:
        timeout: Limit of the solver for each part of a question, in seconds.
        assumed: Context keys that every request has, with their values.
        any_principal: Whether the keys that AWS derives from the principal are free, because it is not known.
    """

    timeout: float = TIMEOUT
    assumed: Mapping[str, str] = field(default_factory=dict)
    any_principal: bool = False


@dataclass(frozen=True, slots=True)
class _Part:
    """
    One part of a question: the requests of one action.

    Args:
        situation: The requests.
        vocabulary: How keys are modelled.
        shown: What a witness shows, as a pair: surely, possibly.
        policies: The policies that allow the witness.
        confirms: Returns whether the engine agrees with a witness.
        older: The policies that `policies` are compared with, if the question has two versions.
    """

    situation: Situation
    vocabulary: Vocabulary
    shown: Tri
    policies: ProofPolicies
    confirms: Callable[[Request], bool]
    older: ProofPolicies | None = None

    def open_decision(self, request: Request) -> Decision | None:
        """Return a decision that depends on a rule that AWS does not document; None if each decision is sure."""
        sets = [one.policy_set() for one in (self.policies, self.older) if one is not None]
        decisions = [one.evaluate(request) for one in sets]
        return next((one for one in decisions if one.outcome == "indeterminate"), None)


@dataclass(frozen=True, slots=True)
class _Outcome:
    answer: str
    witness: Request | None = None
    reason: str = ""


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

    def breaks(vocabulary: Vocabulary) -> Formula:  # noqa: ARG001  # the guardrail key is always modelled as one text
        carries = conjoin((Present(GUARDRAIL), disjoin(Matches(Text(GUARDRAIL), one) for one in counting)))
        return conjoin((negate(carries), *(negate(Matches(RESOURCE, one)) for one in exempt)))

    def unguarded(request: Request) -> bool:
        value = next((str(value) for key, value in request.context.items() if key.lower() == GUARDRAIL), None)
        if value is not None and any(matches(value) for matches in is_counting):
            return False
        if any(matches(request.resource) for matches in is_exempt):
            return False
        return policies.policy_set().evaluate(request).outcome == "allowed"

    def parts() -> Iterable[_Part]:
        for action in INFERENCE:
            types = reference.actions()[action.lower()].types - NOT_THE_MODEL
            for situation in _situations(Situation(action, types, fixed=_fixed(policies, settings)), policies):
                yield _part(policies, situation, breaks, unguarded, also=(GUARDRAIL,))

    listed = ", ".join((*approved, *patterns)) or "none"
    question = f"no inference request is allowed unless it carries an approved guardrail ({listed})"
    return _answer(question, parts(), policies, settings)


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

    def parts() -> Iterable[_Part]:
        for name in actions_of(action):
            fixed = {**_fixed(policies, settings), **(when or {})}
            patterns = () if resource == "*" else (resource,)
            for situation in _situations(Situation(name, fixed=fixed, patterns=patterns), policies):
                yield _part(policies, situation, lambda _: True, _is_allowed(policies))

    limits = "".join(f", {key} = {value}" for key, value in (when or {}).items())
    return _answer(f"{action} on {resource} is never allowed{limits}", parts(), policies, settings)


def no_new_access(old: ProofPolicies, new: ProofPolicies, options: Options | None = None) -> Answer:
    """
    Does the new version allow nothing that the old one does not allow?

    Args:
        old: The old policies.
        new: The new policies.
        options: Timeout and assumptions.
    """
    settings = options or Options()
    question = "the new policies allow nothing that the old policies do not allow"
    if old.same_documents(new):
        return Answer(question, "proved", reason="both are the same policies", principal=new.principal)

    def is_new(request: Request) -> bool:
        before = old.policy_set().evaluate(request).outcome
        return before in ("implicitDeny", "explicitDeny") and new.policy_set().evaluate(request).outcome == "allowed"

    def parts() -> Iterable[_Part]:
        for name in _distinguished_actions(old, new):
            for situation in _situations(Situation(name, fixed=_fixed(new, settings)), old, new):
                vocabulary = vocabulary_of((*old.statements(), *new.statements()), situation.fixed)
                encoder = encoder_of(situation, vocabulary)
                before, after = encoder.allowed(old), encoder.allowed(new)
                shown = Tri(conjoin((after.must, negate(before.may))), conjoin((after.may, negate(before.must))))
                yield _Part(situation, vocabulary, shown, new, is_new, older=old)

    answer = _answer(question, parts(), new, settings)
    foreign = _unknown_actions(old, new)
    if answer.answer == "proved" and foreign:
        return replace(answer, answer="unknown", reason=f"this version does not know the action {foreign[0]}")
    return answer


def equivalent(first: ProofPolicies, second: ProofPolicies, options: Options | None = None) -> Answer:
    """
    Do two versions allow the same requests?

    Args:
        first: One version.
        second: The other.
        options: Timeout and assumptions.
    """
    question = "both versions allow the same requests"
    forth = no_new_access(first, second, options)
    if forth.answer == "refuted":
        return replace(forth, question=question, reason="only the second version allows the witness")
    back = no_new_access(second, first, options)
    spent = forth.milliseconds + back.milliseconds
    if back.answer == "refuted":
        return replace(back, question=question, reason="only the first version allows the witness", milliseconds=spent)
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
    settings = options or Options()

    def denies(request: Request) -> bool:
        return policies.policy_set().evaluate(request).is_denied

    def parts() -> Iterable[_Part]:
        for request in requests:
            free = {key.lower() for key in request.unknown}
            vocabulary = vocabulary_of(policies.statements(), {key: _text(value) for key, value in request.context.items()})
            given = {key: _text(value) for key, value in request.context.items()}
            absent = {
                vocabulary.spelling[key]: None
                for key in (*vocabulary.cells, *vocabulary.slots)
                if key not in {name.lower() for name in given} and not _is_free(key, free)
            }
            fixed = {**absent, **given, **settings.assumed}
            situation = Situation(request.action, resource=request.resource, fixed=fixed)
            encoder = Encoder(vocabulary, request.action.lower(), request.resource, foreign=bool(request.cross_account))
            allowed = encoder.allowed(policies)
            yield _Part(situation, vocabulary, Tri(negate(allowed.may), negate(allowed.must)), policies, denies)

    question = "the calls stay allowed for every value of the keys that are not known"
    return _answer(question, parts(), policies, settings)


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
    for placed in policies.statements():
        status = _reaches(placed, policies, settings)
        if status != "reachable":
            why = "no request meets it" if status == "dead" else status
            (dead if status == "dead" else open_ones).append(_place(placed, why))
    answer = "refuted" if dead else "unknown" if open_ones else "proved"
    reason = f"{len(dead)} statements apply to no request" if dead else open_ones[0].reason if open_ones else ""
    return Answer(
        question="every statement applies to some request",
        answer=answer,  # type: ignore[arg-type]  # one of the three
        statements=tuple(dead or open_ones),
        reason=reason,
        assumptions=_assumptions(policies, settings),
        milliseconds=(perf_counter() - started) * 1000,
        principal=policies.principal,
    )


# -- answering --------------------------------------------------------------------------------------------------------


def _answer(question: str, parts: Iterable[_Part], policies: ProofPolicies, options: Options) -> Answer:
    started, found, open_one = perf_counter(), None, None
    for part in parts:
        outcome = _decide(part, options)
        if outcome.answer == "refuted":
            found = outcome, part
            break
        if outcome.answer == "unknown" and open_one is None:
            open_one = outcome
    spent = (perf_counter() - started) * 1000
    common = {
        "question": question,
        "assumptions": _assumptions(policies, options),
        "milliseconds": spent,
        "principal": policies.principal,
    }
    if found is not None:
        outcome, part = found
        witness = outcome.witness
        statements = _responsible(part.policies, witness) if witness is not None else ()
        return Answer(**common, answer="refuted", witness=witness, statements=statements, reason=outcome.reason)  # type: ignore[arg-type]
    if open_one is not None:
        return Answer(**common, answer="unknown", reason=open_one.reason)  # type: ignore[arg-type]
    return Answer(**common, answer="proved")  # type: ignore[arg-type]


def _decide(part: _Part, options: Options) -> _Outcome:
    formed = well_formed(part.situation, part.vocabulary)
    possible = conjoin((formed, part.shown.may))
    if is_unsatisfiable(possible):
        return _Outcome("proved")
    if not is_available():
        return _Outcome("unknown", reason=_NO_SOLVER)
    witness, reason = _witness(part, options)
    if witness is not None:
        return _Outcome("refuted", witness)
    if reason:
        return _Outcome("unknown", reason=reason)
    if part.shown.may == part.shown.must:
        return _Outcome("proved")
    status, model, reason = solve(possible, part.vocabulary, timeout=options.timeout)
    if status == "unsatisfiable":
        return _Outcome("proved")
    if model is None:
        return _Outcome("unknown", reason=reason)
    return _judge(rebuild(model, part.situation, part.vocabulary, part.policies), part)


def _judge(request: Request, part: _Part) -> _Outcome:
    """Let the engine decide about a request that may show the opposite."""
    if part.confirms(request):
        return _Outcome("refuted", request)
    decision = part.open_decision(request)
    if decision is None:
        return _Outcome("unknown", reason=_ONE_SIDED)
    rules = "; ".join(decision.reasons)
    return _Outcome("unknown", reason=f"{_UNCERTAIN} for {request.action} on {request.resource}: {rules}")


def _witness(part: _Part, options: Options) -> tuple[Request | None, str]:
    """Return a request that the engine confirms; else the reason why there is no answer, ``""`` if there is no such request."""
    for usual in (True, False):
        certain = conjoin((well_formed(part.situation, part.vocabulary, usual=usual), part.shown.must))
        status, model, reason = solve(certain, part.vocabulary, timeout=options.timeout)
        if status == "satisfiable" and model is not None:
            request = rebuild(model, part.situation, part.vocabulary, part.policies)
            if part.confirms(request):
                return request, ""
            return (
                None,
                f"defect: the engine does not confirm {request.action} on {request.resource}; please report it",
            )
        if status == "unknown" and not usual:
            return None, reason
    return None, ""


def _part(
    policies: ProofPolicies,
    situation: Situation,
    shown: Callable[[Vocabulary], Formula],
    confirms: Callable[[Request], bool],
    also: Iterable[str] = (),
) -> _Part:
    """Build the part "a request of this situation is allowed, and shows something"."""
    keys = {**dict.fromkeys(also), **situation.fixed}
    vocabulary = vocabulary_of(policies.statements(), keys)
    encoder = encoder_of(situation, vocabulary)
    allowed = encoder.allowed(policies)
    extra = shown(vocabulary)
    return _Part(situation, vocabulary, Tri(conjoin((allowed.must, extra)), conjoin((allowed.may, extra))), policies, confirms)


def _reaches(placed: Placed, policies: ProofPolicies, options: Options) -> str:
    """Return ``reachable``, ``dead``, or why neither is known."""
    actions = _covered(placed)
    if not actions:
        return "dead" if _names_only_bedrock(placed) else "reachable"
    reason = ""
    for action in actions:
        for situation in _situations(Situation(action, fixed=_fixed(policies, options)), policies, foreign_too=True):
            vocabulary = vocabulary_of((placed,), situation.fixed)
            applies = encoder_of(situation, vocabulary).statement(placed, policies, bounded_by=bool(policies.boundary))
            possible = conjoin((well_formed(situation, vocabulary), applies.may))
            if is_unsatisfiable(possible):
                continue
            if not is_available():
                return _NO_SOLVER
            status, _, why = solve(possible, vocabulary, timeout=options.timeout)
            if status == "satisfiable":
                return "reachable"
            reason = reason or why
    return reason or "dead"


def _situations(situation: Situation, *policies: ProofPolicies, foreign_too: bool = False) -> Iterable[Situation]:
    """Split a situation by the account and the type of the resource, foundation models first."""
    for account, foreign in accounts(policies, every=foreign_too):
        known = {"aws:ResourceAccount": account} if account else {}
        placed = replace(situation, account=account, foreign=foreign, fixed={**known, **situation.fixed})
        types = types_in(placed)
        if types is None:
            yield placed
        for one in types or ():
            yield replace(placed, types=frozenset({one}))


def encoder_of(situation: Situation, vocabulary: Vocabulary) -> Encoder:
    """Return the encoder for the requests of a situation."""
    return Encoder(
        vocabulary,
        situation.action.lower(),
        situation.resource,
        foreign=situation.foreign,
        shapes=shapes_of(situation, vocabulary),
    )


def _responsible(policies: ProofPolicies, witness: Request) -> tuple[StatementPlace, ...]:
    """Name the statements that allow the witness."""
    decision: Decision = policies.policy_set().evaluate(witness)
    return tuple(
        StatementPlace(
            one.policy, one.index, one.sid, one.policy_type, "allows the witness" if one.effect == "Allow" else "denies it"
        )
        for one in decision.statements
    )


def _place(placed: Placed, reason: str) -> StatementPlace:
    return StatementPlace(placed.policy, placed.index, placed.statement.sid, placed.policy_type, reason)


# -- actions ----------------------------------------------------------------------------------------------------------


def actions_of(pattern: str) -> Sequence[str]:
    """
    Return the actions that a pattern stands for.

    Raises:
        ConfigurationError: The pattern covers no action that this version knows, or is not `SERVICE:ACTION`.
    """
    if "*" not in pattern and "?" not in pattern:
        known = reference.actions().get(pattern.lower())
        # A misspelt action is allowed by no policy, so that "never" would be proved for it.
        if known is None and (_is_bedrock(pattern) or ":" not in pattern):
            near = get_close_matches(pattern.lower(), reference.actions(), n=1)
            advice = f"did you mean `{reference.actions()[near[0]].name}`?" if near else "write it like bedrock:InvokeModel"
            raise ConfigurationError(f"this version knows no action `{pattern}`; {advice}")
        return (known.name if known else pattern,)
    matches = compile_pattern(pattern.lower())
    found = [action.name for name, action in reference.actions().items() if matches(name)]
    if not found:
        raise ConfigurationError(f"no action that this version knows matches `{pattern}`; name one action")
    return found


def _covered(placed: Placed) -> Sequence[str]:
    """Return the known actions that a statement covers, and the other actions that it names."""
    statement = placed.statement
    matchers = [compile_pattern(pattern.lower()) for pattern in statement.actions]
    covers = {name: any(matches(name) for matches in matchers) is not statement.not_action for name in reference.actions()}
    found = [reference.actions()[name].name for name, covered in covers.items() if covered]
    if not statement.not_action:
        found += [one for one in statement.actions if "*" not in one and "?" not in one and not _is_bedrock(one)]
    return found


def _names_only_bedrock(placed: Placed) -> bool:
    return not placed.statement.not_action and all(_is_bedrock(pattern) for pattern in placed.statement.actions)


def _is_bedrock(action: str) -> bool:
    return action.lower().startswith(reference.PREFIX)


def _distinguished_actions(old: ProofPolicies, new: ProofPolicies) -> Sequence[str]:
    """Return one action for each set of actions that the policies treat alike."""
    placed = (*old.statements(), *new.statements())
    matchers = {pattern: compile_pattern(pattern.lower()) for one in placed for pattern in one.statement.actions}
    named = [one for one in matchers if "*" not in one and "?" not in one]
    samples = [pattern.replace("*", "Sample").replace("?", "x") for pattern in matchers]
    every = {name.lower(): name for name in (*(a.name for a in reference.actions().values()), *samples, *named, _OTHER)}
    chosen: dict[object, str] = {}
    for lower, name in every.items():
        known = reference.actions().get(lower)
        if known is None and lower.startswith(reference.PREFIX) and name not in named:
            continue
        alike = (
            tuple(matches(lower) for matches in matchers.values()),
            known and (known.types, known.keys),
        )
        chosen.setdefault(alike, known.name if known else name)
    return list(chosen.values())


_OTHER: Final = "other-service:OtherAction"


def _unknown_actions(old: ProofPolicies, new: ProofPolicies) -> Sequence[str]:
    """Return the Bedrock actions that the policies name and this version does not know."""
    named = {pattern for one in (*old.statements(), *new.statements()) for pattern in one.statement.actions}
    exact = sorted(one for one in named if "*" not in one and "?" not in one)
    return [one for one in exact if _is_bedrock(one) and one.lower() not in reference.actions()]


# -- helpers ----------------------------------------------------------------------------------------------------------


def _fixed(policies: ProofPolicies, options: Options) -> dict[str, str | None]:
    derived = {} if options.any_principal else principal_keys(policies.principal)
    return {**derived, **options.assumed}


def _is_allowed(policies: ProofPolicies) -> Callable[[Request], bool]:
    return lambda request: policies.policy_set().evaluate(request).outcome == "allowed"


def _is_free(key: str, free: set[str]) -> bool:
    return key in free or f"{key.partition('/')[0]}/*" in free


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _assumptions(policies: ProofPolicies, options: Options) -> tuple[str, ...]:
    found = ["the keys of the principal have any value" if options.any_principal else f"the principal is {policies.principal}"]
    found += [f"{key} is {value}" for key, value in options.assumed.items()]
    if policies.rcp and not policies.rcp_applies:
        found.append("resource control policies are not counted on: AWS does not list Bedrock among the services that they reach")
    found += [f"could not be read: {reason}" for _, reason in policies.gaps]
    if policies.resource is None and identify(policies.principal).account:
        found.append("no resource-based policy grants access")
    return tuple(found)
