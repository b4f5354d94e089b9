"""
Which failures are worth another attempt, as data with reasons.

Source: Bedrock API Reference, "Common errors" and the errors of "Converse"; AWS SDKs and Tools Reference Guide, "Retry behavior".
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal, NamedTuple, TypeAlias

from botocore import exceptions
from botocore.exceptions import ClientError

Kind: TypeAlias = Literal["throttling", "server", "connection", "final"]


class Failure(NamedTuple):
    """
    One row of the table.

    Args:
        name: A service's error code, an HTTP status, or a class of botocore's exceptions.
        kind: ``throttling``, ``server`` and ``connection`` may pass a moment later, ``final`` will not.
        why: The reason.
    """

    name: str
    kind: Kind
    why: str


CODES: Final = (
    Failure("ThrottlingException", "throttling", "the quota of requests or tokens refills"),
    Failure("TooManyRequestsException", "throttling", "the same, from a gateway in front of the service"),
    Failure("ModelNotReadyException", "server", "an imported or provisioned model is still being loaded"),
    Failure("ModelTimeoutException", "server", "the model took too long, which depends on its load"),
    Failure("InternalServerException", "server", "the service failed before it decided anything"),
    Failure("ServiceUnavailableException", "server", "the service is overloaded, and asks to come back"),
    Failure("AccessDeniedException", "final", "a policy does not change its mind between two attempts"),
    Failure("ValidationException", "final", "the same request would be as wrong a moment later"),
    Failure("ResourceNotFoundException", "final", "the same name would be as unknown a moment later"),
    Failure("ServiceQuotaExceededException", "final", "a quota of things, not of time: waiting frees none"),
    Failure("ModelErrorException", "final", "the model answered, with an error about this input"),
    Failure("ModelStreamErrorException", "final", "the model answered, with an error about this input"),
    Failure("ConflictException", "final", "somebody else changes the same resource: the caller has to look first"),
)
"""Error codes; a code that is not listed goes by its HTTP status."""

STATUSES: Final = (
    Failure("500", "server", "something broke on the way, whatever the code"),
    Failure("502", "server", "a gateway got no proper answer"),
    Failure("503", "server", "a gateway knows nobody to ask just now"),
    Failure("504", "server", "a gateway got no answer in time"),
)

EXCEPTIONS: Final = (
    Failure("ConnectionError", "connection", "no connection, or it broke before the answer was there"),
    Failure("HTTPClientError", "connection", "the connection broke, or was silent for too long, in the middle of the answer"),
    Failure("IncompleteReadError", "connection", "the body ended before its announced length"),
)

_BY_NAME: Final[Mapping[str, Failure]] = MappingProxyType({row.name: row for row in (*CODES, *STATUSES)})
_CLASSES: Final[Mapping[type[Exception], Failure]] = MappingProxyType({getattr(exceptions, row.name): row for row in EXCEPTIONS})

MAY_PASS: Final[tuple[type[Exception], ...]] = (ClientError, *_CLASSES)
"""Classes of exceptions among which a failure that may pass is to be found."""


def kind_of(error: BaseException) -> Kind:
    """Look an error up; one that is in no table is ``final``. In a stream the same codes begin with a small letter."""
    if isinstance(error, ClientError):
        code = code_of(error)
        row = _BY_NAME.get(code[:1].upper() + code[1:]) or _BY_NAME.get(str(status_of(error)))
        return row.kind if row else "final"
    return next((row.kind for each, row in _CLASSES.items() if isinstance(error, each)), "final")


def code_of(error: BaseException | None) -> str:
    """Name an error: its service code, else its class."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", ""))
    return type(error).__name__


def status_of(error: ClientError) -> int:
    """Give the HTTP status of an error, 0 where it has none."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0)
