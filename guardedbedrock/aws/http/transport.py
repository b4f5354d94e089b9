"""
Guarded transports and clients of httpx and httpx2. Both libraries have the same transport API, so one implementation serves both.

A transport sends one request. The SDK above it retries, and each attempt passes the transport again.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from functools import cache
from importlib import import_module
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from guardedbedrock.aws.client.binding import ClientBinding
from guardedbedrock.aws.client.mixin import OFF_WARNING
from guardedbedrock.aws.creation.session import default_session
from guardedbedrock.aws.http.endpoints import Endpoint, Endpoints
from guardedbedrock.aws.http.exchange import Exchange
from guardedbedrock.aws.http.http_guard import HttpGuard
from guardedbedrock.aws.http.outgoing import OutgoingRequest
from guardedbedrock.aws.http.stream_observer import StreamObserver
from guardedbedrock.core.last_resort import log_warning
from guardedbedrock.errors import AccessDeniedError, ConfigurationError, GuardedBedrockError

Library: TypeAlias = Literal["httpx", "httpx2"]

ERROR: Final = "guardedbedrock_error"
"""The extension of a response that holds the typed error of guardedbedrock."""

_FORBIDDEN: Final = 403
_DENIED: Final = "AccessDeniedException"


class HttpFactory:
    """
    Makes guarded transports and clients of one HTTP library.

    Args:
        binding: The binding of the guard.
        library: The HTTP library.
        region_name: The Region of endpoints whose name contains none; that of boto3's default session unless given.
        endpoint_url: URL of a further runtime endpoint; that of the environment unless given.

    Raises:
        ConfigurationError: The library is not installed.
    """

    def __init__(self, binding: ClientBinding, library: Library, region_name: str | None, endpoint_url: str | None) -> None:
        self._library, self._module, self._rules = library, _load(library), binding.rules
        approved = next((guardrail.region for guardrail in binding.rules.current().approved), "us-east-1")
        self._endpoints = Endpoints(region_name or default_session().region_name or approved, endpoint_url)
        self._guard = HttpGuard(binding)

    def transport(self, inner: Any, options: Mapping[str, Any], *, is_async: bool) -> Any:
        """
        Make a guarded transport.

        Args:
            inner: The transport that sends; a new one unless given.
            options: The keywords of a new transport.
            is_async: Whether the transport is async.
        """
        make = self._module.AsyncHTTPTransport if is_async else self._module.HTTPTransport
        self._warn_if_off()
        return self._guarded(make(**options) if inner is None else inner, is_async=is_async)

    def client(self, options: Mapping[str, Any], *, is_async: bool) -> Any:
        """
        Make a client whose every transport is guarded, those for proxies too.

        Args:
            options: The keywords of the client.
            is_async: Whether the client is async.

        Raises:
            ConfigurationError: The library has no transports to guard.
        """
        client = (self._module.AsyncClient if is_async else self._module.Client)(**options)
        if not hasattr(client, "_transport") or not hasattr(client, "_mounts"):
            raise ConfigurationError(
                f"{self._library} {self._module.__version__} has no transports that can be guarded: install "
                f"the version of {self._library} that the extra selects, with pip install 'guardedbedrock[http]'"
            )
        self._warn_if_off()
        # A client creates the transports for its proxies itself, so they are wrapped afterwards.
        client._transport = self._guarded(client._transport, is_async=is_async)  # noqa: SLF001
        mounts = client._mounts.items()  # noqa: SLF001
        client._mounts = {  # noqa: SLF001
            # None means no transport; a transport of the application may be false, such as an empty list of requests.
            key: None if each is None else self._guarded(each, is_async=is_async)
            for key, each in mounts
        }
        return client

    def _guarded(self, inner: Any, *, is_async: bool) -> Any:
        classes = _classes(self._library)
        guarded = classes.async_transport if is_async else classes.transport
        return guarded(self._library, self._guard, self._endpoints, inner)

    def _warn_if_off(self) -> None:
        if self._rules.mode == "off":
            log_warning(OFF_WARNING % self._library)


def _load(library: Library) -> Any:
    try:
        return import_module(library)
    except ImportError as error:
        raise ConfigurationError(
            f"HTTP clients need {library}, which could not be imported ({error}): install guardedbedrock[http]"
        ) from error


class _Classes(NamedTuple):
    """Our classes, derived from those of a library."""

    transport: type
    stream: type
    async_transport: type
    async_stream: type


@cache  # keyed by the library: classes are made once for each
def _classes(library: Library) -> _Classes:
    module = _load(library)
    return _Classes(
        type("GuardedTransport", (SyncTransport, module.BaseTransport), {}),
        type("GuardedByteStream", (SyncStream, module.SyncByteStream), {}),
        type("AsyncGuardedTransport", (AsyncTransport, module.AsyncBaseTransport), {}),
        type("AsyncGuardedByteStream", (AsyncStream, module.AsyncByteStream), {}),
    )


class _Transport:
    """
    The part that sync and async transports share.

    Args:
        library: The HTTP library.
        guard: The guard.
        endpoints: Finds the requests to Bedrock.
        inner: The transport that sends.
    """

    def __init__(self, library: Library, guard: HttpGuard, endpoints: Endpoints, inner: Any) -> None:
        self._library: Library = library
        self._module = _load(library)
        self._guard, self._endpoints, self._inner = guard, endpoints, inner

    def _endpoint(self, request: Any) -> Endpoint | None:
        return None if self._guard.is_off else self._endpoints.find(request)

    def _denied(self, exchange: Exchange, error: AccessDeniedError) -> Any:
        exchange.refused(error)
        return self._denial(exchange, error)

    def _request(self, request: Any, outgoing: OutgoingRequest) -> Any:
        """Make the request that is sent. The library writes the length of the body again."""
        body, extensions = outgoing.body or None, request.extensions
        # In the encoding in which they were decoded: a value need not be ASCII.
        headers = self._module.Headers(outgoing.headers, encoding=request.headers.encoding)
        return self._module.Request(request.method, request.url, headers=headers, content=body, extensions=extensions)

    def _response(self, response: Any, stream: Any, **extensions: Any) -> Any:
        """Make a response with another stream and everything else kept."""
        shown = {**response.extensions, **extensions}
        return self._module.Response(response.status_code, headers=response.headers, stream=stream, extensions=shown)

    def _settled(self, exchange: Exchange, response: Any, raw: bytes) -> Any:
        error = exchange.settle(response.status_code, _lower(response), raw)
        if error is not None and response.is_success:
            return self._denial(exchange, error)
        shown = {} if error is None else {ERROR: error}
        return self._response(response, self._module.ByteStream(raw), **shown)

    def _denial(self, exchange: Exchange, error: GuardedBedrockError) -> Any:
        """Make the 403 response of an error, in the shape of AWS or OpenAI, so that an SDK raises its permission error."""
        hint = getattr(error, "hint", None)
        message = f"{getattr(error, 'message', None) or error}{f'; {hint}' if hint else ''}"
        kind = _DENIED if isinstance(error, AccessDeniedError) else type(error).__name__
        as_openai = {"error": {"message": message, "type": kind, "param": None, "code": kind}}
        headers = {"Content-Type": "application/json", "x-amzn-ErrorType": kind, "x-should-retry": "false"}
        body = json.dumps(as_openai if exchange.is_chat else {"Message": message}).encode()
        return self._module.Response(_FORBIDDEN, headers=headers, content=body, extensions={ERROR: error})


class SyncTransport(_Transport):
    """Sends requests to Bedrock with an approved guardrail, and all other requests unchanged."""

    def handle_request(self, request: Any) -> Any:
        """Send a request."""
        endpoint = self._endpoint(request)
        if endpoint is None:
            return self._inner.handle_request(request)
        with self._guard.open(request, request.read(), endpoint) as exchange:
            try:
                outgoing = exchange.authorize()
            except AccessDeniedError as error:
                return self._denied(exchange, error)
            response = self._inner.handle_request(self._request(request, outgoing))
            if not exchange.is_authorized:
                exchange.close()
                return response
            observer = exchange.observe_stream(response.status_code, _lower(response))
            if observer is not None:
                return self._response(response, _classes(self._library).stream(response.stream, observer))
            raw = b"".join(response.stream)
            response.close()
            return self._settled(exchange, response, raw)

    def close(self) -> None:
        """Close the transport that sends."""
        self._inner.close()


class AsyncTransport(_Transport):
    """Sends requests to Bedrock with an approved guardrail, and all other requests unchanged."""

    async def handle_async_request(self, request: Any) -> Any:
        """Send a request."""
        endpoint = self._endpoint(request)
        if endpoint is None:
            return await self._inner.handle_async_request(request)
        with self._guard.open(request, await request.aread(), endpoint) as exchange:
            try:
                outgoing = await self._authorize(exchange)
            except AccessDeniedError as error:
                return self._denied(exchange, error)
            response = await self._inner.handle_async_request(self._request(request, outgoing))
            if not exchange.is_authorized:
                exchange.close()
                return response
            observer = exchange.observe_stream(response.status_code, _lower(response))
            if observer is not None:
                return self._response(response, _classes(self._library).async_stream(response.stream, observer))
            raw = b"".join([chunk async for chunk in response.stream])
            await response.aclose()
            return self._settled(exchange, response, raw)

    async def _authorize(self, exchange: Exchange) -> OutgoingRequest:
        if not self._guard.may_block:
            return exchange.authorize()
        from anyio import to_thread  # noqa: PLC0415  # both libraries require it for async clients

        return await to_thread.run_sync(exchange.authorize)  # no other task waits for STS

    async def aclose(self) -> None:
        """Close the transport that sends."""
        await self._inner.aclose()


class SyncStream:
    """
    The bytes of a streamed response, observed.

    Args:
        inner: The stream of the response.
        observer: Looks at each chunk.
    """

    def __init__(self, inner: Any, observer: StreamObserver) -> None:
        self._inner, self._observer = inner, observer

    def __iter__(self) -> Iterator[bytes]:
        with self._observer:
            for chunk in self._inner:
                if self._observer.passes(chunk):
                    yield chunk
            self._observer.end()

    def close(self) -> None:
        """Close the connection. Bytes that were not read are lost."""
        self._inner.close()
        self._observer.close(None)


class AsyncStream:
    """
    The bytes of a streamed response, observed.

    Args:
        inner: The stream of the response.
        observer: Looks at each chunk.
    """

    def __init__(self, inner: Any, observer: StreamObserver) -> None:
        self._inner, self._observer = inner, observer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with self._observer:
            async for chunk in self._inner:
                if self._observer.passes(chunk):
                    yield chunk
            self._observer.end()

    async def aclose(self) -> None:
        """Close the connection. Bytes that were not read are lost."""
        await self._inner.aclose()
        self._observer.close(None)


def _lower(response: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}
