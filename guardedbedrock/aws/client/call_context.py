"""A call on its way through the gate of its client, and what is known of it in its context."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from botocore.exceptions import ClientError

from guardedbedrock.bedrock.guardrail.location import IN_HEADERS, Wire
from guardedbedrock.core.observers import Observers
from guardedbedrock.core.records import AuthorizedCall

if TYPE_CHECKING:
    from guardedbedrock.aws.gate.gate import Gate


class Attempt(NamedTuple):
    """
    An attempt of botocore's that has ended.

    Args:
        number: 1 for the first.
        code: The code of its error, or the class; ``""`` where it had none.
        ended: When, in seconds of the monotonic clock.
    """

    number: int
    code: str
    ended: float


class CallContext:  # reads as what it does: with passing(authorized)
    """
    Open one client's gate for this very call, in this context, until the call is done: at the end of a ``with``, or by `close`.

    Contexts that were copied meanwhile, by a thread or a task, find it closed afterwards.
    """

    __slots__ = ("_token", "attempt", "authorized", "base", "gate", "is_told", "let_pass", "observers", "written")

    def __init__(self, authorized: AuthorizedCall, observers: Observers, gate: Gate | None) -> None:
        self.authorized = authorized
        self.observers = observers
        self.gate = gate
        self.base = gate.base if gate else ""
        self.is_told = False
        self.attempt: Attempt | None = None
        self.let_pass: tuple[str, Any] | None = None
        self.written: tuple[str, str, Any, bool] | None = None
        self._token = current_call.set(self)

    def __enter__(self) -> None: ...

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is not None:
            self.fail(error)
        self.close()

    def fail(self, error: BaseException) -> None:
        """Write into an error of a connection how many attempts botocore made after the first; into others it does so itself."""
        if self.attempt is not None and not isinstance(error, ClientError):
            error.retry_attempts = self.attempt.number - 1  # type: ignore[attr-defined]

    def close(self) -> None:
        """Close the gate."""
        self.gate = None
        current_call.reset(self._token)


current_call: Final[ContextVar[CallContext | None]] = ContextVar("guardedbedrock_authorized_call", default=None)
"""The call that is on its way in this context."""


def open_call() -> CallContext | None:
    """Give the call whose gate is open in this context."""
    passage = current_call.get()
    return passage if passage and passage.gate else None


def open_gate() -> Gate | None:
    """Give that gate."""
    passage = open_call()
    return passage.gate if passage else None


def has_let_pass(url: str, headers: Any, body: Any) -> bool:
    """Say whether the gate of a guarded client let this very request pass, in this context."""
    passage = current_call.get()
    if passage is None or passage.let_pass is None or passage.let_pass[0] != url or passage.let_pass[1] is not body:
        return False
    place = passage.authorized.guarded.call.operation.location
    return place is not IN_HEADERS or place.carries(Wire(url, headers, body), passage.authorized.guarded.guardrail_ref)
