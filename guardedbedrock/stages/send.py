"""Third stage: send the authorized call, with retries around botocore's own call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
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
    with _typed_denials(authorized, observers):
        response = retry.run(_attempt(authorized, transport), observers)
    return _reply(authorized, response, retry)


async def send_async(authorized: AuthorizedCall, transport: AsyncTransport, retry: RetryPolicy, observers: Observers) -> Reply:
    """Send the call as `send` does, for whoever awaits it."""
    with _typed_denials(authorized, observers):
        response = await retry.run_async(_attempt(authorized, transport), observers)
    return _reply(authorized, response, retry)


def _attempt(authorized: AuthorizedCall, transport: Callable[[str, Any], ResultT]) -> Callable[[], ResultT]:
    guarded = authorized.guarded
    rewind = _rewinder(guarded.params.get("body"))

    def attempt() -> ResultT:
        rewind()
        return transport(guarded.call.name, {**guarded.params})

    return attempt


@contextmanager
def _typed_denials(authorized: AuthorizedCall, observers: Observers) -> Iterator[None]:
    try:
        yield
    except AccessDeniedError:
        raise
    except ClientError as error:
        denied = classify(error.response, authorized.call.name)
        if denied is None:
            raise
        raise _told(denied, authorized, observers) from error


def _reply(authorized: AuthorizedCall, response: dict[str, Any], retry: RetryPolicy) -> Reply:
    if retry.attempts > 1:
        # botocore was told to try once, and takes every answer for the last it may get; the attempts are counted here.
        response.get("ResponseMetadata", {}).pop("MaxAttemptsReached", None)
    return Reply(authorized, response)


def _rewinder(body: Any) -> Callable[[], object]:
    """Let every attempt send a body that is a file from where it stood."""
    if body is None or not hasattr(body, "seek") or not hasattr(body, "tell"):
        return lambda: None
    start = body.tell()
    return lambda: body.seek(start)


def _told(denied: AccessDeniedError, authorized: AuthorizedCall, observers: Observers) -> AccessDeniedError:
    denied.authorizations = authorized.verdict.authorizations
    observers.hear(Denied(denied))
    foreseen = authorized.verdict.decision == "allowed" and authorized.verdict.decisions
    if foreseen and isinstance(denied, PolicyDeniedError):
        observers.hear(Diverged(authorized.verdict, denied))
    return denied
