"""
The gate: what is signed and what is sent is what was authorized, or it is refused.

It looks twice, each time where no event handler comes after it: when botocore's signer is about to sign a request (presigned URLs
too), and in front of the HTTP session. ``before-sign`` would be no such place: handlers of the more general name come after it.
What it sees there is compared with what botocore wrote of the authorized parameters; only where somebody changed that since is
the request read, and read strictly.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from botocore.awsrequest import AWSRequest

from guardedbedrock.aws.client.botocore_contract import found
from guardedbedrock.aws.client.call_context import CallContext, current_call
from guardedbedrock.aws.gate.http_framing import misframed, readable
from guardedbedrock.aws.gate.serializer_fingerprint import Writing
from guardedbedrock.aws.gate.swap_class import GatedAuth, GatedSession, become, behind, kept
from guardedbedrock.bedrock.guardrail.coverage import find_coverage_gaps
from guardedbedrock.bedrock.guardrail.location import IN_HEADERS, Wire, body_model, json_body
from guardedbedrock.bedrock.operations import RUNTIME_PATHS
from guardedbedrock.bedrock.request_paths import matches_template, path_below
from guardedbedrock.core.events import CallRefused, RequestVerified
from guardedbedrock.core.records import GuardedCall
from guardedbedrock.core.rules import Rules
from guardedbedrock.errors import GuardrailTamperedError

PathTemplate: TypeAlias = tuple[str, ...]
"""Segments of an operation's path; ``{modelId}`` and the like stand for a parameter."""

