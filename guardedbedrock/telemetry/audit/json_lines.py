"""
A file of JSON lines that several processes may write to.

Each record is one write to a file opened for appending. A lock covers the write and the rotation, so that lines are never mixed,
cut or lost. The lock is a second file beside the first. On a platform without ``flock`` (Windows) only one process may write.
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
        path: The file; its folder is created if it is missing.
        max_bytes: Size at which the file is renamed to ``path.1`` and a new one begins; 0 never does.
        files: The number of old files to keep.
        fsync: Whether to wait until each record is on the disk.
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
            OSError: The file cannot be written.
        """
        line = (json.dumps(record, separators=(",", ":")) + "\n").encode()
        with self._thread_lock, self._locked():
            self._open_current(len(line))
            written = os.write(self._file, line)
            if written != len(line):
                os.write(self._file, b"\n")
                raise OSError(f"{self._path}: only {written} of {len(line)} bytes could be written")
            if self._fsync:
                os.fsync(self._file)

    def close(self) -> None:
        """Close the file; the next record opens it again."""
        with self._thread_lock:
            self._close_files()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the lock of all processes. A forked process opens the files again, since a lock belongs to the open file."""
        if self._owner != os.getpid():
            self._close_files()
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

    def _open_current(self, coming: int) -> None:
        """Open the current file, which another process may have begun, and rotate it if the record does not fit."""
        if self._file < 0 or not self._is_current():
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

    def _is_current(self) -> bool:
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

    def _close_files(self) -> None:
        for each in (self._file, self._lock_file):
            if each >= 0:
                os.close(each)
        self._file = self._lock_file = -1
        self._owner = 0
