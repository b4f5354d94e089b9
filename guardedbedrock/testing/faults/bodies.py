"""Faults of what arrives: bodies that are no JSON, wrong lengths, frames that do not add up, clocks that are wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, ClassVar, Final, Literal, TypeAlias

from guardedbedrock.errors import ConfigurationError
from guardedbedrock.testing.faults.fault import TOO_MANY, Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from guardedbedrock.testing.faults.fault import Events
    from guardedbedrock.testing.wire import Answer

Spoilt: TypeAlias = Literal["truncated", "html", "empty", "garbage"]
"""What may stand where JSON should."""

_SPOILERS: Final[Mapping[Spoilt, Callable[[bytes], bytes]]] = {
    "truncated": lambda body: body[: len(body) // 2],
    "html": lambda _: b"<html><body><h1>502 Bad Gateway</h1></body></html>",
    "empty": lambda _: b"",
    "garbage": lambda _: b"\x00\xff\xfe{]",
}


@dataclass(frozen=True, slots=True)
class BadBody(Fault):
    """
    A body that is no JSON.

    Args:
        form: ``truncated``, ``html`` as of a proxy, ``empty`` or ``garbage``.
        status: HTTP status in place of the answer's own; None keeps it.

    Raises:
        ConfigurationError: There is no such form.
    """

    streams: ClassVar[bool | None] = False

    form: Spoilt = "truncated"
    status: int | None = None

    def __post_init__(self) -> None:
        if self.form not in _SPOILERS:
            raise ConfigurationError(f"BadBody: form: {self.form!r} is not one of {', '.join(_SPOILERS)}")

    def change(self, answer: Answer) -> Answer:
        """Spoil the body."""
        body = answer.body if isinstance(answer.body, bytes) else b"".join(answer.body)
        return replace(answer, status=self.status or answer.status, body=_SPOILERS[self.form](body))


@dataclass(frozen=True, slots=True)
class WrongLength(Fault):
    """
    A ``Content-Length`` that is not the body's; the connection ends after the body.

    Args:
        by: Bytes too many, or too few if negative.
    """

    streams: ClassVar[bool | None] = False

    by: int = 1

    def change(self, answer: Answer) -> Answer:
        """Write a length that is wrong."""
        length = len(answer.body) if isinstance(answer.body, bytes) else 0
        headers = {**answer.headers, "Content-Length": str(max(0, length + self.by)), "Connection": "close"}
        return replace(answer, headers=headers)


@dataclass(frozen=True, slots=True)
class BrokenFrame(Fault):
    """
    A frame of an event stream whose checksum does not fit.

    Args:
        after: Whole frames that come before it.
        part: Which checksum: that of the ``message``, or of its ``prelude``.
    """

    streams: ClassVar[bool | None] = True

    after: int = 0
    part: Literal["prelude", "message"] = "message"

    def change(self, answer: Answer) -> Answer:
        """Spoil one frame."""
        return replace(answer, body=self._frames(iter(answer.body))) if not isinstance(answer.body, bytes) else answer

    def _frames(self, frames: Iterator[bytes]) -> Iterator[bytes]:
        at = 8 if self.part == "prelude" else -1
        for number, frame in enumerate(frames):
            spoilt = bytearray(frame)
            spoilt[at] ^= 0xFF
            yield bytes(spoilt) if number == self.after else frame


@dataclass(frozen=True, slots=True)
class Rechunk(Fault):
    """
    A stream in chunks that begin and end anywhere, as a network cuts it; nothing is lost.

    Args:
        size: Bytes in a chunk; 0 is the whole stream in one.
    """

    streams: ClassVar[bool | None] = True

    size: int = 0

    def change(self, answer: Answer) -> Answer:
        """Cut the stream anew."""
        return answer if isinstance(answer.body, bytes) else replace(answer, body=self._chunks(answer.body))

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
    A stream that ends in an exception frame.

    Args:
        code: A member of the stream, such as ``throttlingException``; any other code comes as an error frame.
        message: What the frame says.
        after: How many events come before it.
    """

    streams: ClassVar[bool | None] = True

    code: str = "throttlingException"
    message: str = TOO_MANY
    after: int = 2

    def disturb(self, events: Events) -> Events:
        """Yield the first events of a stream, then the exception, then nothing more."""
        for _, event in zip(range(self.after), events, strict=False):
            yield event
        yield {self.code: {"message": self.message}}


@dataclass(frozen=True, slots=True)
class ClockSkew(Fault):
    """
    A server whose clock is wrong, as its header ``Date`` and its judgement of signatures tell.

    Args:
        seconds: How far it is ahead, or behind if negative.
    """

    seconds: float

    def change(self, answer: Answer) -> Answer:
        """Write another date."""
        date = datetime.now(UTC) + timedelta(seconds=self.seconds)
        return replace(answer, headers={**answer.headers, "Date": format_datetime(date, usegmt=True)})
