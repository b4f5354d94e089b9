"""Last stage: read from the reply whether the guardrail stepped in."""

from __future__ import annotations

from guardedbedrock.bedrock import Intervention
from guardedbedrock.bedrock.interventions import IN_REPLY, of_body
from guardedbedrock.calls import Reply, Rules
from guardedbedrock.errors import GuardrailInterventionError
from guardedbedrock.events import Intervened, Observers


def settle(reply: Reply, rules: Rules, observers: Observers, body: bytes | None = None) -> None:
    """
    Tell of an intervention, or raise it if the rules ask for that.

    Args:
        reply: What came back.
        rules: For `on_intervention`.
        observers: Who is told.
        body: The bytes of an InvokeModel reply.

    Raises:
        GuardrailInterventionError: The guardrail stepped in and `on_intervention` is ``raise``.
    """
    operation = reply.authorized.call.operation
    if body is not None:
        found = of_body(operation.name, body)
    else:
        reader = IN_REPLY.get(operation.reply)
        found = reader(operation.name, reply.response) if reader else None
    if found is not None:
        announce(found, reply, rules, observers)


def announce(found: Intervention, reply: Reply, rules: Rules, observers: Observers) -> None:
    """Tell of one intervention; ApplyGuardrail is asked for a verdict, so there it is never an error."""
    observers.hear(Intervened(found))
    if rules.on_intervention == "raise" and reply.authorized.call.operation.inference:
        raise GuardrailInterventionError(operation_name=reply.authorized.call.name, response=reply.response, intervention=found)
