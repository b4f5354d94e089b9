"""
Trail files: which files a path stands for, and the records in them.

A record is read in any of these forms: a CloudTrail file (``{"Records": [...]}``), JSON lines, an export of CloudWatch Logs
(with or without a time before each record), an EventBridge event, and the output of ``aws logs filter-log-events`` and
``aws cloudtrail lookup-events``. Files may be compressed with gzip. A file is read in pieces, so its size does not matter.
Source: AWS CloudTrail User Guide, "Finding your CloudTrail log files" and "CloudTrail log file examples".
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from guardedbedrock.errors import ConfigurationError

SUFFIXES: Final = (".json", ".json.gz", ".jsonl", ".jsonl.gz", ".log", ".log.gz", ".gz", ".ndjson")
_OTHER_KINDS: Final = ("CloudTrail-Digest", "CloudTrail-Insight", "CloudTrail-NetworkActivity", "CloudTrail-Aggregated")
_GZIP: Final = b"\x1f\x8b"
_PIECE: Final = 1 << 20
_RECORDS: Final = re.compile(r'\s*\{\s*"Records"\s*:\s*\[')
_SEPARATOR: Final = re.compile(r"[\s,]*")
_TIME_BEFORE: Final = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z[ \t]+(?=\{)")
_NO_RECORD: Final = re.compile(r"[^\n{\[]*\n")
LARGEST_RECORD: Final = 16 << 20
"""CloudTrail limits a record to 256 KB. A larger JSON value is not a record, and reading it could use all memory."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """
    Something that was not replayed.

    Args:
        file: Name of the file.
        reason: Why, in words.
        count: How many records; 0 if that is not known.
    """

    file: str
    reason: str
    count: int = 0


Report = Callable[[Skipped], None]


def find_files(paths: Iterable[str | Path], report: Report) -> list[Path]:
    """
    List the trail files that paths stand for, sorted, each once.

    Args:
        paths: Files and folders; a folder is searched at every depth.
        report: Receives files that are not trails, such as digests.

    Raises:
        ConfigurationError: A path does not exist.
    """
    found: dict[Path, None] = {}
    for given in paths:
        path = Path(given)
        if not path.exists():
            raise ConfigurationError(f"{path}: there is no such file or folder; correct the path")
        candidates = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
        for file in candidates:
            other = next((kind for kind in _OTHER_KINDS if kind in file.parts or kind in file.name), None)
            if other:
                report(Skipped(str(file), f"is a {other} file, which has no records of calls"))
            elif path.is_dir() and not file.name.endswith(SUFFIXES):
                report(Skipped(str(file), "is not a trail file; its name must end with .json, .json.gz, .jsonl or .log"))
            else:
                found.setdefault(file)
    return list(found)


def read_records(file: Path, report: Report) -> Iterator[Any]:
    """
    Read the records of a file, one after the other.

    Args:
        file: The file.
        report: Receives what cannot be read: a truncated or broken file ends there, and the records before it count.
    """
    name = str(file)
    try:
        with file.open("rb") as raw:
            yield from records_of_stream(raw, name, report)
    except OSError as error:
        report(Skipped(name, f"cannot be read: {error.strerror or error}"))


def records_of_stream(raw: BinaryIO, name: str, report: Report) -> Iterator[Any]:
    """Read the records of an open file; see `read_records`."""
    head = raw.read(2)
    raw.seek(0)
    stream = cast("BinaryIO", gzip.GzipFile(fileobj=raw)) if head == _GZIP else raw
    values = _Values(stream)
    try:
        for value in values:
            yield from _unwrap(value, name, report)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        report(Skipped(name, f"the compressed file is truncated or damaged: {error}"))
    except UnicodeDecodeError:
        report(Skipped(name, "is not UTF-8 text"))
    except RecursionError:
        report(Skipped(name, "a record is nested too deeply"))
    except ValueError as error:
        report(Skipped(name, f"is not valid JSON from character {values.position} on: {error}"))


class _Values:
    """
    The JSON values of a stream of text: the elements of ``Records``, or the values that follow each other.

    Only the piece that holds the current value is in memory.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._decode = json.JSONDecoder().raw_decode
        self._text = ""
        self._start = 0
        self._rest = b""
        self._ended = False
        self._dropped = 0

    @property
    def position(self) -> int:
        """How many characters were read before the current value."""
        return self._dropped + self._start

    def __iter__(self) -> Iterator[Any]:
        self._fill()
        in_records = _RECORDS.match(self._text)
        if in_records:
            self._start = in_records.end()
        while True:
            self._skip(in_lines=not in_records)
            if self._start >= len(self._text):
                if in_records:
                    raise ValueError("the file ends before the array `Records` does")
                return
            if in_records and self._text[self._start] == "]":
                return
            yield self._value()

    def _skip(self, *, in_lines: bool) -> None:
        """Move to the next value. A line of an export may begin with its time, and a log begins with a line that is no JSON."""
        while True:
            self._start = cast("re.Match[str]", _SEPARATOR.match(self._text, self._start)).end()
            if in_lines:
                before = _TIME_BEFORE.match(self._text, self._start) or _NO_RECORD.match(self._text, self._start)
                if before:
                    self._start = before.end()
                    continue
            if self._start < len(self._text) or not self._fill():
                return

    def _value(self) -> Any:
        while True:
            try:
                value, end = self._decode(self._text, self._start)
            except ValueError:
                if len(self._text) - self._start > LARGEST_RECORD:
                    raise ValueError(f"a record is larger than {LARGEST_RECORD >> 20} MB") from None
                if not self._fill():
                    raise
            else:
                self._start = end
                return value

    def _fill(self) -> bool:
        """Read another piece; it doubles with the text that is waiting, so that a long value is not decoded over and over."""
        if self._ended:
            return False
        waiting = len(self._text) - self._start
        piece = self._rest + self._stream.read(max(_PIECE, waiting))
        self._ended = len(piece) == len(self._rest)
        cut = len(piece) if self._ended else _whole(piece)
        self._rest = piece[cut:]
        self._dropped += self._start
        self._text, self._start = self._text[self._start :] + piece[:cut].decode(), 0
        return bool(cut)


def _whole(data: bytes) -> int:
    """Return how many bytes are whole characters of UTF-8."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte & 0xC0 != 0x80:  # noqa: PLR2004  # not a continuation byte
            length = 1 if byte < 0x80 else 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4  # noqa: PLR2004
            return len(data) if back >= length else len(data) - back
    return len(data)


def _unwrap(value: Any, name: str, report: Report) -> Iterator[Any]:
    """Take records out of what other services put around them."""
    if isinstance(value, list):
        for one in value:
            yield from _unwrap(one, name, report)
    elif not isinstance(value, Mapping):
        yield value
    elif isinstance(value.get("Records"), list):
        yield from value["Records"]
    elif isinstance(value.get("Events"), list):
        yield from _texts(value["Events"], "CloudTrailEvent", name, report)
    elif isinstance(value.get("events"), list) or isinstance(value.get("logEvents"), list):
        yield from _texts(value.get("events") or value.get("logEvents"), "message", name, report)
    elif "detail-type" in value and isinstance(value.get("detail"), Mapping):
        yield value["detail"]
    else:
        yield value


def _texts(entries: Any, key: str, name: str, report: Report) -> Iterator[Any]:
    for entry in entries:
        text = entry.get(key) if isinstance(entry, Mapping) else None
        try:
            yield json.loads(text or "")
        except ValueError:
            report(Skipped(name, f"an entry's `{key}` is not JSON", 1))
