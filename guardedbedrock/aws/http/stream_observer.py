"""Observe the bytes of a streamed response, chunk by chunk, without I/O."""

from __future__ import annotations

from typing import Self

from guardedbedrock.aws.http.events import READ_ERRORS, EventReader, decompressor
from guardedbedrock.errors import GuardedBedrockError
from guardedbedrock.stages.stream import StreamMonitor, interrupted


class StreamObserver:
    """
    Observes the bytes of a streamed response.

    Args:
        monitor: Looks at each event.
        reader: Reads the events.
        encoding: The content encoding.
    """

    def __init__(self, monitor: StreamMonitor, reader: EventReader, encoding: str) -> None:
        self._monitor, self._reader = monitor, reader
        self._decompress = decompressor(encoding)
        self._error: BaseException | None = None
        self._is_closed = self._is_held = False

    def passes(self, chunk: bytes) -> bool:
        """
        Look at a chunk, and say whether the caller gets it.

        Raises:
            GuardrailInterventionError: The guardrail intervened, and `on_intervention` is ``raise``.
        """
        if self._error is not None:
            return True  # the reader of the stream reports the error that was seen
        try:
            events = list(self._reader.feed(self._decompress(chunk)))
        except READ_ERRORS as error:
            self._error = interrupted(error, self._monitor.name)
            return True
        # Nothing follows an event that is held back: a reader that sees the end of the stream would miss the error.
        self._is_held |= not all([self._monitor.passes(event) for event in events])  # noqa: C419  # each event is looked at
        return not self._is_held

    def end(self) -> None:
        """
        Settle the whole stream.

        Raises:
            GuardrailInterventionError: As in `passes`.
            UnguardedReplyError: The stream shows that no guardrail ran, and `on_unguarded_reply` is ``raise``.
        """
        if self._error is None:
            self._monitor.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        self.close(error)

    def close(self, error: BaseException | None) -> None:
        """End the observation, once. A connection that broke is reported as an interrupted stream."""
        if self._is_closed:
            return
        self._is_closed = True
        if isinstance(error, Exception) and not isinstance(error, GuardedBedrockError):
            error = interrupted(error, self._monitor.name)
        seen = self._error or error
        self._monitor.close(None if isinstance(seen, GeneratorExit) else seen)
