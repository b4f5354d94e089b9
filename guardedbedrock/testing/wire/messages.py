"""Requests, responses and errors, as the HTTP server and the operations exchange them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

ApiParams: TypeAlias = dict[str, Any]
"""The parameters of a boto3 call, or its response."""

SendFilter: TypeAlias = "Callable[[Iterator[bytes], Callable[[float], object]], Iterator[bytes]]"
"""Changes how the bytes of a response are sent."""

JSON: Final = "application/json"

_IAM: Final = "http://internal.amazon.com/coral/com.amazon.coral.service/"
_SERVICE: Final = "http://internal.amazon.com/coral/com.amazon.bedrock/"


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """
    A complete HTTP request.

    Args:
        method: For example ``POST``.
        target: Path and query, percent-encoded as received.
        headers: Name in lower case to value.
        body: Empty if the request has no body.
        port: The client's port, which identifies the connection.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""
    port: int = 0

    @property
    def path(self) -> str:
        """The target without the query, which contains credentials if the URL is presigned."""
        return self.target.partition("?")[0]

    def __repr__(self) -> str:
        # A failed assertion prints it: headers, query and body contain credentials and prompts.
        return f"<HttpRequest {self.method} {self.path}>"


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """
    An HTTP response.

    Args:
        status: HTTP status.
        headers: The server adds the headers that HTTP requires and that are missing here.
        body: Bytes, or an iterator whose items are sent as chunks.
        send_filters: Applied in order to the bytes that are sent. Each accepts an iterator of pieces (the head first) and a
            function that waits a number of seconds.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes | Iterator[bytes] = field(repr=False)
    send_filters: tuple[SendFilter, ...] = ()


@dataclass(frozen=True, slots=True)
class OperationOutput:
    """
    The result of an operation.

    Args:
        members: The members of the output shape. An event stream is an iterable of one-item mappings: event name to payload.
        headers: HTTP headers in addition to those of the shape.
        log_entry: Returns the entry for the log of the service; None if the service does not log the operation.
    """

    members: ApiParams
    headers: Mapping[str, str] = field(default_factory=dict)
    log_entry: Callable[[], ApiParams] | None = None


class ServiceError(Exception):
    """
    An error response of the service.

    Args:
        status: HTTP status.
        code: ``response["Error"]["Code"]`` at the client.
        message: ``response["Error"]["Message"]`` at the client.
        by_iam: True writes the body as IAM does (``Message``, IAM's namespace); False as a service does (``message``).
        headers: HTTP headers in addition to ``x-amzn-ErrorType``.
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
        """Return the error for a request that can be parsed but is not valid: ``ValidationException`` (400)."""
        return cls(400, "ValidationException", message)

    @classmethod
    def not_served(cls, operation: str) -> ServiceError:
        """Return the error for an operation of the service model that the fake does not implement."""
        return cls(501, "NotImplementedException", f"{operation} is not implemented by the fake Bedrock")

    def response(self) -> HttpResponse:
        """Write the error as AWS does."""
        kind = f"{self.code}:{_IAM if self.by_iam else _SERVICE}"
        body = {"Message" if self.by_iam else "message": self.message}
        return HttpResponse(
            self.status, {"Content-Type": JSON, "x-amzn-ErrorType": kind, **self.headers}, json.dumps(body).encode()
        )
