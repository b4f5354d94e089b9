"""
The gate: what is signed and what is sent is what was authorized, or it is refused.

It looks twice. At ``before-sign``, which botocore emits for SigV4, bearer tokens, unsigned requests and presigned URLs alike, so that
nothing else is signed; and in front of the HTTP session, behind which no event handler comes, so that nothing else is sent.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, Final

from guardedbedrock.bedrock.placement import Wire, wire_model
from guardedbedrock.calls import AuthorizedCall, Rules
from guardedbedrock.errors import ConfigurationError, GuardrailTamperedError

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
    """
    The gate of one client.

    Args:
        rules: In another mode than ``enforce`` everything passes.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules

    def install(self, client: Any) -> None:
        """
        Put the gate into a client.

        Raises:
            ConfigurationError: The installed botocore keeps its HTTP session somewhere else, so the gate could be gone round.
        """
        endpoint = getattr(client, "_endpoint", None)
        if not hasattr(getattr(endpoint, "http_session", None), "send"):
            raise ConfigurationError(
                "this version of botocore has no `_endpoint.http_session.send`: install one that has been tested"
            )
        endpoint.http_session = _GatedSession(endpoint.http_session, self)
        client.meta.events.register_last(EVENT, self, unique_id=HANDLER_ID)

    def __call__(self, request: Any, operation_name: str, **_: Any) -> None:
        """Look at a request that is about to be signed."""
        self.check(operation_name, request.url, request.headers, request.data, "signed")

    def check(self, operation_name: str | None, url: str, headers: Any, body: Any, about_to_be: str) -> None:
        """
        Compare a request with the call that was authorized.

        Raises:
            GuardrailTamperedError: No call was authorized here, or the request says another model, guardrail or version.
        """
        if self._rules.mode != "enforce":
            return
        authorized = _passing.get()
        problem = difference(authorized, operation_name, Wire(url, headers, body))
        if problem:
            raise GuardrailTamperedError(
                message=f"the request about to be {about_to_be} {problem}",
                operation_name=operation_name or (authorized.call.name if authorized else "unknown"),
                hint="call the operation on the guarded client, and look for an event handler that changes its requests",
            )


class _GatedSession:
    """botocore's HTTP session, with the gate in front of ``send``."""

    def __init__(self, session: Any, gate: Gate) -> None:
        self._session = session
        self._gate = gate

    def send(self, request: Any) -> Any:
        self._gate.check(None, request.url, request.headers, request.body, "sent")
        return self._session.send(request)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)


def difference(authorized: AuthorizedCall | None, operation_name: str | None, wire: Wire) -> str | None:
    """Say in what a request differs from the authorized call; None when it does not."""
    if authorized is None or operation_name not in (None, authorized.call.name):
        return f"is {operation_name or 'a call'}, which this client did not authorize"
    guarded = authorized.guarded
    place = authorized.call.operation.place
    if guarded.model is not None and wire_model(wire) != guarded.model:
        return "names another model than the one that was authorized"
    if place is not None and place.read_wire(wire) != guarded.named:
        return "does not carry the guardrail that was authorized"
    return None
