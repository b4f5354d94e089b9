"""The first pass: read files, reduce their events, and write one row for each into the spool."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from pathlib import Path
from typing import Final
from uuid import UUID

from guardedbedrock.governance.replay.events import (
    MANTLE_SOURCE,
    SERVICE_EVENT,
    SOURCES,
    RecordError,
    TrailEvent,
    event_of,
    key_of,
)
from guardedbedrock.governance.replay.evidence import Evidence, evidence_of
from guardedbedrock.governance.replay.files import Bucket, Skipped, TrailFile, read_records
from guardedbedrock.governance.replay.projection import CallTuple, Projection
from guardedbedrock.governance.replay.spool import EVENT, MANTLE, NOT_COUNTED, UPDATE, Writer

EVENTS: Final = "events"
EVIDENCE: Final = "evidence"
"""The folders of a spool: calls by event ID, and evidence by request ID."""

_LONGEST_KEY: Final = 4096
"""Parameters that are longer are not remembered: a record holds up to 100 KB of them."""
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
        bucket: Reads S3.
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


@dataclass(slots=True)
class ScanResult:
    """
    What a task found.

    Args:
        number: Number of the task.
        events: How many records were read.
        tuples: The distinct tuples; a row of the spool holds an index into this list.
        evidence: The distinct evidence, likewise.
        replaced: Keys of the events that an addendum replaces.
        examples: Event IDs that cannot be written out from their key, by key.
        skipped: What was not replayed.
    """

    number: int
    events: int = 0
    tuples: list[CallTuple] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)
    replaced: set[bytes] = field(default_factory=set)
    examples: dict[bytes, str] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)


def scan(task: ScanTask) -> ScanResult:
    """Read the files of a task."""
    result = ScanResult(task.number)
    writer = Writer(task.spool / EVENTS, task.number, task.buckets)
    tuples = _Tuples(task.projection, result.tuples)
    for file in task.files:
        for event in _events(file, task.bucket, result):
            _write(event, task, tuples, writer, result)
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
            if len(event.params) <= _LONGEST_KEY:
                self._known[key] = index
        return index


def _events(file: TrailFile, bucket: Bucket | None, result: ScanResult) -> Iterator[TrailEvent]:
    problems: dict[str, int] = {}
    services = 0
    for record in read_records(file, result.skipped.append, bucket):
        result.events += 1
        if isinstance(record, dict) and _is_of_another_service(record.get("eventSource")):
            continue
        try:
            event = event_of(record)
        except RecordError as error:
            problems[str(error)] = problems.get(str(error), 0) + 1
            continue
        if event.kind == SERVICE_EVENT:
            services += 1
        else:
            yield event
    result.skipped += [Skipped(file.name, problem, count) for problem, count in problems.items()]
    if services:
        result.skipped.append(Skipped(file.name, "is an event of the service, not a call", services, is_broken=False))


def _is_of_another_service(source: object) -> bool:
    return isinstance(source, str) and bool(source) and source not in SOURCES


def _write(event: TrailEvent, task: ScanTask, tuples: _Tuples, writer: Writer, result: ScanResult) -> None:
    key = key_of(event.event_id)
    counts = (task.since is None or event.time >= task.since) and (task.until is None or event.time < task.until)
    if not counts and not event.replaces:
        return
    if str(UUID(bytes=key)) != event.event_id:
        result.examples[key] = event.event_id
    if event.source == MANTLE_SOURCE:
        if counts:
            writer.write(MANTLE, key, key, key, event.time, 0)
        return
    request = event.replaced_request or event.request_id
    slot = key_of(event.replaces) if event.replaces else key
    if slot != key:
        result.replaced.add(slot)
    item = tuples.index(event) if counts else NOT_COUNTED
    writer.write(UPDATE if event.replaces else EVENT, slot, key, key_of(request) if request else key, event.time, item)


def _evidence(file: TrailFile, bucket: Bucket | None, result: ScanResult) -> Iterator[tuple[str, Evidence]]:
    others = 0
    for entry in read_records(file, result.skipped.append, bucket):
        found = evidence_of(entry)
        if found is None:
            others += 1
        else:
            yield found
    if others:
        result.skipped.append(Skipped(file.name, "is not an entry of a model invocation log", others))


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
