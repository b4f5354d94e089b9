"""
Events on disk, in buckets, so that memory does not grow with their number.

All rows of one request are in the same bucket: copies of an event, its invocation log entry, and nothing else. A bucket is small
enough to be sorted out in memory. A row has 45 bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

EVENT: Final = 0
UPDATE: Final = 1
"""An UPDATED_DATA addendum: it wins over another row with the same event ID."""
EVIDENCE: Final = 2

_ROW: Final = struct.Struct("<B16s16sqI")
_FLUSH: Final = 16 << 10


class Row(NamedTuple):
    """
    One row of a bucket.

    Args:
        kind: `EVENT`, `UPDATE` or `EVIDENCE`.
        event: Key of the event; zeros for evidence.
        request: Key of the request.
        time: Seconds since 1970.
        item: Index in the task's list of tuples, or of evidence.
    """

    kind: int
    event: bytes
    request: bytes
    time: int
    item: int


class Writer:
    """
    Writes the rows of one task.

    Args:
        folder: Folder of the spool.
        task: Number of the task; tasks never share a file.
        buckets: How many buckets there are.
    """

    def __init__(self, folder: Path, task: int, buckets: int) -> None:
        self._folder, self._task, self._buckets = folder, task, buckets
        self._waiting: dict[int, bytearray] = {}

    def write(self, kind: int, event: bytes, request: bytes, time: int, index: int) -> None:
        """Add a row."""
        bucket = int.from_bytes(request[:4], "little") % self._buckets
        waiting = self._waiting.setdefault(bucket, bytearray())
        waiting += _ROW.pack(kind, event, request, time, index)
        if len(waiting) >= _FLUSH:
            self._flush(bucket)

    def close(self) -> None:
        """Write what is still in memory."""
        for bucket in list(self._waiting):
            self._flush(bucket)

    def _flush(self, bucket: int) -> None:
        place = path_of(self._folder, bucket, self._task)
        place.parent.mkdir(exist_ok=True)
        with place.open("ab") as file:
            file.write(self._waiting.pop(bucket))


def path_of(folder: Path, bucket: int, task: int) -> Path:
    """Return the file with a task's rows of a bucket."""
    return folder / f"{bucket:05}" / f"{task:06}"


def read_rows(folder: Path, bucket: int, task: int) -> Iterator[Row]:
    """Read a task's rows of a bucket."""
    place = path_of(folder, bucket, task)
    if place.exists():
        for fields in _ROW.iter_unpack(place.read_bytes()):
            yield Row(*fields)
