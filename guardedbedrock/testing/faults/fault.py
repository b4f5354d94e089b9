"""What every fault is: at which moments of a request it can act. The base class does nothing at any of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, TypeAlias

if TYPE_CHECKING:
    from random import Random

    from guardedbedrock import iam
    from guardedbedrock.testing.wire import Answer, Params

Pieces: TypeAlias = Iterator[bytes]
"""An HTTP answer on its way out: the head first, then the body in one piece or chunk by chunk."""

Sleep: TypeAlias = Callable[[float], object]
"""Waits that many seconds, or less when the server closes."""

Events: TypeAlias = Iterable[Mapping[str, Any]]
"""The events of a stream, each a name with its payload."""


@dataclass(frozen=True, slots=True)
class Moment:
    """
    A request that has been read and not yet been authorized.

    Args:
        operation: Such as ``Converse``.
        params: As a boto3 client takes them.
        asked: Gives what IAM would be asked about it.
    """

    operation: str
    params: Params
    asked: Callable[[], tuple[iam.Request, ...]]


class Fault:
    """Something that can go wrong; faults are data, and say nothing of when."""

    __slots__ = ()

    streams: ClassVar[bool | None] = None
    """Which answers it can happen to: streams, all others, or any."""

    def begin(self, random: Random) -> Fault:  # noqa: ARG002
        """Make what remembers, for a fault that has to: how many requests there were, what the dice said."""
        return self

    def refuse(self, moment: Moment) -> None:
        """Raise the `ServiceError` that is to be the answer."""

    def disturb(self, events: Events) -> Events:
        """Change the events of a stream."""
        return events

    def change(self, answer: Answer) -> Answer:
        """Change the answer."""
        return answer

    def send(self, pieces: Pieces, sleep: Sleep) -> Pieces:  # noqa: ARG002
        """Change how the answer leaves."""
        return pieces


TOO_MANY: Final = "Too many requests, please wait before trying again."
"""What AWS says to who asks too often."""


class HangUpError(Exception):
    """
    The connection ends here.

    Args:
        reset: By a reset, which throws away what is still on its way; else in good order.
    """

    def __init__(self, *, reset: bool) -> None:
        super().__init__("reset" if reset else "closed")
        self.reset = reset
