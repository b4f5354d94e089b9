"""What a stream gives to those who listen: when it began, what it says of itself and, if they ask for it, the text."""

from __future__ import annotations

from typing import Any

from guardedbedrock.bedrock.answers import OF_EVENT, SILENCE
from guardedbedrock.calls import Reply
from guardedbedrock.events import Said, StreamBegan
from guardedbedrock.observing import Observers
from guardedbedrock.stages.outcome import answered


class Listening:
    """
    An ear on one stream; where nobody listens there is none.

    Args:
        reply: What the events belong to.
        observers: Who is told.
    """

    __slots__ = ("_answer", "_began", "_ended", "_observers", "_read", "_reply")

    def __init__(self, reply: Reply, observers: Observers) -> None:
        self._reply, self._observers = reply, observers
        self._read = OF_EVENT[reply.authorized.call.operation.reply]
        self._answer = SILENCE
        self._began = self._ended = False

    def note(self, event: dict[str, Any]) -> None:
        """Take note of one event."""
        if not self._began:
            self._began = True
            self._observers.hear(StreamBegan())
        found = self._read(event)
        if found is not SILENCE:
            self._answer |= found
        if self._observers.hear_content:
            self._observers.hear(Said(event))

    def end(self) -> None:
        """Tell what was gathered, once."""
        if self._ended:
            return
        self._ended = True
        self._observers.hear(answered(self._reply, self._answer))
