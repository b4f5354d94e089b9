"""Third stage: send the authorized call, with retries around botocore's own call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeAlias, TypeVar

from botocore.exceptions import ClientError

from guardedbedrock.bedrock.denials import classify
from guardedbedrock.calls import AuthorizedCall, Reply
from guardedbedrock.errors import AccessDeniedError, PolicyDeniedError, bind
from guardedbedrock.events import Denied, Diverged, Observers, Retried, Sending
from guardedbedrock.stages.retry import Again, RetryPolicy

Response: TypeAlias = dict[str, Any]

Transport: TypeAlias = Callable[[str, Any], Response]
"""botocore's ``_make_api_call``: of an operation name and parameters, the parsed response."""

AsyncTransport: TypeAlias = Callable[[str, Any], Awaitable[Response]]
"""The same of aiobotocore."""

ResultT = TypeVar("ResultT")

_READ: Final = ("invoke",)
"""Replies with a body that is read before anybody sees it."""


def send(
    authorized: AuthorizedCall,
    transport: Transport,
    read: Callable[[Response], bytes],
    retry: RetryPolicy,
    observers: Observers,
) -> Reply:
    """
    Send the call, and read the body of an answer that is no stream: where the connection breaks in it, nobody has read it yet.

    Raises:
        AccessDeniedError: AWS denies it, typed by what it says; ``__cause__`` is botocore's own error. A denial of what the
            preflight had allowed carries the preflight's authorizations.
        ClientError: Any other answer of the service, as botocore raises it.
    """
    attempt = _attempt(authorized, transport)

    def whole() -> Response:
        response = attempt()
        if "body" in response:
            read(response)
        return response

    if observers.hear_routine:
        observers.hear(Sending(is_instrumented(transport)))
    try:
        response = retry.run(whole if authorized.guarded.call.operation.reply in _READ else attempt, observers)
    except ClientError as error:
        denied = _denied(error, authorized, retry, observers)
        if denied is None:
            raise
        raise denied from error

    def once_more() -> Response:
        with _typed_denials(authorized, retry, observers):
            return attempt()

    return _reply(authorized, response, retry, observers, once_more)


async def send_async(
    authorized: AuthorizedCall,
    transport: AsyncTransport,
    read: Callable[[Response], Awaitable[bytes]],
    retry: RetryPolicy,
    observers: Observers,
) -> Reply:
    """Send the call as `send` does, for whoever awaits it."""
    attempt = _attempt(authorized, transport)

    async def whole() -> Response:
        response = await attempt()
        if "body" in response:
            await read(response)
        return response

    if observers.hear_routine:
        observers.hear(Sending(is_instrumented(transport)))
    try:
        response = await retry.run_async(whole if authorized.guarded.call.operation.reply in _READ else attempt, observers)
    except ClientError as error:
        denied = _denied(error, authorized, retry, observers)
        if denied is None:
            raise
        raise denied from error

    async def once_more() -> Response:
        with _typed_denials(authorized, retry, observers):
            return await attempt()

    return _reply(authorized, response, retry, observers, once_more)


def _attempt(authorized: AuthorizedCall, transport: Callable[[str, Any], ResultT]) -> Callable[[], ResultT]:
    name, params = authorized.guarded.call.name, authorized.guarded.params
    body = params.get("body")
    if body is None or not hasattr(body, "seek") or not hasattr(body, "tell"):
        return lambda: transport(name, {**params})
    start = body.tell()

    def attempt() -> ResultT:
        """Send a body that is a file from where it stood."""
        body.seek(start)
        return transport(name, {**params})

    return attempt


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


def _denied(error: ClientError, authorized: AuthorizedCall, retry: RetryPolicy, observers: Observers) -> AccessDeniedError | None:
    """Type a denial, and tell of it; None of any other error, and of one that is typed already."""
    if isinstance(error, AccessDeniedError):
        return None
    if retry.attempts == 1:
        _tell_of_botocores(error.response, observers)
    denied = classify(error.response, authorized.call.name)
    if denied is None:
        return None
    denied.authorizations = authorized.verdict.authorizations
    observers.hear(Denied(denied))
    foreseen = authorized.verdict.decision == "allowed" and authorized.verdict.decisions
    if foreseen and isinstance(denied, PolicyDeniedError):
        observers.hear(Diverged(authorized.verdict, denied))
    return denied


@contextmanager
def _typed_denials(authorized: AuthorizedCall, retry: RetryPolicy, observers: Observers) -> Iterator[None]:
    """Type a denial of a stream that is asked for again, when the call has long returned: it stays what botocore raised, too."""
    try:
        yield
    except ClientError as error:
        denied = _denied(error, authorized, retry, observers)
        if denied is None:
            raise
        raise bind(denied, type(error)) from error


def _reply(
    authorized: AuthorizedCall, response: Response, retry: RetryPolicy, observers: Observers, attempt: Callable[[], Any]
) -> Reply:
    operation, again = authorized.guarded.call.operation, None
    metadata = response.get("ResponseMetadata", {})
    if retry.attempts > 1:
        # botocore was told to try once, and takes every answer for the last it may get; the attempts are counted here.
        metadata.pop("MaxAttemptsReached", None)
        if operation.reply.endswith("-stream"):
            again = Again(attempt, retry.after(metadata.get("RetryAttempts", 0)))
    else:
        _tell_of_botocores(response, observers)
    body = response["body"].data if "body" in response and operation.reply in _READ else None
    return Reply(authorized, response, body, again)


def _tell_of_botocores(response: Response, observers: Observers) -> None:
    """Tell of attempts that botocore made on a client whose retries are its own."""
    for attempt in range(response.get("ResponseMetadata", {}).get("RetryAttempts", 0)):
        observers.hear(Retried(attempt + 1, "", 0.0, by="botocore"))
