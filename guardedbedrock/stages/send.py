"""Third stage: send the authorized call, with retries around botocore's own call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

from botocore.exceptions import ClientError

from guardedbedrock.bedrock.errors.classify import classify
from guardedbedrock.bedrock.parameters import as_mapping
from guardedbedrock.core.events import DeniedByAws, PreflightDiverged, RequestSending
from guardedbedrock.core.observers import Observers
from guardedbedrock.core.records import AuthorizedCall, GuardedCall, Reply
from guardedbedrock.errors import AccessDeniedError, PolicyDeniedError, bind
from guardedbedrock.stages.retry.policy import SENT, Again, RetryPolicy, Sending

Response: TypeAlias = dict[str, Any]

MakeApiCall: TypeAlias = Callable[[str, Any], Response]
"""botocore's ``_make_api_call``: operation name and parameters to parsed response."""

AsyncMakeApiCall: TypeAlias = Callable[[str, Any], Awaitable[Response]]
"""aiobotocore's ``_make_api_call``."""

TOKENS: Final = ("clientRequestToken", "clientToken")
"""The names of idempotency tokens, which botocore generates if the caller passes none."""

_REPEATABLE: Final = ("converse-stream", "invoke-stream")
"""The kinds of event streams that are requested again; an agent may have acted before its stream broke."""
_DENIALS: Final = ("explicitDeny", "implicitDeny")
_BODY: Final = "invoke"
"""The kind of reply with a body that is read immediately."""
_COPIED: Final = (dict, list, tuple)
_LAST_ATTEMPT: Final = "MaxAttemptsReached"


def send(  # noqa: PLR0913, PLR0917  # each is a part of one attempt
    authorized: AuthorizedCall,
    make_api_call: MakeApiCall,
    read: Callable[[Response], tuple[Response, bytes | None]],
    retry: RetryPolicy,
    observers: Observers,
    sending: Sending = SENT,
) -> Reply:
    """
    Send the call, with retries.

    Args:
        authorized: The call.
        make_api_call: Makes one attempt.
        read: Reads the body of a response that is not a stream; returns a response whose body can be read, and the body. It is
            read within the attempt, so that a connection that breaks in the middle of it is retried too.
        retry: The retry policy of the client.
        observers: The observations of the call.
        sending: Whether botocore made a request.

    Raises:
        AccessDeniedError: AWS denies the call; ``__cause__`` is botocore's error.
        ClientError: Any other error of the service, as botocore raises it.
    """
    call, attempts = authorized.guarded.call, _Attempts(authorized.guarded)

    def attempt() -> Response:
        response = make_api_call(call.name, attempts.next_params())
        if call.operation.reply == _BODY and isinstance(response, dict):
            response, attempts.body = read(response)
        return response

    def stream_again() -> Response:
        try:
            return make_api_call(call.name, attempts.next_params())
        except ClientError as error:
            raise_denial(error, authorized, observers)
            raise

    if observers.wants_routine:
        observers.emit(RequestSending(is_instrumented(make_api_call)))
    try:
        response = retry.run(attempt, observers, sending)
    except ClientError as error:
        raise_denial(error, authorized, observers)
        raise
    report_allowed(authorized, observers)
    return _reply(authorized, response, attempts.body, retry, stream_again, sending)


async def send_async(  # noqa: PLR0913, PLR0917
    authorized: AuthorizedCall,
    make_api_call: AsyncMakeApiCall,
    read: Callable[[Response], Awaitable[tuple[Response, bytes | None]]],
    retry: RetryPolicy,
    observers: Observers,
    sending: Sending = SENT,
) -> Reply:
    """Send the call as `send` does, for async clients."""
    call, attempts = authorized.guarded.call, _Attempts(authorized.guarded)

    async def attempt() -> Response:
        response = await make_api_call(call.name, attempts.next_params())
        if call.operation.reply == _BODY and isinstance(response, dict):
            response, attempts.body = await read(response)
        return response

    async def stream_again() -> Response:
        try:
            return await make_api_call(call.name, attempts.next_params())
        except ClientError as error:
            raise_denial(error, authorized, observers)
            raise

    if observers.wants_routine:
        observers.emit(RequestSending(is_instrumented(make_api_call)))
    try:
        response = await retry.run_async(attempt, observers, sending)
    except ClientError as error:
        raise_denial(error, authorized, observers)
        raise
    report_allowed(authorized, observers)
    return _reply(authorized, response, attempts.body, retry, stream_again, sending)


