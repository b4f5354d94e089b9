"""First stage: choose the guardrail and put it into a copy of the parameters, or refuse the call."""

from __future__ import annotations

from guardedbedrock.bedrock import Guardrail, GuardrailLocation
from guardedbedrock.bedrock.call_checks import nearest_operation
from guardedbedrock.bedrock.guardrail.coverage import CoverageGap, find_coverage_gaps
from guardedbedrock.bedrock.guardrail.location import NO_GUARDRAIL, GuardrailRef, ModelRef
from guardedbedrock.bedrock.resources.model_names import matches_model
from guardedbedrock.bedrock.resources.unsupported_models import GENERATES_NOTHING, UnsupportedKind, unsupported_kind
from guardedbedrock.core.events import CallRefused, GuardrailInjected, PartlyGuarded, SentWithoutGuardrail, UnlistedOperation
from guardedbedrock.core.observers import Observers
from guardedbedrock.core.records import Call, GuardedCall
from guardedbedrock.core.rules import Rules
from guardedbedrock.errors import GuardrailNotApprovedError, PartlyGuardedError, RefusedError, UnguardableOperationError
from guardedbedrock.iam.matching.arns import account_of
from guardedbedrock.stages.indirect import check_indirect
from guardedbedrock.stages.unavailable import source_unavailable


def inject(call: Call, rules: Rules, observers: Observers) -> GuardedCall:
    """
    Give the call its guardrail.

    1. A call that names no guardrail gets the chosen one.
    2. A call that names only an identifier or only a version gets the other half from the approved guardrail that matches.
    3. A call that names an approved guardrail keeps it.
    4. A call to an embedding or rerank model, which takes no guardrail, stays without one; `unsupported_models` can refuse it.

    Collaborators and nodes of a flow have a guardrail each, which is chosen for their own model.
    ApplyGuardrail reaches no model and may name any guardrail; an empty identifier or version is completed in the same way.

    Raises:
        GuardrailNotApprovedError: The call names a guardrail that is not approved, and `on_unapproved` is ``refuse``; or no
            guardrail is approved for its region or model.
        UnguardableOperationError: The operation has no guardrail location, and `allow_unguarded` does not list it; or the model
            takes no guardrail.
        PartlyGuardedError: The guardrail would not evaluate all of the call, and `on_partial` is ``refuse``.
        PreflightUnavailableError: The source of the approved guardrails is unavailable.
    """
    if not call.operation.is_known:
        observers.emit(UnlistedOperation(call.service, call.name))
    try:
        guarded = _with_guardrail(call, rules, observers)
    except RefusedError as error:
        observers.emit(CallRefused(error, enforced=rules.mode == "enforce"))
        if rules.mode == "enforce":
            raise
        guarded = _unchanged(call)
    if call.operation.indirect:
        check_indirect(call, rules, observers)
    return guarded


def _with_guardrail(call: Call, rules: Rules, observers: Observers) -> GuardedCall:
    operation, location = call.operation, call.operation.location
    named = operation.guardrail_refs(call.params)
    if operation.inference and _takes_no_guardrail(call, named, rules, observers):
        return _unchanged(call)
    if location is None:
        if operation.needs_guardrail:
            if call.name not in rules.allow_unguarded:
                raise _unguardable(call)
            observers.emit(SentWithoutGuardrail(str(call.model or ""), "allowed"))
        return _unchanged(call)
    if operation.needs_guardrail and not named:
        if operation.indirect:  # `check_indirect` decides
            return _unchanged(call)
        raise _no_structure(call, location)
    if operation.needs_guardrail or _is_half_empty(call, location, named):
        return _guarded(call, location, rules, observers)
    return _unchanged(call)


def _is_half_empty(call: Call, location: GuardrailLocation, named: tuple[GuardrailRef, ...]) -> bool:
    """Return whether a call passes both members of its guardrail, and one of them is empty; botocore reports a missing one."""
    return location.members <= call.params.keys() and None in (named[0] if named else NO_GUARDRAIL)


