"""
Find the trail files that a path names, and report the files that are not replayed.

A path is a file, a folder or a prefix of S3. Files that CloudTrail writes beside its trails, such as digests, are reported.
Source: AWS CloudTrail User Guide, "Finding your CloudTrail log files".
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from guardedbedrock.errors import ConfigurationError

REMOTE: Final = "s3://"
SUFFIXES: Final = (".json", ".json.gz", ".jsonl", ".jsonl.gz", ".log", ".log.gz", ".gz", ".ndjson")
_OTHER_KINDS: Final = ("CloudTrail-Digest", "CloudTrail-Insight", "CloudTrail-NetworkActivity", "CloudTrail-Aggregated")


@dataclass(frozen=True, slots=True)
class SkippedInput:
    """
    Something that was not replayed.

    Args:
        file: Name of the file.
        reason: Why, in words.
        count: How many records, or files of a folder; 0 if that is not known.
        is_broken: Whether records may be lost. False for files and records that are not calls, such as digests.
    """

    file: str
    reason: str
    count: int = 0
    is_broken: bool = True


Report = Callable[[SkippedInput], None]


class Bucket(Protocol):
    """Reads objects of S3. It is sent to other processes, so it must be possible to pickle it."""

    def list(self, url: str) -> Iterable[tuple[str, int]]:
        """List the URL and the size in bytes of every object under ``s3://BUCKET/PREFIX``."""

    def open(self, url: str) -> BinaryIO:
        """Open an object; it must be possible to seek in it. Raises OSError if it cannot be read."""


@dataclass(frozen=True, slots=True, order=True)
class TrailFile:
    """
    A file of records.

    Args:
        name: Its path, or ``s3://BUCKET/KEY``.
        size: Its size in bytes; 0 if that is not known.
    """

    name: str
    size: int = 0

    @property
    def is_remote(self) -> bool:
        """Whether it is an object of S3."""
        return self.name.startswith(REMOTE)

    def open(self, bucket: Bucket | None) -> BinaryIO:
        """Open the file."""
        if not self.is_remote:
            return Path(self.name).open("rb")
        if bucket is None:
            raise OSError("no access to S3 was given")
        return bucket.open(self.name)


def find_files(paths: Iterable[str | Path], report: Report, bucket: Bucket | None = None) -> list[TrailFile]:
    """
    List the trail files that paths name, each once.

    Args:
        paths: Files, folders and ``s3://BUCKET/PREFIX``; a folder is searched at every depth.
        report: Receives files that are not trails, such as digests.
        bucket: Reads S3.

    Raises:
        ConfigurationError: A path is empty or does not exist, or a folder has no files.
    """
    found: dict[TrailFile, None] = {}
    others: dict[tuple[str, str], int] = {}
    for path in paths:
        location = str(path)
        if not location:  # such as an unset variable of a shell, which would mean the working directory
            raise ConfigurationError("a path is empty; name the trails")
        is_folder, listed = _list(location, report, bucket)
        files = list(listed)
        if is_folder and not files:
            raise ConfigurationError(f"{location}: the folder has no files; correct the path")
        for file in files:
            reason = _other_kind(file.name, is_folder=is_folder)
            if reason:
                where = location if is_folder else file.name
                others[where, reason] = others.get((where, reason), 0) + 1
            else:
                found.setdefault(file)
    for (where, reason), count in others.items():
        report(SkippedInput(where, reason, count, is_broken=False))
    return list(found)


def _list(location: str, report: Report, bucket: Bucket | None) -> tuple[bool, Iterable[TrailFile]]:
    """Return whether a path is a folder, and its files."""
    if location.startswith(REMOTE):
        if bucket is None:
            raise ConfigurationError(f"{location}: no access to S3 was given; pass a bucket, or download the files")
        objects = sorted(TrailFile(url, size) for url, size in bucket.list(location))
        if not objects:
            raise ConfigurationError(f"{location}: there are no objects; correct the bucket or the prefix")
        return [one.name for one in objects] != [location], objects
    path = Path(location)
    if _is_folder(path):
        return True, (TrailFile(str(file), _size(file)) for file in _files_in(path, report))
    return False, [TrailFile(location, _size(path))]


def _other_kind(name: str, *, is_folder: bool) -> str:
    """Return why a file has no records of calls; ``""`` if it is a trail."""
    *folders, last = name.split("/") if name.startswith(REMOTE) else Path(name).parts
    kind = next((kind for kind in _OTHER_KINDS if kind in folders or f"_{kind}_" in last), None)
    if kind:
        return f"is a {kind} file, which has no records of calls"
    if is_folder and not last.endswith(SUFFIXES):
        return "is not a trail file; its name must end with .json, .json.gz, .jsonl or .log"
    return ""


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0  # reading it reports the reason


def _is_folder(path: Path) -> bool:
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except FileNotFoundError:
        raise ConfigurationError(f"{path}: there is no such file or folder; correct the path") from None
    except OSError:
        return False  # reading it reports the reason


def _files_in(folder: Path, report: Report) -> Iterator[Path]:
    """List the files of a folder at every depth, sorted; report folders that cannot be listed."""

    def unreadable(error: OSError) -> None:
        report(SkippedInput(str(error.filename), f"the folder cannot be listed: {error.strerror}"))

    for parent, folders, names in os.walk(folder, onerror=unreadable):
        folders.sort()
        for name in folders:
            if Path(parent, name).is_symlink():
                report(SkippedInput(str(Path(parent, name)), "is a link to a folder, which is not followed"))
        yield from (Path(parent, name) for name in sorted(names))
