"""The first pass: read files, reduce their events, and write one row for each into the spool."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from math import inf
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final

from guardedbedrock.governance.replay.reading.events import (
    MANTLE_SOURCE,
    SERVICE_EVENT,
    SOURCES,
    Clock,
    RecordError,
    TrailEvent,
    event_of,
    key_of,
    unreadable,
    uuid_of,
)
from guardedbedrock.governance.replay.reading.evidence import Evidence, evidence_of
from guardedbedrock.governance.replay.reading.files import Bucket, SkippedInput, TrailFile
from guardedbedrock.governance.replay.reading.projection import LONGEST_KEY, CallTuple, Projection
from guardedbedrock.governance.replay.reading.records import read_records, unwrap
from guardedbedrock.governance.replay.reading.spool import EVENT, MANTLE, NOT_COUNTED, UPDATE, Writer

if TYPE_CHECKING:
    from msgspec import Raw

    from guardedbedrock.governance.replay.reading.typed import TypedRecord

EVENTS: Final = "events"
EVIDENCE: Final = "evidence"
"""The folders of a spool: calls by event ID, and evidence by request ID."""

_NO_CALL: Final = "is an event of the service, not a call"
_KEYS_KEPT: Final = 100_000
"""Raw values that are cached with their tuple. A trail in which every event differs must not fill the memory."""


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
        bucket: Reads S3.
        is_typed: Whether msgspec decodes files, if it is installed.
        joins: Whether any task reads invocation logs, so that the keys of requests are needed.
    """

    number: int
    files: tuple[TrailFile, ...]
    logs: tuple[TrailFile, ...]
    spool: Path
    buckets: int
    projection: Projection
    since: int | None = None
    until: int | None = None
    bucket: Bucket | None = None
    is_typed: bool = True
    joins: bool = True


@dataclass(slots=True)
class ScanResult:
    """
    The result of a task.

    Args:
        number: Number of the task.
        events: How many records were read.
        unreadable: How many of them are not CloudTrail records.
        outside: How many of them are calls before the first second that counts, or after the last one.
        tuples: The distinct tuples; a row of the spool holds an index into this list.
        evidence: The distinct evidence, indexed in the same way.
        replaced: Keys of the events that an addendum replaces.
        examples: Event IDs that cannot be written out from their key, by key.
        skipped: What was not replayed.
    """

    number: int
    events: int = 0
    unreadable: int = 0
    outside: int = 0
    tuples: list[CallTuple] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)
    replaced: set[bytes] = field(default_factory=set)
    examples: dict[bytes, str] = field(default_factory=dict)
    skipped: list[SkippedInput] = field(default_factory=list)


def scan(task: ScanTask, progress: Callable[[int], None] | None = None) -> ScanResult:
    """
    Read the files of a task.

    Args:
        task: The task.
        progress: Called after each file with the number of files read so far.
    """
    result = ScanResult(task.number)
    writer = Writer(task.spool / EVENTS, task.number, task.buckets)
    scanner = _Scanner(task, writer, result)
    for number, file in enumerate(task.files, 1):
        scanner.read(file)
        if progress:
            progress(number)
    writer.close()
    writer = Writer(task.spool / EVIDENCE, task.number, task.buckets)
    kinds: dict[Evidence, int] = {}
    for file in task.logs:
        for request, evidence in _evidence(file, task.bucket, result):
            key = key_of(request)
            writer.write(EVENT, key, key, key, 0, kinds.setdefault(evidence, len(kinds)))
    result.evidence = list(kinds)
    writer.close()
    return result


class _Tuples:
    """Reduces events, and caches the tuple of equal raw values."""

    def __init__(self, projection: Projection, found: list[CallTuple]) -> None:
        self._projection, self._found = projection, found
        self._indexes: dict[CallTuple, int] = {}
        self._known: dict[tuple[object, ...], int] = {}
        self._numbers: dict[tuple[object, ...], int] = {}

    def index(self, event: TrailEvent) -> int:
        """Return the index of the tuple of an event."""
        if len(event.params) > LONGEST_KEY:
            return self._reduce(event)
        key = self._projection.key(event)
        index = self._known.get(key)
        if index is None:
            index = self._remember(key, event)
        return index

    def similar(self, record: TypedRecord, time: int) -> int:
        """Return the index of the tuple of a typed record. Policies read no key that differs between calls of one principal."""
        params = bytes(record.parameters)
        if len(params) > LONGEST_KEY:
            return self._reduce(record.event(time))
        # Principals and calls are numbered, because comparing two numbers is quicker than comparing ten strings.
        numbers = self._numbers
        principal, call = record.similar(params)
        key = (numbers.setdefault(principal, len(numbers)), numbers.setdefault(call, len(numbers)))
        index = self._known.get(key)
        if index is None:
            index = self._remember(key, record.event(time))
        return index

    def _reduce(self, event: TrailEvent) -> int:
        reduced = self._projection.of(event)
        index = self._indexes.setdefault(reduced, len(self._found))
        if index == len(self._found):
            self._found.append(reduced)
        return index

    def _remember(self, key: tuple[object, ...], event: TrailEvent) -> int:
        index = self._known[key] = self._reduce(event)
        if len(self._known) >= _KEYS_KEPT:
            self._known.clear()
            self._numbers.clear()
        return index