def _takes_no_guardrail(call: Call, named: tuple[GuardrailRef, ...], rules: Rules, observers: Observers) -> bool:
    """
    Return whether a call is sent without a guardrail because its model takes none.

    A call that names a guardrail is handled like any other call: AWS may accept it.

    Raises:
        UnguardableOperationError: The model takes no guardrail, and the call may not be sent without one.
    """
    location = call.operation.location
    if location is None or not location.models:
        kind = unsupported_kind(call.model, rules.models_without_guardrail, rules.resolved_models)
    else:
        kind = _kind_of_all(location, call, rules)
    if kind is None or any(ref != NO_GUARDRAIL for ref in named):
        return False
    if rules.unsupported_models == "send" and kind in GENERATES_NOTHING:
        observers.emit(SentWithoutGuardrail(str(call.model), kind))
        return True
    if location is None and call.name in rules.allow_unguarded:
        return False
    if location is None:
        raise _unguardable(call)
    raise UnguardableOperationError(
        message=f"the model `{call.model}` takes no guardrail, so {call.name} would reach it without one",
        operation_name=call.name,
        hint='set unsupported_models = "send" to send calls to embedding and rerank models without a guardrail, '
        "and list other models that you accept in models_without_guardrail",
    )


def _kind_of_all(location: GuardrailLocation, call: Call, rules: Rules) -> UnsupportedKind | None:
    """Return why no model of the call's structures takes a guardrail; None if one does, or if they have different reasons."""
    configured, resolved = rules.models_without_guardrail, rules.resolved_models
    kinds = {unsupported_kind(model, configured, resolved) for _, model in location.read_with_models(call.params)}
    return kinds.pop() if len(kinds) == 1 else None


def _guarded(call: Call, location: GuardrailLocation, rules: Rules, observers: Observers) -> GuardedCall:
    if rules.unavailable and not rules.approved:
        # INVARIANT: While the approved guardrails are unknown, no call reaches a model, whatever `on_unavailable` says.
        raise source_unavailable(call.name, rules, "list [[guardrails]] in the configuration")
    sent: list[tuple[Guardrail, bool]] = []
    refs: list[GuardrailRef] = []

    def choose_for(named: GuardrailRef, model: ModelRef) -> GuardrailRef:
        answering = model if location.models else call.model
        approved = None if named == NO_GUARDRAIL else _approved(named, answering, call, rules)
        guardrail = approved or _choose(answering, call, rules)
        sent.append((guardrail, approved is not None and None not in named))
        ref = _identifier(guardrail, named if approved else NO_GUARDRAIL, call, rules), guardrail.version
        refs.append(ref)
        return ref

    params = location.change(call.params, choose_for)
    first, was_there = sent[0]
    if rules.on_partial != "allow":
        gaps = find_coverage_gaps(call.name, call.params, rules.suffixes, strict=rules.on_partial == "refuse")
        if gaps:
            _report_gaps(gaps, call, rules, observers)
    if observers.wants_routine:
        named_by_caller = dict(reversed(sent))  # the first structure counts if several get the same guardrail
        for guardrail in dict.fromkeys(guardrail for guardrail, _ in sent):
            observers.emit(GuardrailInjected(guardrail, was_there=named_by_caller[guardrail]))
    return GuardedCall(call=call, params=params, guardrail=first, injected=not was_there, guardrail_refs=tuple(refs))


def _identifier(guardrail: Guardrail, named: GuardrailRef, call: Call, rules: Rules) -> str:
    """
    Return the identifier to send.

    A bare ID that the caller named stays: the policies may name it in that form.

    Raises:
        GuardrailNotApprovedError: The location takes an ID alone, which names a guardrail of the caller's account only.
    """
    location = call.operation.location
    if location is None or location.accepts_arn:
        return guardrail.id if named[0] == guardrail.id else guardrail.arn
    owner, caller = account_of(guardrail.arn), rules.account(call.region)
    if caller and owner != caller:
        raise GuardrailNotApprovedError(
            message=f"{call.name} takes the ID of a guardrail and no ARN, so account {caller} cannot name guardrail "
            f"`{guardrail.name}` of account {owner}",
            operation_name=call.name,
            resource=guardrail.arn,
            hint=f"approve a guardrail of account {caller} for these calls, and choose it by name or by its `models`",
        )
    return guardrail.id


def _unchanged(call: Call) -> GuardedCall:
    refs = call.operation.guardrail_refs(call.params)
    return GuardedCall(call=call, params=call.params, guardrail=None, injected=False, guardrail_refs=refs)


def _unguardable(call: Call) -> UnguardableOperationError:
    near = nearest_operation(call.name)  # only `Guard.simulate` accepts a misspelt name
    suggestion = f"did you mean `{near}`? Otherwise " if near else ""
    unknown = "" if call.operation.is_known else ", as far as this version of guardedbedrock knows"
    return UnguardableOperationError(
        message=f"{call.name} has no guardrail location{unknown}, so it would reach the model without a guardrail",
        operation_name=call.name,
        hint=f'call another operation, or add "{call.name}" to allow_unguarded to send it without a guardrail'
        if call.operation.is_known
        else f"{suggestion}call another operation, or update guardedbedrock",
    )


