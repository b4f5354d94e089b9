"""Third stage: send the authorized call, with retries around botocore's own call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, Final, TypeAlias

from botocore.exceptions import ClientError

from guardedbedrock.bedrock.errors.classify import classify
from guardedbedrock.core.events import DeniedByAws, PreflightDiverged, RequestSending
from guardedbedrock.core.observers import Observers
from guardedbedrock.core.records import AuthorizedCall, GuardedCall, Reply
from guardedbedrock.errors import AccessDeniedError, PolicyDeniedError, bind
from guardedbedrock.stages.retry.failure_classes import MAY_PASS
from guardedbedrock.stages.retry.policy import Again, RetryPolicy

Response: TypeAlias = dict[str, Any]

Transport: TypeAlias = Callable[[str, Any], Response]
"""botocore's ``_make_api_call``: of an operation name and parameters, the parsed response."""

AsyncTransport: TypeAlias = Callable[[str, Any], Awaitable[Response]]
"""The same of aiobotocore."""


TOKENS: Final = ("clientRequestToken", "clientToken")
"""What the operations call their idempotency tokens, which botocore makes up where the caller gives none."""

STREAMS: Final = ("converse-stream", "invoke-stream")
"""The kinds of replies that are streams of events."""
_READ: Final = "invoke"
"""The kind of reply with a body that is read before anybody sees it."""


def send(
    authorized: AuthorizedCall,
    transport: Transport,
    read: Callable[[Response], bytes],
    retry: RetryPolicy,
    observers: Observers,
) -> Reply:
    """
    Send the call, and read the body of an answer that is no stream: where the connection breaks in it, nobody has read it yet.

    Cost: the first attempt runs bare; what later ones need is put together once it has failed.

    Raises:
        AccessDeniedError: AWS denies it, typed by what it says; ``__cause__`` is botocore's own error. A denial of what the
            preflight had allowed carries the preflight's authorizations.
        ClientError: Any other answer of the service, as botocore raises it.
    """
    guarded = authorized.guarded
    name, kind, first = guarded.call.name, guarded.call.operation.reply, {**guarded.params}
    start = _position(first["body"]) if "body" in first else None
    if observers.wants_routine:
        observers.emit(RequestSending(is_instrumented(transport)))
    began = retry.clock() if retry.deadline is not None else 0.0
    try:
        response = transport(name, first)
        if kind == _READ and "body" in response:
            read(response)
    except MAY_PASS as error:
        attempt = partial(_attempt, transport, read, guarded, first, start)
        with _typed_denials(authorized, observers):
            response = retry.go_on(error, attempt, observers, began)
    else:
        if retry.bucket.tokens != retry.capacity:
            retry.bucket.give()
    if kind == _READ or kind in STREAMS:
        return _reply(authorized, kind, response, retry, partial(_stream_again, authorized, transport, first, start, observers))
    return Reply(authorized, response)


def _attempt(
    transport: Transport,
    read: Callable[[Response], bytes],
    guarded: GuardedCall,
    before: Mapping[str, Any],
    start: int | None,
) -> Response:
    response = transport(guarded.call.name, _anew(guarded, before, start))
    if guarded.call.operation.reply == _READ and "body" in response:
        read(response)
    return response


def _stream_again(
    authorized: AuthorizedCall, transport: Transport, before: Response, start: int | None, observers: Observers
) -> Response:
    with _typed_denials(authorized, observers):
        return transport(authorized.guarded.call.name, _anew(authorized.guarded, before, start))


async def send_async(
    authorized: AuthorizedCall,
    transport: AsyncTransport,
    read: Callable[[Response], Awaitable[bytes]],
    retry: RetryPolicy,
    observers: Observers,
) -> Reply:
    """Send the call as `send` does, for whoever awaits it."""
    guarded = authorized.guarded
    name, kind, first = guarded.call.name, guarded.call.operation.reply, {**guarded.params}
    start = _position(first["body"]) if "body" in first else None

    async def attempt(params: Response) -> Response:
        response = await transport(name, params)
        if kind == _READ and "body" in response:
            await read(response)
        return response

    async def stream_again() -> Response:
        with _typed_denials(authorized, observers):
            return await transport(name, _anew(guarded, first, start))

    if observers.wants_routine:
        observers.emit(RequestSending(is_instrumented(transport)))
    began = retry.begin()
    try:
        response = await attempt(first)
    except MAY_PASS as error:
        with _typed_denials(authorized, observers):
            response = await retry.go_on_async(error, lambda: attempt(_anew(guarded, first, start)), observers, began)
    else:
        retry.bucket.give()
    if retry.attempts > 1:
        # aiobotocore was told to try once, and takes every answer for the last it may get; the attempts are counted here.
        response.get("ResponseMetadata", {}).pop("MaxAttemptsReached", None)
    return _reply(authorized, kind, response, retry, stream_again)


def _position(body: Any) -> int | None:
    """Give the place from which a body that is a file is sent; None of one that can not be sent twice."""
    return body.tell() if hasattr(body, "seek") and hasattr(body, "tell") else None


def _anew(guarded: GuardedCall, before: Mapping[str, Any], start: int | None) -> dict[str, Any]:
    """
    Give the parameters of another attempt: those of the call, whatever event handlers made of them for the attempt before.

    An idempotency token that botocore put beside them stays: with another one the service would do the same thing twice. A body
    that is a file is sent from where it stood.
    """
    if start is not None:
        guarded.params["body"].seek(start)
    return {**{token: before[token] for token in TOKENS if token in before}, **guarded.params}


def is_instrumented(transport: Any) -> bool:
    """
    Say whether an OpenTelemetry instrumentor stands around botocore's part of the call.

    It stands there, as a wrapper of wrapt's, whether it was installed before the client was made or after.
    """
    while transport is not None:
        wrapper = getattr(transport, "_self_wrapper", None)
        if str(getattr(wrapper, "__module__", "")).startswith("opentelemetry."):
            return True
        transport = getattr(transport, "__wrapped__", None)
    return False


def _denied(error: ClientError, authorized: AuthorizedCall, observers: Observers) -> AccessDeniedError | None:
    """Type a denial, and tell of it; None of any other error, and of one that is typed already."""
    if isinstance(error, AccessDeniedError):
        return None
    denied = classify(error.response, authorized.call.name)
    if denied is None:
        return None
    denied.authorizations = authorized.verdict.authorizations
    observers.emit(DeniedByAws(denied))
    foreseen = authorized.verdict.decision == "allowed" and authorized.verdict.decisions
    if foreseen and isinstance(denied, PolicyDeniedError):
        observers.emit(PreflightDiverged(authorized.verdict, denied))
    return denied


@contextmanager
def _typed_denials(authorized: AuthorizedCall, observers: Observers) -> Iterator[None]:
    """Type a denial; it stays what botocore raised, too, for a stream that is asked for again when the call has long returned."""
    try:
        yield
    except ClientError as error:
        denied = _denied(error, authorized, observers)
        if denied is None:
            raise
        raise bind(denied, type(error)) from error


def _reply(
    authorized: AuthorizedCall, kind: str, response: Response, retry: RetryPolicy, stream_again: Callable[[], Any]
) -> Reply:
    again = None
    if retry.attempts > 1 and kind in STREAMS:
        again = Again(stream_again, retry.after(response.get("ResponseMetadata", {}).get("RetryAttempts", 0)))
    body = response["body"].data if kind == _READ and "body" in response else None
    return Reply(authorized, response, body, again)
