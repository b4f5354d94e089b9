"""
The plugin for ``aws_sdk_bedrock_runtime``, the AWS SDK for Python that is generated from Smithy models.

The SDK signs a request and then passes it to the transport of its configuration. So the plugin puts two parts around the SDK's
own: a signer, which adds the guardrail before the signature, and a transport, which checks every request that is sent.
A refusal is raised by the transport: the SDK waits forever for a bidirectional stream if anything raises before that.
The modules of the SDK are imported late, because they need Python 3.12.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlsplit

from botocore.compat import HTTPHeaders

from guardedbedrock.aws.client.binding import ClientBinding
from guardedbedrock.aws.client.mixin import OFF_WARNING
from guardedbedrock.aws.gate.request_reader import GateRequest
from guardedbedrock.aws.http.endpoints import Endpoint, Endpoints
from guardedbedrock.aws.http.events import EVENT_STREAM
from guardedbedrock.aws.http.exchange import Exchange
from guardedbedrock.aws.http.http_guard import HttpGuard
from guardedbedrock.aws.http.outgoing import Headers, OutgoingRequest
from guardedbedrock.aws.http.transport import AsyncStream
from guardedbedrock.bedrock.operations import RUNTIME_PATHS
from guardedbedrock.core.last_resort import log_warning
from guardedbedrock.errors import AccessDeniedError, ConfigurationError, GuardrailInterventionError, UnguardedReplyError

_RAISED: Final = (GuardrailInterventionError, UnguardedReplyError)
"""Errors of a reply that the settings ask for. A denial by AWS stays the modeled error of the SDK."""


def smithy_plugin(binding: ClientBinding) -> Callable[[Any], None]:
    """
    Make a plugin that guards the clients to whose configuration it is applied.

    Args:
        binding: The binding of the guard.
    """
    guard = HttpGuard(binding)
    # The signer reports nothing: the transport sees the same request again, and reports it.
    silent = HttpGuard(replace(binding, listeners=()))

    def plugin(config: Any) -> None:
        if guard.is_off:
            log_warning(OFF_WARNING % "aws_sdk_bedrock_runtime")
            return
        if not config.auth_schemes or config.transport is None:
            raise ConfigurationError("the configuration has no `auth_schemes` or no `transport`: create it with `resolve`")
        endpoints = Endpoints(config.region or "", str(config.endpoint_uri or "") or None)
        config.transport = GuardedTransport(_unguarded(config.transport), guard, endpoints)
        schemes = config.auth_schemes.items()
        config.auth_schemes = {name: GuardedScheme(_unguarded(scheme), silent, endpoints) for name, scheme in schemes}

    return plugin


class _Wrapper:
    """
    An object of the SDK whose other attributes are those of the original.

    Args:
        inner: The original.
        guard: The guard.
        endpoints: Finds the requests to Bedrock.
    """

    def __init__(self, inner: Any, guard: HttpGuard, endpoints: Endpoints) -> None:
        self._inner, self._guard, self._endpoints = inner, guard, endpoints

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # `copy` looks them up before the attributes exist
            raise AttributeError(name)
        return getattr(self._inner, name)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        """Copy the original only: the SDK copies its configuration for a call with plugins."""
        return type(self)(deepcopy(self._inner, memo), self._guard, self._endpoints)

    async def _open(self, request: Any) -> Exchange | None:
        """Begin the exchange of a request; None if it does not go to Bedrock, such as one for credentials."""
        url = _url(request)
        endpoint = self._endpoints.find_url(url) or self._endpoint_of_path(request.method, url)
        if endpoint is None:
            return None
        headers = HTTPHeaders()
        for name, value in _headers(request):
            headers[name] = value
        # The events of a bidirectional stream follow later, and no operation has its guardrail there.
        body = b"" if _is_event_stream(request) else await _read(request)
        return self._guard.open_read(GateRequest(request.method, url, headers, body), endpoint)

    def _endpoint_of_path(self, method: str, url: str) -> Endpoint | None:
        """Return an endpoint of another name, which a resolver of the application chose."""
        parts = urlsplit(url)
        is_bedrock = RUNTIME_PATHS.find(method, url) is not None
        return Endpoint(f"{parts.scheme}://{parts.netloc}", self._endpoints.region) if is_bedrock else None

    async def _run(self, step: Callable[[], OutgoingRequest]) -> OutgoingRequest:
        """Run a step; in a thread if it may call AWS, so that no other task waits."""
        return await asyncio.to_thread(step) if self._guard.may_block else step()


class GuardedScheme(_Wrapper):
    """An authentication scheme whose signer adds the guardrail before it signs."""

    def signer(self) -> Any:
        """Return the signer."""
        return GuardedSigner(self._inner.signer(), self._guard, self._endpoints)


class GuardedSigner(_Wrapper):
    """A signer that adds the guardrail before it signs."""

    async def sign(self, *, request: Any, **options: Any) -> Any:
        """Sign a request."""
        exchange = await self._open(request)
        if exchange is not None:
            with exchange:
                _apply(request, await self._run(exchange.prepare))
        return await self._inner.sign(request=request, **options)


class GuardedTransport(_Wrapper):
    """A transport that sends requests to Bedrock only with an approved guardrail, and all other requests unchanged."""

    async def send(self, request: Any, **options: Any) -> Any:
        """
        Send a request.

        Raises:
            AccessDeniedError: The policies deny the request, or it would reach a model without an approved guardrail.
            GuardrailInterventionError: The guardrail intervened, and `on_intervention` is ``raise``.
            UnguardedReplyError: The reply shows that no guardrail ran, and `on_unguarded_reply` is ``raise``.
        """
        exchange = await self._open(request)
        if exchange is None:
            return await self._inner.send(request, **options)
        with exchange:
            try:
                outgoing = await self._run(exchange.authorize)
            except AccessDeniedError as error:
                exchange.refused(error)
                await _discard(request, error)
                raise
            _apply(request, outgoing)
            return await _observed(exchange, await self._inner.send(request, **options), _is_event_stream(request))


async def _observed(exchange: Exchange, response: Any, is_duplex: bool) -> Any:  # noqa: FBT001
    if not exchange.is_authorized:
        exchange.close()
        return response
    headers = {name.lower(): value for name, value in _headers(response)}
    observer = exchange.observe_stream(response.status, headers)
    if observer is not None:
        return _with_body(response, ObservedBody(response.body, observer))
    if is_duplex and response.status < 300:  # noqa: PLR2004  # the reply is a stream, whose end may be hours away
        exchange.settle(response.status, headers, b"")
        return response
    raw = await response.consume_body_async()
    error = exchange.settle(response.status, headers, raw)
    if isinstance(error, _RAISED):
        raise error
    return _with_body(response, raw)


class ObservedBody(AsyncStream):
    """The body of a streamed response of the SDK, observed. The SDK closes it with `smithy_core.aio.utils.close`."""

    async def close(self) -> None:
        """Close the connection. Bytes that were not read are lost."""
        from smithy_core.aio.utils import close  # noqa: PLC0415

        await close(self._inner)
        self._observer.close(None)


def _unguarded(inner: Any) -> Any:
    """Return the original of the SDK, so that the guard that is applied last applies alone."""
    return inner._inner if isinstance(inner, _Wrapper) else inner  # noqa: SLF001  # its own class


def _url(request: Any) -> str:
    return str(request.destination.build())


def _headers(message: Any) -> Headers:
    return [(str(name), str(value)) for field in message.fields for name, value in field.as_tuples()]


def _is_event_stream(request: Any) -> bool:
    return any(name.lower() == "content-type" and value.startswith(EVENT_STREAM) for name, value in _headers(request))


async def _read(request: Any) -> bytes:
    """Read the body of a request, and replace it by a new one, because a body can be read only once."""
    body = bytes(await request.consume_body_async())
    _put_body(request, body)
    return body


def _put_body(request: Any, body: bytes) -> None:
    from smithy_core.aio.types import AsyncBytesReader  # noqa: PLC0415

    request.body = AsyncBytesReader(body)


def _apply(request: Any, outgoing: OutgoingRequest) -> None:
    """Change a request to what is sent."""
    from smithy_http import Field  # noqa: PLC0415

    headers = outgoing.headers
    if not _is_event_stream(request):
        _put_body(request, outgoing.body)
        headers = [*headers, ("content-length", str(len(outgoing.body)))]
    before = set(_headers(request))
    for name, value in headers:
        if (name, value) not in before:
            request.fields.set_field(Field(name=name, values=[value]))


def _with_body(response: Any, body: Any) -> Any:
    from smithy_http.aio import HTTPResponse  # noqa: PLC0415

    return HTTPResponse(status=response.status, fields=response.fields, body=body, reason=response.reason)


async def _discard(request: Any, error: AccessDeniedError) -> None:
    """Refuse the events of a refused stream: the SDK would buffer the first ones, and then wait until something reads them."""

    async def write(_event: bytes) -> None:
        raise error

    if _is_event_stream(request) and hasattr(request.body, "write"):
        request.body.write = write
        await request.body.close(flush=False)