class _Scanner:
    """Reads trail files, and writes one row for each call."""

    def __init__(self, task: ScanTask, writer: Writer, result: ScanResult) -> None:
        self._task, self._writer, self._result = task, writer, result
        self._tuples = _Tuples(task.projection, result.tuples)
        self._typed = _typed() if task.is_typed else None
        self._clock = Clock()
        self._since = -inf if task.since is None else task.since
        self._until = inf if task.until is None else task.until
        self._reads_record = task.projection.reads_record

    def read(self, file: TrailFile) -> None:
        """Read a file."""
        faults: Counter[str] = Counter()
        raws = self._typed.decode_file(file, self._task.bucket) if self._typed else None
        if raws is None:
            for record in read_records(file, self._result.skipped.append, self._task.bucket):
                self._read_record(record, faults)
        else:
            self._read_typed(file, raws, faults)
        self._result.unreadable += sum(count for reason, count in faults.items() if reason != _NO_CALL)
        self._result.skipped += [
            SkippedInput(file.name, reason, count, is_broken=reason != _NO_CALL) for reason, count in faults.items()
        ]

    def _read_record(self, record: object, faults: Counter[str]) -> None:
        self._result.events += 1
        if isinstance(record, dict) and _is_of_another_service(record.get("eventSource")):
            return
        try:
            event = event_of(record)
        except RecordError as error:
            faults[str(error)] += 1
            return
        if event.kind == SERVICE_EVENT:
            faults[_NO_CALL] += 1
        else:
            self._write(event)

    def _read_typed(self, file: TrailFile, raws: Sequence[Raw], faults: Counter[str]) -> None:
        """Read records as `_read_record` does. Slow steps run only for records that differ from earlier ones."""
        decode = self._typed.decode_record if self._typed else None
        for raw in raws:
            record = decode(raw) if decode else None
            if record is None:
                for value in unwrap(json.loads(bytes(raw)), file.name, self._result.skipped.append):
                    self._read_record(value, faults)
                continue
            self._result.events += 1
            if record.source in SOURCES:
                self._write_typed(record, faults)

    def _write_typed(self, record: TypedRecord, faults: Counter[str]) -> None:
        try:
            time = self._clock.seconds_of(record.event_time)
        except (ValueError, OverflowError) as error:
            faults[unreadable(error)] += 1
            return
        if record.kind == SERVICE_EVENT:
            faults[_NO_CALL] += 1
        elif self._reads_record or record.addendum is not None or record.source == MANTLE_SOURCE:
            self._write(record.event(time))
        elif self._since <= time < self._until:
            key = uuid_of(record.event_id) or self._key(record.event_id)
            request = key_of(record.request_id) if self._task.joins and record.request_id else key
            self._writer.write(EVENT, key, key, request, time, self._tuples.similar(record, time))
        else:
            self._result.outside += 1

    def _write(self, event: TrailEvent) -> None:
        counts = self._since <= event.time < self._until
        self._result.outside += not counts
        if not counts and not event.replaces:
            return
        key = self._key(event.event_id)
        if event.source == MANTLE_SOURCE:
            if counts:
                self._writer.write(MANTLE, key, key, key, event.time, 0)
            return
        slot = key_of(event.replaces) if event.replaces else key
        if slot != key:
            self._result.replaced.add(slot)
        item = self._tuples.index(event) if counts else NOT_COUNTED
        asked = event.replaced_request or event.request_id
        request = key_of(asked) if self._task.joins and asked else key
        self._writer.write(UPDATE if event.replaces else EVENT, slot, key, request, event.time, item)

    def _key(self, event_id: str) -> bytes:
        key = uuid_of(event_id)
        if key is None:
            key = key_of(event_id)
            self._result.examples[key] = event_id
        return key


def _typed() -> ModuleType | None:
    """Return the module of the typed decoder, or None if the extra ``replay`` is not installed."""
    try:
        from guardedbedrock.governance.replay.reading import typed  # noqa: PLC0415  # the extra `replay`
    except ModuleNotFoundError:
        return None
    return typed


def _is_of_another_service(source: object) -> bool:
    return isinstance(source, str) and bool(source) and source not in SOURCES


def _evidence(file: TrailFile, bucket: Bucket | None, result: ScanResult) -> Iterator[tuple[str, Evidence]]:
    others = 0
    for entry in read_records(file, result.skipped.append, bucket):
        found = evidence_of(entry)
        if found is None:
            others += 1
        else:
            yield found
    if others:
        result.skipped.append(SkippedInput(file.name, "is not an entry of a model invocation log", others))


def plan(
    files: Sequence[TrailFile], logs: Sequence[TrailFile], tasks: int
) -> list[tuple[tuple[TrailFile, ...], tuple[TrailFile, ...]]]:
    """Split files over tasks so that each has about the same number of bytes."""
    count = max(1, min(tasks, len(files) + len(logs)))
    shares: list[tuple[list[TrailFile], list[TrailFile]]] = [([], []) for _ in range(count)]
    loads = [(0, number) for number in range(count)]
    by_size = sorted([(file, 0) for file in files] + [(file, 1) for file in logs], key=lambda one: (-one[0].size, one[0].name))
    for file, part in by_size:
        load, lightest = heappop(loads)
        heappush(loads, (load + file.size + 1, lightest))
        shares[lightest][part].append(file)
    return [(tuple(sorted(trail)), tuple(sorted(log))) for trail, log in shares]
