"""
Events on disk, in buckets, so that memory does not grow with their number.

All rows of one slot are in the same bucket. At first the slot is the event ID, so that copies and addenda of an event meet. Calls
and invocation logs meet in other buckets, where the slot is the request ID. A bucket fits in memory. A row has 61 bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypeAlias

EVENT: Final = 0
UPDATE: Final = 1
"""An UPDATED_DATA addendum; its slot is the event that it replaces."""
MANTLE: Final = 2
"""A call of ``bedrock-mantle``, which is counted and not evaluated."""

NOT_COUNTED: Final = 0xFFFF_FFFF
"""The item of an addendum outside the time bounds: it replaces an event, and does not count."""

SpooledRow: TypeAlias = tuple[int, bytes, bytes, bytes, int, int]
"""Kind, slot, event, request, seconds since 1970, and the index of the tuple or of the evidence in the lists of the task."""

_ROW: Final = struct.Struct("<B16s16s16sqI")
_FLUSH: Final = 16 << 10


class Writer:
    """
    Writes the rows of one task.

    Args:
        folder: Folder of the buckets.
        task: Number of the task; tasks never share a file.
        buckets: How many buckets there are.
    """

    def __init__(self, folder: Path, task: int, buckets: int) -> None:
        self._folder, self._task, self._buckets = folder, task, buckets
        self._waiting: dict[int, bytearray] = {}

    def write(self, kind: int, slot: bytes, event: bytes, request: bytes, time: int, item: int) -> None:  # noqa: PLR0913, PLR0917
        """Add a row; see `SpooledRow`."""
        bucket = int.from_bytes(slot[:4], "little") % self._buckets
        waiting = self._waiting.get(bucket)
        if waiting is None:
            waiting = self._waiting[bucket] = bytearray()
        waiting += _ROW.pack(kind, slot, event, request, time, item)
        if len(waiting) >= _FLUSH:
            self._flush(bucket)

    def close(self) -> None:
        """Write what is still in memory."""
        for bucket in list(self._waiting):
            self._flush(bucket)

    def _flush(self, bucket: int) -> None:
        path = _path(self._folder, bucket, self._task)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(self._waiting.pop(bucket))


def read_rows(folder: Path, bucket: int, task: int) -> Iterator[SpooledRow]:
    """Read a task's rows of a bucket."""
    path = _path(folder, bucket, task)
    return _ROW.iter_unpack(path.read_bytes()) if path.exists() else iter(())


def _path(folder: Path, bucket: int, task: int) -> Path:
    return folder / f"{bucket:05}" / f"{task:06}"
