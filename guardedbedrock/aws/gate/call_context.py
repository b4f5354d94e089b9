"""The call that a guarded client is making in this context."""

from __future__ import annotations

from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from typing import Any, Final, Self

from botocore.exceptions import ClientError

from guardedbedrock.bedrock.indirect_inference import IndirectTarget, find_indirect
from guardedbedrock.core.observers import Observers
from guardedbedrock.core.records import AuthorizedCall
from guardedbedrock.stages.retry.policy import set_retry_attempts


@dataclass(frozen=True, slots=True)
class Attempt:
    """
    An attempt of botocore's own retries that has ended.

    Args:
        number: 1 for the first attempt.
        code: The error code, or the class of the error; ``""`` if there was none.
        ended: When it ended, in seconds of the monotonic clock.
    """

    number: int
    code: str
    ended: float


@dataclass(slots=True)
class SerializedRequest:
    """
    The request that botocore serialized from the authorized parameters.

    Args:
        method: HTTP method.
        url: The URL.
        body: The body; immutable, so that the same object has the same content later.
    """

    method: str
    url: str
    body: bytes

    def is_same(self, request: Any, body: Any) -> bool:
        """
        Return whether a request is the one that was serialized.

        INVARIANT: method and URL are equal, and the body is the same immutable object.
        """
        return body is self.body and request.url == self.url and request.method == self.method


@dataclass(slots=True, eq=False, repr=False)
class CallContext:
    """
    An authorized call that is under way. ``with`` makes it the current call of this context.

    A thread or a task that copied the context still has the call after it has returned, so leaving the block also closes it: a
    closed call authorizes nothing.

    Args:
        authorized: The call.
        observers: Its observers.
        gate: The gate of the client that makes it. The call passes no other gate.

    Attributes:
        targets: What calls models inside AWS for the authorized parameters.
        endpoint_url: The endpoint for which the request was serialized; None before that.
        serialized: The serialized request; None if botocore has not serialized one that the gate can recognize.
        verified_request: The last request that the gate verified at signing.
        attempt: The last attempt that botocore made and that ended, if botocore retries.
        refusal_reported: Whether listeners have been notified of a refusal.
        has_request: Whether botocore has made a request to sign or to send. If not, a test double answered the call, such as a
            `Stubber` or a patched method.
    """

    authorized: AuthorizedCall
    observers: Observers
    gate: object
    targets: tuple[IndirectTarget, ...] = ()
    endpoint_url: str | None = None
    serialized: SerializedRequest | None = None
    verified_request: Any = None
    attempt: Attempt | None = None
    refusal_reported: bool = False
    has_request: bool = False
    _token: Token[CallContext | None] = field(init=False)

    def __post_init__(self) -> None:
        guarded = self.authorized.guarded
        if guarded.call.operation.indirect:
            self.targets = find_indirect(guarded.call.operation, guarded.params)

    def __enter__(self) -> Self:
        self._token = current_call.set(self)
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self.gate = None
        current_call.reset(self._token)
        if self.attempt is not None and error is not None and not isinstance(error, ClientError):
            # botocore counts retries in the response, which connection errors do not have.
            set_retry_attempts(error, self.attempt.number - 1)


current_call: Final[ContextVar[CallContext | None]] = ContextVar("guardedbedrock_current_call", default=None)
"""The call that is under way in this context."""


def open_call() -> CallContext | None:
    """Return the current call, unless it is closed."""
    call = current_call.get()
    return None if call is None or call.gate is None else call


def is_verified(request: Any) -> bool:
    """Return whether the gate of a guarded client has verified this request, which botocore is signing in this context."""
    call = open_call()
    return call is not None and call.verified_request is request
