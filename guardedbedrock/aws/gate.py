"""
The gate: what is signed is what was authorized, or it is refused.

It listens to ``before-sign``, which botocore emits for SigV4, bearer tokens, unsigned requests and presigned URLs alike, with
the request as it will leave. A handler that strips the guardrail after the guard has put it in does not get past it.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, Final

from guardedbedrock.bedrock import OPERATIONS
from guardedbedrock.bedrock.placement import Wire, wire_model
from guardedbedrock.calls import AuthorizedCall, Rules
from guardedbedrock.errors import GuardrailTamperedError

EVENT: Final = "before-sign.bedrock-runtime"
HANDLER_ID: Final = "guardedbedrock-gate"

_passing: ContextVar[AuthorizedCall | None] = ContextVar("guardedbedrock_authorized_call", default=None)


class passing:  # noqa: N801  # reads as what it does: with passing(authorized)
    """Open the gate for this very call, in this context."""

    __slots__ = ("_authorized", "_token")

    def __init__(self, authorized: AuthorizedCall) -> None:
        self._authorized = authorized

    def __enter__(self) -> None:
        self._token = _passing.set(self._authorized)

    def __exit__(self, *_: object) -> None:
        _passing.reset(self._token)


class Gate:
    """Handler of ``before-sign`` for one client."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules

    def __call__(self, request: Any, operation_name: str, **_: Any) -> None:
        """
        Compare the request with the call that was authorized.

        Raises:
            GuardrailTamperedError: No call was authorized here, or the request says another model, guardrail or version.
        """
        if self._rules.mode != "enforce":
            return
        problem = difference(_passing.get(), operation_name, Wire(request.url, request.headers, request.data))
        if problem:
            raise GuardrailTamperedError(
                message=f"the request about to be signed {problem}",
                operation_name=operation_name,
                hint="call the operation on the guarded client, and look for an event handler that changes its requests",
            )


def difference(authorized: AuthorizedCall | None, operation_name: str, wire: Wire) -> str | None:
    """Say in what a request differs from the authorized call; None when it does not."""
    if authorized is None or authorized.call.name != operation_name:
        return f"is {operation_name}, which this client did not authorize"
    operation = OPERATIONS.get(operation_name)
    if operation is None or (operation.place is None and not operation.inference):
        return None
    model = authorized.guarded.params.get("modelId")
    if operation.inference and model is not None and _model_on(wire, operation_name) not in (model, None):
        return "names another model than the one that was authorized"
    if operation.place and operation.place.read_wire(wire) != operation.place.read(authorized.guarded.params):
        return "does not carry the guardrail that was authorized"
    return None


def _model_on(wire: Wire, operation_name: str) -> str | None:
    """Read the model of a request; StartAsyncInvoke has it in the body, which the service checks itself."""
    return None if operation_name == "StartAsyncInvoke" else wire_model(wire) or ""
