"""What a stream gives to those who listen: when it began, what it says of itself and, if they ask for it, the text."""

from __future__ import annotations

from typing import Any

from guardedbedrock.bedrock.guardrail.reply_metadata import OF_EVENT, SILENCE
from guardedbedrock.core.events import ContentReceived, StreamStarted
from guardedbedrock.core.observers import Observers
from guardedbedrock.core.records import Reply
from guardedbedrock.stages.reply import answered


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
            self._observers.emit(StreamStarted())
        found = self._read(event)
        if found is not SILENCE:
            self._answer |= found
        if self._observers.wants_content:
            self._observers.emit(ContentReceived(event))

    def end(self) -> None:
        """Tell what was gathered, once."""
        if self._ended:
            return
        self._ended = True
        self._observers.emit(answered(self._reply, self._answer))
