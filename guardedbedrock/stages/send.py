"""Third stage: send the authorized call, with retries around botocore's own call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from botocore.exceptions import ClientError

from guardedbedrock.bedrock.denials import classify
from guardedbedrock.calls import AuthorizedCall, Reply
from guardedbedrock.errors import AccessDeniedError, PolicyDeniedError
from guardedbedrock.events import Denied, Diverged, Observers
from guardedbedrock.stages.retry import RetryPolicy

Transport: TypeAlias = Callable[[str, Any], dict[str, Any]]
"""botocore's ``_make_api_call``: of an operation name and parameters, the parsed response."""


def send(authorized: AuthorizedCall, transport: Transport, retry: RetryPolicy, observers: Observers) -> Reply:
    """
    Send the call.

    Raises:
        AccessDeniedError: AWS denies it, typed by what it says; ``__cause__`` is botocore's own error. A denial of what the
            preflight had allowed carries the preflight's authorizations.
        ClientError: Any other answer of the service, as botocore raises it.
    """
    guarded = authorized.guarded
    rewind = _rewinder(guarded.params.get("body"))

    def attempt() -> dict[str, Any]:
        rewind()
        return transport(guarded.call.name, {**guarded.params})

    try:
        response = retry.run(attempt, observers)
    except AccessDeniedError:
        raise
    except ClientError as error:
        denied = classify(error.response, guarded.call.name)
        if denied is None:
            raise
        raise _told(denied, authorized, observers) from error
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
