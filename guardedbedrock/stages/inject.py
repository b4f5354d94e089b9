"""First stage: choose the guardrail and put it into a copy of the parameters, or refuse the call."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from guardedbedrock.bedrock import Guardrail
from guardedbedrock.bedrock.guardrail.coverage import gaps, has_marks
from guardedbedrock.bedrock.guardrail.location import GuardrailRef
from guardedbedrock.bedrock.resources.model_names import is_meant
from guardedbedrock.core.events import CallRefused, GuardrailInjected, PartlyGuarded, UnlistedOperation
from guardedbedrock.core.observers import Observers
from guardedbedrock.core.records import Call, GuardedCall
from guardedbedrock.core.rules import Rules
from guardedbedrock.errors import GuardrailNotApprovedError, PartlyGuardedError, RefusedError, UnguardableOperationError

_NONE: Final[GuardrailRef] = (None, None)
_TEXTS: Final = frozenset({str})


def inject(call: Call, rules: Rules, observers: Observers) -> GuardedCall:
    """
    Give the call its guardrail.

    A call that names none gets the chosen one; half of a guardrail is completed when it agrees with an approved one; a
    caller's own is kept when it is approved.

    Raises:
        GuardrailNotApprovedError: It names one that is not approved, or none is approved for this region or for its model.
        UnguardableOperationError: The operation has no place for a guardrail and is not among those that may go out without.
        PartlyGuardedError: The guardrail would not look at all of it, and `on_partial` is ``refuse``.
    """
    if (
        type(call.params) is not dict
        or type(call.params.get("modelId")) is not str
        or not _TEXTS.issuperset(map(type, call.params))
    ):
        call = _exactly(call)
    params, operation = call.params, call.operation
    if not operation.listed:
        observers.emit(UnlistedOperation(call.service, call.name))
    try:
        place = operation.place
        if place is None or not operation.inference:
            return _without(call, rules)
        named, model = _NONE if place.members.isdisjoint(params) else place.read(params), params.get("modelId")
        guardrail = _agreed(named, call, rules) if named != _NONE else None
        if guardrail is None:
            named = _NONE
            guardrail = choose(call, rules)
        if rules.on_partial != "allow" and (call.name != "Converse" or has_marks(params)):
            _look_for_gaps(call, rules, observers)
        if observers.wants_routine:
            observers.emit(GuardrailInjected(guardrail, was_there=None not in named))
        sent = identifier, version = guardrail.id if named[0] == guardrail.id else guardrail.arn, guardrail.version
        return GuardedCall(
            call=call,
            params=place.put(params, identifier, version),
            guardrail=guardrail,
            injected=None in named,
            model=model,
            guardrail_ref=sent,
        )
    except RefusedError as error:
        observers.emit(CallRefused(error, enforced=rules.mode == "enforce"))
        if rules.mode == "enforce":
            raise
        return _as_it_is(call)


def _exactly(call: Call) -> Call:
    """Take parameters for what is sent of them: a text of a class of somebody else's may compare as another one."""
    exact = {_exact(name): _exact(value) for name, value in dict(call.params).items()}
    return replace(call, params=exact)


def _exact(value: Any) -> Any:
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bytes):
        return b"".join((value,))
    return dict(value) if isinstance(value, dict) else value


def _as_it_is(call: Call) -> GuardedCall:
    place = call.operation.place
    named = place.read(call.params) if place else (None, None)
    return GuardedCall(call=call, params=call.params, guardrail=None, injected=False, model=call.model, guardrail_ref=named)


def _without(call: Call, rules: Rules) -> GuardedCall:
    if call.operation.inference and call.name not in rules.allow_unguarded:
        unknown = "" if call.operation.listed else ", as far as this version of guardedbedrock knows"
        raise UnguardableOperationError(
            message=f"{call.name} has no place for a guardrail{unknown}, so it would reach the model without one",
            operation_name=call.name,
            hint=f'call another operation, or name "{call.name}" in allow_unguarded to let it go out unguarded',
        )
    return _as_it_is(call)


def _agreed(named: GuardrailRef, call: Call, rules: Rules) -> Guardrail | None:
    """Find the approved guardrail that a call names; None where the chosen one is to take its place."""
    guardrail = _match(named, call, rules)
    if guardrail is None and rules.on_unapproved == "refuse":
        raise _not_approved(call, named, rules.in_region(call.region))
    return guardrail


def _look_for_gaps(call: Call, rules: Rules, observers: Observers) -> None:
    found = gaps(call.name, call.params, rules.suffixes, strict=rules.on_partial == "refuse")
    if not found:
        return
    if rules.on_partial == "refuse":
        error = PartlyGuardedError(
            message="; ".join(gap.says for gap in found),
            operation_name=call.name,
            hint='let the guardrail look at the whole prompt before anything arrives, or set on_partial = "warn"',
        )
        if rules.mode == "enforce":
            raise error
        observers.emit(CallRefused(error, enforced=False))
    else:
        observers.emit(PartlyGuarded(found))


def choose(call: Call, rules: Rules) -> Guardrail:
    """
    Choose among the guardrails approved for the region: by name where one was chosen, else the first for the call's model.

    Raises:
        GuardrailNotApprovedError: There is none, none of that name, or none for that model.
    """
    preferred = _preferred(call, rules)
    if preferred is None:
        raise _none(call, rules)
    return preferred


def _preferred(call: Call, rules: Rules) -> Guardrail | None:
    name = rules.choice if call.chosen is None else rules.chosen(call.chosen)
    for guardrail in rules.in_region(call.region):
        if guardrail.name == name if name else not guardrail.models or _is_for(guardrail, call.model, rules):
            return guardrail
    return None


def _is_for(guardrail: Guardrail, model: object, rules: Rules) -> bool:
    # A model that is missing or no text is botocore's to refuse.
    return not isinstance(model, str) or is_meant(model, guardrail.models, rules.resolved_models)


def _none(call: Call, rules: Rules) -> GuardrailNotApprovedError:
    name = rules.chosen(call.chosen)
    if name is None and rules.in_region(call.region):
        return GuardrailNotApprovedError(
            message=f"no guardrail that is approved for {call.region} is for the model `{call.model}`",
            operation_name=call.name,
            hint="add the model to `models` of a guardrail, approve one without `models`, or choose one by name with guard.using",
        )
    return GuardrailNotApprovedError(
        message=f"no guardrail {f'named `{name}` ' if name else ''}is approved for {call.region}",
        operation_name=call.name,
        hint=f"approve a guardrail of {call.region}, or make the client in a region that has one",
    )


def _match(named: GuardrailRef, call: Call, rules: Rules) -> Guardrail | None:
    """Find the approved guardrail that what the caller gave agrees with; a version alone speaks of the chosen one."""
    identifier, version = named
    preferred = choose(call, rules) if identifier is None else _preferred(call, rules)
    approved = () if identifier is None else rules.in_region(call.region)
    fitting = approved if preferred is None else (preferred, *approved)
    return next((g for g in fitting if identifier in (None, g.arn, g.id) and version in (None, g.version)), None)


def _not_approved(call: Call, named: GuardrailRef, approved: tuple[Guardrail, ...]) -> GuardrailNotApprovedError:
    given = " version ".join(part for part in named if part)
    names = ", ".join(f"`{guardrail.name}` ({guardrail.key})" for guardrail in approved)
    return GuardrailNotApprovedError(
        message=f"guardrail {given} is not approved for {call.region}",
        operation_name=call.name,
        resource=named[0],
        hint=f"leave the guardrail out and the approved one is put in, or name one of {names}",
    )
