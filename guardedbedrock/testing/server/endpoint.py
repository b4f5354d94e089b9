"""
Handles one request.

The order of the steps is AWS's, as far as it is known:

1. match the path to an operation (404, or 501 for an operation that the fake does not implement)
2. choose the faults to inject
3. verify the signature or the API key
4. parse the request and validate its parameters
5. authorize the call with IAM
6. perform the operation, or answer from a recording
"""

from __future__ import annotations

import logging
import time
import traceback
import uuid
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

from guardedbedrock.bedrock.service_models import service_model
from guardedbedrock.testing.assessment.assessment_log import LoggedAssessment, collect_assessments
from guardedbedrock.testing.faults import ClockSkew, Fault, FaultContext, HangUpError
from guardedbedrock.testing.received_requests import ReceivedRequest, RequestLog
from guardedbedrock.testing.runtime import chat_completions
from guardedbedrock.testing.server.authorization import ServerAuthorizer, enforce
from guardedbedrock.testing.server.credentials import Authenticator
from guardedbedrock.testing.wire import (
    ApiParams,
    HttpRequest,
    HttpResponse,
    OperationOutput,
    RouteMatch,
    ServiceError,
    ShapeValidator,
    parse,
    recorded_stream,
    routes,
    serialize,
)
from guardedbedrock.testing.wire.eventstream import CONTENT_TYPE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from guardedbedrock import iam
    from guardedbedrock.testing.faults import FaultSchedule
    from guardedbedrock.testing.recordings import Recorder, Replay


_LOGGER: Final = logging.getLogger(__name__)
_RUNTIME: Final = "bedrock-runtime"
_TOO_DEEP: Final = "the request is nested too deeply"


class FakeService(Protocol):
    """Performs the operations of one botocore service model."""

    service: str
    validator: ShapeValidator

    @property
    def operations(self) -> Collection[str]:
        """Names of the operations that the fake implements."""

    def guardrail(self, params: ApiParams) -> tuple[str, str] | None:
        """Return the guardrail identifier and version in a request, or None."""

    def perform(self, operation: str, params: ApiParams) -> OperationOutput:
        """Perform an operation."""


@dataclass(slots=True)
class _Exchange:
    http_request: HttpRequest
    operation: Any = None
    params: ApiParams = field(default_factory=dict)
    guardrail: tuple[str, str] | None = None
    decisions: tuple[iam.Decision, ...] = ()
    error: str | None = None
    faults: tuple[Fault, ...] = ()
    active_faults: tuple[Fault, ...] = ()
    assessments: Sequence[LoggedAssessment] = ()
    principal: str = ""
    log_entry: Callable[[], ApiParams] | None = None


