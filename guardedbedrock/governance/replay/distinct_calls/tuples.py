"""
Distinct calls in files: Parquet that a replay keeps (``--keep``), and CSV that Athena counts (``--tuples``).

Parquet holds reduced calls with their evidence. It needs the extra ``replay``: pyarrow writes it, and DuckDB adds up the files of
several days. Any tool that reads Parquet can query it. The CSV holds one row for each group of equal records.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from guardedbedrock.errors import ConfigurationError
from guardedbedrock.governance.replay.distinct_calls.athena import COLUMNS
from guardedbedrock.governance.replay.distinct_calls.counting import CallGroup
from guardedbedrock.governance.replay.reading.events import RecordError, TrailEvent, event_of, seconds_of
from guardedbedrock.governance.replay.reading.evidence import NO_EVIDENCE, Evidence
from guardedbedrock.governance.replay.reading.files import SkippedInput
from guardedbedrock.governance.replay.reading.projection import CallTuple, Projection
from guardedbedrock.settings.writer import writing

FILE: Final = "calls.parquet"
_NEEDS: Final = "needs pyarrow and duckdb; run pip install 'guardedbedrock[replay]'"
_CALL: Final = ("service", "operation", "region", "principal", "account", "caller", "params", "context", "outcome")
_EVIDENCE: Final = ("evidence", "guardrail", "version")
_NAMES: Final = (*_CALL, *_EVIDENCE)
_READS: Final = "reads"
"""A column with the context keys that the policies read: other keys are missing in the file."""

_ADD_UP: Final = f"""
SELECT {", ".join(_NAMES)}, reads, sum("count")::BIGINT, min("first"), max("last"), arg_min(example, ("first", example))
FROM read_parquet(?) GROUP BY ALL
"""  # noqa: S608  # no external input


def write_parquet(groups: Sequence[CallGroup], folder: Path, projection: Projection) -> Path:
    """
    Write distinct calls as ``calls.parquet``.

    Args:
        groups: The calls, counted.
        folder: The folder; it is created.
        projection: How the calls were reduced.

    Raises:
        ConfigurationError: The file cannot be written, or the extra ``replay`` is not installed.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415  # the extra `replay`
        from pyarrow import parquet  # noqa: PLC0415
    except ModuleNotFoundError:
        raise ConfigurationError(f"--keep {_NEEDS}") from None
    reads = _reads(projection)
    table = pa.Table.from_pylist([_row(group, reads) for group in groups], schema=_schema(pa))
    file = folder / FILE
    with writing(file):
        folder.mkdir(parents=True, exist_ok=True)
        parquet.write_table(table, file, compression="zstd")
    return file


def read_tuples(paths: Iterable[str | Path], projection: Projection, skipped: list[SkippedInput]) -> Iterator[CallGroup]:
    """
    Read distinct calls.

    Args:
        paths: Parquet files that `write_parquet` wrote (a pattern such as ``kept/*/calls.parquet`` too), and CSV files of Athena.
        projection: How the calls must be reduced.
        skipped: Receives rows that are not calls.

    Raises:
        ConfigurationError: A file cannot be read, or was kept for policies that read other keys.
    """
    for path in map(str, paths):
        if path.endswith(".parquet"):
            yield from _read_parquet(path, projection)
        else:
            yield from _read_csv(path, projection, skipped)


def _read_parquet(path: str, projection: Projection) -> Iterator[CallGroup]:
    try:
        import duckdb  # noqa: PLC0415  # the extra `replay`
    except ModuleNotFoundError:
        raise ConfigurationError(f"{path}: {_NEEDS}") from None
    try:
        with duckdb.connect() as database:
            rows = database.execute(_ADD_UP, [path]).fetchall()
    except duckdb.Error as error:
        raise ConfigurationError(f"{path}: cannot be read: {str(error).splitlines()[0]}") from None
    for row in rows:
        fields = dict(zip((*_NAMES, _READS, "count", "first", "last", "example"), row, strict=True))
        _ensure_same_keys(path, str(fields[_READS]), projection)
        context = tuple((key, value) for key, value in json.loads(fields["context"]))
        call = CallTuple(**{name: fields[name] for name in _CALL if name != "context"}, context=context)
        evidence = Evidence(fields["evidence"], fields["guardrail"], fields["version"])
        yield CallGroup(call, evidence, fields["count"], fields["first"], fields["last"], fields["example"])


