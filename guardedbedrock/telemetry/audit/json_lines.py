"""
A file of JSON lines that several processes may write to.

Each record is appended to a file. A lock covers the write and the rotation, so that lines are never mixed, cut or lost. The lock
is a second file beside the first. On a platform without ``flock`` (Windows) only one process may write.
"""

from __future__ import annotations

import errno
import json
import os
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from guardedbedrock.errors import ConfigurationError
from guardedbedrock.forks import ForkSafeLock, renew_in_children

try:
    _fcntl: Any = import_module("fcntl")
except ImportError:  # Windows
    _fcntl = None

_MODE: Final = 0o600
_CREATE: Final = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
_WITHOUT_WAITING: Final = getattr(os, "O_NONBLOCK", 0)
"""Opening a named pipe would otherwise wait until another process reads from it."""
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.0005, 0.02  # s, between two attempts to lock the file
_STUCK: Final = 30.0
"""Seconds during which no call waits again after one has waited in vain for the lock."""


class JsonLines:
    """
    Appends records to a file, one line of JSON each; only its owner may read it.

    If another process holds the lock for longer than `lock_timeout`, the record is written to ``path.PID.fallback`` instead.

    Args:
        path: The file; its folder is created if it is missing.
        max_bytes: Size at which the file is renamed to ``path.1`` and a new one begins; 0 never does.
        files: The number of old files to keep.
        fsync: Whether to wait until each record is on the disk.
        lock_timeout: The time that a call waits at most for the lock of the file, in seconds.

    Attributes:
        diverted: The number of records that were written to the fallback file.
    """

    def __init__(
        self, path: str | Path, *, max_bytes: int = 10_000_000, files: int = 5, fsync: bool = False, lock_timeout: float = 1.0
    ) -> None:
        self._path = Path(path)
        self._max_bytes, self._files, self._fsync, self._lock_timeout = max_bytes, files, fsync, lock_timeout
        self._thread_lock, self._fallback_lock = ForkSafeLock(), ForkSafeLock()
        self._file = self._lock_file = -1
        self._stuck_until = 0.0
        self.diverted = 0
        renew_in_children(self)

    def renew(self) -> None:
        """Close the files in a forked child: a lock of ``flock`` belongs to the open file, which the parent has too."""
        self._close_files()
        self._stuck_until, self.diverted = 0.0, 0

    def check(self, *, create: bool = True) -> None:
        """
        Open the file for writing, so that a wrong path is found before the first record.

        Args:
            create: Create the file and its folder. Without it, nothing is written: the permissions of the file, or of the
                nearest folder that exists, are checked.

        Raises:
            ConfigurationError: The file cannot be written.
        """
        try:
            with self._thread_lock:
                if not create:
                    self._check_permissions()
                    return
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._open_file()
                self._open_lock_file()  # second, so that a wrong path leaves no lock file
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ConfigurationError(
                f"audit.file: {str(self._path)!r} cannot be written: {reason}; set it to a file in a folder in which this "
                "process may create files"
            ) from error

    def _check_permissions(self) -> None:
        for path in (self._path, Path(f"{self._path}.lock")):
            if path.exists():
                os.close(_open_for_appending(path, _CREATE & ~os.O_CREAT))
            else:
                folder = next(one for one in path.absolute().parents if one.exists())
                problem = errno.EACCES if folder.is_dir() else errno.ENOTDIR
                if problem == errno.ENOTDIR or not os.access(folder, os.W_OK | os.X_OK):
                    raise OSError(problem, os.strerror(problem))

    def write(self, record: Mapping[str, Any]) -> None:
        """
        Append a record.

        Raises:
            OSError: The record cannot be written.
        """
        line = (json.dumps(record, separators=(",", ":")) + "\n").encode()
        with self._locked() as is_locked:
            if is_locked:
                self._open_current(len(line))
                _append(self._file, line, self._path, fsync=self._fsync)
        if not is_locked:
            self._divert(line)

    def close(self) -> None:
        """Close the file; the next record opens it again."""
        with self._thread_lock:
            self._close_files()

    @contextmanager
    def _locked(self) -> Iterator[bool]:
        """Hold the lock of all threads and processes; yield False if another one did not release it in time."""
        now = time.monotonic()
        until = now if now < self._stuck_until else now + self._lock_timeout
        if not self._thread_lock.acquire(max(0.0, until - now)):
            yield False
            return
        try:
            is_locked = self._lock(until)
            self._stuck_until = 0.0 if is_locked else max(self._stuck_until, now + _STUCK)
            try:
                yield is_locked
            finally:
                if is_locked and _fcntl is not None:
                    _fcntl.flock(self._lock_file, _fcntl.LOCK_UN)
        finally:
            self._thread_lock.release()

    def _lock(self, until: float) -> bool:
        """Lock the lock file. ``flock`` itself has no time limit, so it is tried repeatedly."""
        if self._lock_file < 0:
            self._open_lock_file()
        pause = _SHORTEST_PAUSE
        while _fcntl is not None:
            try:
                _fcntl.flock(self._lock_file, _fcntl.LOCK_EX | _fcntl.LOCK_NB)
            except BlockingIOError:
                left = until - time.monotonic()
                if left <= 0:
                    return False
                time.sleep(min(pause, left))
                pause = min(2 * pause, _LONGEST_PAUSE)
            else:
                return True
        return True

    def _divert(self, line: bytes) -> None:
        """Write a line to the fallback file, which only this process writes."""
        path = Path(f"{self._path}.{os.getpid()}.fallback")
        with self._fallback_lock:
            file = os.open(path, _CREATE, _MODE)
            try:
                _append(file, line, path, fsync=self._fsync)
            finally:
                os.close(file)
            self.diverted += 1

    def _open_current(self, coming: int) -> None:
        """Open the current file, which another process may have begun, and rotate it if the record does not fit."""
        if self._file < 0 or not self._is_current():
            self._open_file()
        size = os.fstat(self._file).st_size
        if self._max_bytes and size and size + coming > self._max_bytes:
            # A folder that can no longer be changed must not cost a record: the file grows beyond its size instead.
            with suppress(OSError):
                self._rotate()
            if not self._is_current():
                self._open_file()

    def _rotate(self) -> None:
        for number in range(self._files, 0, -1):
            older = f"{self._path}.{number - 1}" if number > 1 else str(self._path)
            if os.path.exists(older):  # noqa: PTH110  # names, not paths
                os.replace(older, f"{self._path}.{number}")  # noqa: PTH105
        if not self._files:
            self._path.unlink()

    def _is_current(self) -> bool:
        try:
            there = self._path.stat()
        except FileNotFoundError:
            return False
        ours = os.fstat(self._file)
        return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)

    def _open_lock_file(self) -> None:
        if self._lock_file < 0:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._lock_file = os.open(f"{self._path}.lock", _CREATE | _WITHOUT_WAITING, _MODE)

    def _open_file(self) -> None:
        self._close_files(lock_file=False)
        self._file = _open_for_appending(self._path, _CREATE)

    def _close_files(self, *, lock_file: bool = True) -> None:
        # Forgotten before they are closed: a child that is forked meanwhile must not close a number that is already another file.
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)
        if lock_file and self._lock_file >= 0:
            file, self._lock_file = self._lock_file, -1
            os.close(file)


def _open_for_appending(path: Path, flags: int) -> int:
    file = os.open(path, flags | _WITHOUT_WAITING, _MODE)
    if stat.S_ISFIFO(os.fstat(file).st_mode):
        os.close(file)
        raise OSError(f"{path} is a pipe, which loses records while no process reads it")
    return file


def _append(file: int, line: bytes, path: Path, *, fsync: bool) -> None:
    """
    Append a line. If it does not fit on the disk, remove the part that was written.

    Raises:
        OSError: The line was not written, or not synchronized.
    """
    size = os.fstat(file).st_size
    if size and _last_byte(file, size) != b"\n":
        line = b"\n" + line  # another process could write only a part of its line, and could not remove it
    written = 0
    try:
        while written < len(line):
            written += os.write(file, line[written:])
    except OSError as error:
        if written:
            with suppress(OSError):
                os.ftruncate(file, size)
        raise OSError(
            error.errno, f"only {written} of {len(line)} bytes could be written: {error.strerror}", str(path)
        ) from error
    if fsync:
        os.fsync(file)


def _last_byte(file: int, size: int) -> bytes:
    os.lseek(file, size - 1, os.SEEK_SET)  # the file is open for appending, so this does not move where a write goes
    return os.read(file, 1)
