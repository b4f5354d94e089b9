"""Faults of the response: invalid JSON, wrong lengths, broken frames, a wrong clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, ClassVar, Final, Literal, TypeAlias

from guardedbedrock.testing.faults.fault import TOO_MANY, Fault, check_field, check_types

if TYPE_CHECKING:
    from collections.abc import Callable

    from guardedbedrock.testing.faults.fault import Events
    from guardedbedrock.testing.wire import HttpResponse

_FIRST_STATUS: Final = 200
_LAST_STATUS: Final = 599
_MOST_SKEW: Final = 366 * 24 * 3600.0

BodyForm: TypeAlias = Literal["truncated", "html", "empty", "garbage"]
"""The content that replaces the JSON body."""

_BODY_FORMS: Final[Mapping[BodyForm, Callable[[bytes], bytes]]] = {
    "truncated": lambda body: body[: len(body) // 2],
    "html": lambda _: b"<html><body><h1>502 Bad Gateway</h1></body></html>",
    "empty": lambda _: b"",
    "garbage": lambda _: b"\x00\xff\xfe{]",
}


@dataclass(frozen=True, slots=True)
class BadBody(Fault):
    """
    A body that is not JSON.

    Args:
        form: ``truncated``, ``html`` (as from a proxy), ``empty`` or ``garbage``.
        status: HTTP status; None keeps the status of the response.

    Raises:
        ConfigurationError: The form is unknown, or no response has the status.
    """

    streams: ClassVar[bool | None] = False

    form: BodyForm = "truncated"
    status: int | None = None

    def __post_init__(self) -> None:
        check_types(self)
        check_field(self, "form", fits=self.form in _BODY_FORMS, expected=f"one of {', '.join(_BODY_FORMS)}")
        fits = self.status is None or _FIRST_STATUS <= self.status <= _LAST_STATUS
        check_field(self, "status", fits=fits, expected=f"a status from {_FIRST_STATUS} to {_LAST_STATUS}")

    def change_response(self, response: HttpResponse) -> HttpResponse:
        """Replace the body."""
        body = response.body if isinstance(response.body, bytes) else b"".join(response.body)
        return replace(response, status=self.status or response.status, body=_BODY_FORMS[self.form](body))


@dataclass(frozen=True, slots=True)
class WrongLength(Fault):
    """
    A wrong ``Content-Length``. The connection ends after the body.

    Args:
        by: Difference in bytes; negative for a length that is too small.
    """

    streams: ClassVar[bool | None] = False

    by: int = 1

    def __post_init__(self) -> None:
        check_types(self)

    def change_response(self, response: HttpResponse) -> HttpResponse:
        """Set the wrong length."""
        length = len(response.body) if isinstance(response.body, bytes) else 0
        headers = {**response.headers, "Content-Length": str(max(0, length + self.by)), "Connection": "close"}
        return replace(response, headers=headers)


@dataclass(frozen=True, slots=True)
class BrokenFrame(Fault):
    """
    A frame of an event stream with a wrong checksum.

    Args:
        after: Number of valid frames before it.
        part: The wrong checksum: ``message`` or ``prelude``.

    Raises:
        ConfigurationError: The number is negative, or the part is unknown.
    """

    streams: ClassVar[bool | None] = True

    after: int = 0
    part: Literal["prelude", "message"] = "message"

    def __post_init__(self) -> None:
        check_types(self)
        check_field(self, "after", fits=self.after >= 0, expected="0 or more frames")
        check_field(self, "part", fits=self.part in {"prelude", "message"}, expected="one of prelude, message")

    def change_response(self, response: HttpResponse) -> HttpResponse:
        """Change one frame."""
        return replace(response, body=self._frames(iter(response.body))) if not isinstance(response.body, bytes) else response

    def _frames(self, frames: Iterator[bytes]) -> Iterator[bytes]:
        at = 8 if self.part == "prelude" else -1
        for number, frame in enumerate(frames):
            broken = bytearray(frame)
            broken[at] ^= 0xFF
            yield bytes(broken) if number == self.after else frame


@dataclass(frozen=True, slots=True)
class Rechunk(Fault):
    """
    A stream in chunks that do not match its frames, as a network may split it. No byte is lost.

    Args:
        size: Bytes in a chunk; 0 sends the whole stream in one chunk.

    Raises:
        ConfigurationError: The size is negative.
    """

    streams: ClassVar[bool | None] = True

    size: int = 0

    def __post_init__(self) -> None:
        check_types(self)
        check_field(self, "size", fits=self.size >= 0, expected="0 or more bytes")

    def change_response(self, response: HttpResponse) -> HttpResponse:
        """Split the stream into other chunks."""
        return response if isinstance(response.body, bytes) else replace(response, body=self._chunks(response.body))

    def _chunks(self, frames: Iterator[bytes]) -> Iterator[bytes]:
        left = b""
        for frame in frames:
            left += frame
            while self.size and len(left) >= self.size:
                yield left[: self.size]
                left = left[self.size :]
        if left:
            yield left


@dataclass(frozen=True, slots=True)
class BreakStream(Fault):
    """
    A stream that ends with an exception.

    Args:
        code: A member of the event stream, such as ``throttlingException``. Any other code is sent as an error frame.
        message: Message of the exception.
        after: Number of events before it.

    Raises:
        ConfigurationError: The code is empty, or the number is negative.
    """

    streams: ClassVar[bool | None] = True

    code: str = "throttlingException"
    message: str = TOO_MANY
    after: int = 2

    def __post_init__(self) -> None:
        check_types(self)
        check_field(self, "code", fits=bool(self.code), expected="a member of the event stream, or another error code")
        check_field(self, "after", fits=self.after >= 0, expected="0 or more events")

    def change_events(self, events: Events) -> Events:
        """Yield the first events of a stream, then the exception."""
        for _, event in zip(range(self.after), events, strict=False):
            yield event
        yield {self.code: {"message": self.message}}


@dataclass(frozen=True, slots=True)
class ClockSkew(Fault):
    """
    A server with a wrong clock. It affects the header ``Date`` and the verification of signatures.

    Args:
        seconds: Seconds that the clock is ahead; negative if it is behind.

    Raises:
        ConfigurationError: The clock is wrong by more than a year.
    """

    seconds: float

    def __post_init__(self) -> None:
        check_types(self)
        fits = -_MOST_SKEW <= self.seconds <= _MOST_SKEW
        check_field(self, "seconds", fits=fits, expected="at most a year")

    def change_response(self, response: HttpResponse) -> HttpResponse:
        """Set the header ``Date``."""
        date = datetime.now(UTC) + timedelta(seconds=self.seconds)
        return replace(response, headers={**response.headers, "Date": format_datetime(date, usegmt=True)})
