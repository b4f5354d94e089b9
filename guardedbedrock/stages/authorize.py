"""Second stage: ask the policies about every authorization that the call needs, before anything is sent."""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter
from typing import Final

from guardedbedrock.bedrock.authorization.authorization_set import AuthorizationSet
from guardedbedrock.bedrock.errors.dead_conditions import dead_conditions
from guardedbedrock.bedrock.errors.hints import hint_for
from guardedbedrock.core.events import CallRefused, PreflightDecided
from guardedbedrock.core.observers import Observers
from guardedbedrock.core.records import AuthorizedCall, GuardedCall, Verdict
from guardedbedrock.core.rules import Rules
from guardedbedrock.errors import (
    AccessDeniedError,
    ConfigurationError,
    ExplicitDenyError,
    ImplicitDenyError,
    PreflightUnavailableError,
)
from guardedbedrock.iam import Decision, Outcome, PolicySet

_UNDOCUMENTED: Final = "it hangs on a rule that is not documented"
_OR_SEND: Final = 'or set on_indeterminate = "send"'
_TELL_CONTEXT: Final = f"give these context keys under context in the configuration, {_OR_SEND}"
_TELL_MODELS: Final = (
    "name the ARN, or list under `profiles` in the configuration the models that the profile or prompt resolves to, as "
    f"guardedbedrock.models_behind reads them from AWS; {_OR_SEND}"
)
_KEPT: Final = 1024
_NO_SUCH_ACTION: Final = "bedrock:invokemodelwithguardrail"


def authorize(guarded: GuardedCall, rules: Rules, observers: Observers) -> AuthorizedCall:
    """
    Let the call pass when no policy surely denies it.

    Raises:
        ExplicitDenyError, ImplicitDenyError: A policy denies it; nothing was sent.
        PreflightUnavailableError: The principal could not be found out, or the answer hangs on what is not known and
            `on_indeterminate` is ``refuse``.
    """
    started = perf_counter()
    call, params = guarded.call, guarded.params
    try:
        known = rules.answered.get((call.name, call.region, guarded.guardrail_ref, guarded.model))
        if known is not None and known[0].isdisjoint(params):
            _, asked, decisions, outcome = known
            verdict = _verdict(guarded, rules, asked, decisions, outcome)
        else:
            verdict = judge(guarded, rules)
        is_allowed = verdict.decision == "allowed"
        if observers.wants_routine or not is_allowed:
            observers.emit(PreflightDecided(verdict, perf_counter() - started, rules.vocabulary))
        if not is_allowed:
            _check(guarded, verdict, rules)
    except AccessDeniedError as error:
        observers.emit(CallRefused(error, enforced=rules.mode == "enforce"))
        if rules.mode == "enforce":
            raise
        if isinstance(error, PreflightUnavailableError) and not error.authorizations:
            verdict = Verdict("indeterminate", (), guarded.params, guarded.guardrail)
    return AuthorizedCall(guarded, verdict)


def judge(guarded: GuardedCall, rules: Rules) -> Verdict:
    """
    Ask about every authorization, whatever the first answers.

    Raises:
        PreflightUnavailableError: The principal could not be found out.
    """
    call, params, policies = guarded.call, guarded.params, rules.policies
    operation, region, named = call.operation, call.region, guarded.guardrail_ref
    if policies is None:
        return Verdict("allowed", (), params, guarded.guardrail)
    try:
        caller = rules.callers.get(region) or rules.caller(region)
    except ConfigurationError as error:
        raise PreflightUnavailableError(
            message=f"the policies could not be checked: {error}",
            operation_name=call.name,
            hint="name the principal's ARN in the configuration, or mend the credentials that are asked for it",
        ) from error
    asked, advisory_policy_types = rules.questions.ask(operation, params, named, caller), rules.advisory_policy_types
    decisions, outcome = asked.answer(policies, advisory_policy_types, rules.clock() if rules.reads_time else None)
    heads = rules.questions.heads(operation)
    # A policy set that is not static can change its decisions: evaluate it every time.
    if heads is not None and heads.isdisjoint(params) and not rules.reads_time and policies.is_static:
        if len(rules.answered) >= _KEPT:
            rules.answered.clear()
        rules.answered[call.name, region, named, guarded.model] = heads, asked, decisions, outcome
    return _verdict(guarded, rules, asked, decisions, outcome)


def _verdict(
    guarded: GuardedCall, rules: Rules, asked: AuthorizationSet, decisions: tuple[Decision, ...], outcome: Outcome
) -> Verdict:
    return Verdict(
        decision=outcome,
        decisions=decisions,
        params=guarded.params,
        guardrail=guarded.guardrail,
        authorization_set=asked,
        indirect_effects=guarded.call.operation.indirect_effects,
        advisory_policy_types=rules.advisory_policy_types,
    )


def _check(guarded: GuardedCall, verdict: Verdict, rules: Rules) -> None:
    if verdict.denied:
        raise denial(guarded.call.name, verdict, rules)
    if verdict.decision == "indeterminate" and rules.on_indeterminate == "refuse":
        why = f"it hangs on {', '.join(verdict.hangs_on)}" if verdict.hangs_on else "; ".join(verdict.remarks) or _UNDOCUMENTED
        raise PreflightUnavailableError(
            message=f"the policies give no sure answer: {why}",
            operation_name=guarded.call.name,
            authorizations=verdict.authorizations,
            hint=_TELL_MODELS if any(key.startswith("resource:") for key in verdict.hangs_on) else _TELL_CONTEXT,
        )


def denial(operation_name: str, verdict: Verdict, rules: Rules) -> AccessDeniedError:
    """Make the error of a denied verdict: AWS's sentence, and what to grant."""
    first = verdict.denied
    if first is None:
        raise LookupError("the verdict denies nothing")
    request, decision = first.request, first.decision
    explicit = decision.outcome == "explicitDeny"
    where = (request.action, request.resource, decision.policy_type, explicit)
    hint = hint_for(*where, principal=request.principal, policy_arn=decision.policy_arn)
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
        hint="; ".join([hint, *dead_conditions(decision), *_vocabulary_hint(rules)]),
    )


def _vocabulary_hint(rules: Rules) -> Iterator[str]:
    """Say so when a policy grants an action that AWS has not: that grant is why its author expected another answer."""
    if rules.vocabulary == "aws" and rules.policies is not None and (named := _naming(rules.policies)):
        yield (
            f"{named} names `bedrock:InvokeModelWithGuardrail`, which does not exist at AWS: a guarded call asks "
            "`bedrock:InvokeModel` on the model and `bedrock:ApplyGuardrail` on the guardrail"
        )


def _naming(policies: PolicySet) -> str | None:
    for _, document in policies:
        for statement in document.statements:
            if any(action.lower() == _NO_SUCH_ACTION for action in statement.actions):
                return f"{document.name} statement {statement.sid}" if statement.sid else str(document.name)
    return None
