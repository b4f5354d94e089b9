"""Measure the cost of the pytest plugin: at the start of pytest, and in a test whose client exists already."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from measuring import Row, processor_time

STARTS: Final = 15
CONFTEST: Final = """
import json, statistics
DURATIONS = {}

def pytest_runtest_logreport(report):
    DURATIONS[report.nodeid] = DURATIONS.get(report.nodeid, 0) + report.duration

def pytest_sessionfinish():
    for kind in ("empty", "client"):
        durations = [seconds for name, seconds in DURATIONS.items() if kind in name]
        print("\\n" + json.dumps({kind: statistics.median(durations) * 1e3}))
"""
TESTS: Final = """
import pytest

@pytest.fixture
def nothing():
    yield

@pytest.mark.parametrize("turn", range(300))
def test_empty(nothing, turn):
    pass

@pytest.mark.parametrize("turn", range(300))
def test_client(guardedbedrock_server, guardedbedrock_client, turn):
    pass
"""


def plugin() -> Iterator[Row]:
    """Start pytest with and without the plugin, interleaved; then run tests of both kinds in one process."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "test_one.py").write_text("def test_one():\n    pass\n", "utf-8")
        starts = {"": list[float](), "-p guardedbedrock.pytest_plugin": list[float]()}
        for _ in range(STARTS):
            for options, durations in starts.items():
                durations.append(_start(folder, *options.split()))
        without, with_it = (min(durations) for durations in starts.values())
        yield Row("a pytest start with the plugin, beyond one without", 150, with_it - without, "ms")
        (folder / "test_one.py").write_text(TESTS, "utf-8")
        (folder / "conftest.py").write_text(CONFTEST, "utf-8")
        printed = _pytest(folder, "-s").stdout.splitlines()
        empty, client = (json.loads(line) for line in printed if line.startswith("{"))
        yield Row("a test with server and client of the plugin, beyond an empty one", 3, client["client"] - empty["empty"], "ms")


def _start(folder: Path, *options: str) -> float:
    """Start pytest without any other plugin; return the CPU time in ms."""
    return processor_time(lambda: _pytest(folder, *options, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")) * 1e3


def _pytest(folder: Path, *options: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    environment = {**os.environ, **environ}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)  # noqa: S603  # a command of this benchmark
