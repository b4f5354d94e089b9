"""First stage: choose the guardrail and put it into a copy of the parameters, or refuse the call."""

from __future__ import annotations

from guardedbedrock.bedrock import Guardrail, Place
from guardedbedrock.bedrock.placement import Named
from guardedbedrock.calls import Call, GuardedCall, Rules
from guardedbedrock.errors import GuardrailNotApprovedError, RefusedError, UnguardableOperationError
from guardedbedrock.events import Injected, Observers, Refused, Unlisted


def inject(call: Call, rules: Rules, observers: Observers) -> GuardedCall:
    """
    Give the call its guardrail.

    A call that names none gets the chosen one; half of a guardrail is completed when it agrees with an approved one; a
    caller's own is kept when it is approved.

    Raises:
        GuardrailNotApprovedError: It names one that is not approved, or none is approved for this region.
        UnguardableOperationError: The operation has no place for a guardrail and is not among those that may go out without.
    """
    operation = call.operation
    if not operation.listed:
        observers.hear(Unlisted(call.service, call.name))
    try:
        if operation.place is None or not operation.inference:
            return _without(call, rules)
        return _with(call, rules, operation.place, observers)
    except RefusedError as error:
        observers.hear(Refused(error, enforced=rules.mode == "enforce"))
        if rules.mode == "enforce":
            raise
        return _as_it_is(call)


def _as_it_is(call: Call) -> GuardedCall:
    place = call.operation.place
    named = place.read(call.params) if place else (None, None)
    return GuardedCall(call, call.params, None, injected=False, model=call.model, named=named)


def _without(call: Call, rules: Rules) -> GuardedCall:
    if call.operation.inference and call.name not in rules.allow_unguarded:
        unknown = "" if call.operation.listed else ", as far as this version of guardedbedrock knows"
        raise UnguardableOperationError(
            message=f"{call.name} has no place for a guardrail{unknown}, so it would reach the model without one",
            operation_name=call.name,
            hint=f'call another operation, or name "{call.name}" in allow_unguarded to let it go out unguarded',
        )
    return _as_it_is(call)


def _with(call: Call, rules: Rules, place: Place, observers: Observers) -> GuardedCall:
    named = place.read(call.params)
    approved = rules.in_region(call.region)
    guardrail = choose(call, approved) if named == (None, None) else _match(named, call, approved)
    if guardrail is None and rules.on_unapproved == "refuse":
        raise _not_approved(call, named, approved)
    if guardrail is None:
        guardrail, named = choose(call, approved), (None, None)
    if observers.hear_routine:
        observers.hear(Injected(guardrail, was_there=None not in named))
    identifier = named[0] or guardrail.arn
    params = place.put(call.params, identifier, guardrail.version)
    sent = (identifier, guardrail.version)
    return GuardedCall(call, params, guardrail, injected=None in named, model=call.model, named=sent)


def choose(call: Call, approved: tuple[Guardrail, ...]) -> Guardrail:
    """
    Choose among the guardrails approved for the region: by name where one was chosen, else the first.

    Raises:
        GuardrailNotApprovedError: There is none, or none of that name.
    """
    for guardrail in approved:
        if call.chosen in (None, guardrail.name):
            return guardrail
    which = f"no guardrail named `{call.chosen}`" if call.chosen else "no guardrail"
    raise GuardrailNotApprovedError(
        message=f"{which} is approved for {call.region}",
        operation_name=call.name,
        hint=f"approve a guardrail of {call.region}, or make the client in a region that has one",
    )


def _match(named: Named, call: Call, approved: tuple[Guardrail, ...]) -> Guardrail | None:
    """Find the approved guardrail that what the caller gave agrees with; a version alone speaks of the chosen one."""
    identifier, version = named
    chosen = choose(call, approved)
    fitting = (chosen,) if identifier is None else (chosen, *approved)
    return next((g for g in fitting if identifier in (None, g.arn, g.id) and version in (None, g.version)), None)


def _not_approved(call: Call, named: Named, approved: tuple[Guardrail, ...]) -> GuardrailNotApprovedError:
    given = " version ".join(part for part in named if part)
    names = ", ".join(f"`{guardrail.name}` ({guardrail.key})" for guardrail in approved)
    return GuardrailNotApprovedError(
        message=f"guardrail {given} is not approved for {call.region}",
        operation_name=call.name,
        resource=named[0],
        hint=f"leave the guardrail out and the approved one is put in, or name one of {names}",
    )