class _Attempts:
    """
    The parameters of each attempt of a call: a fresh copy at every depth, since event handlers may change what they get.

    Two things are the same in each attempt:

    1. the idempotency token that botocore generated for the first one; with another token the service would act twice;
    2. a body that is a file, which is sent from its first position again.

    Attributes:
        body: The body of the response to the last attempt, if it was read.
    """

    def __init__(self, guarded: GuardedCall) -> None:
        self._params = guarded.params
        self._sent: dict[str, Any] = {}
        self.body: bytes | None = None
        body = guarded.params.get("body")
        self._file = body if hasattr(body, "seek") and hasattr(body, "tell") else None
        self._position = self._file.tell() if self._file is not None else 0

    def next_params(self) -> dict[str, Any]:
        """Return the parameters of the next attempt."""
        before, self._sent = self._sent, _copied(self._params)
        if before and self._file is not None:
            self._file.seek(self._position)
        for token in TOKENS:
            if token in before:
                self._sent.setdefault(token, before[token])
        return self._sent


def _copied(value: Any) -> Any:
    """Copy a structure or a list of parameters at every depth; strings, bytes and files in it stay the same objects."""
    # Loops: in Python 3.11 a comprehension is one more call for each level, so a document could be half as deep as with botocore.
    if isinstance(value, dict):
        members = {}
        for name, member in value.items():
            members[name] = _copied(member) if isinstance(member, _COPIED) else member
        return members
    items = []
    for item in value:
        items.append(_copied(item) if isinstance(item, _COPIED) else item)  # noqa: PERF401
    return items if isinstance(value, list) else tuple(items)


def is_instrumented(make_api_call: Any) -> bool:
    """
    Say whether an OpenTelemetry instrumentor wraps botocore's part of the call.

    Its wrapper is one of the package wrapt, whether it was installed before the client was created or after.
    """
    while make_api_call is not None:
        wrapper = getattr(make_api_call, "_self_wrapper", None)
        if str(getattr(wrapper, "__module__", "")).startswith("opentelemetry."):
            return True
        make_api_call = getattr(make_api_call, "__wrapped__", None)
    return False


def report_allowed(authorized: AuthorizedCall, observers: Observers) -> None:
    """Report that AWS allowed what the preflight denied; only mode ``report`` sends such a call."""
    if authorized.verdict.decision in _DENIALS:
        observers.emit(PreflightDiverged(authorized.verdict, None))


def raise_denial(error: ClientError, authorized: AuthorizedCall, observers: Observers) -> None:
    """
    Raise a denial of AWS as an `AccessDeniedError` that is also the client's own exception class; return for any other error.

    Raises:
        AccessDeniedError: AWS denies the call; ``__cause__`` is botocore's error.
    """
    denied = denial_of(error, authorized, observers)
    if denied is not None:
        raise bind(denied, type(error)) from error


def denial_of(error: ClientError, authorized: AuthorizedCall, observers: Observers) -> AccessDeniedError | None:
    """Convert a denial by AWS into a typed error and report it; None if the error is not a denial, or is typed already."""
    if isinstance(error, AccessDeniedError):
        return None
    denied = classify(error.response, authorized.guarded.call.name)
    if denied is None:
        return None
    verdict = authorized.verdict
    denied.authorizations = verdict.authorizations
    observers.emit(DeniedByAws(denied))
    if verdict.decision == "allowed" and verdict.decisions and isinstance(denied, PolicyDeniedError):
        observers.emit(PreflightDiverged(verdict, denied))
    return denied


def _reply(  # noqa: PLR0913, PLR0917
    authorized: AuthorizedCall,
    response: Response,
    body: bytes | None,
    retry: RetryPolicy,
    stream_again: Callable[[], Any],
    sending: Sending,
) -> Reply:
    if not sending.has_request:
        return Reply(authorized, response, body, from_service=False)
    if retry.attempts == 1:
        return Reply(authorized, response, body)
    metadata = as_mapping(response.get("ResponseMetadata"))
    if _LAST_ATTEMPT in metadata:
        # botocore is configured to try once, so aiobotocore marks every response as the last possible one.
        response = {**response, "ResponseMetadata": {name: metadata[name] for name in metadata if name != _LAST_ATTEMPT}}
    again = None
    if authorized.guarded.call.operation.reply in _REPEATABLE:
        again = Again(stream_again, retry.after(metadata.get("RetryAttempts", 0)))
    return Reply(authorized, response, body, again)
