"""Third stage: send the authorized call, with retries around botocore's own call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, TypeVar

from botocore.exceptions import ClientError

from guardedbedrock.bedrock.denials import classify
from guardedbedrock.calls import AuthorizedCall, Reply
from guardedbedrock.errors import AccessDeniedError, PolicyDeniedError
from guardedbedrock.events import Denied, Diverged, Observers
from guardedbedrock.stages.retry import RetryPolicy

Transport: TypeAlias = Callable[[str, Any], dict[str, Any]]
"""botocore's ``_make_api_call``: of an operation name and parameters, the parsed response."""

AsyncTransport: TypeAlias = Callable[[str, Any], Awaitable[dict[str, Any]]]
"""The same of aiobotocore."""

ResultT = TypeVar("ResultT")


def send(authorized: AuthorizedCall, transport: Transport, retry: RetryPolicy, observers: Observers) -> Reply:
    """
    Send the call.

    Raises:
        AccessDeniedError: AWS denies it, typed by what it says; ``__cause__`` is botocore's own error. A denial of what the
            preflight had allowed carries the preflight's authorizations.
        ClientError: Any other answer of the service, as botocore raises it.
    """
    try:
        response = retry.run(_attempt(authorized, transport), observers)
    except ClientError as error:
        denied = _denied(error, authorized, observers)
        if denied is None:
            raise
        raise denied from error
    return _reply(authorized, response, retry)


async def send_async(authorized: AuthorizedCall, transport: AsyncTransport, retry: RetryPolicy, observers: Observers) -> Reply:
    """Send the call as `send` does, for whoever awaits it."""
    try:
        response = await retry.run_async(_attempt(authorized, transport), observers)
    except ClientError as error:
        denied = _denied(error, authorized, observers)
        if denied is None:
            raise
        raise denied from error
    return _reply(authorized, response, retry)


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


def _denied(error: ClientError, authorized: AuthorizedCall, observers: Observers) -> AccessDeniedError | None:
    """Type a denial, and tell of it; None of any other error, and of one that is typed already."""
    denied = None if isinstance(error, AccessDeniedError) else classify(error.response, authorized.call.name)
    if denied is None:
        return None
    denied.authorizations = authorized.verdict.authorizations
    observers.hear(Denied(denied))
    foreseen = authorized.verdict.decision == "allowed" and authorized.verdict.decisions
    if foreseen and isinstance(denied, PolicyDeniedError):
        observers.hear(Diverged(authorized.verdict, denied))
    return denied


def _reply(authorized: AuthorizedCall, response: dict[str, Any], retry: RetryPolicy) -> Reply:
    if retry.attempts > 1:
        # botocore was told to try once, and takes every answer for the last it may get; the attempts are counted here.
        response.get("ResponseMetadata", {}).pop("MaxAttemptsReached", None)
    return Reply(authorized, response)
