"""Every way to replay a generated trail returns the decisions of the engine for each record."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import duckdb
import pytest
from harness.athena import load_records, write_result
from harness.replay import ALLOW_ALL, REQUIRE_GUARDRAIL, answers, answers_of, read_all, read_log, write_json

from guardedbedrock.governance.replay.report import ReplayReport
from guardedbedrock.governance.replay.run import query_for_athena, replay
from guardedbedrock.testing.logs.trails import TrailGenerator

FEWER_MODELS: Final = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "bedrock:*", "NotResource": "arn:aws:bedrock:*::foundation-model/amazon.*"},
        REQUIRE_GUARDRAIL,
        {
            "Effect": "Deny",
            "Action": "bedrock:*",
            "Resource": "*",
            "Condition": {"IpAddress": {"aws:SourceIp": "198.51.100.0/26"}},
        },
    ],
}
OLD: Final = {"Version": "2012-10-17", "Statement": [ALLOW_ALL, {"Effect": "Deny", "Action": "bedrock:List*", "Resource": "*"}]}


class Trail:
    """A generated trail with its logs, its policies, and the records in them."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        trails = TrailGenerator(seed=seed, roles=5, copies=0.05, updates=0.03)
        self.files = trails.write(folder / "trail", 1200, per_file=150)
        self.records = read_all(self.files)
        self.logs = trails.write_invocation_logs(folder / "logs", per_file=200)
        self.new, self.old = write_json(folder / "new.json", FEWER_MODELS), write_json(folder / "old.json", OLD)


def local(trail: Trail, logs: list[Path], **options: Any) -> ReplayReport:
    return replay([trail.folder / "trail"], trail.new, baseline=trail.old, invocation_logs=logs, **options)


def through_parquet(trail: Trail, logs: list[Path]) -> ReplayReport:
    local(trail, logs, keep=trail.folder / "kept")
    return replay([], trail.new, baseline=trail.old, tuples=[trail.folder / "kept" / "calls.parquet"])


def through_athena(trail: Trail, _: list[Path]) -> ReplayReport:
    with duckdb.connect() as database:
        load_records(database, trail.records, trail.folder)
        write_result(database, query_for_athena(trail.new, trail.old), trail.folder / "result.csv")
    return replay([], trail.new, baseline=trail.old, tuples=[trail.folder / "result.csv"])


WAYS: Final = {
    "standard library": lambda trail, logs: local(trail, logs, is_typed=False),
    "extra": local,
    "three workers": lambda trail, logs: local(trail, logs, workers=3),
    "Parquet and DuckDB": through_parquet,
    "Athena": through_athena,
}


@pytest.mark.parametrize("way", WAYS)
def test_every_way_gives_the_answers_of_each_record_by_itself(tmp_path: Path, way: str) -> None:
    check(tmp_path, way, seed=11, has_logs=False)


@pytest.mark.parametrize("way", [way for way in WAYS if way != "Athena"])  # the query does not join invocation logs
def test_every_way_joins_the_invocation_logs(tmp_path: Path, way: str) -> None:
    check(tmp_path, way, seed=12, has_logs=True)


def check(tmp_path: Path, way: str, *, seed: int, has_logs: bool) -> None:
    trail = Trail(tmp_path, seed)
    shown = read_log(trail.logs) if has_logs else {}

    report = WAYS[way](trail, [tmp_path / "logs"] if has_logs else [])

    expected = answers(trail.records, FEWER_MODELS, OLD, shown)
    assert answers_of(json.loads(json.dumps(report.as_data()))) == expected
    assert min(expected["outcomes"].values()) > 0
    assert expected["newly_denied"] > 100
    assert {change[3] for change in expected["changes"]} == {"allowed", "explicitDeny"}
