"""The result of a simulated call, as text lines and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from guardedbedrock.bedrock import OPERATIONS
from guardedbedrock.errors import PreflightUnavailableError

if TYPE_CHECKING:
    from guardedbedrock import AccessDeniedError, Authorization, Guardrail, Verdict
    from guardedbedrock.core.rules import Mode

StyledLine: TypeAlias = tuple[str, str]
"""Text and rich style."""

_STYLES: Final = {"allowed": "green", "indeterminate": "yellow"}


@dataclass(frozen=True, slots=True)
class Simulation:
    """
    The result of a simulated call.

    Args:
        operation: Such as ``Converse``.
        params: As given on the command line.
        mode: The mode of the guard. In mode ``off`` the guard changes and checks nothing, and the rest is what mode ``report``
            would do.
        verdict: The result of the preflight; None if the guard refuses the call before it, or cannot evaluate it.
        error: The denial or the refusal; None if there is neither.
        stopped: Whether the call would not be sent; only mode ``enforce`` stops calls.

    Attributes:
        decision: ``refused`` if the guard refuses the call, or would refuse it in mode ``enforce``.
    """

    operation: str
    params: dict[str, Any]
    mode: Mode
    verdict: Verdict | None
    error: AccessDeniedError | None
    stopped: bool

    @property
    def decision(self) -> str:
        """The decision of the preflight, or ``refused``."""
        if self.verdict:
            return self.verdict.decision
        return "indeterminate" if isinstance(self.error, PreflightUnavailableError) and not self.stopped else "refused"

    @property
    def is_denied(self) -> bool:
        """Whether the policies deny the call."""
        return self.verdict is not None and self.verdict.denied is not None

    @property
    def guardrail(self) -> Guardrail | None:
        """The guardrail that would be sent."""
        return self.verdict.guardrail if self.verdict else None

    @property
    def is_unguarded(self) -> bool:
        """Whether a call that needs a guardrail would be sent without one."""
        return self.verdict is not None and self.guardrail is None and OPERATIONS[self.operation].needs_guardrail

    @property
    def injected(self) -> bool:
        """Whether the guard would add the guardrail, or a part of it, to the parameters."""
        return self.guardrail is not None and self.verdict is not None and self.verdict.params != self.params


def text_lines(simulation: Simulation) -> Iterator[StyledLine]:
    """Format a simulation for a terminal."""
    verdict = simulation.verdict
    yield f"{simulation.operation}: {simulation.decision}", _STYLES.get(simulation.decision, "red")
    if simulation.mode == "off":
        yield 'mode = "off": the guard changes and checks nothing; mode "report" would do the following', "yellow"
    if simulation.guardrail:
        origin = "injected" if simulation.injected else "already in the call"
        yield f"guardrail: {simulation.guardrail.arn} version {simulation.guardrail.version} ({origin})", ""
    if simulation.is_unguarded:
        yield "guardrail: none; the configuration lets this call pass without one", "yellow"
    for authorization in verdict.authorizations if verdict else ():
        yield "", ""
        yield from _authorization_lines(authorization)
    if verdict and not verdict.authorizations:
        yield "no policies are configured: only the list of approved guardrails was checked", ""
    if verdict and verdict.decision == "indeterminate":
        yield "", ""
        consequence = "the guard refuses the call (on_indeterminate)" if simulation.stopped else "the guard sends the call"
        depends_on = [f"the decision depends on {', '.join(verdict.hangs_on)}"] if verdict.hangs_on else []
        why = "; ".join((*depends_on, *verdict.reasons))
        yield f"{consequence}: {why}" if why else consequence, "yellow"
    for remark in verdict.remarks if verdict else ():
        yield f"note: {remark}", "yellow"
    if simulation.error:
        yield "", ""
        if not simulation.stopped:
            yield f'the guard sends the call (mode = "{simulation.mode}")', "yellow"
        yield f"{'AWS would answer' if verdict else 'error'}: {simulation.error.message}", "red"
        yield f"hint: {simulation.error.hint}", ""


def _authorization_lines(authorization: Authorization) -> Iterator[StyledLine]:
    request, decision = authorization.request, authorization.decision
    undocumented = " (not documented: AWS may not evaluate this)" if authorization.undocumented else ""
    yield f"{request.action} on {request.resource}{undocumented}", ""
    if authorization.one_of:
        yield f"  one of several: {authorization.one_of}", ""
    policy_type = f", policy type {decision.policy_type}" if decision.policy_type else ""
    yield f"  {decision.outcome}{policy_type}", _STYLES.get(decision.outcome, "red")
    yield f"  statements: {', '.join(map(str, decision.statements)) or 'none'}", ""
    if decision.hangs_on:
        yield f"  depends on: {', '.join(decision.hangs_on)}", ""
    if decision.outcome != "allowed":
        # The first line repeats the outcome.
        yield from ((f"  {line}", "") for line in str(decision.explain()).splitlines()[1:])


def as_json(simulation: Simulation) -> dict[str, object]:
    """
    Convert a simulation to JSON data.

    ``hangsOn`` has the context keys that an indeterminate decision depends on, ``reasons`` what else it depends on, in words:
    what could not be read, and rules that AWS does not document.
    """
    verdict, error, guardrail = simulation.verdict, simulation.error, simulation.guardrail
    named = {"arn": guardrail.arn, "version": guardrail.version, "name": guardrail.name} if guardrail else None
    return {
        "operation": simulation.operation,
        "decision": simulation.decision,
        "mode": simulation.mode,
        "stopped": simulation.stopped,
        "guardrail": named,
        "injected": simulation.injected,
        "unguarded": simulation.is_unguarded,
        "params": verdict.params if verdict else None,
        "hangsOn": list(verdict.hangs_on) if verdict else [],
        "reasons": list(verdict.reasons) if verdict else [],
        "remarks": list(verdict.remarks) if verdict else [],
        "authorizations": [authorization_as_json(one) for one in verdict.authorizations] if verdict else [],
        "error": type(error).__name__ if error else None,
        "message": error.message if error else None,
        "hint": error.hint if error else None,
    }


def authorization_as_json(authorization: Authorization) -> dict[str, object]:
    """Convert one authorization and its decision to JSON data; a decision that is not ``allowed`` has its explanation."""
    request, decision = authorization.request, authorization.decision
    return {
        "action": request.action,
        "resource": request.resource,
        "oneOf": authorization.one_of or None,
        "undocumented": authorization.undocumented,
        "decision": decision.outcome,
        "policyType": decision.policy_type,
        "statements": [
            {"policyType": one.policy_type, "policy": one.policy, "index": one.index, "sid": one.sid, "effect": one.effect}
            for one in decision.statements
        ],
        "hangsOn": list(decision.hangs_on),
        "reasons": list(decision.reasons),
        "explanation": None if decision.outcome == "allowed" else decision.explain().as_data(),
    }
