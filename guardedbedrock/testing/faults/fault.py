"""The base class of faults."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeAlias

from guardedbedrock.errors import ConfigurationError

if TYPE_CHECKING:
    from random import Random

    from guardedbedrock import iam
    from guardedbedrock.testing.wire import ApiParams, HttpResponse

Pieces: TypeAlias = Iterator[bytes]
"""The bytes of a response: the head, then the body in one piece or in chunks."""

Sleep: TypeAlias = Callable[[float], object]
"""Waits a number of seconds, or until the server closes."""

Events: TypeAlias = Iterable[Mapping[str, Any]]
"""The events of a stream, each a mapping of one event name to its payload."""


@dataclass(frozen=True, slots=True)
class FaultContext:
    """
    A request that is parsed and not yet authorized.

    Args:
        operation: For example ``Converse``.
        params: The parameters of the boto3 call.
        requests: Returns the authorizations that the call needs.
    """

    operation: str
    params: ApiParams
    requests: Callable[[], tuple[iam.Request, ...]]


class Fault:
    """A fault. A subclass overrides the methods for the steps of a request that it changes."""

    __slots__ = ()

    streams: ClassVar[bool | None] = None
    """True for a fault of streams, False for a fault of other responses, None for both."""

    def begin(self, random: Random) -> Fault:  # noqa: ARG002
        """Return the fault for a sequence of requests. A fault with state returns a new object."""
        return self

    def fail(self, context: FaultContext) -> None:
        """Raise a `ServiceError` to respond with this error."""

    def change_events(self, events: Events) -> Events:
        """Return the changed events of a stream."""
        return events

    def change_response(self, response: HttpResponse) -> HttpResponse:
        """Return the changed response."""
        return response

    def filter_bytes(self, pieces: Pieces, sleep: Sleep) -> Pieces:  # noqa: ARG002
        """Return the changed bytes, or delay them."""
        return pieces


_TYPES: Final[Mapping[str, tuple[type | tuple[type, ...], str]]] = {
    "int": (int, "a whole number"),
    "float": ((int, float), "a number"),
    "bool": (bool, "True or False"),
    "str": (str, "a string"),
}


def check_types(fault: Any) -> None:
    """
    Check the types of the fields of a fault. Only fields whose annotation is in `_TYPES` are checked.

    Args:
        fault: A dataclass.

    Raises:
        ConfigurationError: A field has another type. The message names the field.
    """
    for field in fields(fault):
        annotation, _, optional = str(field.type).partition(" | ")
        value = getattr(fault, field.name)
        if annotation not in _TYPES or (optional and value is None):
            continue
        kinds, expected = _TYPES[annotation]
        if not isinstance(value, kinds) or (isinstance(value, bool) and kinds is not bool):
            raise ConfigurationError(f"{type(fault).__name__}: {field.name}: expected {expected}, got {value!r}")


def check_field(fault: Any, name: str, *, fits: bool, expected: str) -> None:
    """
    Check the value of one field of a fault.

    Raises:
        ConfigurationError: The value does not fit. The message names the field and the value.
    """
    if not fits:
        raise ConfigurationError(f"{type(fault).__name__}: {name}: expected {expected}, got {getattr(fault, name)!r}")


TOO_MANY: Final = "Too many requests, please wait before trying again."
"""AWS's message for throttled requests."""

_LONGEST_WAIT: Final = 366 * 24 * 3600.0
"""Python cannot wait for an infinite number of seconds."""


def check_wait(fault: Any) -> None:
    """
    Check the ``seconds`` of a fault.

    Raises:
        ConfigurationError: They cannot be waited for.
    """
    fits = 0 <= fault.seconds <= _LONGEST_WAIT
    check_field(fault, "seconds", fits=fits, expected=f"0 to {_LONGEST_WAIT:.0f} seconds (a year)")


class HangUpError(Exception):
    """
    Ends the connection.

    Args:
        reset: True sends a TCP reset, which discards unsent data; False closes in order.
    """

    def __init__(self, *, reset: bool) -> None:
        super().__init__("reset" if reset else "closed")
        self.reset = reset
