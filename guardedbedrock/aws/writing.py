"""
What writes the requests of a client, known again by what it was when the client was made.

What botocore's own serializer has just written need not be read as strictly as what comes from elsewhere.
"""

from __future__ import annotations

from operator import attrgetter
from typing import Any, Final

from guardedbedrock.aws.footing import found

_WRITE: Final = "serialize_to_request"
_PARTS: Final = (_WRITE, "__dict__")


class Writing:
    """
    The serializer of a client, and what it is made of: what each call of it is, and what it goes on to.

    Args:
        client: Its client.

    Attributes:
        writer: The serializer.
        parts_of: Gives the parts of the serializer as they are now, in one step: every call asks.
        parts: What they were; those that can be changed in place as copies.
    """

    __slots__ = ("parts", "parts_of", "writer")

    def __init__(self, client: Any) -> None:
        self.writer = found(client, "_serializer")
        found(self.writer, _WRITE)
        within = (
            ("", "_serializer.") if hasattr(self.writer, "_serializer") else ("",)
        )  # there is none where nothing is validated
        self.parts_of = attrgetter(*(f"{inner}{part}" for inner in within for part in _PARTS))
        self.parts = tuple(dict(part) if isinstance(part, dict) else part for part in self.parts_of(self.writer))
