"""
The replay on an existing Spark cluster: Amazon EMR, AWS Glue, Databricks, or local mode.

    report = replay_on_spark(spark, ["s3://BUCKET/AWSLogs/"], "new-policy.json", bucket=bucket)

1. Tasks read files with the same `scan` as the local replay, and return one row for each event.
2. Tasks remove copies and apply addenda; all rows of one event are in one partition.
3. Spark joins the evidence, and counts distinct calls.
4. Tasks evaluate each distinct call; a task unpickles the policies once.

Needs the extra ``spark``. No other module of the replay imports Spark.
"""

from __future__ import annotations

import json
import pickle
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.governance.inputs import PolicyInput
from guardedbedrock.governance.replay.distinct_calls.counting import STRENGTH, CallGroup, in_order, survivors
from guardedbedrock.governance.replay.reading.events import text_of_uuid
from guardedbedrock.governance.replay.reading.evidence import NO_EVIDENCE, Evidence
from guardedbedrock.governance.replay.reading.files import Bucket, SkippedInput, TrailFile
from guardedbedrock.governance.replay.reading.projection import CallTuple
from guardedbedrock.governance.replay.reading.scan import EVENTS, EVIDENCE, ScanTask, plan, scan
from guardedbedrock.governance.replay.reading.spool import EVENT, MANTLE, NOT_COUNTED, UPDATE, SpooledRow, read_rows
from guardedbedrock.governance.replay.report import ReplayReport, build
from guardedbedrock.governance.replay.run import prepare, require_in_period, require_records, sorted_skips
from guardedbedrock.governance.replay.verdicts import CallVerdict, GuardrailAssumption, Judge

if TYPE_CHECKING:
    from pyarrow import RecordBatch

_BYTES_A_TASK: Final = 64 << 20
_BYTES_A_PARTITION: Final = 4 << 20
_FEWEST, _MOST = 8, 4096
_ROWS_A_BATCH: Final = 10_000
_NOTE: Final = "note"

_SCANNED: Final = (
    "part string, kind int, slot binary, event binary, request binary, time long, call string, name string, shown string, "
    "guardrail string, version string, note string"
)
_CALLS: Final = "request binary, time long, call string, name string"
_COUNTED: Final = "call string, shown string, guardrail string, version string, count long, first long, last long, example string"
_DECIDED: Final = f"{_COUNTED}, verdicts binary"


