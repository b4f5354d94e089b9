"""Spark in local mode gives the report of the local replay. It needs Java and PySpark: `make spark`."""

from __future__ import annotations

import gzip
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness.replay import (
    ALLOW_ALL,
    BASELINE,
    NEW,
    answers,
    answers_of,
    entry,
    read_all,
    read_log,
    record,
    uuid,
    write_json,
    write_trail,
)
from pyspark.sql import SparkSession

from guardedbedrock.errors import ConfigurationError
from guardedbedrock.governance.replay.run import replay
from guardedbedrock.governance.replay.spark import replay_on_spark
from guardedbedrock.testing.logs.trails import GUARDRAIL, TrailGenerator


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    """Provide Spark with two workers; few partitions, because each starts a process."""
    os.environ["PYSPARK_PYTHON"] = sys.executable  # the workers would run the `python3` on the path
    options = {
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.sql.shuffle.partitions": "4",
        "spark.ui.enabled": "false",
    }
    builder = SparkSession.builder.master("local[2]").appName("guardedbedrock")
    for name, value in options.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    yield session
    session.stop()


def same(spark: Any, trails: list[Path], new: Path, **options: Any) -> dict[str, Any]:
    """Replay on Spark and locally, compare the JSON, and return it."""
    on_spark = replay_on_spark(spark, trails, new, **options).as_data()
    options.pop("tasks", None)

    assert json.dumps(on_spark) == json.dumps(replay(trails, new, **options).as_data())
    return on_spark


def test_generated_trails_give_the_same_json(spark: Any, tmp_path: Path) -> None:
    trails = TrailGenerator(seed=3, copies=0.05, updates=0.03)
    files = trails.write(tmp_path / "trail", 1500, per_file=100)
    logs = trails.write_invocation_logs(tmp_path / "logs", per_file=300)
    new, old = write_json(tmp_path / "new.json", NEW), write_json(tmp_path / "old.json", BASELINE)

    report = same(spark, [tmp_path / "trail"], new, baseline=old, invocation_logs=[tmp_path / "logs"])

    # The engine gives these answers record by record.
    assert answers_of(report) == answers(read_all(files), NEW, BASELINE, read_log(logs))
    assert report["newly_denied"] > 0
    assert report["mantle"] > 0
    assert min(report["evidence"].values()) > 0
    assert report["divergences"] != []


def test_without_logs_and_baseline_the_json_is_the_same(spark: Any, tmp_path: Path) -> None:
    TrailGenerator(seed=5, copies=0.05, updates=0.03).write(tmp_path / "trail", 600, per_file=100)
    new = write_json(tmp_path / "new.json", NEW)

    report = same(spark, [tmp_path / "trail"], new, since="2026-10-05", assume={"aws:PrincipalOrgID": "o-example"}, tasks=3)

    assert report["bedrock"] > 0


def test_an_injected_guardrail_gives_the_same_json(spark: Any, tmp_path: Path) -> None:
    TrailGenerator(seed=6).write(tmp_path / "trail", 300, per_file=100)
    write_json(tmp_path / "policies.json", NEW)
    config = tmp_path / "guardedbedrock.toml"
    config.write_text(
        f'principal = "caller"\n[[guardrails]]\narn = "{GUARDRAIL}"\nversion = "1"\n[policies]\nidentity = ["policies.json"]\n'
    )

    report = same(spark, [tmp_path / "trail"], config, guardrail="injected")

    assert report["outcomes"]["allowed"] > 0


def test_copies_addenda_and_other_ids_in_different_tasks(spark: Any, tmp_path: Path) -> None:
    """The records of one event are in files of different tasks."""
    first, changed = record(1), record(2, addendum={"reason": "UPDATED_DATA", "originalEventID": uuid(1)})
    other = record(3, eventID="not-a-uuid")
    records = (first, first, changed, other, other)
    trails = [write_trail(tmp_path / str(number), one) for number, one in enumerate(records)]
    log = tmp_path / "log.json"
    log.write_text(json.dumps(entry(1)))
    new = write_json(tmp_path / "new.json", NEW)

    report = same(spark, trails, new, invocation_logs=[log], tasks=6)

    assert (report["events"], report["bedrock"]) == (5, 2)


def test_broken_files_are_named_as_by_the_local_replay(spark: Any, tmp_path: Path) -> None:
    trail = tmp_path / "trail"
    good = write_trail(trail, record(1)) / "trail.json"
    (trail / "cut.json.gz").write_bytes(gzip.compress(good.read_bytes())[:-20])
    (trail / "half.json").write_text('{"Records": [')
    (trail / "notes.txt").write_text("not a trail")
    (trail / "foreign.jsonl").write_text('{"eventID": 7}\n[1]\n')
    new = write_json(tmp_path / "new.json", {"Version": "2012-10-17", "Statement": [ALLOW_ALL]})

    report = same(spark, [trail], new)

    assert len(report["skipped"]) >= 4


def test_an_input_that_is_missing_is_an_error(spark: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no such file"):
        replay_on_spark(spark, [tmp_path / "nothing"], write_json(tmp_path / "new.json", NEW))
