"""Distinct calls through Parquet, DuckDB and the Athena query give the report of the trail."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlglot
from harness.athena import load_records, write_result
from harness.replay import ALLOW_ALL, BASELINE, NEW, read_all, record, write_json, write_trail
from sqlglot.errors import ErrorLevel

from guardedbedrock.errors import ConfigurationError
from guardedbedrock.governance.replay.rendering.page import write_page
from guardedbedrock.governance.replay.report import ReplayReport
from guardedbedrock.governance.replay.run import query_for_athena, replay
from guardedbedrock.testing.logs.trails import TrailGenerator

BY_ADDRESS = {
    "Version": "2012-10-17",
    "Statement": [
        ALLOW_ALL,
        {
            "Effect": "Deny",
            "Action": "bedrock:InvokeModel",
            "Resource": "*",
            "Condition": {"IpAddress": {"aws:SourceIp": "198.51.100.0/25"}, "Bool": {"aws:ViaAWSService": "false"}},
        },
    ],
}


@pytest.fixture
def trail(tmp_path: Path) -> Path:
    """Write a trail with its logs and policies."""
    trails = TrailGenerator(seed=7, copies=0.05, updates=0.03)
    trails.write(tmp_path / "trail" / "first", 600, per_file=200)
    trails.write(tmp_path / "trail" / "second", 600, per_file=200)
    trails.write_invocation_logs(tmp_path / "logs")
    for name, policies in (("new", NEW), ("old", BASELINE), ("address", BY_ADDRESS)):
        write_json(tmp_path / f"{name}.json", policies)
    return tmp_path


def without_records(report: ReplayReport) -> ReplayReport:
    """Remove what a file of distinct calls does not have: the number of records, and what was skipped."""
    return replace(report, events=0, mantle=0, skipped=[])


@pytest.mark.parametrize("policies", ["new", "address"])
def test_kept_calls_give_the_report_of_the_trail(trail: Path, policies: str) -> None:
    arguments: dict[str, Any] = {"baseline": trail / "old.json", "invocation_logs": [trail / "logs"]}
    report = replay([trail / "trail"], trail / f"{policies}.json", keep=trail / "kept", **arguments)
    again = replay([], trail / f"{policies}.json", baseline=trail / "old.json", tuples=[trail / "kept" / "calls.parquet"])
    assert without_records(again) == without_records(report)
    assert report.bedrock > 1000


def test_kept_calls_of_several_days_add_up(trail: Path) -> None:
    whole = replay([trail / "trail"], trail / "new.json", invocation_logs=[trail / "logs"])
    for day in ("first", "second"):
        replay([trail / "trail" / day], trail / "new.json", invocation_logs=[trail / "logs"], keep=trail / "kept" / day)
    added = replay([], trail / "new.json", tuples=[trail / "kept" / "*" / "calls.parquet"])
    assert without_records(added) == without_records(whole)


def test_duckdb_counts_the_calls_of_the_report(trail: Path) -> None:
    report = replay([trail / "trail"], trail / "new.json", invocation_logs=[trail / "logs"], keep=trail / "kept")
    file = str(trail / "kept" / "calls.parquet")
    with duckdb.connect() as database:
        calls, distinct = database.execute(
            'SELECT sum("count"), count(DISTINCT (operation, region, principal, account, caller, params, context, outcome)) '
            "FROM read_parquet(?)",
            [file],
        ).fetchall()[0]
        evidence = dict(
            database.execute(
                "SELECT evidence, sum(\"count\")::INT FROM read_parquet(?) WHERE service = 'bedrock-runtime' GROUP BY 1", [file]
            ).fetchall()
        )
    assert (calls, distinct) == (report.bedrock, report.distinct)
    assert evidence == report.evidence


def test_kept_calls_are_refused_for_policies_that_read_other_keys(trail: Path) -> None:
    replay([trail / "trail"], trail / "new.json", keep=trail / "kept")
    kept = [trail / "kept" / "calls.parquet"]
    with pytest.raises(ConfigurationError, match="was kept without aws:sourceip, aws:viaawsservice"):
        replay([], trail / "address.json", tuples=kept)
    deny = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    for name, day in (("a", "2026-11-02"), ("b", "2026-11-03")):
        condition = {"DateGreaterThan": {"aws:CurrentTime": day}}
        write_json(trail / f"{name}.json", {"Version": "2012-10-17", "Statement": [ALLOW_ALL, {**deny, "Condition": condition}]})
    replay([trail / "trail"], trail / "a.json", keep=trail / "kept")
    assert replay([], trail / "a.json", tuples=kept).bedrock > 0
    with pytest.raises(ConfigurationError, match="compare other times"):
        replay([], trail / "b.json", tuples=kept)


@pytest.mark.parametrize("name", ["missing.parquet", "missing.csv", "broken.parquet", "broken.csv"])
def test_a_file_that_cannot_be_read_is_an_error(trail: Path, name: str) -> None:
    if name.startswith("broken"):
        (trail / name).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match=name):
        replay([], trail / "new.json", tuples=[trail / name])


@pytest.mark.parametrize("policies", ["new", "address"])
def test_the_result_of_the_athena_query_gives_the_report_of_the_trail(trail: Path, policies: str) -> None:
    """DuckDB runs the query, which uses only SQL that Athena and DuckDB support."""
    report = replay([trail / "trail"], trail / f"{policies}.json", baseline=trail / "old.json")
    query = query_for_athena(trail / f"{policies}.json", trail / "old.json")
    with duckdb.connect() as database:
        load_records(database, read_all(sorted((trail / "trail").rglob("*.gz"))), trail)
        write_result(database, query, trail / "result.csv")
    again = replay([], trail / f"{policies}.json", baseline=trail / "old.json", tuples=[trail / "result.csv"])
    assert without_records(again) == without_records(report)


@pytest.mark.parametrize("policies", ["new", "address"])
def test_the_query_is_sql_of_athena(trail: Path, policies: str) -> None:
    """A parser of Athena's SQL reads it, and what it writes for DuckDB has the same result."""
    query = query_for_athena(trail / f"{policies}.json")
    (translated,) = sqlglot.transpile(query, read="athena", write="duckdb", error_level=ErrorLevel.RAISE)
    with duckdb.connect() as database:
        load_records(database, read_all(sorted((trail / "trail").rglob("*.gz"))), trail)
        results = [sorted(map(repr, database.execute(text).fetchall())) for text in (query, translated)]
    assert results[0] == results[1]
    assert len(results[0]) > 100


