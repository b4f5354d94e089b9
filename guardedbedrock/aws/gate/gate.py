"""
The gate: what is serialized, signed and sent is what was authorized.

1. At serialization the final parameters are verified: they still name the authorized guardrail, model and resources, and the
   policies allow them. The first request of each operation is read back. The gate remembers the method, the URL and the body.
2. At signing and at sending a request with the same method, URL and body object passes. Headers are read each time, because
   botocore adds them after serialization.
3. Any other request is read back into parameters, strictly, and verified like those in step 1.

A difference raises `GuardrailTamperedError`; in mode ``report`` it is only reported. docs/security.md has the threat model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from guardedbedrock.aws.gate.call_context import CallContext, SerializedRequest, current_call
from guardedbedrock.aws.gate.http_framing import case_insensitive, framing_error, sent_body
from guardedbedrock.aws.gate.request_reader import GateRequest, header_members, read_headers, read_parameters
from guardedbedrock.aws.gate.sent_headers import read_sent_headers
from guardedbedrock.bedrock import Operation
from guardedbedrock.bedrock.guardrail.coverage import find_coverage_gaps
from guardedbedrock.bedrock.guardrail.location import Wire, body_model, header_of
from guardedbedrock.bedrock.indirect_inference import find_indirect
from guardedbedrock.bedrock.operations import MODEL_CALLING_PATHS, RUNTIME_PATHS, RUNTIME_SERVICE, find_operation
from guardedbedrock.bedrock.request_paths import RequestTarget, path_below
from guardedbedrock.core.events import CallRefused, RequestVerified
from guardedbedrock.core.records import GuardedCall
from guardedbedrock.core.rules import Rules
from guardedbedrock.errors import GuardrailTamperedError
from guardedbedrock.stages.authorize import judge

CheckedStep: TypeAlias = Literal["serialized", "signed", "sent"]

_STEPS: Final[Mapping[CheckedStep, str]] = {
    "serialized": "the serialized request",
    "signed": "the request about to be signed",
    "sent": "the request about to be sent",
}
NOT_AUTHORIZED: Final = "belongs to a call that this client did not authorize"
_CHECKED_INDIRECT: Final = ("refuse", "verify")
"""The values of `on_indirect` under which indirect inference is checked."""
OTHER_GUARDRAIL: Final = "does not carry the guardrail that was authorized"


class Gate:
    """
    The gate of one client.

    Args:
        rules: The rules of the client. A client that is wrapped again gets new ones.
        client: The client.
    """

    def __init__(self, rules: Rules, client: Any) -> None:
        self.rules = rules
        self._endpoint_url: str = client.meta.endpoint_url
        self._service_model = client.meta.service_model
        self._target_prefix: str = self._service_model.metadata.get("targetPrefix", "")
        # Cache, keyed by the operation: the serializer writes the guardrail into the same location for every call.
        self._checked_operations: set[str] = set()

    def check_serialization(
        self, operation_name: str, params: Mapping[str, Any], endpoint_url: str | None, request_dict: Any
    ) -> None:
        """
        Verify the final parameters of a call, and remember the request that botocore serialized from them.

        Without an open call nothing is verified here: `check_signing` and `check_sending` refuse the request.

        Args:
            operation_name: The operation that was serialized.
            params: Its parameters, after all event handlers.
            endpoint_url: The endpoint; None for the client's.
            request_dict: The request as a dictionary, as botocore returns it.

        Raises:
            GuardrailTamperedError: Parameters or URL differ from what was authorized.
        """
        call = self._own_call()
        if call is None or self.rules.mode == "off":
            return
        call.endpoint_url, call.serialized = endpoint_url or self._endpoint_url, None
        method, url, body = request_dict["method"], request_dict["url"], request_dict["body"]
        problem = (
            _operation_difference(call, operation_name)
            or self._parameter_difference(call, params)
            or self._target_difference(call, method, url)
            or self._wire_difference(call, request_dict)
        )
        if problem:
            self._refuse(problem, "serialized", call)
        elif isinstance(body, bytes):
            # INVARIANT: only an immutable body is remembered; the same object could have other content later.
            call.serialized = SerializedRequest(method, url, body)

    def check_signing(self, request: Any) -> None:
        """
        Verify a request that is about to be signed.

        Raises:
            GuardrailTamperedError: The request is not the one that was authorized.
        """
        if self.rules.mode == "off":
            return
        call = self._own_call()
        problem = NOT_AUTHORIZED if call is None else self._difference(call, request, request.data)
        self._conclude(call, request.url, "signed", problem)
        if call is not None and problem is None:
            call.verified_request = request

    def check_sending(self, request: Any) -> None:
        """
        Verify a request that is about to be sent.

        Raises:
            GuardrailTamperedError: The request is not the one that was authorized.
        """
        if self.rules.mode == "off":
            return
        call = self._own_call()
        try:
            body = sent_body(request)
            read_sent_headers(request)
        except ValueError as error:
            problem: str | None = str(error)
        else:
            problem = NOT_AUTHORIZED if call is None else self._difference(call, request, body)
            problem = problem or framing_error(case_insensitive(request.headers), body)
        self._conclude(call, request.url, "sent", problem)

    def _conclude(self, call: CallContext | None, url: str, step: CheckedStep, problem: str | None) -> None:
        """Refuse a request that differs from the authorized one, and report one that does not."""
        if call is not None:
            # A request that was verified before does not count while another one is checked.
            call.has_request, call.verified_request = True, None
        if problem is not None:
            self._refuse(problem, step, call)
        elif call is not None and call.observers.wants_routine:
            call.observers.emit(RequestVerified(url))

    def _own_call(self) -> CallContext | None:
        """
        Return the call that this client is making in this context.

        INVARIANT: a gate lets only calls of its own client pass. Another client may have other rules.
        """
        call = current_call.get()
        return call if call is not None and call.gate is self else None

    def _parameter_difference(self, call: CallContext, params: Mapping[str, Any]) -> str | None:
        guarded = call.authorized.guarded
        return (
            _guardrail_difference(call, params)
            or self._evaluation_difference(call, params)
            or self._indirect_difference(call, params)
            or self._coverage_difference(guarded, params)
        )

    def _evaluation_difference(self, call: CallContext, params: Mapping[str, Any]) -> str | None:
        """
        Compare the parameters that the policies were evaluated for.

        INVARIANT: the request names the resources that were evaluated. If it sets other tags or condition keys, the policies are
        evaluated again, and they must let it pass.
        """
        guarded = call.authorized.guarded
        operation, authorized = guarded.call.operation, guarded.evaluated
        final = operation.evaluated(params)
        if final == authorized:
            return None
        changed = {path for path in final.keys() | authorized.keys() if final.get(path) != authorized.get(path)}
        if not changed.isdisjoint(operation.identifier_paths):
            return "names another model or resource than the one that was authorized"
        verdict = judge(replace(guarded, params=params), self.rules)
        is_open = verdict.decision == "indeterminate" and self.rules.on_indeterminate == "refuse"
        return "has parameters that the policies do not allow" if verdict.denied or is_open else None

    def _indirect_difference(self, call: CallContext, params: Mapping[str, Any]) -> str | None:
        """
        Compare what calls models inside AWS for the request.

        INVARIANT: under `on_indirect` ``refuse`` and ``verify``, all of it was checked.
        """
        operation = call.authorized.guarded.call.operation
        if not operation.indirect or self.rules.on_indirect not in _CHECKED_INDIRECT:
            return None
        if find_indirect(operation, params) == call.targets:
            return None
        return "makes AWS call other models than it was authorized for"

    def _coverage_difference(self, guarded: GuardedCall, params: Mapping[str, Any]) -> str | None:
        """
        Find a part of the prompt that a handler hid from the guardrail.

        INVARIANT: under `on_partial` ``refuse`` the guardrail evaluates the whole prompt.
        """
        if self.rules.mode != "enforce" or self.rules.on_partial != "refuse":
            return None
        return (
            "hides a part of its prompt from the guardrail"
            if find_coverage_gaps(guarded.call.name, params, strict=True)
            else None
        )

    def _target_difference(self, call: CallContext, method: str, url: str) -> str | None:
        """
        Compare the endpoint, the operation and the model that a request reaches with the authorized ones.

        INVARIANT: a request that reaches a model belongs to an inference operation, which the first stage lets pass only with its
        guardrail, or if `allow_unguarded` names it. The paths of models are taken from the table of operations and not from the
        client's service model, which a data file on ``AWS_DATA_PATH`` or a handler can change.
        """
        endpoint_url = call.endpoint_url or self._endpoint_url
        guarded = call.authorized.guarded
        operation = guarded.call.operation
        target = _target_of(endpoint_url, method, url)
        if target is None:
            return "goes to another endpoint than the client's"
        lenient = target.lenient
        if operation.service != RUNTIME_SERVICE and not (lenient and _is_inference(lenient.operation)):
            return _path_difference(operation, endpoint_url, method, url)
        if lenient is None:
            return None
        if lenient.operation != operation.name:
            return f"goes to another operation than {operation.name}"
        # A data file can give a client of another service an operation with the name of an inference operation.
        if not operation.inference and _is_inference(lenient.operation):
            return "reaches a model by an operation without a guardrail location"
        if lenient.model and target.strict != (operation.name, guarded.call.model):
            return "names another model than the one that was authorized"
        return None

    def _wire_difference(self, call: CallContext, request_dict: Mapping[str, Any]) -> str | None:
        """
        Compare what the serializer wrote, once for each operation.

        INVARIANT: the guardrail and the model are where AWS reads them. The names of the API are used, because a data file on
        ``AWS_DATA_PATH`` or a handler can change the names in the client's service model.
        """
        guarded = call.authorized.guarded
        operation, location = guarded.call.operation, guarded.call.operation.location
        if operation.name in self._checked_operations:
            return None
        wire = Wire(request_dict["url"], case_insensitive(request_dict["headers"]), request_dict["body"])
        if operation.names_model_in_body and body_model(wire) != guarded.call.model:
            return "names another model than the one that was authorized"
        if location is not None and location.read_wire(wire) != guarded.guardrail_refs:
            return OTHER_GUARDRAIL
        if location is not None and location.is_single:
            self._checked_operations.add(operation.name)
        return None

    def _difference(self, call: CallContext, request: Any, body: Any) -> str | None:
        """
        Compare a request with what was authorized.

        INVARIANT: headers are read at signing and at sending. They are not part of the remembered request, because botocore and
        handlers add headers after serialization.
        """
        if self._target_prefix and header_of(case_insensitive(request.headers), "X-Amz-Target") != self._amz_target(call):
            return f"goes to another operation than {call.authorized.guarded.call.name}"
        if not (call.serialized and call.serialized.is_same(request, body)):
            return self._read_difference(call, GateRequest(request.method, request.url, case_insensitive(request.headers), body))
        guarded = call.authorized.guarded
        location = guarded.call.operation.location
        if location is None or location.carrier != "headers":
            return None
        model = self._operation_model(call)
        in_headers = header_members(model)
        rest = {name: value for name, value in guarded.params.items() if name not in in_headers}
        params = {**rest, **read_headers(case_insensitive(request.headers), model)}
        return _guardrail_difference(call, params) or self._evaluation_difference(call, params)

    def _amz_target(self, call: CallContext) -> str:
        """Return the value of ``X-Amz-Target``, which names the operation in the JSON protocol."""
        return f"{self._target_prefix}.{call.authorized.guarded.call.name}"

    def _read_difference(self, call: CallContext, request: GateRequest) -> str | None:
        """Read a request that is not the serialized one, and compare it with what was authorized."""
        problem = self._target_difference(call, request.method, request.url)
        if problem:
            return problem
        try:
            params = read_parameters(request, self._operation_model(call), call.endpoint_url or self._endpoint_url)
        except ValueError as error:
            return str(error)
        return self._parameter_difference(call, params)

    def _operation_model(self, call: CallContext) -> Any:
        return self._service_model.operation_model(call.authorized.guarded.call.name)

    def _refuse(self, problem: str, step: CheckedStep, call: CallContext | None) -> None:
        error = GuardrailTamperedError(
            message=f"{_STEPS[step]} {problem}",
            operation_name=call.authorized.guarded.call.name if call else "unknown",
            hint="call the operation on the guarded client, and look for an event handler that changes its requests",
        )
        enforced = self.rules.mode == "enforce"
        if call is not None and not call.refusal_reported:
            call.refusal_reported = True
            call.observers.emit(CallRefused(error, enforced=enforced))
        if enforced:
            raise error


def _path_difference(operation: Operation, endpoint_url: str, method: str, url: str) -> str | None:
    """
    Compare the path of an operation of another service than the runtime.

    INVARIANT: a request that calls models, directly or indirectly, belongs to the operation of its path.
    """
    reached = MODEL_CALLING_PATHS[operation.service].find_below(endpoint_url, method, url)
    expected = operation.name if operation.path else None
    return None if (reached and reached.operation) == expected else f"goes to another operation than {operation.name}"


def _is_inference(runtime_operation: str) -> bool:
    return find_operation(RUNTIME_SERVICE, runtime_operation).inference


class _Target(NamedTuple):
    """
    The target of a request, read twice.

    Args:
        lenient: As resolved by a server that tolerates variants of the path; None if it reaches no operation of the runtime.
        strict: As the path is written; None if it is not exactly the path of an operation.
    """

    lenient: RequestTarget | None
    strict: RequestTarget | None


@lru_cache(maxsize=1024)  # keyed by endpoint and request line: a client calls few models, and parsing a URL takes 5 us
def _target_of(endpoint_url: str, method: str, url: str) -> _Target | None:
    """Read what a request reaches; None if it goes to another endpoint."""
    if path_below(endpoint_url, url) is None:
        return None
    return _Target(RUNTIME_PATHS.find(method, url), RUNTIME_PATHS.find_below(endpoint_url, method, url))


def _operation_difference(call: CallContext, operation_name: str) -> str | None:
    """
    Compare the operation.

    INVARIANT: the authorization of a call does not cover another operation that is called inside it on the same client.
    """
    authorized = call.authorized.guarded.call.name
    return None if operation_name == authorized else f"is for another operation than {authorized}"


def _guardrail_difference(call: CallContext, params: Mapping[str, Any]) -> str | None:
    """
    Compare the guardrail.

    INVARIANT: every structure of the operation's guardrail location holds the authorized identifier and version.
    """
    guarded = call.authorized.guarded
    return None if guarded.call.operation.guardrail_refs(params) == guarded.guardrail_refs else OTHER_GUARDRAIL