def _ensure_same_keys(path: str, kept: str, projection: Projection) -> None:
    """Raise an error if the policies read keys or time bounds that the kept calls lack; these need the trail."""
    known, needed = json.loads(kept), json.loads(_reads(projection))
    missing = sorted(set(needed["keys"]) - set(known["keys"]))
    if missing:
        raise ConfigurationError(f"{path}: was kept without {', '.join(missing)}, which the policies read; replay the trail")
    if needed["times"] is not None and needed["times"] != known["times"]:
        raise ConfigurationError(f"{path}: was kept for policies that compare other times; replay the trail")


def _reads(projection: Projection) -> str:
    times = [*projection.bounds, projection.is_time_exact] if projection.reads_time else None
    return json.dumps({"keys": sorted(projection.recorded_keys), "times": times})


def _row(group: CallGroup, reads: str) -> dict[str, Any]:
    shown = group.evidence
    return {
        **group.call._asdict(),
        "context": json.dumps(group.call.context),
        "evidence": shown.kind,
        "guardrail": shown.guardrail,
        "version": shown.version,
        _READS: reads,
        "count": group.count,
        "first": group.first,
        "last": group.last,
        "example": group.example,
    }


def _schema(pa: Any) -> Any:
    texts = [(name, pa.string()) for name in (*_NAMES, _READS)]
    return pa.schema([*texts, ("count", pa.int64()), ("first", pa.int64()), ("last", pa.int64()), ("example", pa.string())])


def _read_csv(path: str, projection: Projection, skipped: list[SkippedInput]) -> Iterator[CallGroup]:
    try:
        with Path(path).open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
            if missing:
                raise ConfigurationError(f"{path}: has no column {', '.join(missing)}; write it with the query of --athena-sql")
            broken: dict[str, int] = {}
            for row in rows:
                try:
                    yield _group(row, projection)
                except (RecordError, ValueError) as error:
                    broken[str(error)] = broken.get(str(error), 0) + 1
            skipped += [SkippedInput(path, reason, count) for reason, count in broken.items()]
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read ({error.strerror}); correct the path or its permissions") from None
    except (csv.Error, UnicodeDecodeError):
        raise ConfigurationError(
            f"{path}: not CSV in UTF-8; name a result of --athena-sql, or a .parquet file of --keep"
        ) from None


def _group(row: dict[str, Any], projection: Projection) -> CallGroup:
    call = projection.of(_event(row))
    return CallGroup(call, NO_EVIDENCE, int(row["calls"]), seconds_of(row["first"]), seconds_of(row["last"]), row["example"])


def _event(row: dict[str, Any]) -> TrailEvent:
    def given(name: str) -> str | None:
        return row.get(name) or None

    session = {
        "sessionIssuer": {"type": "Role", "arn": given("role_arn")} if given("role_arn") else None,
        "attributes": {"mfaAuthenticated": given("mfa"), "creationDate": given("issued")},
        "sourceIdentity": given("source_identity"),
    }
    identity = {
        "type": given("principal_type"),
        "arn": given("principal_arn"),
        "principalId": given("principal_id"),
        "accountId": given("account"),
        "invokedBy": given("invoked_by"),
        "sessionContext": session,
    }
    params = json.loads(row["params"] or "null")
    return event_of(
        {
            "eventID": row["example"],
            "eventSource": given("source"),
            "eventName": given("name"),
            "awsRegion": given("region"),
            "eventTime": row["first"],
            "errorCode": given("error_code"),
            "errorMessage": given("error_message"),
            "requestParameters": params,
            "userIdentity": identity,
            "sourceIPAddress": given("address"),
            "vpcEndpointId": given("endpoint"),
            "userAgent": given("agent"),
            "tlsDetails": {"clientProvidedHostHeader": given("host")},
        }
    )
