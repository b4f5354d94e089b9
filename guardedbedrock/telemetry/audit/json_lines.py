"""
A file of JSON lines that several processes may write to.

Each record is one write to a file opened for appending, under a lock that covers the turn to a new file as well, so lines are
never mixed, torn or lost. The lock is a file beside it. Where the platform has no ``flock`` (Windows) one process may write.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Any, Final

try:
    _fcntl: Any = import_module("fcntl")
except ImportError:  # Windows
    _fcntl = None

_MODE: Final = 0o600
_CREATE: Final = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)


class JsonLines:
    """
    Appends records to a file, one line of JSON each; only its owner may read it.

    Args:
        path: The file; its folder is made if it is missing.
        max_bytes: Size at which a new file is begun and the old one becomes ``path.1``; 0 never begins one.
        files: How many old files are kept.
        fsync: Whether a record is on the disk before the call goes on; each then costs a turn of the disk.
    """

    def __init__(self, path: str | Path, *, max_bytes: int = 10_000_000, files: int = 5, fsync: bool = False) -> None:
        self._path = Path(path)
        self._max_bytes, self._files, self._fsync = max_bytes, files, fsync
        self._thread_lock = Lock()
        self._owner = 0
        self._file = self._lock_file = -1

    def write(self, record: Mapping[str, Any]) -> None:
        """
        Append a record.

        Raises:
            OSError: The file can not be written.
        """
        line = (json.dumps(record, separators=(",", ":")) + "\n").encode()
        with self._thread_lock, self._alone():
            self._turn(len(line))
            written = os.write(self._file, line)
            if written != len(line):
                os.write(self._file, b"\n")
                raise OSError(f"{self._path}: only {written} of {len(line)} bytes could be written")
            if self._fsync:
                os.fsync(self._file)

    def close(self) -> None:
        """Close the file; the next record opens it again."""
        with self._thread_lock:
            self._forget()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the lock of all processes; a process that was forked opens the files anew, since locks go with open files."""
        if self._owner != os.getpid():
            self._forget()
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._lock_file = os.open(f"{self._path}.lock", _CREATE, _MODE)
            self._owner = os.getpid()
        if _fcntl is None:
            yield
            return
        _fcntl.flock(self._lock_file, _fcntl.LOCK_EX)
        try:
            yield
        finally:
            _fcntl.flock(self._lock_file, _fcntl.LOCK_UN)

    def _turn(self, coming: int) -> None:
        """Open the file, or the new one that another process has begun; begin one when this one is full."""
        if self._file < 0 or not self._is_ours():
            self._reopen()
        size = os.fstat(self._file).st_size
        if self._max_bytes and size and size + coming > self._max_bytes:
            for number in range(self._files, 0, -1):
                older = f"{self._path}.{number - 1}" if number > 1 else str(self._path)
                if os.path.exists(older):  # noqa: PTH110  # names, not paths
                    os.replace(older, f"{self._path}.{number}")  # noqa: PTH105
            if not self._files:
                self._path.unlink()
            self._reopen()

    def _is_ours(self) -> bool:
        try:
            there = self._path.stat()
        except FileNotFoundError:
            return False
        ours = os.fstat(self._file)
        return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)

    def _reopen(self) -> None:
        if self._file >= 0:
            os.close(self._file)
        self._file = os.open(self._path, _CREATE, _MODE)

    def _forget(self) -> None:
        for each in (self._file, self._lock_file):
            if each >= 0:
                os.close(each)
        self._file = self._lock_file = -1
        self._owner = 0
