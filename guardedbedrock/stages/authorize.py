"""Second stage: evaluate every authorization that the call needs, before anything is sent."""

from __future__ import annotations

from time import perf_counter
from typing import Final

from guardedbedrock.bedrock.authorization.authorization_set import AuthorizationSet
from guardedbedrock.bedrock.authorization.cross_account import caller_side
from guardedbedrock.bedrock.authorization.vocabulary import AUTHORIZERS
from guardedbedrock.bedrock.caller import Caller
from guardedbedrock.bedrock.errors.denial_hints import denial_hint
from guardedbedrock.bedrock.indirect_inference import find_indirect
from guardedbedrock.core.events import CallRefused, PreflightDecided, SourceUnavailable
from guardedbedrock.core.observers import Observers
from guardedbedrock.core.preflight_cache import Preflight
from guardedbedrock.core.records import AuthorizedCall, GuardedCall, Verdict
from guardedbedrock.core.rules import Rules
from guardedbedrock.errors import (
    AccessDeniedError,
    ConfigurationError,
    ExplicitDenyError,
    ImplicitDenyError,
    PreflightUnavailableError,
)
from guardedbedrock.iam import PolicySet
from guardedbedrock.stages.unavailable import source_unavailable

_UNDOCUMENTED: Final = "the decision depends on a rule that AWS does not document"
_OR_SEND: Final = 'or set on_indeterminate = "send"'
_SET_CONTEXT: Final = f"set these context keys under `context` in the configuration, {_OR_SEND}"
_CORRECT: Final = f"correct what the message names, such as a missing permission, {_OR_SEND}"
_SET_PROFILES: Final = (
    "name the ARN, or list under `profiles` in the configuration the models behind the profile or prompt, as "
    f"guardedbedrock.models_behind reads them from AWS; {_OR_SEND}"
)


def authorize(guarded: GuardedCall, rules: Rules, observers: Observers) -> AuthorizedCall:
    """
    Evaluate the policies for a call, and raise if they deny it.

    Raises:
        ExplicitDenyError, ImplicitDenyError: A policy denies the call; nothing was sent.
        PreflightUnavailableError: The principal is unknown; the source of the policies is unavailable and `on_unavailable` is
            ``deny``; or the decision depends on unknown context keys and `on_indeterminate` is ``refuse``.
    """
    started = perf_counter()
    if rules.unavailable:
        observers.emit(SourceUnavailable(rules.unavailable, rules.on_unavailable))
    verdict: Verdict | None = None
    try:
        verdict = judge(guarded, rules)
        if observers.wants_routine or verdict.decision != "allowed":
            observers.emit(PreflightDecided(verdict, perf_counter() - started, rules.vocabulary))
        if verdict.decision != "allowed":
            _check(guarded, verdict, rules)
    except AccessDeniedError as error:
        observers.emit(CallRefused(error, enforced=rules.mode == "enforce"))
        if rules.mode == "enforce":
            raise
    return AuthorizedCall(guarded, verdict or Verdict("indeterminate", (), guarded.params, guarded.guardrail))


def judge(guarded: GuardedCall, rules: Rules) -> Verdict:
    """
    Evaluate every authorization of the call, including those after a denied one.

    Raises:
        PreflightUnavailableError: The principal is unknown, or the source of the policies is unavailable.
    """
    # INVARIANT: Rules with a source have no policies. Clients resolve them when a call begins; this line is for one that did not.
    rules = rules.current()
    if rules.unavailable and rules.on_unavailable == "deny":
        raise source_unavailable(guarded.call.name, rules, 'use a snapshot, or set on_unavailable = "allow"')
    effects = _indirect_effects(guarded) if guarded.call.operation.has_indirect_effects else ""
    if rules.policies is None:
        return Verdict("allowed", (), guarded.params, guarded.guardrail, indirect_effects=effects)
    result = _preflight(guarded, rules, rules.policies)
    unread = rules.unread(guarded.call.region) if guarded.call.operation.inference else ()
    is_open = bool(unread) and result.outcome == "allowed"
    return Verdict(
        decision="indeterminate" if is_open else result.outcome,
        decisions=result.decisions,
        params=guarded.params,
        guardrail=guarded.guardrail,
        authorization_set=result.authorization_set,
        indirect_effects=effects,
        advisory_policy_types=rules.advisory_policy_types,
        policy_remarks=rules.policy_remarks,
        unread=unread if is_open else (),
    )