def _no_structure(call: Call, location: GuardrailLocation) -> UnguardableOperationError:
    member = next(iter(location.members))
    return UnguardableOperationError(
        message=f"{call.name} carries its guardrail in `{member}`, which is missing or empty, so it would go out without one",
        operation_name=call.name,
        hint=f"pass `{member}` in every call; the guard adds the guardrail to it",
    )


def _approved(named: GuardrailRef, model: object, call: Call, rules: Rules) -> Guardrail | None:
    """Find the approved guardrail that a structure names; None if the chosen one replaces it."""
    guardrail = _match(named, model, call, rules)
    if guardrail is None and rules.on_unapproved == "refuse":
        raise _not_approved(call, named, rules.in_region(call.region))
    return guardrail


def _match(named: GuardrailRef, model: object, call: Call, rules: Rules) -> Guardrail | None:
    """Find the approved guardrail with the given identifier and version; a version alone is a version of the chosen one."""
    identifier, version = named
    preferred = _choose(model, call, rules) if identifier is None else _preferred(model, call, rules)
    approved = () if identifier is None else rules.in_region(call.region)
    candidates = approved if preferred is None else (preferred, *approved)
    return next((g for g in candidates if identifier in (None, g.arn, g.id) and version in (None, g.version)), None)


def _report_gaps(gaps: tuple[CoverageGap, ...], call: Call, rules: Rules, observers: Observers) -> None:
    if rules.on_partial == "warn":
        observers.emit(PartlyGuarded(gaps))
        return
    error = PartlyGuardedError(
        message="; ".join(gap.description for gap in gaps),
        operation_name=call.name,
        hint='let the guardrail evaluate the whole prompt before the reply begins, or set on_partial = "warn"',
    )
    if rules.mode == "enforce":
        raise error
    # Not raised in mode `report`: `inject` would send the call without the guardrail that it has chosen.
    observers.emit(CallRefused(error, enforced=False))


def _choose(model: object, call: Call, rules: Rules) -> Guardrail:
    """
    Choose among the guardrails of the call's Region: the one chosen by name, else the first that fits the model.

    Raises:
        GuardrailNotApprovedError: No approved guardrail matches.
    """
    preferred = _preferred(model, call, rules)
    if preferred is None:
        raise _none_approved(model, call, rules)
    return preferred


def _preferred(model: object, call: Call, rules: Rules) -> Guardrail | None:
    name = rules.chosen(call.chosen)
    for guardrail in rules.in_region(call.region):
        if name:
            if guardrail.name == name:
                return guardrail
        elif not guardrail.models or _fits(guardrail, model, rules):
            return guardrail
    return None


def _fits(guardrail: Guardrail, model: object, rules: Rules) -> bool:
    # botocore rejects a model that is missing or not a string.
    return not isinstance(model, str) or matches_model(model, guardrail.models, rules.resolved_models)


def _none_approved(model: object, call: Call, rules: Rules) -> GuardrailNotApprovedError:
    name = rules.chosen(call.chosen)
    if name is None and rules.in_region(call.region):
        return GuardrailNotApprovedError(
            message=f"no guardrail that is approved for {call.region} fits the model `{model}`",
            operation_name=call.name,
            hint="add the model to `models` of a guardrail, approve one without `models`, or choose one by name with guard.using",
        )
    return GuardrailNotApprovedError(
        message=f"no guardrail {f'named `{name}` ' if name else ''}is approved for {call.region}",
        operation_name=call.name,
        hint=approve_one(call.region),
    )


def approve_one(region: str) -> str:
    """Return the fix for a Region without an approved guardrail."""
    return f"approve a guardrail of {region}, or create the client in a Region that has one"


def _not_approved(call: Call, named: GuardrailRef, approved: tuple[Guardrail, ...]) -> GuardrailNotApprovedError:
    identifier, version = named
    # Concatenated and not formatted: a value that is no string raises TypeError, so that botocore's own error is raised.
    given = (identifier or "") + (" version " + version if version else "")
    names = ", ".join(f"`{guardrail.name}` ({guardrail.key})" for guardrail in approved)
    return GuardrailNotApprovedError(
        message=f"guardrail {given.strip()} is not approved for {call.region}",
        operation_name=call.name,
        resource=named[0],
        hint=f"leave the guardrail out to get the approved one, or name one of {names}" if approved else approve_one(call.region),
    )
