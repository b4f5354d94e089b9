"""The steps of one HTTP request and its response. They do no I/O, so sync and async transports share them."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final, Self
from urllib.parse import urlsplit

import botocore
from botocore.compat import HTTPHeaders
from botocore.exceptions import ClientError
from botocore.model import OperationNotFoundError

from guardedbedrock.aws.chosen_guardrail import chosen
from guardedbedrock.aws.client.binding import ClientBinding
from guardedbedrock.aws.creation.session import default_session
from guardedbedrock.aws.gate.request_reader import GateRequest, read_parameters
from guardedbedrock.aws.http.endpoints import Endpoint
from guardedbedrock.aws.http.events import READ_ERRORS, EventReader, decompressor, event_reader
from guardedbedrock.aws.signer.inference_request import runtime_operation
from guardedbedrock.aws.sources.identity import CallerIdentity
from guardedbedrock.bedrock import RUNTIME_SERVICE, Guardrail, find_operation
from guardedbedrock.bedrock.caller import api_key_kind
from guardedbedrock.bedrock.guardrail.location import (
    IDENTIFIER_HEADER,
    VERSION_HEADER,
    GuardrailRef,
    Wire,
    json_body,
    read_json_object,
)
from guardedbedrock.bedrock.operations import RUNTIME_PATHS
from guardedbedrock.bedrock.operations.chat_completions import PREFIX, is_chat_completion, read_chat_completion
from guardedbedrock.bedrock.parameters import Params, parse_object
from guardedbedrock.core.events import CallRefused, RequestSending, RequestVerified, SentWithoutGuardrail
from guardedbedrock.core.observers import Observers
from guardedbedrock.core.records import AuthorizedCall, Call, Reply
from guardedbedrock.core.rules import Rules
from guardedbedrock.errors import (
    AccessDeniedError,
    GuardedBedrockError,
    GuardrailTamperedError,
    RefusedError,
    SourceError,
    UnguardableOperationError,
)
from guardedbedrock.stages.authorize import authorize
from guardedbedrock.stages.inject import inject
from guardedbedrock.stages.reply import settle
from guardedbedrock.stages.send import denial_of, report_allowed
from guardedbedrock.stages.stream import StreamMonitor, interrupted

Headers = list[tuple[str, str]]

_BEARER: Final = "bearer "
_SIGNED: Final = ("aws4-hmac-sha256 ", "aws4-ecdsa-p256-sha256 ")
_PRESIGNED: Final = "X-Amz-Signature="
_ACCESS_KEY: Final = re.compile(r"Credential=([^/,\s]+)")
_GUARDRAIL_HEADERS: Final = (IDENTIFIER_HEADER.lower(), VERSION_HEADER.lower())
_VERSION: Final = "/v1/"
"""All paths of the OpenAI-compatible APIs have it."""
_REMEMBERED: Final = 64
_ERROR: Final = 400
_REDIRECT: Final = 300


class HttpGuard:
    """
    The guard of the transports of one client.

    Args:
        binding: The binding of the guard.
    """

    def __init__(self, binding: ClientBinding) -> None:
        self._binding = binding
        # Cache, keyed by scheme, Region and who signs: rules of one caller have the cached results of that caller.
        self._rules: dict[tuple[bool, str, str], Rules] = {}

    @property
    def is_off(self) -> bool:
        """Whether nothing is guarded."""
        return self._binding.rules.mode == "off"

    @property
    def asks_sts(self) -> bool:
        """Whether the first preflight calls AWS, for which an async transport must not wait."""
        rules = self._binding.rules
        return rules.source is not None or (self._binding.asks_sts and rules.policies is not None)

    def open(self, request: Any, body: bytes, endpoint: Endpoint) -> Exchange:
        """Begin the exchange of a request of httpx, whose body was read."""
        headers = HTTPHeaders()
        for name, value in request.headers.multi_items():
            headers[name] = value
        read = GateRequest(request.method.upper(), str(request.url), headers, body)
        is_redirected = "target" in request.extensions  # httpx sends it instead of the path of the URL
        return self.open_read(read, endpoint, is_redirected=is_redirected)

    def open_read(self, request: GateRequest, endpoint: Endpoint, *, is_redirected: bool = False) -> Exchange:
        """Begin the exchange of a request that was read; arguments as in `Exchange`."""
        return Exchange(request, endpoint, self._rules_for(request), self._binding, is_redirected=is_redirected)

    def _rules_for(self, request: GateRequest) -> Rules:
        """Return the rules for the credentials of a request, with the caches that belong to them."""
        secure = request.url.startswith("https:")
        credentials = _authorization(request)
        kind = api_key_kind(credentials[len(_BEARER) :].strip()) if credentials.lower().startswith(_BEARER) else ""
        named = _ACCESS_KEY.search(credentials)
        key = secure, kind, named[1] if named and self._binding.asks_sts else ""
        known = self._rules.get(key)
        if known is None:
            known = replace(self._binding.rules, secure=secure, bearer=kind)
            if self._binding.asks_sts:
                known = replace(known, principal=_KeyOwner() if kind else RequestIdentity(key[2]))
            if len(self._rules) >= _REMEMBERED:
                self._rules.clear()
            self._rules[key] = known
        return known


class _KeyOwner:
    """The unknown owner of a Bedrock API key."""

    def __call__(self) -> str:
        raise SourceError(
            'principal = "caller": the request has a Bedrock API key, and STS cannot tell who owns it; set the ARN of the key\'s '
            "user or role"
        )


class RequestIdentity(CallerIdentity):
    """
    The principal behind a signed request, if boto3's default session signs with the same credentials.

    Args:
        access_key: The access key ID in the request; ``""`` if the request is not signed.
    """

    def __init__(self, access_key: str) -> None:
        super().__init__()
        self._access_key = access_key

    def __call__(self) -> str:
        """
        Return the ARN, from STS the first time.

        Raises:
            SourceError: The request is signed with other credentials, or STS did not answer.
        """
        own = default_session().get_credentials()
        if self._access_key and (own is None or own.get_frozen_credentials().access_key != self._access_key):
            raise SourceError(
                'principal = "caller": the request is signed with other credentials than those of the default session; set the '
                "ARN of the principal"
            )
        return super().__call__()


@dataclass(frozen=True, slots=True)
class Outgoing:
    """
    The request that is sent.

    Args:
        headers: The headers, without those that frame the body.
        body: The body.
    """

    headers: Headers
    body: bytes


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
        self._problem: RefusedError | None = None
        self._authorized: AuthorizedCall | None = None
        name, params = self._read(is_redirected=is_redirected)
        self.is_chat = _VERSION in urlsplit(request.url).path
        self._call = Call.of(name, params, endpoint.region, chosen.get())
        self._observers = Observers(binding.listeners, self._call)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is not None:
            self._observers.close(error)
        self._observers.leave()

    def _read(self, *, is_redirected: bool) -> tuple[str, Params]:
        """Read the operation and its parameters; note why a request must be refused."""
        request, endpoint = self._request, self._endpoint
        unknown = f"{request.method} {urlsplit(request.url).path}"
        if endpoint.is_mantle:
            return unknown, {}
        target = None
        if not is_redirected:
            target = RUNTIME_PATHS.find_below(endpoint.url, request.method, request.url)
            target = target or _chat_only(RUNTIME_PATHS.find_below(f"{endpoint.url}{PREFIX}", request.method, request.url))
        if target is None:
            self._problem = _unknown(unknown, urlsplit(request.url).hostname)
            return unknown, {}
        location = find_operation(RUNTIME_SERVICE, target.operation).location
        if location is not None and location.carrier == "body" and read_json_object(self._wire) is None:
            # The body is written again with the guardrail, so what cannot be read would be lost.
            self._problem = _unreadable(target.operation)
            return target.operation, {}
        try:
            if is_chat_completion(target.operation):
                return read_chat_completion(self._wire)
            return target.operation, read_parameters(request, runtime_operation(target.operation), endpoint.url)
        except OperationNotFoundError:
            self._problem = _too_new(target.operation)
        except (KeyError, TypeError, ValueError):
            self._problem = _unreadable(target.operation)
        return target.operation, {}

    def prepare(self) -> Outgoing:
        """
        Return the request with its guardrail, for a client that signs it afterwards.

        A request that the guard refuses stays unchanged: `authorize` refuses it when it is sent.
        """
        location = self._call.operation.location
        if location is None or self._endpoint.is_mantle or self._problem is not None:
            return self._unchanged()
        try:
            guarded = inject(self._call, self._rules.current(), self._observers)
        except (RefusedError, AttributeError, KeyError, TypeError, ValueError):
            return self._unchanged()
        if guarded.guardrail is None or location.carries(self._wire, guarded.guardrail_ref):
            return self._unchanged()
        return self._with_guardrail(location.carrier, location.members, guarded.params, guarded.guardrail_ref)

    def authorize(self) -> Outgoing:
        """
        Run the stages that precede sending, and return what is sent.

        Raises:
            AccessDeniedError: The policies deny the request, or it would reach a model without an approved guardrail.
        """
        if self._endpoint.is_mantle:
            host = str(urlsplit(self._request.url).hostname)
            if self._rules.on_mantle == "allow":
                self._observers.emit(SentWithoutGuardrail(host, "mantle"))
                return self._unchanged()
            return self._refuse(_mantle(self._call.name, host))
        if self._problem is not None:
            return self._refuse(self._problem)
        self._rules = self._rules.current()
        try:
            self._authorized = authorize(inject(self._call, self._rules, self._observers), self._rules, self._observers)
        except (AttributeError, KeyError, TypeError, ValueError):
            return self._refuse(_unreadable(self._call.name))
        return self._outgoing(self._authorized)

    def _outgoing(self, authorized: AuthorizedCall) -> Outgoing:
        guarded, location = authorized.guarded, authorized.guarded.call.operation.location
        sent = self._unchanged()
        if location is not None and guarded.guardrail is not None:
            if not location.carries(self._wire, guarded.guardrail_ref):
                if self._is_signed:
                    return self._refuse(_signed(self._call.name, guarded.guardrail))
                sent = self._with_guardrail(location.carrier, location.members, guarded.params, guarded.guardrail_ref)
            # INVARIANT: what is sent carries the authorized guardrail and no other.
            if not location.carries(Wire(self._request.url, _http_headers(sent.headers), sent.body), guarded.guardrail_ref):
                return self._refuse(_unreadable(self._call.name))
        if self._observers.wants_routine:
            self._observers.emit(RequestSending(instrumented=False))
            self._observers.emit(RequestVerified(self._request.url))
        return sent

    def _with_guardrail(self, carrier: str, members: frozenset[str], params: Params, ref: GuardrailRef) -> Outgoing:
        sent = self._unchanged()
        if carrier == "body":
            body = {**json_body(self._wire), **{member: params[member] for member in members}}
            try:
                return replace(sent, body=json.dumps(body, allow_nan=False).encode())
            except ValueError:  # a number that JSON cannot write, such as 1E400; the caller refuses what has no guardrail
                return sent
        others = [(name, value) for name, value in sent.headers if name.lower() not in _GUARDRAIL_HEADERS]
        return replace(sent, headers=[*others, (IDENTIFIER_HEADER, str(ref[0])), (VERSION_HEADER, str(ref[1]))])

    def _unchanged(self) -> Outgoing:
        # A signed header must not change; otherwise the response is requested in an encoding that can be read here.
        framing = ["content-length", "transfer-encoding"] + ([] if self._is_signed else ["accept-encoding"])
        headers = [(str(name), str(value)) for name, value in self._request.headers.items() if name.lower() not in framing]
        if not self._is_signed:
            headers.append(("Accept-Encoding", "identity"))
        return Outgoing(headers, self._request.body)

    @property
    def _is_signed(self) -> bool:
        return _authorization(self._request).lower().startswith(_SIGNED) or _PRESIGNED in urlsplit(self._request.url).query

    def _refuse(self, error: RefusedError) -> Outgoing:
        enforced = self._rules.mode == "enforce"
        self._observers.emit(CallRefused(error, enforced=enforced))
        if enforced:
            raise error
        return self._unchanged()

    @property
    def is_authorized(self) -> bool:
        """Whether the stages let the request pass. Otherwise it is sent unchecked, and so is its response returned."""
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


class StreamObserver:
    """
    Observes the bytes of a streamed response.

    Args:
        monitor: Looks at each event.
        reader: Reads the events.
        encoding: The content encoding.
    """

    def __init__(self, monitor: StreamMonitor, reader: EventReader, encoding: str) -> None:
        self._monitor, self._reader = monitor, reader
        self._decompress = decompressor(encoding)
        self._error: BaseException | None = None
        self._is_closed = self._is_held = False

    def passes(self, chunk: bytes) -> bool:
        """
        Look at a chunk, and say whether the caller gets it.

        Raises:
            GuardrailInterventionError: The guardrail intervened, and `on_intervention` is ``raise``.
        """
        if self._error is not None:
            return True  # the reader of the stream reports the error that was seen
        try:
            events = list(self._reader.feed(self._decompress(chunk)))
        except READ_ERRORS as error:
            self._error = interrupted(error, self._monitor.name)
            return True
        # Nothing follows an event that is held back: a reader that sees the end of the stream would miss the error.
        self._is_held |= not all([self._monitor.passes(event) for event in events])  # noqa: C419  # each event is looked at
        return not self._is_held

    def end(self) -> None:
        """
        Settle the whole stream.

        Raises:
            GuardrailInterventionError: As in `passes`.
            UnguardedReplyError: The stream shows that no guardrail ran, and `on_unguarded_reply` is ``raise``.
        """
        if self._error is None:
            self._monitor.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self.close(error)

    def close(self, error: BaseException | None) -> None:
        """End the observation, once. A connection that broke is reported as an interrupted stream."""
        if self._is_closed:
            return
        self._is_closed = True
        if isinstance(error, Exception) and not isinstance(error, GuardedBedrockError):
            error = interrupted(error, self._monitor.name)
        seen = self._error or error
        self._monitor.close(None if isinstance(seen, GeneratorExit) else seen)


def _chat_only(target: Any) -> Any:
    """Return a target of the Chat Completions API: only its path may begin with the prefix."""
    return target if target is not None and is_chat_completion(target.operation) else None


def _authorization(request: GateRequest) -> str:
    return str(request.headers.get("Authorization") or "").strip()


def _http_headers(headers: Headers) -> HTTPHeaders:
    converted = HTTPHeaders()
    for name, value in headers:
        converted[name] = value
    return converted


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


def _unknown(name: str, host: str | None) -> RefusedError:
    return UnguardableOperationError(
        message=f"guardedbedrock does not know `{name}` of {host}, so it would be sent without a guardrail",
        operation_name=name,
        hint="call Chat Completions, Converse or InvokeModel on the runtime endpoint, which take a guardrail",
    )


def _mantle(name: str, host: str) -> RefusedError:
    return UnguardableOperationError(
        message=f"{host} has no guardrails, so `{name}` would be sent without one",
        operation_name=name,
        hint=f'use the endpoint of {RUNTIME_SERVICE}, or set on_mantle = "allow" to send requests without a guardrail',
    )


def _unreadable(name: str) -> RefusedError:
    return GuardrailTamperedError(
        message=f"the {name} request cannot be read, so its guardrail cannot be checked",
        operation_name=name,
        hint="send one JSON object in UTF-8 with the members that AWS documents for this operation, each once",
    )


def _too_new(name: str) -> RefusedError:
    return UnguardableOperationError(
        message=f"the installed botocore {botocore.__version__} does not know {name}, so its parameters cannot be read",
        operation_name=name,
        hint="install a newer boto3",
    )


def _signed(name: str, guardrail: Guardrail) -> RefusedError:
    return GuardrailTamperedError(
        message=f"the {name} request is signed and has no guardrail, and a signed request cannot be changed",
        operation_name=name,
        hint=f"call guard.install(strict=True), which adds `{guardrail.arn}` version `{guardrail.version}` to the headers before "
        "botocore signs; or name it in the request, or send a Bedrock API key",
    )