def _indirect_effects(guarded: GuardedCall) -> str:
    operation, params = guarded.call.operation, guarded.params
    targets = "" if operation.indirect_effects else ", ".join(one.description for one in find_indirect(operation, params))
    calls_models = (f"AWS also calls models for {targets}; the guard adds no guardrail there",) if targets else ()
    return "; ".join((*operation.effects(params), *calls_models))


def _preflight(guarded: GuardedCall, rules: Rules, policies: PolicySet) -> Preflight:
    now = rules.clock() if rules.reads_time else None
    second = None if now is None else int(now.timestamp())
    known = rules.preflights.get(guarded) if policies.is_static else None
    if known is not None and known.second == second:
        return known
    needed = _needed(guarded, rules, policies) if known is None else known.authorization_set
    requests = needed.requests if now is None else needed.at(now)
    decisions = tuple(policies.evaluate(request) for request in requests)
    result = Preflight(needed, decisions, needed.outcome(decisions, rules.advisory_policy_types), second)
    if policies.is_static:
        rules.preflights.put(guarded, result)
    return result


def _needed(guarded: GuardedCall, rules: Rules, policies: PolicySet) -> AuthorizationSet:
    """List the authorizations that a call needs."""
    caller, authorizer = _caller(guarded, rules), AUTHORIZERS[rules.vocabulary]
    return caller_side(authorizer(guarded.call.operation, guarded.params, caller, rules.inventory), policies)


def _caller(guarded: GuardedCall, rules: Rules) -> Caller:
    try:
        return rules.caller(guarded.call.region)
    except ConfigurationError as error:
        raise PreflightUnavailableError(
            message=f"the policies cannot be evaluated: {error}",
            operation_name=guarded.call.name,
            hint="set the principal's ARN in the configuration, or fix the credentials that are used to look it up",
        ) from error


def _check(guarded: GuardedCall, verdict: Verdict, rules: Rules) -> None:
    if verdict.denied:
        raise denial(guarded.call.name, verdict, rules)
    if verdict.decision == "indeterminate" and rules.on_indeterminate == "refuse":
        why = (
            f"the decision depends on {', '.join(verdict.hangs_on)}"
            if verdict.hangs_on
            else "; ".join((*verdict.reasons, *verdict.remarks)) or _UNDOCUMENTED
        )
        raise PreflightUnavailableError(
            message=f"the policies give no sure answer: {why}",
            operation_name=guarded.call.name,
            authorizations=verdict.authorizations,
            hint=_hint_of(verdict),
        )


def _hint_of(verdict: Verdict) -> str:
    if not verdict.hangs_on:
        return _CORRECT
    return _SET_PROFILES if any(key.startswith("resource:") for key in verdict.hangs_on) else _SET_CONTEXT


def denial(operation_name: str, verdict: Verdict, rules: Rules) -> AccessDeniedError:
    """Make the error of a denied verdict: the message that AWS would send, and a hint on how to fix it."""
    first = verdict.denied
    if first is None:
        raise LookupError("the verdict denies nothing")
    request, decision = first.request, first.decision
    explicit = decision.outcome == "explicitDeny"
    return (ExplicitDenyError if explicit else ImplicitDenyError)(
        message=decision.message(),
        operation_name=operation_name,
        principal=request.principal,
        action=request.action,
        resource=request.resource,
        policy_type=decision.policy_type,
        policy_arn=decision.policy_arn,
        simulated=True,
        authorizations=verdict.authorizations,
        hint=denial_hint(decision, rules.policy_mistakes),
    )
