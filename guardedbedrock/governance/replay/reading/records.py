"""
The records in a trail file.

A record is read in any of these forms: a CloudTrail file (``{"Records": [...]}``), JSON lines, an export of CloudWatch Logs
(with or without a time before each record), an EventBridge event, and the output of ``aws logs filter-log-events`` and
``aws cloudtrail lookup-events``. Files may be compressed with gzip. A file is read in pieces, so its size does not matter.
Source: AWS CloudTrail User Guide, "CloudTrail log file examples".
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO, Final, cast

from guardedbedrock.governance.replay.reading.files import Bucket, Report, SkippedInput, TrailFile

GZIP_START: Final = b"\x1f\x8b"
_PIECE: Final = 1 << 20
_LONGEST_TOKEN: Final = 16
"""JSON tokens other than strings and numbers are not longer than this, for example an escape or `false`."""
_RECORDS: Final = re.compile(r'\{\s*"Records"\s*:\s*\[')
_SEPARATOR: Final = re.compile(r"[\s,]*")
_TIME_BEFORE: Final = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)[ \t]+(?:[^\s{]+[ \t]+)?(?=\{)")
NOTICE: Final = "Permissions are correctly set for Amazon Bedrock logs."
"""The first log event that Bedrock writes to the log group of model invocation logging."""
_NOTICE_LINE: Final = re.compile(rf"(?:\d{{4}}-\d\d-\d\dT\S+[ \t]+(?:\S+[ \t]+)?)?{re.escape(NOTICE)}[ \t\r]*(?:\n|\Z)")
_LONGEST_NOTICE: Final = 1_024
"""The time and the name of the log stream come before the notice; a name has up to 512 characters."""
_NOTICE_REASON: Final = "is the notice that Bedrock may write to the log group, not a record"
LARGEST_RECORD: Final = 16 << 20
"""CloudTrail limits a record to 256 KB. A larger JSON value is not a record, and reading it could use all memory."""


def read_records(file: TrailFile, report: Report, bucket: Bucket | None = None) -> Iterator[Any]:
    """
    Read the records of a file, one after the other.

    Args:
        file: The file.
        report: Receives what cannot be read. In a truncated or broken file, the records before the fault count.
        bucket: Reads S3.
    """
    try:
        with file.open(bucket) as raw:
            yield from records_of_stream(raw, file.name, report)
    except OSError as error:
        report(SkippedInput(file.name, f"cannot be read: {error.strerror or error}"))


def records_of_stream(raw: BinaryIO, name: str, report: Report) -> Iterator[Any]:
    """Read the records of an open file; see `read_records`."""
    head = raw.read(2)
    raw.seek(0)
    if not head:
        report(SkippedInput(name, "is empty"))
    # `read1` returns what precedes a fault, where `read` would only raise.
    values = _Values(gzip.GzipFile(fileobj=raw).read1 if head == GZIP_START else raw.read)
    try:
        for value in values:
            yield from unwrap(value, name, report)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        report(SkippedInput(name, f"the compressed file is truncated or damaged: {error}"))
    except UnicodeDecodeError:
        report(SkippedInput(name, "is not UTF-8 text"))
    except RecursionError:
        report(SkippedInput(name, "a record is nested too deeply"))
    except ValueError as error:
        report(SkippedInput(name, f"is not valid JSON from character {values.position} on: {error}"))
    for reason, count in values.skipped.items():
        report(SkippedInput(name, reason, count, is_broken=reason != _NOTICE_REASON))


class _Values:
    """
    The JSON values of a file: the elements of ``Records``, or consecutive values.

    Only the piece that holds the current value is in memory.

    Args:
        read: Returns up to the given number of bytes; ``b""`` at the end.

    Attributes:
        skipped: The reasons why lines were skipped, each with the number of lines.
    """

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self.skipped: dict[str, int] = {}
        self._read_some = read
        self._decode = json.JSONDecoder().raw_decode
        self._text = ""
        self._start = 0
        self._rest = b""
        self._ended = False
        self._fault: Exception | None = None
        self._dropped = 0

    @property
    def position(self) -> int:
        """How many characters were read before the current value."""
        return self._dropped + self._start

    def __iter__(self) -> Iterator[Any]:
        self._fill()
        self._start = len("\ufeff") if self._text.startswith("\ufeff") else 0
        while self._next_character():
            in_records = _RECORDS.match(self._text, self._start)
            if in_records:
                self._start = in_records.end()
                yield from self._elements()
            elif self._skip_prefix():
                yield from self._line()

    def _elements(self) -> Iterator[Any]:
        """Yield the elements of ``Records``, and move behind the object that contains it."""
        while self._next_character() not in ("]", ""):
            yield self._value()
        self._start += 1
        while self._next_character() == '"':  # another member of the object
            self._value()
            if self._next_character() != ":":
                raise ValueError("a member of the object has no value")
            self._start += 1
            self._next_character()
            self._value()
        if self._next_character() != "}":
            raise ValueError("the file ends before the array `Records` does")
        self._start += 1

    def _line(self) -> Iterator[Any]:
        """Yield the next value. A line that is not JSON is skipped, and the lines after it count."""
        try:
            yield self._value()
        except ValueError:
            self._skip_line("a line is not valid JSON")

    def _next_character(self) -> str:
        """Move to the next value, and return its first character; ``""`` at the end."""
        while True:
            self._start = cast("re.Match[str]", _SEPARATOR.match(self._text, self._start)).end()
            if self._start < len(self._text):
                return self._text[self._start]
            if not self._fill():
                return ""

    def _skip_prefix(self) -> bool:
        """Skip the time before a record. Skip a line without JSON: a log may begin with one. Return whether a value follows."""
        before = _TIME_BEFORE.match(self._text, self._start)
        if before:
            self._start = before.end()
        if self._text[self._start] in "{[":
            return True
        self._skip_line(_NOTICE_REASON if self._is_notice() else "a line is not JSON")
        return False

    def _is_notice(self) -> bool:
        while len(self._text) - self._start < _LONGEST_NOTICE and self._fill():
            pass
        return _NOTICE_LINE.match(self._text, self._start) is not None

    def _skip_line(self, reason: str) -> None:
        self.skipped[reason] = self.skipped.get(reason, 0) + 1
        while True:
            end = self._text.find("\n", self._start)
            if end >= 0:
                self._start = end + 1
                return
            self._start = len(self._text)
            if not self._fill():
                return

    def _value(self) -> Any:
        while True:
            try:
                value, end = self._decode(self._text, self._start)
            except ValueError as error:
                if not _may_be_cut(error, len(self._text)):
                    raise
                if len(self._text) - self._start > LARGEST_RECORD:
                    raise ValueError(f"a record is larger than {LARGEST_RECORD >> 20} MB") from None
                if not self._fill():
                    raise
            else:
                self._start = end
                return value

    def _fill(self) -> bool:
        """Read another piece. Its size doubles with the unread text, so that a long value is not decoded over and over."""
        if self._ended:
            return False
        waiting = len(self._text) - self._start
        piece = self._rest + self._read(max(_PIECE, waiting))
        self._ended = len(piece) == len(self._rest)
        cut = len(piece) if self._ended else _whole(piece)
        self._rest = b"" if self._ended else piece[cut:]
        self._dropped += self._start
        self._text, self._start = self._text[self._start :] + piece[:cut].decode(), 0
        return bool(cut)

    def _read(self, size: int) -> bytes:
        """Read `size` bytes, or fewer at the end. If a compression fault follows some bytes, the next call raises it."""
        if self._fault is not None:
            raise self._fault
        pieces: list[bytes] = []
        try:
            while size > 0 and (piece := self._read_some(size)):
                pieces.append(piece)
                size -= len(piece)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            if not pieces:
                raise
            self._fault = error
        return b"".join(pieces)


def _may_be_cut(error: ValueError, length: int) -> bool:
    """Return whether more text could make the value valid: a string is open, or the error is at the end of the text."""
    if not isinstance(error, json.JSONDecodeError):
        return False
    return error.msg.startswith("Unterminated string") or error.pos + _LONGEST_TOKEN >= length


def _whole(data: bytes) -> int:
    """Return how many bytes are whole characters of UTF-8."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte & 0xC0 != 0x80:  # noqa: PLR2004  # not a continuation byte
            length = 1 if byte < 0x80 else 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4  # noqa: PLR2004
            return len(data) if back >= length else len(data) - back
    return len(data)


