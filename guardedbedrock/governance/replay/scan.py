"""The first pass: read files, reduce their events, and write one row for each into the spool."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from guardedbedrock.governance.replay.events import MANTLE, SERVICE_EVENT, SOURCES, RecordError, TrailEvent, event_of, key_of
from guardedbedrock.governance.replay.evidence import Evidence, evidence_of
from guardedbedrock.governance.replay.files import Skipped, read_records
from guardedbedrock.governance.replay.projection import CallTuple, Projection
from guardedbedrock.governance.replay.spool import EVENT, EVIDENCE, UPDATE, Writer

_NO_EVENT: Final = bytes(16)
_KEYS_KEPT: Final = 100_000
"""Raw values that are remembered with their tuple. A trail where every event differs must not fill the memory."""


@dataclass(frozen=True, slots=True)
class ScanTask:
    """
    Some files for one worker.

    Args:
        number: Number of the task.
        files: Trail files.
        logs: Files of model invocation logs.
        spool: Folder of the spool.
        buckets: How many buckets the spool has.
        projection: How events are reduced.
        since: First second that counts; None for no bound.
        until: First second that no longer counts; None for no bound.
    """

    number: int
    files: tuple[Path, ...]
    logs: tuple[Path, ...]
    spool: Path
    buckets: int
    projection: Projection
    since: int | None = None
    until: int | None = None


@dataclass(slots=True)
class ScanResult:
    """
    What a task found.

    Args:
        number: Number of the task.
        events: How many records were read.
        mantle: How many of them are calls of ``bedrock-mantle``.
        tuples: The distinct tuples; a row of the spool holds an index into this list.
        evidence: The distinct evidence, likewise.
        replaced: Keys of the events that an addendum replaces.
        examples: Event IDs that are not UUIDs, by their key, which cannot be written out again.
        skipped: What was not replayed.
    """

    number: int
    events: int = 0
    mantle: int = 0
    tuples: list[CallTuple] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)
    replaced: set[bytes] = field(default_factory=set)
    examples: dict[bytes, str] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)


def scan(task: ScanTask) -> ScanResult:
    """Read the files of a task."""
    result = ScanResult(task.number)
    writer = Writer(task.spool, task.number, task.buckets)
    tuples = _Tuples(task.projection, result.tuples)
    for file in task.files:
        for event in _events(file, result):
            if _is_between(event.time, task.since, task.until):
                _write(event, tuples, writer, result)
    kinds: dict[Evidence, int] = {}
    for file in task.logs:
        for request, evidence in _evidence(file, result):
            index = kinds.setdefault(evidence, len(kinds))
            writer.write(EVIDENCE, _NO_EVENT, key_of(request), 0, index)
    result.evidence = list(kinds)
    writer.close()
    return result


class _Tuples:
    """Reduces events, and remembers what equal raw values were reduced to."""

    def __init__(self, projection: Projection, found: list[CallTuple]) -> None:
        self._projection, self._found = projection, found
        self._known: dict[tuple[object, ...], int] = {}
        self._indexes: dict[CallTuple, int] = {}

    def index(self, event: TrailEvent) -> int:
        key = self._projection.key(event)
        index = self._known.get(key)
        if index is None:
            reduced = self._projection.of(event)
            index = self._indexes.setdefault(reduced, len(self._found))
            if index == len(self._found):
                self._found.append(reduced)
            if len(self._known) >= _KEYS_KEPT:
                self._known.clear()
            self._known[key] = index
        return index


def _events(file: Path, result: ScanResult) -> Iterator[TrailEvent]:
    problems: dict[str, int] = {}
    for record in read_records(file, result.skipped.append):
        result.events += 1
        try:
            if isinstance(record, dict) and record.get("eventSource") not in SOURCES and "eventID" in record:
                continue
            event = event_of(record)
        except RecordError as error:
            problems[str(error)] = problems.get(str(error), 0) + 1
            continue
        if event.source == MANTLE:
            result.mantle += 1
        elif event.kind == SERVICE_EVENT:
            problems["is an event of the service, not a call"] = problems.get("is an event of the service, not a call", 0) + 1
        else:
            yield event
    result.skipped += [Skipped(str(file), problem, count) for problem, count in problems.items()]


def _write(event: TrailEvent, tuples: _Tuples, writer: Writer, result: ScanResult) -> None:
    key = key_of(event.event_id)
    if key.hex() != event.event_id.replace("-", "").lower():
        result.examples[key] = event.event_id
    if event.replaces:
        replaced = key_of(event.replaces)
        if replaced != key:
            result.replaced.add(replaced)
    request = key_of(event.request_id) if event.request_id else key
    writer.write(UPDATE if event.replaces else EVENT, key, request, event.time, tuples.index(event))


def _evidence(file: Path, result: ScanResult) -> Iterator[tuple[str, Evidence]]:
    others = 0
    for entry in read_records(file, result.skipped.append):
        found = evidence_of(entry)
        if found is None:
            others += 1
        else:
            yield found
    if others:
        result.skipped.append(Skipped(str(file), "is not an entry of a model invocation log", others))


def _is_between(time: int, since: int | None, until: int | None) -> bool:
    return (since is None or time >= since) and (until is None or time < until)


def plan(files: Sequence[Path], logs: Sequence[Path], tasks: int) -> list[tuple[tuple[Path, ...], tuple[Path, ...]]]:
    """Split files over tasks so that each has about the same number of bytes."""
    count = max(1, min(tasks, len(files) + len(logs)))
    shares: list[tuple[list[Path], list[Path]]] = [([], []) for _ in range(count)]
    loads = [0] * count
    sized: list[tuple[int, bool, Any]] = [(_size(file), False, file) for file in files]
    sized += [(_size(file), True, file) for file in logs]
    for size, is_log, file in sorted(sized, key=lambda one: (-one[0], str(one[2]))):
        lightest = loads.index(min(loads))
        loads[lightest] += size + 1
        shares[lightest][is_log].append(file)
    return [(tuple(sorted(trail)), tuple(sorted(log))) for trail, log in shares]


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0
