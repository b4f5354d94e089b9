"""
The gate: what is signed and what is sent is what was authorized, or it is refused.

It looks twice, each time where no event handler comes after it: when botocore's signer is about to sign a request (presigned URLs
too), and in front of the HTTP session. ``before-sign`` would be no such place: handlers of the more general name come after it.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, Final, TypeAlias

from guardedbedrock.aws.footing import found
from guardedbedrock.bedrock.operations import Operation
from guardedbedrock.bedrock.placement import IN_BODY, Wire, body_model, path_segments
from guardedbedrock.calls import AuthorizedCall, GuardedCall, Rules
from guardedbedrock.errors import GuardrailTamperedError
from guardedbedrock.events import AtTheGate, Observers, Refused

PathTemplate: TypeAlias = tuple[str, ...]
"""Segments of an operation's path; ``{modelId}`` and the like stand for a parameter."""

_REMEMBERED: Final = 1024
_MODEL: Final = "{modelId}"


class passing:  # noqa: N801  # reads as what it does: with passing(authorized)
    """Open the gate for this very call, in this context."""

    __slots__ = ("_token", "authorized", "observers", "seen")

    def __init__(self, authorized: AuthorizedCall, observers: Observers) -> None:
        self.authorized = authorized
        self.observers = observers
        self.seen: tuple[str, Any] | None = None

    def __enter__(self) -> None:
        self._token = _passing.set(self)

    def __exit__(self, *_: object) -> None:
        _passing.reset(self._token)


_passing: ContextVar[passing | None] = ContextVar("guardedbedrock_authorized_call", default=None)


def has_let_pass(url: str, headers: Any, body: Any) -> bool:
    """Say whether the gate of a guarded client let this very request pass, in this context."""
    passage = _passing.get()
    if passage is None or passage.seen is None or passage.seen[0] != url or passage.seen[1] is not body:
        return False
    place = passage.authorized.guarded.call.operation.place
    return place is None or place.carries(Wire(url, headers, body), passage.authorized.guarded.named)


class Gate:
    """
    The gate of one client.

    Args:
        rules: In mode ``report`` what would be refused is reported and passes, in mode ``off`` everything passes.
        client: The client to stand in.

    Attributes:
        mode: That of the rules, until the client goes by others.

    Raises:
        ConfigurationError: The installed botocore signs or sends somewhere else.
    """

    def __init__(self, rules: Rules, client: Any) -> None:
        self.mode = rules.mode
        self._service = client.meta.service_model
        self._templates: dict[str, PathTemplate] = {}
        self._right_ways: set[tuple[str, str, str | None]] = set()
        self._stand_in(found(client, "_request_signer"), found(client, "_endpoint"))

    def _stand_in(self, signer: Any, endpoint: Any) -> None:
        signer.get_auth_instance = _gated(signer.get_auth_instance, self)
        endpoint.http_session = GatedSession(endpoint.http_session, self)

    def check(self, url: str, headers: Any, body: Any, about_to_be: str) -> None:
        """
        Compare a request with the call that was authorized.

        Raises:
            GuardrailTamperedError: No call was authorized here, or the request says another operation, model, guardrail or
                version.
        """
        if self.mode == "off":
            return
        passage = _passing.get()
        if passage is None:
            problem: str | None = "is of a call which this client did not authorize"
        elif passage.seen is not None and _is_seen(passage, passage.seen, url, body):
            return
        else:
            problem = self._difference(passage.authorized, Wire(url, headers, body))
        if problem:
            self._refuse(problem, about_to_be, passage)
        if passage:
            passage.seen = url, body
            if passage.observers.hear_routine:
                passage.observers.hear(AtTheGate())

    def _refuse(self, problem: str, about_to_be: str, passage: passing | None) -> None:
        error = GuardrailTamperedError(
            message=f"the request about to be {about_to_be} {problem}",
            operation_name=passage.authorized.call.name if passage else "unknown",
            hint="call the operation on the guarded client, and look for an event handler that changes its requests",
        )
        if passage:
            passage.observers.hear(Refused(error, enforced=self.mode == "enforce"))
        if self.mode == "enforce":
            raise error

    def _difference(self, authorized: AuthorizedCall, wire: Wire) -> str | None:
        guarded = authorized.guarded
        operation = guarded.call.operation
        way = (wire.url, operation.name, guarded.model)
        if way not in self._right_ways:
            problem = self._astray(guarded, operation, wire)
            if problem:
                return problem
            if len(self._right_ways) >= _REMEMBERED:
                self._right_ways.clear()
            if _MODEL in self._template(operation.name):
                self._right_ways.add(way)
        if operation.place is not None and not operation.place.carries(wire, guarded.named):
            return "does not carry the guardrail that was authorized"
        return None

    def _astray(self, guarded: GuardedCall, operation: Operation, wire: Wire) -> str | None:
        template = self._template(operation.name)
        path = path_segments(wire.url)[-len(template) :]
        if not _fits(path, template):
            return f"goes to another operation than {operation.name}"
        for label, value in zip(template, path, strict=True):
            if label.startswith("{") and operation.place is None and guarded.params.get(label.strip("{+}")) != value:
                return f"names another {label.strip('{+}')} than the one that was authorized"
        if guarded.model is not None:
            model = path[template.index(_MODEL)] if _MODEL in template else body_model(wire)
            if model != guarded.model:
                return "names another model than the one that was authorized"
        return None

    def _template(self, operation_name: str) -> PathTemplate:
        if operation_name not in self._templates:
            uri = self._service.operation_model(operation_name).http["requestUri"]
            self._templates[operation_name] = tuple(uri.partition("?")[0].strip("/").split("/"))
        return self._templates[operation_name]


def _is_seen(passage: passing, seen: tuple[str, Any], url: str, body: Any) -> bool:
    """Say whether this very body went to this very place before, and nothing else could hold the guardrail."""
    place = passage.authorized.guarded.call.operation.place
    return seen[1] is body and seen[0] == url and isinstance(body, bytes) and place is IN_BODY


def _fits(path: PathTemplate, template: PathTemplate) -> bool:
    if len(path) != len(template):
        return False
    return all(want == have or want.startswith("{") for want, have in zip(template, path, strict=True))


def _gated(get_auth_instance: Any, gate: Gate) -> Any:
    def gated_auth_instance(*args: Any, **options: Any) -> Any:
        return GatedAuth(get_auth_instance(*args, **options), gate)

    return gated_auth_instance


class GatedAuth:
    """What signs one request, with the gate in front."""

    def __init__(self, auth: Any, gate: Gate) -> None:
        self._auth = auth
        self._gate = gate

    def add_auth(self, request: Any) -> Any:
        """Check, then sign."""
        self._gate.check(request.url, request.headers, request.data, "signed")
        return self._auth.add_auth(request)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._auth, name)


class GatedSession:
    """botocore's HTTP session, with the gate in front."""

    def __init__(self, session: Any, gate: Gate) -> None:
        self._session = session
        self._gate = gate

    def send(self, request: Any) -> Any:
        """Check, then send."""
        self._gate.check(request.url, request.headers, request.body, "sent")
        return self._session.send(request)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)
