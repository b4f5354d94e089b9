"""The steps of one HTTP request and its response. They do no I/O, so sync and async transports share them."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final, Self
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

from guardedbedrock.aws.chosen_guardrail import chosen
from guardedbedrock.aws.client.binding import ClientBinding
from guardedbedrock.aws.gate.request_reader import GateRequest
from guardedbedrock.aws.http.credentials import is_signed
from guardedbedrock.aws.http.endpoints import Endpoint
from guardedbedrock.aws.http.events import decompressor, event_reader
from guardedbedrock.aws.http.operation_reader import read_operation
from guardedbedrock.aws.http.outgoing import OutgoingRequest
from guardedbedrock.aws.http.stream_observer import StreamObserver
from guardedbedrock.aws.refusals import mantle_request, signed_request, unreadable_request
from guardedbedrock.bedrock.guardrail.location import Wire
from guardedbedrock.bedrock.parameters import parse_object
from guardedbedrock.core.events import CallRefused, RequestSending, RequestVerified, SentWithoutGuardrail
from guardedbedrock.core.observers import Observers
from guardedbedrock.core.records import AuthorizedCall, Call, Reply
from guardedbedrock.core.rules import Rules
from guardedbedrock.errors import AccessDeniedError, GuardedBedrockError, RefusedError
from guardedbedrock.stages.authorize import authorize
from guardedbedrock.stages.inject import inject
from guardedbedrock.stages.reply import settle
from guardedbedrock.stages.send import denial_of, report_allowed
from guardedbedrock.stages.stream import StreamMonitor

_VERSION: Final = "/v1/"
"""A segment of every path of the OpenAI-compatible APIs."""
_ERROR: Final = 400
_REDIRECT: Final = 300


class Exchange:
    """
    One request and its response. Used with ``with`` while the request is sent; a streamed response outlives the block.

    Args:
        request: The request as the application made it.
        endpoint: Where it goes.
        rules: The rules for it.
        binding: The binding of the guard.
        is_redirected: Whether the request has a target that overrides the path of its URL.

    Attributes:
        is_chat: Whether errors have the shape of OpenAI.
    """

    def __init__(
        self, request: GateRequest, endpoint: Endpoint, rules: Rules, binding: ClientBinding, *, is_redirected: bool = False
    ) -> None:
        self._request, self._endpoint, self._rules = request, endpoint, rules
        self._wire = Wire(request.url, request.headers, request.body)
        self._authorized: AuthorizedCall | None = None
        requested = read_operation(request, endpoint, is_redirected=is_redirected)
        self._problem = requested.problem
        self.is_chat = _VERSION in urlsplit(request.url).path
        self._call = Call.of(requested.name, requested.params, endpoint.region, chosen.get())
        self._observers = Observers(binding.listeners, self._call)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is not None:
            self._observers.close(error)
        self._observers.leave()

    def prepare(self) -> OutgoingRequest:
        """
        Return the request with its guardrail, for a client that signs it afterwards.

        A request that the guard refuses stays unchanged: `authorize` refuses it when it is sent.
        """
        location = self._call.operation.location
        if location is None or self._endpoint.is_mantle or self._problem is not None:
            return OutgoingRequest.unchanged(self._request)
        try:
            guarded = inject(self._call, self._rules.current(), self._observers)
        except (RefusedError, AttributeError, KeyError, TypeError, ValueError):
            return OutgoingRequest.unchanged(self._request)
        if guarded.guardrail is None or location.carries(self._wire, guarded.guardrail_ref):
            return OutgoingRequest.unchanged(self._request)
        return OutgoingRequest.unchanged(self._request).with_guardrail(location, guarded.params, guarded.guardrail_ref)

    def authorize(self) -> OutgoingRequest:
        """
        Run the stages that precede sending, and return what is sent.

        Raises:
            AccessDeniedError: The policies deny the request, or it would reach a model without an approved guardrail.
        """
        if self._endpoint.is_mantle:
            host = str(urlsplit(self._request.url).hostname)
            if self._rules.on_mantle == "allow":
                self._observers.emit(SentWithoutGuardrail(host, "mantle"))
                return OutgoingRequest.unchanged(self._request)
            return self._refuse(mantle_request(self._call.name, host))
        if self._problem is not None:
            return self._refuse(self._problem)
        self._rules = self._rules.current()
        try:
            self._authorized = authorize(inject(self._call, self._rules, self._observers), self._rules, self._observers)
        except (AttributeError, KeyError, TypeError, ValueError):
            return self._refuse(unreadable_request(self._call.name))
        return self._outgoing(self._authorized)

    def _outgoing(self, authorized: AuthorizedCall) -> OutgoingRequest:
        guarded, location = authorized.guarded, authorized.guarded.call.operation.location
        sent = OutgoingRequest.unchanged(self._request)
        if location is not None and guarded.guardrail is not None:
            if not location.carries(self._wire, guarded.guardrail_ref):
                if is_signed(self._request):
                    return self._refuse(signed_request(self._call.name, guarded.guardrail))
                sent = sent.with_guardrail(location, guarded.params, guarded.guardrail_ref)
            # INVARIANT: what is sent carries the authorized guardrail and no other.
            if not location.carries(sent.wire, guarded.guardrail_ref):
                return self._refuse(unreadable_request(self._call.name))
        if self._observers.wants_routine:
            self._observers.emit(RequestSending(instrumented=False))
            self._observers.emit(RequestVerified(self._request.url))
        return sent

    def _refuse(self, error: RefusedError) -> OutgoingRequest:
        enforced = self._rules.mode == "enforce"
        self._observers.emit(CallRefused(error, enforced=enforced))
        if enforced:
            raise error
        return OutgoingRequest.unchanged(self._request)

    @property
    def is_authorized(self) -> bool:
        """Whether the stages let the request pass. Otherwise it is sent unchecked, and its response is returned unread."""
        return self._authorized is not None

    def close(self) -> None:
        """End the exchange without looking at the response."""
        self._observers.close(None)

    def refused(self, error: AccessDeniedError) -> None:
        """End the exchange: nothing is sent."""
        self._observers.close(error)

    def settle(self, status: int, headers: Mapping[str, str], raw: bytes) -> GuardedBedrockError | None:
        """
        Check a whole response, and end the exchange.

        Args:
            status: HTTP status.
            headers: The headers, by names in lower case.
            raw: The body as it was received.

        Returns:
            The denial of AWS, or the error that the rules ask for; None if there is neither.
        """
        error: Exception | None = None
        if self._authorized is not None:
            body = b""
            with suppress(zlib.error):
                body = decompressor(headers.get("content-encoding", ""))(raw)
            if status >= _ERROR:
                error = self._failure(self._authorized, _error_response(status, headers, body))
            elif status < _REDIRECT:
                report_allowed(self._authorized, self._observers)
                error = self._settled(self._reply(self._authorized, status, headers, body))
        self._observers.close(error)
        return error if isinstance(error, GuardedBedrockError) else None

    def _failure(self, authorized: AuthorizedCall, response: dict[str, Any]) -> Exception:
        failure = ClientError(response, self._call.name)
        return denial_of(failure, authorized, self._observers) or failure

    def _settled(self, reply: Reply) -> GuardedBedrockError | None:
        try:
            settle(reply, self._rules, self._observers)
        except GuardedBedrockError as error:
            return error
        return None

    def _reply(self, authorized: AuthorizedCall, status: int, headers: Mapping[str, str], body: bytes) -> Reply:
        response = {"ResponseMetadata": _metadata(status, headers)}
        if authorized.guarded.call.operation.reply.startswith(("invoke", "chat")):
            return Reply(authorized, response, body)
        return Reply(authorized, {**parse_object(body), **response})

    def observe_stream(self, status: int, headers: Mapping[str, str]) -> StreamObserver | None:
        """Return the observer of a streamed response, which ends the exchange; None if the response is no stream."""
        authorized = self._authorized
        reader = event_reader(headers.get("content-type", ""))
        if authorized is None or reader is None or status >= _REDIRECT or not authorized.guarded.call.operation.streams:
            return None
        report_allowed(authorized, self._observers)
        reply = Reply(authorized, {"ResponseMetadata": _metadata(status, headers)})
        monitor = StreamMonitor(reply, self._rules, self._observers)
        return StreamObserver(monitor, reader, headers.get("content-encoding", ""))


def _metadata(status: int, headers: Mapping[str, str]) -> dict[str, Any]:
    request_id = headers.get("x-amzn-requestid", "")
    return {"RequestId": request_id, "HTTPStatusCode": status, "HTTPHeaders": dict(headers), "RetryAttempts": 0}


def _error_response(status: int, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Parse an error as botocore does; the Chat Completions API has errors in the shape of OpenAI."""
    read = parse_object(body)
    inner = read.get("error")
    members = inner if isinstance(inner, dict) else read
    code = headers.get("x-amzn-errortype", "").partition(":")[0] or members.get("code") or members.get("type") or str(status)
    message = members.get("message") or members.get("Message") or ""
    return {"Error": {"Code": str(code), "Message": str(message)}, "ResponseMetadata": _metadata(status, headers)}
