"""A simulated call, as lines for people and as data for programs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from guardedbedrock.cli.screen import listed

if TYPE_CHECKING:
    from guardedbedrock import AccessDeniedError, Authorization, Guardrail, Verdict

Line: TypeAlias = tuple[str, str]
"""Text and style."""

_STYLES: Final = {"allowed": "green", "indeterminate": "yellow"}


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What came of a simulated call.

    Args:
        operation: Such as ``Converse``.
        params: As given.
        verdict: What the policies say; None when the guard itself refuses.
        error: What the caller would get in place of a reply.
        stopped: Whether nothing would be sent.
    """

    operation: str
    params: dict[str, Any]
    verdict: Verdict | None
    error: AccessDeniedError | None
    stopped: bool

    @property
    def decision(self) -> str:
        """The verdict in one word."""
        return self.verdict.decision if self.verdict else "refused"

    @property
    def guardrail(self) -> Guardrail | None:
        """The guardrail that would be sent along."""
        return self.verdict.guardrail if self.verdict else None

    @property
    def injected(self) -> bool:
        """Say whether the guard would put it, or a part of it, there."""
        return self.guardrail is not None and self.verdict is not None and self.verdict.params != self.params


def lines(answer: Answer) -> Iterator[Line]:
    """Write an answer line by line."""
    verdict = answer.verdict
    yield f"{answer.operation}: {answer.decision}", _STYLES.get(answer.decision, "red")
    if answer.guardrail:
        how = "put in" if answer.injected else "already in the call"
        yield f"guardrail: {answer.guardrail.arn} version {answer.guardrail.version} ({how})", ""
    for authorization in verdict.authorizations if verdict else ():
        yield "", ""
        yield from _authorization(authorization)
    if verdict and not verdict.authorizations:
        yield "no policies are configured: only the list of approved guardrails was checked", ""
    if verdict and verdict.decision == "indeterminate":
        yield "", ""
        decides = "the guard refuses it (on_indeterminate)" if answer.stopped else "AWS decides"
        why = "" if verdict.remarks and not verdict.hangs_on else f": it hangs on {_hangs_on(verdict.hangs_on)}"
        yield f"{decides}{why}", "yellow"
    for remark in verdict.remarks if verdict else ():
        yield f"note: {remark}", "yellow"
    if answer.error:
        yield "", ""
        yield f"{'AWS would say' if verdict else 'the guard says'}: {answer.error.message}", "red"
        yield f"hint: {answer.error.hint}", ""


def _authorization(authorization: Authorization) -> Iterator[Line]:
    request, decision = authorization.request, authorization.decision
    undocumented = " (AWS does not document whether it asks this)" if authorization.undocumented else ""
    yield f"{request.action} on {request.resource}{undocumented}", ""
    if authorization.one_of:
        yield f"  one of several: {authorization.one_of}", ""
    by = f", policy type {decision.policy_type}" if decision.policy_type else ""
    yield f"  {decision.outcome}{by}", _STYLES.get(decision.outcome, "red")
    yield f"  statements: {', '.join(map(str, decision.statements)) or 'none'}", ""
    if decision.outcome == "indeterminate":
        yield f"  hangs on: {_hangs_on(decision.hangs_on)}", ""


def _hangs_on(keys: tuple[str, ...]) -> str:
    return listed(keys, "a rule that AWS does not document")


def as_json(answer: Answer) -> dict[str, object]:
    """Write an answer as data."""
    verdict, error, guardrail = answer.verdict, answer.error, answer.guardrail
    named = {"arn": guardrail.arn, "version": guardrail.version, "name": guardrail.name} if guardrail else None
    return {
        "operation": answer.operation,
        "decision": answer.decision,
        "stopped": answer.stopped,
        "guardrail": named,
        "injected": answer.injected,
        "params": verdict.params if verdict else None,
        "hangsOn": list(verdict.hangs_on) if verdict else [],
        "remarks": list(verdict.remarks) if verdict else [],
        "authorizations": [authorization_as_json(one) for one in verdict.authorizations] if verdict else [],
        "error": type(error).__name__ if error else None,
        "message": error.message if error else None,
        "hint": error.hint if error else None,
    }


def authorization_as_json(authorization: Authorization) -> dict[str, object]:
    """Write one authorization as data."""
    request, decision = authorization.request, authorization.decision
    return {
        "action": request.action,
        "resource": request.resource,
        "among": authorization.one_of or None,
        "perhaps": authorization.undocumented,
        "decision": decision.outcome,
        "policyType": decision.policy_type,
        "statements": [
            {"policyType": one.policy_type, "policy": one.policy, "index": one.index, "sid": one.sid, "effect": one.effect}
            for one in decision.statements
        ],
        "hangsOn": list(decision.hangs_on),
    }