def unwrap(value: Any, name: str, report: Report) -> Iterator[Any]:
    """Extract records from the envelopes of other services."""
    if isinstance(value, list):
        for one in value:
            yield from unwrap(one, name, report) if isinstance(one, Mapping) else [one]
    elif not isinstance(value, Mapping):
        yield value
    elif isinstance(value.get("Records"), list):
        yield from value["Records"]
    elif isinstance(value.get("Events"), list):
        yield from _texts(value["Events"], "CloudTrailEvent", name, report)
    elif (entries := _log_events(value)) is not None:
        yield from _texts(entries, "message", name, report)
    elif "detail-type" in value and isinstance(value.get("detail"), Mapping):
        yield value["detail"]
    else:
        yield value


def _log_events(value: Mapping[str, Any]) -> list[Any] | None:
    """Return the log events of a response of CloudWatch Logs, or of a message of a subscription filter."""
    for key in ("events", "logEvents"):
        entries = value.get(key)
        if isinstance(entries, list) and "eventID" not in value:
            return entries
    return None


def _texts(entries: Any, key: str, name: str, report: Report) -> Iterator[Any]:
    others = notices = 0
    for entry in entries:
        text = entry.get(key) if isinstance(entry, Mapping) else None
        try:
            yield json.loads(text) if isinstance(text, str) else _object(text)
        except (ValueError, RecursionError):
            if isinstance(text, str) and text.strip() == NOTICE:
                notices += 1
            else:
                others += 1
    if notices:
        report(SkippedInput(name, _NOTICE_REASON, notices, is_broken=False))
    if others:
        report(SkippedInput(name, f"an entry's `{key}` is not JSON", others))


def _object(value: object) -> object:
    if not isinstance(value, Mapping):
        raise ValueError("not a record")  # noqa: TRY004  # handled like a string that is not JSON
    return value
