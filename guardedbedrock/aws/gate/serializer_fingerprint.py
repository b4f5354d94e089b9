"""
What writes the requests of a client, known again by what it was when the client was made.

What botocore's own serializer has just written need not be read as strictly as what comes from elsewhere.
"""

from __future__ import annotations

from typing import Any

from guardedbedrock.aws.client.botocore_contract import found


class Writing:
    """
    The serializer of a client, and the one within for which it validates, each with its class.

    The gate compares them with what is there, each by itself and in place: every call asks.

    Args:
        client: Its client.

    Attributes:
        writer: The serializer.
        kind: Its class.
        write: What that class writes with.
        within: The one within; the serializer itself where nothing is validated.
        kind_within: Its class.
        write_within: What that class writes with.
        state_within: A copy of the attributes of the one within.
    """

    __slots__ = ("kind", "kind_within", "state_within", "within", "write", "write_within", "writer")

    def __init__(self, client: Any) -> None:
        self.writer = found(client, "_serializer")
        self.within = getattr(self.writer, "_serializer", self.writer)
        self.kind, self.kind_within = type(self.writer), type(self.within)
        self.write, self.write_within = (found(kind, "serialize_to_request") for kind in (self.kind, self.kind_within))
        self.state_within = dict(vars(self.within))