def test_a_row_that_is_no_call_is_counted(trail: Path) -> None:
    lines = [
        "source,name,region,host,principal_type,role_arn,principal_arn,account,params,error_code,error_message,calls,first,last,example",
        "bedrock.amazonaws.com,Converse,us-east-1,,Root,,arn:aws:iam::123456789012:root,123456789012,,,,3,2026-11-01,2026-11-01,id",
        "bedrock.amazonaws.com,Converse,us-east-1,,Root,,arn:aws:iam::123456789012:root,123456789012,,,,many,2026-11-01,2026-11-01,id",
        "bedrock.amazonaws.com,,us-east-1,,Root,,,,{},,,1,2026-11-01,2026-11-01,id",
    ]
    (trail / "result.csv").write_text("\n".join(lines))
    report = replay([], trail / "new.json", tuples=[trail / "result.csv"])
    assert report.bedrock == 3
    assert sorted(one.count for one in report.skipped) == [1, 1]


def test_policies_that_read_the_time_have_no_athena_query(tmp_path: Path) -> None:
    condition = {"DateGreaterThan": {"aws:CurrentTime": "2026-11-02"}}
    statement = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition}
    write_json(tmp_path / "time.json", {"Version": "2012-10-17", "Statement": [statement]})
    with pytest.raises(ConfigurationError, match="read the time"):
        query_for_athena(tmp_path / "time.json")
    write_json(tmp_path / "new.json", NEW)
    with pytest.raises(ConfigurationError, match="not the name of a table"):
        query_for_athena(tmp_path / "new.json", table="t; DROP TABLE x")
    assert "FROM audit.trail WHERE" in query_for_athena(tmp_path / "new.json", table="audit.trail")


def test_options_that_tuples_cannot_follow_are_refused(trail: Path) -> None:
    """The report would look like the answer to another question if an option had no effect."""
    replay([trail / "trail"], trail / "new.json", keep=trail / "kept")
    kept = [trail / "kept" / "calls.parquet"]
    bounds: list[dict[str, Any]] = [{"since": "2026-11-01"}, {"until": "2026-11-02"}]
    for bound in bounds:
        with pytest.raises(ConfigurationError, match="since and until do not apply to tuples"):
            replay([], trail / "new.json", tuples=kept, **bound)
    with pytest.raises(ConfigurationError, match="no trail file that the invocation logs could join"):
        replay([], trail / "new.json", tuples=kept, invocation_logs=[trail / "logs"])


def test_trails_and_kept_calls_can_be_mixed(tmp_path: Path) -> None:
    new = write_json(tmp_path / "new.json", NEW)
    replay([write_trail(tmp_path / "a", record(1))], new, keep=tmp_path / "kept")
    report = replay([write_trail(tmp_path / "b", record(2))], new, tuples=[tmp_path / "kept" / "calls.parquet"])
    assert (report.bedrock, report.distinct) == (2, 1)


def test_without_the_extras_the_standard_library_reads_trails_and_errors_name_the_extra(
    trail: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = replay([trail / "trail"], trail / "new.json", keep=trail / "kept")
    for module in ("msgspec", "pyarrow", "duckdb", "jinja2"):
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, "guardedbedrock.governance.replay.reading.typed")
    assert replay([trail / "trail"], trail / "new.json") == report
    with pytest.raises(ConfigurationError, match=r"--keep needs pyarrow and duckdb; run pip install 'guardedbedrock\[replay\]'"):
        replay([trail / "trail"], trail / "new.json", keep=trail / "other")
    with pytest.raises(ConfigurationError, match=r"calls.parquet: needs pyarrow and duckdb"):
        replay([], trail / "new.json", tuples=[trail / "kept" / "calls.parquet"])
    with pytest.raises(ConfigurationError, match=r"needs jinja2; run pip install 'guardedbedrock\[report\]'"):
        write_page(report)
