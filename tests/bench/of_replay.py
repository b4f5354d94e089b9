"""
The replay of CloudTrail: processor time for each record, distinct calls, and memory for few and many records.

Reading and counting are measured; distinct calls are evaluated later, once each. The first record of a distinct call costs more
than the others, so many records cost less each than few. Memory is the growth of a separate process after all imports.
"""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import process_time
from typing import Final

from measuring import NO_BUDGET, Row

from guardedbedrock.governance.replay.distinct_calls.counting import Counts
from guardedbedrock.governance.replay.reading.files import find_files
from guardedbedrock.governance.replay.reading.projection import Projection
from guardedbedrock.governance.replay.run import read_trails
from guardedbedrock.testing.logs.trails import TrailGenerator

FEW: Final = 100_000
MANY: Final = 5_000_000
ROLES: Final = 100
BUDGET: Final = 10
"""Microseconds of processor time for one record with the extra: 100,000 records a second."""
ROUNDS: Final = 5
EXTRA: Final = "extra `replay`"
PROJECTION: Final = Projection(frozenset({"bedrock:guardrailidentifier"}))
_ID: Final = re.compile(rb'("(?:eventID|requestID|originalEventID|originalRequestID)":")[0-9a-f]{8}')

MEMORY: Final = """
import json, re, sys
from pathlib import Path
from time import process_time
from of_replay import read
def peak():
    # getrusage would include the peak of the process that started this one.
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
read(Path(sys.argv[1]) / "one", is_typed=True)
before, started = peak(), process_time()
counts = read(Path(sys.argv[1]) / "trail", is_typed=True)
seconds = process_time() - started
print(json.dumps([(peak() - before) / 1024, seconds, sum(group.count for group in counts.groups)]))
"""


def replay() -> Iterator[Row]:
    """Records of a generated trail, decoded both ways, and the memory of few and many."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder / "trail", FEW)
        for what, budget, is_typed in (("standard library", NO_BUDGET, False), (EXTRA, BUDGET, True)):
            best, counts = _measure(folder / "trail", is_typed=is_typed)
            yield Row(f"replay, one of {FEW:,} records, {what}", budget, best * 1e6, "us")
        yield Row(f"replay, distinct calls of {FEW:,} records", NO_BUDGET, len({group.call for group in counts.groups}), "")
        yield _read_apart(folder, FEW)[0]
        write(folder / "trail", MANY)
        memory, seconds = _read_apart(folder, MANY)
        yield Row(f"replay, one of {MANY:,} records, {EXTRA}", BUDGET, seconds / MANY * 1e6, "us")
        yield memory


def write(folder: Path, records: int) -> None:
    """Write gzipped trail files of at least this many records; beyond `FEW`, files are copied with new IDs."""
    TrailGenerator(seed=1, keep_calls=False, roles=ROLES).write(folder.parent / "one", 100)
    first = folder / "00000"
    if not first.exists():
        TrailGenerator(seed=1, keep_calls=False, roles=ROLES).write(first, min(records, FEW))
    texts = [gzip.decompress(file.read_bytes()) for file in sorted(first.rglob("*.gz"))]
    for copy in range(1, -(-records // FEW)):
        target = folder / f"{copy:05}"
        target.mkdir(exist_ok=True)
        for number, text in enumerate(texts):
            changed = _ID.sub(rb"\g<1>%08x" % copy, text)
            (target / f"{number}.json.gz").write_bytes(gzip.compress(changed, compresslevel=1, mtime=0))


def read(folder: Path, *, is_typed: bool) -> Counts:
    """Read and count the trails of a folder."""
    return read_trails(find_files([folder], lambda _: None), [], PROJECTION, is_typed=is_typed)[1]


def _measure(folder: Path, *, is_typed: bool) -> tuple[float, Counts]:
    """Return the processor time for one record in s, the quickest round, and what was counted."""
    best = float("inf")
    for _ in range(ROUNDS):
        started = process_time()
        counts = read(folder, is_typed=is_typed)
        best = min(best, process_time() - started)
    return best / FEW, counts


def _read_apart(folder: Path, records: int) -> tuple[Row, float]:
    """Read the trails in a separate process, and return the row of its memory and its processor time in s."""
    command = [sys.executable, "-c", MEMORY, str(folder)]
    done = subprocess.run(command, cwd=Path(__file__).parent, check=True, capture_output=True, text=True)  # noqa: S603
    megabytes, seconds, _ = json.loads(done.stdout)
    return Row(f"replay, memory for {records:,} records", 300, megabytes, "MB"), seconds
