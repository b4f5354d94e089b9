"""Errors and broken streams on order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from guardedbedrock.testing.script import Script

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from guardedbedrock.testing.wire import Params, ServiceError


@dataclass(frozen=True, slots=True)
class Break:
    """
    A stream that ends in an exception frame.

    Args:
        code: A member of the stream, such as ``throttlingException``; any other code becomes an error frame.
        message: What the frame says.
        after: How many events come before it.
    """

    code: str
    message: str
    after: int

    def of(self, events: Iterable[Mapping[str, Params]]) -> Iterator[Mapping[str, Params]]:
        """Yield the first events of a stream, then the exception, then nothing more."""
        for _, event in zip(range(self.after), events, strict=False):
            yield event
        yield {self.code: {"message": self.message}}


class Faults:
    """What is to go wrong next."""

    def __init__(self) -> None:
        self.errors: Script[ServiceError] = Script()
        self.breaks: Script[Break] = Script()

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        self.errors.clear()
        self.breaks.clear()


def retry_headers(seconds: float | None) -> dict[str, str]:
    """Ask for a pause before the next attempt, in both the header of HTTP (s) and the one that botocore reads (ms)."""
    return {} if seconds is None else {"Retry-After": f"{seconds:g}", "x-amz-retry-after": str(round(seconds * 1000))}