def replay_on_spark(  # noqa: PLR0913  # each is an option of `replay`
    spark: Any,
    trails: Iterable[str | Path],
    policies: str | Path | PolicyInput,
    *,
    baseline: str | Path | PolicyInput | None = None,
    snapshot: str | Path | None = None,
    since: str | datetime | None = None,
    until: str | datetime | None = None,
    assume: dict[str, str] | None = None,
    guardrail: GuardrailAssumption = "from-log",
    invocation_logs: Iterable[str | Path] = (),
    bucket: Bucket | None = None,
    tasks: int | None = None,
) -> ReplayReport:
    """
    Replay recorded calls against policies on Spark. The report is the same as that of `replay`.

    Policies and snapshot are files of the driver. Trails and logs are read by the tasks: ``s3://`` paths by `bucket`, other
    paths on each executor, so they must be on a file system that all executors share.

    Args:
        spark: The Spark session. The executors need this library and the extra ``spark``.
        trails: As in `replay`.
        policies: As in `replay`.
        baseline: As in `replay`.
        snapshot: As in `replay`.
        since: As in `replay`.
        until: As in `replay`.
        assume: As in `replay`.
        guardrail: As in `replay`.
        invocation_logs: As in `replay`.
        bucket: As in `replay`; it is pickled and sent to the tasks.
        tasks: How many tasks read files; one for each 64 MB, and at least 8, unless given.

    Raises:
        ConfigurationError: As in `replay`.
        PolicySyntaxError: As in `replay`.
    """
    inputs = prepare(trails, policies, baseline, snapshot, since, until, assume, guardrail, invocation_logs, bucket)
    size = sum(file.size for file in (*inputs.files, *inputs.logs))
    shares = plan(inputs.files, inputs.logs, tasks or _between(size // _BYTES_A_TASK))
    template = ScanTask(0, (), (), Path(), 1, inputs.projection, *inputs.bounds, bucket, joins=bool(inputs.logs))
    scanned = _scanned(spark, shares, template).persist()
    try:
        calls = _calls(scanned, _between(size // _BYTES_A_PARTITION))
        counted = _counted(calls, scanned)
        decided = counted.mapInArrow(partial(_decide, new=inputs.new, old=inputs.old), _DECIDED).collect()
        mantle = scanned.filter(f"part = '{EVENTS}' AND kind = {MANTLE}").select("slot").distinct().count()
        notes = [json.loads(row["note"]) for row in scanned.filter(f"part = '{_NOTE}'").select("note").collect()]
    finally:
        scanned.unpersist()
    verdicts: dict[tuple[CallTuple, Evidence], tuple[CallVerdict, CallVerdict | None]] = {}
    groups = [_group(row.asDict()) for row in decided]
    for group, row in zip(groups, decided, strict=True):
        verdicts[group.call, group.evidence] = pickle.loads(row["verdicts"])  # noqa: S301  # pickled by a task of this replay
    skips = sorted_skips([*inputs.skipped, *(SkippedInput(**one) for note in notes for one in note["skipped"])])
    if not groups:
        require_records(sum(note["events"] - note["unreadable"] for note in notes), skips)
        if not mantle:
            require_in_period(sum(note["outside"] for note in notes), inputs.bounds)
    report = build(in_order(groups), _Decided(verdicts, 0), _Decided(verdicts, 1) if inputs.old else None)
    report.events = sum(note["events"] for note in notes)
    report.mantle = mantle
    report.skipped = skips
    return report


class _Decided:
    """Verdicts that tasks reached; the new policies have the index 0, the old ones 1."""

    def __init__(self, verdicts: dict[tuple[CallTuple, Evidence], Any], index: int) -> None:
        self._verdicts, self._index = verdicts, index

    def decide(self, group: CallGroup) -> CallVerdict:
        verdict: CallVerdict = self._verdicts[group.call, group.evidence][self._index]
        return verdict


def _between(number: int) -> int:
    return max(_FEWEST, min(_MOST, number))


def _scanned(spark: Any, shares: Sequence[tuple[tuple[TrailFile, ...], tuple[TrailFile, ...]]], template: ScanTask) -> Any:
    """Return the rows of all files: events, evidence, and one note for each share."""
    rows = [(number, bytearray(pickle.dumps(share))) for number, share in enumerate(shares)]
    files = spark.createDataFrame(rows, "number int, share binary").repartitionByRange(len(rows), "number")
    return files.mapInArrow(partial(_scan, template=template), _SCANNED)


def _calls(scanned: Any, partitions: int) -> Any:
    """Return one row for each call: without copies, and with addenda applied."""
    events = scanned.filter(f"part = '{EVENTS}'")
    updates = events.filter(f"kind = {UPDATE} AND slot != event").select("slot").distinct().collect()
    replaced = frozenset(bytes(row["slot"]) for row in updates)
    columns = events.select("kind", "slot", "event", "request", "time", "call", "name")
    return columns.repartition(partitions, "slot").mapInArrow(partial(_survive, replaced=replaced), _CALLS)


def _counted(calls: Any, scanned: Any) -> Any:
    """Join the strongest evidence of each request, and count equal calls."""
    from pyspark.sql import functions as sql  # noqa: PLC0415  # the extra `spark`

    strength = sql.create_map([sql.lit(part) for pair in STRENGTH.items() for part in pair])
    shown = sql.struct(strength[sql.col("shown")].alias("strength"), "shown", "guardrail", "version")
    evidence = scanned.filter(f"part = '{EVIDENCE}'").groupBy("request").agg(sql.max(shown).alias("found"))
    none = {"shown": NO_EVIDENCE.kind, "guardrail": NO_EVIDENCE.guardrail, "version": NO_EVIDENCE.version}
    columns = [sql.coalesce(sql.col(f"found.{name}"), sql.lit(value)).alias(name) for name, value in none.items()]
    joined = calls.join(evidence, "request", "left").select("call", "time", "name", *columns)
    counted = joined.groupBy("call", *none).agg(
        sql.count("*").alias("count"), sql.min(sql.struct("time", "name")).alias("start"), sql.max("time").alias("last")
    )
    return counted.select(
        "call", *none, "count", sql.col("start.time").alias("first"), "last", sql.col("start.name").alias("example")
    )


def _scan(batches: Iterable[RecordBatch], template: ScanTask) -> Iterator[RecordBatch]:
    """Read the files of some shares."""
    for row in _rows(batches):
        files, logs = pickle.loads(row["share"])  # noqa: S301  # pickled by the driver of this replay
        with tempfile.TemporaryDirectory(prefix="guardedbedrock-replay-") as folder:
            yield from _batches(_scan_share(replace(template, files=files, logs=logs, spool=Path(folder))), _SCANNED)


def _scan_share(task: ScanTask) -> Iterator[dict[str, Any]]:
    result = scan(task)
    texts = [_text(call) for call in result.tuples]
    for kind, slot, event, request, time, item in read_rows(task.spool / EVENTS, 0, task.number):
        call = None if kind == MANTLE or item == NOT_COUNTED else texts[item]
        fields = {"kind": kind, "slot": slot, "event": event, "request": request, "time": time}
        yield {"part": EVENTS, **fields, "call": call, "name": result.examples.get(event)}
    for _, _, _, request, _, item in read_rows(task.spool / EVIDENCE, 0, task.number):
        shown = result.evidence[item]
        yield {
            "part": EVIDENCE,
            "request": request,
            "shown": shown.kind,
            "guardrail": shown.guardrail,
            "version": shown.version,
        }
    counts = {"events": result.events, "unreadable": result.unreadable, "outside": result.outside}
    yield {"part": _NOTE, "note": json.dumps({**counts, "skipped": [asdict(one) for one in result.skipped]})}


def _survive(batches: Iterable[RecordBatch], replaced: frozenset[bytes]) -> Iterator[RecordBatch]:
    """Remove the copies of a partition, and apply addenda."""
    numbers: dict[str, int] = {}
    texts: list[str] = []
    names: dict[bytes, str] = {}

    def number_of(call: str | None) -> int:
        if call is None:
            return NOT_COUNTED
        number = numbers.setdefault(call, len(texts))
        if number == len(texts):
            texts.append(call)
        return number

    def rows() -> Iterator[SpooledRow]:
        for row in _rows(batches):
            if row["name"] is not None:
                names[row["event"]] = row["name"]
            yield row["kind"], row["slot"], row["event"], row["request"], row["time"], number_of(row["call"])

    kept, _ = survivors(rows(), replaced, lambda number: repr(_call(texts[number])))
    found = (
        {"request": request, "time": time, "call": texts[number], "name": names.get(event) or text_of_uuid(event)}
        for kind, _, event, request, time, number in kept
        if kind in (EVENT, UPDATE) and number != NOT_COUNTED
    )
    yield from _batches(found, _CALLS)


def _decide(batches: Iterable[RecordBatch], new: Judge, old: Judge | None) -> Iterator[RecordBatch]:
    """Evaluate the distinct calls of a partition."""

    def decided() -> Iterator[dict[str, Any]]:
        for row in _rows(batches):
            group = _group(row)
            verdicts = tuple(judge.decide(group) if judge else None for judge in (new, old))
            yield {**row, "verdicts": pickle.dumps(verdicts)}

    yield from _batches(decided(), _DECIDED)


def _group(row: dict[str, Any]) -> CallGroup:
    shown = Evidence(row["shown"], row["guardrail"], row["version"])
    return CallGroup(_call(row["call"]), shown, row["count"], row["first"], row["last"], row["example"])


def _text(call: CallTuple) -> str:
    return json.dumps(call._asdict(), ensure_ascii=False)


def _call(text: str) -> CallTuple:
    fields = json.loads(text)
    return CallTuple(**{**fields, "context": tuple((key, value) for key, value in fields["context"])})


def _rows(batches: Iterable[RecordBatch]) -> Iterator[dict[str, Any]]:
    for batch in batches:
        yield from batch.to_pylist()


def _batches(rows: Iterable[dict[str, Any]], schema: str) -> Iterator[RecordBatch]:
    """Return rows as Arrow, with the columns of a schema as Spark writes it."""
    import pyarrow as pa  # noqa: PLC0415  # the extra `spark`

    types = {"string": pa.string(), "binary": pa.binary(), "int": pa.int32(), "long": pa.int64()}
    arrow = pa.schema([(name, types[kind]) for name, kind in (column.split() for column in schema.split(", "))])
    waiting: list[dict[str, Any]] = []
    for row in rows:
        waiting.append(row)
        if len(waiting) == _ROWS_A_BATCH:
            yield pa.RecordBatch.from_pylist(waiting, schema=arrow)
            waiting = []
    yield pa.RecordBatch.from_pylist(waiting, schema=arrow)
