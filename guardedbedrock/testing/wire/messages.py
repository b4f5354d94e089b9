"""What passes between the HTTP server and the operations."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Params: TypeAlias = dict[str, Any]
"""Parameters as a boto3 client takes them, or a response as it gives them."""

Way: TypeAlias = "Callable[[Iterator[bytes], Callable[[float], object]], Iterator[bytes]]"
"""Changes how an answer leaves."""

JSON: Final = "application/json"

_IAM: Final = "http://internal.amazon.com/coral/com.amazon.coral.service/"
_SERVICE: Final = "http://internal.amazon.com/coral/com.amazon.bedrock/"


@dataclass(frozen=True, slots=True)
class Incoming:
    """
    An HTTP request, whole.

    Args:
        method: ``POST`` and the like.
        target: Path and query, percent-encoded as they came.
        headers: Names in lower case.
        body: Empty when there is none.
        port: The client's port, which tells connections apart.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""
    port: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """
    An HTTP answer.

    Args:
        status: HTTP status.
        headers: What is not here, and has to be, the server adds.
        body: An iterator is sent chunk by chunk as it comes.
        ways: What becomes of it on its way out, each after the one before: takes the pieces that are sent, the head first, and a
            function that waits.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes | Iterator[bytes]
    ways: tuple[Way, ...] = ()


@dataclass(frozen=True, slots=True)
class Output:
    """
    What an operation gives.

    Args:
        members: As the output shape has them. An event stream is an iterable of one-item mappings: event name to payload.
        headers: HTTP headers beside those of the shape.
    """

    members: Params
    headers: Mapping[str, str] = field(default_factory=dict)


class ServiceError(Exception):
    """
    An error on its way to the caller.

    Args:
        status: HTTP status.
        code: What becomes ``response["Error"]["Code"]``.
        message: What becomes ``response["Error"]["Message"]``.
        by_iam: IAM writes ``Message`` and its own namespace; services write ``message``.
        headers: HTTP headers beside ``x-amzn-ErrorType``.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        by_iam: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.status, self.code, self.message, self.by_iam, self.headers = status, code, message, by_iam, headers or {}

    @classmethod
    def invalid(cls, message: str) -> ServiceError:
        """Make the error for a request the service can read but does not accept."""
        return cls(400, "ValidationException", message)

    @classmethod
    def unserved(cls, operation: str) -> ServiceError:
        """Make the error for an operation that the service model has and nobody performs."""
        return cls(404, "UnknownOperationException", f"the fake does not serve {operation}")

    def answer(self) -> Answer:
        """Write the error as AWS does."""
        kind = f"{self.code}:{_IAM if self.by_iam else _SERVICE}"
        body = {"Message" if self.by_iam else "message": self.message}
        return Answer(self.status, {"Content-Type": JSON, "x-amzn-ErrorType": kind, **self.headers}, json.dumps(body).encode())
