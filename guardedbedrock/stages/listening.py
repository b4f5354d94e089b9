"""What a stream gives to those who listen: when it began, what it says of itself and, if they ask for it, the text."""

from __future__ import annotations

from typing import Any

from guardedbedrock.bedrock.answers import OF_EVENT, SILENCE
from guardedbedrock.calls import Reply
from guardedbedrock.events import Observers, Said, StreamBegan
from guardedbedrock.stages.outcome import answered


class Listening:
    """
    An ear on one stream; where nobody listens there is none.

    Args:
        reply: What the events belong to.
        observers: Who is told.
    """

    __slots__ = ("_answer", "_began", "_ended", "_observers", "_read", "_reply", "_said")

    def __init__(self, reply: Reply, observers: Observers) -> None:
        self._reply, self._observers = reply, observers
        self._read = OF_EVENT[reply.authorized.call.operation.reply]
        self._answer = SILENCE
        self._began = self._ended = False
        self._said: dict[int, str] | None = {} if observers.hear_content else None

    def note(self, event: dict[str, Any]) -> None:
        """Take note of one event."""
        if not self._began:
            self._began = True
            self._observers.hear(StreamBegan())
        found = self._read(event)
        if found is not SILENCE:
            self._answer |= found
        if self._said is not None:
            self._gather(self._said, event)

    @staticmethod
    def _gather(said: dict[int, str], event: dict[str, Any]) -> None:
        delta = event.get("contentBlockDelta", {})
        text = delta.get("delta", {}).get("text")
        if text is not None:
            index = delta.get("contentBlockIndex", 0)
            said[index] = said.get(index, "") + text

    def end(self) -> None:
        """Tell what was gathered, once."""
        if self._ended:
            return
        self._ended = True
        if self._said:
            content = [{"text": text} for _, text in sorted(self._said.items())]
            self._observers.hear(Said({"role": "assistant", "content": content}))
        self._observers.hear(answered(self._reply, self._answer))
