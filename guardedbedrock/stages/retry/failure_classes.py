"""
Which failures are retried, as data with reasons.

Everything that botocore's retry mode ``standard`` retries is retried; a test compares the two.
Source: Bedrock API Reference, "Common errors" and the errors of "Converse"; AWS SDKs and Tools Reference Guide, "Retry behavior".
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, NamedTuple, TypeAlias

from botocore import exceptions
from botocore.exceptions import ClientError

FailureKind: TypeAlias = Literal["throttling", "server", "connection", "final"]


class Failure(NamedTuple):
    """
    One row of a table of failures.

    Args:
        name: An error code of the service, an HTTP status, or the name of a botocore exception.
        kind: ``throttling``, ``server`` and ``connection`` are retried, ``final`` is not.
        why: The reason.
    """

    name: str
    kind: FailureKind
    why: str


CODES: Final = (
    Failure("ThrottlingException", "throttling", "the quota of requests or tokens per minute refills"),
    Failure("TooManyRequestsException", "throttling", "the same, from a gateway in front of the service"),
    *(
        Failure(code, "throttling", "botocore treats this code of other services and of gateways as throttling")
        for code in (
            "BandwidthLimitExceeded",
            "EC2ThrottledException",
            "LimitExceededException",
            "PriorRequestNotComplete",
            "ProvisionedThroughputExceededException",
            "RequestLimitExceeded",
            "RequestThrottled",
            "RequestThrottledException",
            "SlowDown",
            "ThrottledException",
            "Throttling",
            "TransactionInProgressException",
        )
    ),
    Failure("RequestTimeout", "server", "the request did not arrive in time"),
    Failure("RequestTimeoutException", "server", "the request did not arrive in time"),
    Failure("ModelNotReadyException", "server", "an imported or provisioned model is still being loaded"),
    Failure("ModelTimeoutException", "server", "the model took too long, which depends on its load"),
    Failure("InternalServerException", "server", "the service failed before it processed the request"),
    Failure("ServiceUnavailableException", "server", "the service is overloaded, and asks callers to retry"),
    Failure("AccessDeniedException", "final", "policies do not change between two attempts"),
    Failure("ValidationException", "final", "the same request is still invalid"),
    Failure("ResourceNotFoundException", "final", "the same name is still unknown"),
    Failure("ServiceQuotaExceededException", "final", "a quota of resources: waiting does not free one"),
    Failure("ModelErrorException", "final", "the model answered with an error about this input"),
    Failure("ModelStreamErrorException", "final", "the model answered with an error about this input"),
    Failure("ConflictException", "final", "another caller changes the same resource, so the caller has to read it again"),
)
"""Error codes. A code that is not listed is classified by its HTTP status."""

STATUSES: Final = (
    Failure("429", "throttling", "too many requests, whatever the code"),
    Failure("500", "server", "the server failed, whatever the code"),
    Failure("502", "server", "a gateway got an invalid response"),
    Failure("503", "server", "no healthy upstream"),
    Failure("504", "server", "a gateway got no response in time"),
)

EXCEPTIONS: Final = (
    Failure("ConnectionError", "connection", "no connection, or it broke before the response began"),
    Failure("HTTPClientError", "connection", "the connection broke or timed out in the middle of the response"),
    Failure("IncompleteReadError", "connection", "the body ended before its announced length"),
)

DAILY_QUOTA: Final = "per day"
"""
Words in the message of a throttling error about a daily quota, as in "Too many tokens per day, please wait before trying again.".
It has the code of the quotas per minute, and no retry succeeds before the next day.
"""

_BY_NAME: Final[Mapping[str, Failure]] = MappingProxyType({row.name: row for row in (*CODES, *STATUSES)})
_CLASSES: Final[Mapping[type[Exception], Failure]] = MappingProxyType({getattr(exceptions, row.name): row for row in EXCEPTIONS})

REQUEST_ERRORS: Final[tuple[type[Exception], ...]] = (ClientError, *_CLASSES)
"""The exceptions with which a sent request can fail; others are never retried."""


def kind_of(error: BaseException) -> FailureKind:
    """Classify an error; an unknown one is ``final``."""
    if not isinstance(error, ClientError):
        return next((row.kind for each, row in _CLASSES.items() if isinstance(error, each)), "final")
    code = code_of(error)
    # The error events of a stream have the same codes, with a small first letter.
    row = _BY_NAME.get(code[:1].upper() + code[1:]) or _BY_NAME.get(str(status_of(error)))
    if row is None or (row.kind == "throttling" and _is_daily_quota(error)):
        return "final"
    return row.kind


def is_retryable(error: BaseException) -> bool:
    """Return whether another attempt can succeed."""
    return kind_of(error) != "final"


def code_of(error: BaseException | None) -> str:
    """Return the error code of the service, else the name of the exception class."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", ""))
    return type(error).__name__


def status_of(error: ClientError) -> int:
    """Return the HTTP status of an error; 0 if it has none."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0)


def _is_daily_quota(error: ClientError) -> bool:
    return DAILY_QUOTA in str(error.response.get("Error", {}).get("Message", "")).lower()
