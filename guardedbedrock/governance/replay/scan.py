"""The first pass: read files, reduce their events, and write one row for each into the spool."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from pathlib import Path
from typing import TYPE_CHECKING, Final

from guardedbedrock.governance.replay.events import (
    MANTLE_SOURCE,
    SERVICE_EVENT,
    SOURCES,
    RecordError,
    TrailEvent,
    event_of,
    key_of,
    uuid_of,
)
from guardedbedrock.governance.replay.evidence import Evidence, evidence_of
from guardedbedrock.governance.replay.files import Bucket, Skipped, TrailFile, read_records
from guardedbedrock.governance.replay.projection import CallTuple, Projection
from guardedbedrock.governance.replay.spool import EVENT, MANTLE, NOT_COUNTED, UPDATE, Writer

if TYPE_CHECKING:
    from guardedbedrock.governance.replay.typed import Typed, TypedRecord

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
        is_typed: Whether msgspec decodes files, if it is installed.
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


@dataclass(slots=True)
class ScanResult:
    """
    The result of a task.

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


def scan(task: ScanTask, progress: Callable[[int], None] | None = None) -> ScanResult:
    """
    Read the files of a task.

    Args:
        task: The task.
        progress: Called with the number of files that are read, after each.
    """
    decode = _decoder() if task.is_typed else None
    result = ScanResult(task.number)
    writer = Writer(task.spool / EVENTS, task.number, task.buckets)
    tuples = _Tuples(task.projection, result.tuples)
    for number, file in enumerate(task.files, 1):
        typed = decode(file, task.bucket) if decode else None
        if typed is None:
            for event in _events(file, task.bucket, result):
                _write(event, task, tuples, writer, result)
        else:
            result.events += typed[0]
            _write_typed(file, typed[1], task, tuples, writer, result)
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
    """Reduces events, and remembers what equal raw values were reduced to."""

    def __init__(self, projection: Projection, found: list[CallTuple]) -> None:
        self._projection, self._found = projection, found
        self._known: dict[tuple[object, ...], int] = {}
        self._indexes: dict[CallTuple, int] = {}
        self._similar: dict[tuple[object, ...], int] = {}

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

    def similar(self, record: TypedRecord, params: bytes) -> int:
        """Return the index of a typed record, of which policies read no key that differs between calls of one principal."""
        key = record.similar(params)
        index = self._similar.get(key)
        if index is None:
            if len(self._similar) >= _KEYS_KEPT:
                self._similar.clear()
            index = self.index(record.event())
            if len(params) <= _LONGEST_KEY:
                self._similar[key] = index
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
    _note_services(file, services, result)


def _decoder() -> Callable[[TrailFile, Bucket | None], tuple[int, list[Typed]] | None] | None:
    """Return the typed decoder, or None if the extra ``replay`` is not installed."""
    try:
        from guardedbedrock.governance.replay.typed import decode  # noqa: PLC0415  # the extra `replay`
    except ModuleNotFoundError as missing:
        if missing.name != "msgspec":
            raise
        return None
    return decode


def _write_typed(  # noqa: PLR0913, PLR0917  # what the files of a task share
    file: TrailFile,
    records: Sequence[Typed],
    task: ScanTask,
    tuples: _Tuples,
    writer: Writer,
    result: ScanResult,
) -> None:
    """Write decoded records. Slow steps run only for records that differ from earlier ones."""
    reads_record = task.projection.reads_record
    services = 0
    for record, time, params in records:
        if record.kind == SERVICE_EVENT:
            services += 1
            continue
        if reads_record or record.addendum is not None or record.source == MANTLE_SOURCE:
            _write(record.event(), task, tuples, writer, result)
            continue
        if not _is_between(time, task):
            continue
        key = _key(record.event_id, result)
        item = tuples.similar(record, params)
        writer.write(EVENT, key, key, key_of(record.request_id) if record.request_id else key, time, item)
    _note_services(file, services, result)


def _note_services(file: TrailFile, count: int, result: ScanResult) -> None:
    if count:
        result.skipped.append(Skipped(file.name, "is an event of the service, not a call", count, is_broken=False))


def _key(event_id: str, result: ScanResult) -> bytes:
    key = uuid_of(event_id)
    if key is None:
        key = key_of(event_id)
        result.examples[key] = event_id
    return key


def _is_between(time: int, task: ScanTask) -> bool:
    return (task.since is None or time >= task.since) and (task.until is None or time < task.until)


def _is_of_another_service(source: object) -> bool:
    return isinstance(source, str) and bool(source) and source not in SOURCES


def _write(event: TrailEvent, task: ScanTask, tuples: _Tuples, writer: Writer, result: ScanResult) -> None:
    counts = _is_between(event.time, task)
    if not counts and not event.replaces:
        return
    key = _key(event.event_id, result)
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
