"""What the fake remembers of the requests it got."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from guardedbedrock import iam
    from guardedbedrock.testing.faults import Fault
    from guardedbedrock.testing.wire import Incoming, Params
    from guardedbedrock.testing.witnessed import Witnessed


@dataclass(frozen=True, slots=True)
class ReceivedRequest:
    """
    One request and how it was answered.

    Args:
        operation: ``Converse`` and the like; None when no operation is at that path.
        params: As a boto3 client takes them; `bytes` where the model has a blob.
        guardrail: Identifier and version, as the request has them; None when it names no guardrail, and for the control plane.
        status: HTTP status of the answer.
        error: Error code of the answer, or None.
        decisions: What each authorization of the call came to; empty without policies.
        request_id: What the answer carries in ``x-amzn-RequestId``.
        incoming: The HTTP request itself.
        faults: What was made to go wrong.
        witnessed: What guardrails made of the texts.
        at: When it was answered, in s since the epoch.
    """

    operation: str | None
    params: Params
    guardrail: tuple[str, str] | None
    status: int
    error: str | None
    decisions: tuple[iam.Decision, ...]
    request_id: str
    incoming: Incoming
    faults: tuple[Fault, ...] = ()
    witnessed: tuple[Witnessed, ...] = ()
    at: float = 0.0

    @property
    def headers(self) -> Mapping[str, str]:
        """HTTP headers, names in lower case."""
        return self.incoming.headers


class Journal:
    """
    The requests in the order they were answered.

    Args:
        keep: How many of the latest are remembered; None is all.
    """

    def __init__(self, keep: int | None = None) -> None:
        self._requests: deque[ReceivedRequest] = deque(maxlen=keep)
        self._lock = Lock()

    def add(self, request: ReceivedRequest) -> None:
        """Remember one more."""
        with self._lock:
            self._requests.append(request)

    def read(self, operation: str | None = None) -> list[ReceivedRequest]:
        """Copy the requests so far: all of them, or those of one operation."""
        with self._lock:
            return [request for request in self._requests if operation in {None, request.operation}]

    def clear(self) -> None:
        """Forget them."""
        with self._lock:
            self._requests.clear()