class FakeEndpoint:
    """
    Responds to the requests of several services.

    Args:
        services: Their paths must not overlap: the first service that has the path handles the request.
        authenticator: Identifies the caller.
        authorizer: Evaluates the policies.
        faults: The faults to inject.
        log: Stores the requests.
        write_log: Writes a call to the log of the service, with the ARN of its caller and its entry.
        replay: Answers instead of the services; None performs the operations.
        recorder: Records the exchanges; None records none.
    """

    def __init__(  # noqa: PLR0913 - one parameter for each step
        self,
        services: Iterable[FakeService],
        *,
        authenticator: Authenticator,
        authorizer: ServerAuthorizer,
        faults: FaultSchedule,
        log: RequestLog,
        write_log: Callable[[str, ReceivedRequest, Callable[[], ApiParams]], None],
        replay: Replay | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        self._routes = [(routes(service.service), service) for service in services]
        self._authenticator, self._authorizer, self._faults, self._log = authenticator, authorizer, faults, log
        self._write_log, self._replay, self._recorder = write_log, replay, recorder

    def respond(self, http_request: HttpRequest) -> HttpResponse:
        """Respond to a request, and log it before the response is sent."""
        exchange = _Exchange(http_request)
        with collect_assessments() as exchange.assessments:
            response = self._response(exchange)
        if self._recorder is not None:
            response = _record_exchange(self._recorder, exchange, response)
        for fault in exchange.active_faults:
            response = fault.change_response(response)
        request_id = str(uuid.uuid4())
        record = _record(exchange, response.status, request_id)
        self._log.add(record)
        if exchange.log_entry is not None:
            self._write_log(exchange.principal, record, exchange.log_entry)
        filters = tuple(fault.filter_bytes for fault in exchange.active_faults)
        return replace(response, headers={"x-amzn-RequestId": request_id, **response.headers}, send_filters=filters)

    def _response(self, exchange: _Exchange) -> HttpResponse:
        """Return a response in every case: without one, the request would not be logged, and botocore would repeat it."""
        try:
            return self._perform(exchange)
        except ServiceError as raised:
            error = raised
        except RecursionError:
            error = ServiceError.invalid(_TOO_DEEP)
        except HangUpError:  # a fault of the test that ends the connection without a response
            raise
        except Exception as raised:  # noqa: BLE001 - a bug of the fake, or a fault or a scripted reply that raised
            error = _internal_error(raised)
            _LOGGER.error("%s", error.message)  # noqa: TRY400 - the text of an exception can contain a prompt
        is_chat = chat_completions.serves(exchange.operation)
        error = chat_completions.own_error(error) if is_chat else error
        exchange.error = error.code
        return chat_completions.error_response(error) if is_chat else error.response()

    def _perform(self, exchange: _Exchange) -> HttpResponse:
        try:
            match, service = self._route(exchange.http_request)
        except ServiceError:
            if self._replay is None:
                raise
            return self._replay.respond(exchange.http_request)  # recorded from another service
        exchange.operation = operation = match.operation
        if self._replay is None and operation.name not in service.operations:
            raise ServiceError.not_served(operation.name)
        model = match.labels.get("modelId", "")
        exchange.faults, exchange.active_faults = self._faults.take(
            operation.name, model, streams=operation.has_event_stream_output
        )
        skew = sum(fault.seconds for fault in exchange.faults if isinstance(fault, ClockSkew))
        caller = self._authenticator.identify(exchange.http_request, service_model(service.service).signing_name, skew)
        try:
            _parse(exchange, match, service)
        except ServiceError:
            if self._replay is None:
                raise
            return self._replay.respond(exchange.http_request)  # AWS's answer to an invalid request
        requests = partial(self._authorizer.requests, service.service, operation.name, exchange.params, caller)
        for fault in exchange.active_faults:
            fault.fail(FaultContext(operation.name, exchange.params, requests))
        exchange.decisions = self._authorizer.decide(requests)
        enforce(exchange.decisions)
        if self._replay is not None:
            return _with_faults(operation, self._replay.respond(exchange.http_request), exchange.active_faults)
        output = service.perform(operation.name, exchange.params)
        exchange.principal, exchange.log_entry = caller.principal, output.log_entry
        write = chat_completions.response if chat_completions.serves(operation) else serialize
        return write(operation, _with_stream_faults(operation, output, exchange.active_faults))

    def _route(self, http_request: HttpRequest) -> tuple[RouteMatch, FakeService]:
        for paths, service in self._routes:
            if found := paths.match(http_request):
                return found, service
        if chat := chat_completions.match(http_request):
            return chat, next(service for _, service in self._routes if service.service == _RUNTIME)
        problem = f"no operation at {http_request.method} {http_request.path}"
        raise ServiceError(404, "UnknownOperationException", problem)


def _internal_error(error: Exception) -> ServiceError:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    problem = f"the fake Bedrock failed: {type(error).__name__} at {frame.filename}:{frame.lineno}"
    return ServiceError(500, "InternalServerException", problem)


def _parse(exchange: _Exchange, match: RouteMatch, service: FakeService) -> None:
    exchange.params = parse(match, exchange.http_request)
    service.validator.check(exchange.operation.input_shape, exchange.params)
    exchange.guardrail = service.guardrail(exchange.params)


def _with_stream_faults(operation: Any, output: OperationOutput, faults: Iterable[Fault]) -> OperationOutput:
    if not operation.has_event_stream_output:
        return output
    name = operation.output_shape.event_stream_name
    return replace(output, members={**output.members, name: _change_events(faults, output.members[name])})


def _with_faults(operation: Any, response: HttpResponse, faults: Iterable[Fault]) -> HttpResponse:
    """Send a recorded event stream frame by frame, so that the faults of streams change it."""
    kinds = [value for name, value in response.headers.items() if name.lower() == "content-type"]
    if not operation.has_event_stream_output or CONTENT_TYPE not in kinds or not isinstance(response.body, bytes):
        return response
    return replace(response, body=recorded_stream(operation, response.body, partial(_change_events, tuple(faults))))


def _change_events(faults: Iterable[Fault], events: Iterable[Mapping[str, Any]]) -> Iterable[Mapping[str, Any]]:
    for fault in faults:
        events = fault.change_events(events)
    return events


def _record_exchange(recorder: Recorder, exchange: _Exchange, response: HttpResponse) -> HttpResponse:
    """Record a response. A stream is read to its end first."""
    body = response.body
    chunks = [body] if isinstance(body, bytes) else list(body)
    name = exchange.operation.name if exchange.operation else "unknown"
    recorder.write(name, exchange.http_request, response.status, response.headers, b"".join(chunks))
    return response if isinstance(body, bytes) else replace(response, body=iter(chunks))


def _record(exchange: _Exchange, status: int, request_id: str) -> ReceivedRequest:
    return ReceivedRequest(
        operation=exchange.operation.name if exchange.operation else None,
        params=exchange.params,
        guardrail=exchange.guardrail,
        status=status,
        error=exchange.error,
        decisions=exchange.decisions,
        request_id=request_id,
        http_request=exchange.http_request,
        faults=exchange.faults,
        assessments=tuple(exchange.assessments),
        at=time.time(),
    )