_MODEL: Final = "{modelId}"


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
        self._service = client.meta.service_model
        self._templates: dict[str, tuple[str, PathTemplate]] = {}
        self._region: str = client.meta.region_name
        self._writing = Writing(client)
        self.base: str = client.meta.endpoint_url
        self.follow(rules)
        self._stand_in(found(client, "_request_signer"), found(client, "_endpoint"))

    def follow(self, rules: Rules) -> None:
        """Go by these rules from now on, as does the client."""
        self.mode = rules.mode
        self._refuses_partial = rules.on_partial == "refuse" and rules.mode == "enforce"
        self._approved = frozenset(
            (identifier, guardrail.version)
            for guardrail in rules.in_region(self._region)
            for identifier in (guardrail.arn, guardrail.id)
        )

    def _stand_in(self, signer: Any, endpoint: Any) -> None:
        sign, session, send = signer.get_auth_instance, endpoint.http_session, endpoint._send  # noqa: SLF001  # no public place
        become(signer, **{name: kept(name, self._fronted_auth) for name in ("get_auth_instance", "get_auth")})
        fronts = {"http_session": self._fronted_session, "_send": self._fronted_send}
        become(endpoint, **{name: kept(name, front) for name, front in fronts.items()})
        signer.get_auth_instance = signer.get_auth = sign
        endpoint.http_session = session
        # botocore's own sends through the session, where the gate is.
        endpoint.__dict__["_send"] = endpoint.__dict__[behind("_send")] = send

    def _fronted_auth(self, get_auth_instance: Any) -> Any:
        def gated_auth_instance(*args: Any, **options: Any) -> GatedAuth:
            gated = object.__new__(GatedAuth)  # what its constructor does, without another function: every call signs
            gated._auth, gated._gate = get_auth_instance(*args, **options), self  # made here
            return gated

        return gated_auth_instance

    def _fronted_session(self, session: Any) -> Any:
        return GatedSession(session, self)

    def _fronted_send(self, send: Any) -> Any:
        def gated_send(request: Any) -> Any:
            self.check(request, request.body, "sent")
            return send(request)

        return gated_send

    def note(self, operation_name: str, base: str | None, request: Mapping[str, Any], writer: Any) -> None:
        """
        Remember the request that a writer has written for an operation and an endpoint, if it says what was authorized.

        Headers are read when the request leaves.
        """
        passage = current_call.get()
        if passage is None or passage.gate is not self:
            return
        guarded = passage.authorized.guarded
        call, model, named = guarded.call, guarded.model, guarded.guardrail_ref
        place, method, url, body = call.operation.location, request["method"], request["url"], request["body"]
        passage.base, passage.written = base or self.base, None
        writing, within = self._writing, self._writing.within
        if (
            place is not None
            and operation_name == call.name
            and type(url) is type(method) is str
            and RUNTIME_PATHS.find_below(passage.base, method, url) == (operation_name, model)
            and writer is writing.writer
            and type(writer) is (kind := writing.kind)
            and "serialize_to_request" not in writer.__dict__
            and getattr(writer, "_serializer", writer) is within
            and type(within) is (kind_within := writing.kind_within)
            and within.__dict__ == writing.state_within
            and kind.serialize_to_request is writing.write
            and kind_within.serialize_to_request is writing.write_within
            and not (self._refuses_partial and _may_keep_back(operation_name, body))
            and named in self._approved
            and (place is IN_HEADERS or place.carries(Wire(url, {}, body), named))
        ):
            passage.written = method, url, body, place is IN_HEADERS

    def check(self, request: Any, body: Any, about_to_be: str) -> None:
        """
        Compare a request with the call that was authorized.

        Raises:
            GuardrailTamperedError: No call was authorized here, or the request says another operation, model, guardrail or
                version, or goes to another endpoint.
        """
        if self.mode == "off":
            return
        passage = current_call.get()
        if passage is None or passage.gate is not self:
            self._refuse("is of a call which this client did not authorize", about_to_be, None)
            return
        if about_to_be == "sent":
            strange = misframed(request)
        else:
            strange = None if type(request) is AWSRequest else "is none of botocore's own"
        url, method, written = request.url, request.method, passage.written
        is_written = (
            written is not None
            and written[2] is body
            and written[1] == url
            and written[0] == method
            and type(url) is type(method) is str
        )
        # Headers come after what botocore writes of the parameters, so they are read whatever was written.
        is_whole = is_written and written is not None and not written[3]
        problem = (None if is_whole else self._difference(passage, request, body, is_written=is_written)) or strange
        if problem:
            self._refuse(problem, about_to_be, passage)
        else:
            passage.let_pass = url, body
        if passage.observers.wants_routine:
            passage.observers.emit(RequestVerified(request.url))

    def _refuse(self, problem: str, about_to_be: str, passage: CallContext | None) -> None:
        error = GuardrailTamperedError(
            message=f"the request about to be {about_to_be} {problem}",
            operation_name=passage.authorized.guarded.call.name if passage else "unknown",
            hint="call the operation on the guarded client, and look for an event handler that changes its requests",
        )
        if passage and not passage.is_told:
            passage.is_told = True
            passage.observers.emit(CallRefused(error, enforced=self.mode == "enforce"))
        if self.mode == "enforce":
            raise error

    def _difference(self, passage: CallContext, request: Any, body: Any, *, is_written: bool) -> str | None:
        guarded = passage.authorized.guarded
        place = guarded.call.operation.location
        if is_written:
            carried = place is not IN_HEADERS or place.carries(
                Wire(request.url, readable(request.headers), body), guarded.guardrail_ref
            )
        else:
            wire = Wire(request.url, readable(request.headers), body)
            problem = self._strange(guarded, request.method, wire.url) or self._astray(passage, request.method, wire)
            if problem:
                return problem
            if self._refuses_partial and find_coverage_gaps(
                guarded.call.name, {**json_body(wire), "body": request.body}, strict=True
            ):
                return "keeps a part of its prompt from the guardrail"
            carried = place is None or place.carries(wire, guarded.guardrail_ref)
        return None if carried else "does not carry the guardrail that was authorized"

    def _strange(self, guarded: GuardedCall, method: str, url: Any) -> str | None:
        """Say what is wrong with a request whatever its client's service model says of it."""
        operation = guarded.call.operation
        if type(url) is not str or type(method) is not str:
            return "has a URL or a method that is no plain text"
        target = RUNTIME_PATHS.find(method, url)
        if target is not None and target.operation != operation.name:
            return f"goes to another operation than {operation.name}"
        is_placed = operation.inference and operation.location is not None
        if is_placed and self.mode == "enforce" and guarded.guardrail_ref not in self._approved:
            return "names a guardrail that this client does not have among the approved ones"
        return None

    def _astray(self, passage: CallContext, method: str, wire: Wire) -> str | None:
        guarded, operation = passage.authorized.guarded, passage.authorized.guarded.call.operation
        path = path_below(passage.base, wire.url)
        if path is None:
            return "goes to another endpoint than the client's"
        verb, template = self._template(operation.name)
        if method != verb or not matches_template(path, template):
            return f"goes to another operation than {operation.name}"
        for label, value in zip(template, path, strict=True):
            if label.startswith("{") and operation.location is None and guarded.params.get(label.strip("{+}")) != value:
                return f"names another {label.strip('{+}')} than the one that was authorized"
        if guarded.model is not None and _model(method, wire, path, template) != guarded.model:
            return "names another model than the one that was authorized"
        return None

    def _template(self, operation_name: str) -> tuple[str, PathTemplate]:
        if operation_name not in self._templates:
            http = self._service.operation_model(operation_name).http
            path = tuple(http["requestUri"].partition("?")[0].strip("/").split("/"))
            self._templates[operation_name] = http["method"], path
        return self._templates[operation_name]


def _model(method: str, wire: Wire, path: PathTemplate, template: PathTemplate) -> str | None:
    """Read the model of a request: where one answers it stands in the path, whatever botocore's data says of that."""
    target = RUNTIME_PATHS.find(method, wire.url)
    if target is not None and target.model:
        return path[-2]
    return path[template.index(_MODEL)] if _MODEL in template else body_model(wire)


def _may_keep_back(operation_name: str, body: Any) -> bool:
    """Say whether a body has a word of what keeps a part of a prompt from a guardrail; then it is read."""
    if type(body) is not bytes or b"guardContent" in body or b"streamProcessingMode" in body:
        return True
    return bool(find_coverage_gaps(operation_name, {"messages": (), "body": body}, strict=True))
