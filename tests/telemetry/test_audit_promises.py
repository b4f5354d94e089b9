"""The promises of the audit file: wrong paths, full disks, torn lines, stuck locks, and what is counted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Final

import pytest
from harness.clients import HR, WEAK, ask

from guardedbedrock import AccessDeniedError, ConfigurationError, Guard
from guardedbedrock.auditing import Audit, CloudWatchLogs, JsonLines
from guardedbedrock.testing import FakeBedrock

if TYPE_CHECKING:
    from pathlib import Path

fcntl = pytest.importorskip("fcntl")

TOML: Final = f'[[guardrails]]\narn = "{HR.arn}"\nversion = "3"\n'


def lines(path: Path) -> list[dict[str, Any]]:
    """Read a file of JSON lines."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def a_folder(path: Path) -> Path:
    path.mkdir()
    return path


def below_a_file(path: Path) -> Path:
    path.write_text("", "utf-8")
    return path / "audit.jsonl"


def a_pipe(path: Path) -> Path:
    os.mkfifo(path)
    return path


def a_folder_as_lock(path: Path) -> Path:
    (path.parent / f"{path.name}.lock").mkdir()
    return path


BAD_PATHS: Final = {
    "a folder": a_folder,
    "below a file": below_a_file,
    "a pipe": a_pipe,
    "lock file": a_folder_as_lock,
    "name too long": lambda path: path / ("x" * 300),
    "no such device": lambda _: "/proc/audit.jsonl",
}


@pytest.mark.parametrize("make", BAD_PATHS.values(), ids=BAD_PATHS)
def test_a_file_that_cannot_be_written_is_a_configuration_error_when_the_guard_is_created(tmp_path: Path, make: Any) -> None:
    bad = make(tmp_path / "audit.jsonl")
    config = tmp_path / "guardedbedrock.toml"
    config.write_text(f'{TOML}[audit]\nfile = "{bad}"\n', "utf-8")

    locks = sorted(tmp_path.rglob("*.lock"))

    with pytest.raises(ConfigurationError, match=r"cannot be written: .+; set it to a file"):
        Guard(guardrails=[HR], listeners=(), audit=Audit([JsonLines(bad)]))
    assert sorted(tmp_path.rglob("*.lock")) == locks
    with pytest.raises(ConfigurationError, match=r"cannot be written: .+; set it to a file"):
        Guard.from_config(config, listeners=())


def test_a_check_without_writing_looks_at_the_nearest_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests may run as root, which may write everywhere, so the answer of the system is replaced."""
    sink = JsonLines(tmp_path / "new" / "deep" / "audit.jsonl")
    sink.check(create=False)
    monkeypatch.setattr(os, "access", lambda path, _: path != tmp_path)

    with pytest.raises(ConfigurationError, match=r"audit\.jsonl' cannot be written: Permission denied"):
        sink.check(create=False)
    assert list(tmp_path.iterdir()) == []


def test_a_guard_that_is_off_does_not_open_its_audit_file(tmp_path: Path) -> None:
    bad = a_folder(tmp_path / "audit.jsonl")

    Guard(guardrails=[HR], listeners=(), mode="off", audit=Audit([JsonLines(bad)]))


FULL_DISK: Final = """
import json, resource, signal, sys
from guardedbedrock.auditing import JsonLines
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
path, line = sys.argv[1], '{"n":0,"text":"' + "x" * 20 + '"}\\n'
sink = JsonLines(path)
sink.write({"n": 0, "text": "x" * 20})
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (len(line) + 10, hard))
failed = 0
for n in (1, 2):
    try:
        sink.write({"n": n, "text": "x" * 20})
    except OSError:
        failed += 1
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
for n in (3, 4):
    sink.write({"n": n, "text": "x" * 20})
print(failed)
"""
"""The limit of a file's size makes the kernel write a part of a line, as a full disk does."""


def test_after_a_full_disk_every_later_record_is_a_whole_line(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"

    result = subprocess.run([sys.executable, "-c", FULL_DISK, str(path)], capture_output=True, text=True, check=True)  # noqa: S603

    assert result.stdout == "2\n"
    assert [line["n"] for line in lines(path)] == [0, 3, 4]


def test_a_line_that_a_killed_process_tore_is_closed_before_the_next_record(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    path.write_text('{"n":0}\n{"n":1,"te', "utf-8")

    sink = JsonLines(path)
    sink.write({"n": 2})
    sink.write({"n": 3})
    sink.close()

    assert path.read_text("utf-8").splitlines() == ['{"n":0}', '{"n":1,"te', '{"n":2}', '{"n":3}']


def test_a_file_that_cannot_be_rotated_grows(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    a_folder(tmp_path / "audit.jsonl.1").joinpath("occupied").write_text("", "utf-8")
    sink = JsonLines(path, max_bytes=10, files=1)

    for n in range(3):
        sink.write({"n": n})
    sink.close()

    assert [line["n"] for line in lines(path)] == [0, 1, 2]


def test_a_foreign_lock_delays_a_call_by_a_bounded_time_and_its_record_goes_to_the_fallback(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    foreign = (tmp_path / "audit.jsonl.lock").open("w")
    fcntl.flock(foreign, fcntl.LOCK_EX)
    sink = JsonLines(path, lock_timeout=1.0)
    took = []

    def write(n: int) -> None:
        began = time.monotonic()
        sink.write({"n": n})
        took.append(time.monotonic() - began)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    write(4)
    foreign.close()
    write(5)
    sink.close()

    assert max(took[:4]) < 2.0  # waits one after another would take 4 s
    assert took[4] < 0.5  # the lock is stuck, so no call waits for it again
    assert sink.diverted == 5
    (fallback,) = tmp_path.glob("*.fallback")
    assert sorted(line["n"] for line in lines(fallback)) == [0, 1, 2, 3, 4]
    assert [line["n"] for line in lines(path)] == [5]


def deny(guard: Guard, times: int = 1) -> None:
    """Make calls that are denied."""
    with FakeBedrock() as fake:
        client: Any = guard.client("bedrock-runtime", **fake.client_kwargs())
        for _ in range(times):
            with pytest.raises(AccessDeniedError):
                client.converse(**ask("converse"), guardrailConfig=WEAK)
        client.close()


def test_a_name_with_a_null_character_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be written: embedded null byte; set it to a file"):
        Guard(guardrails=[HR], listeners=(), audit=Audit([JsonLines(tmp_path / "audit\0.jsonl")]))


def test_the_first_lost_record_is_a_warning_and_every_lost_record_is_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "audit.jsonl").symlink_to("/dev/full")
    audit = Audit([JsonLines(tmp_path / "audit.jsonl")])

    deny(Guard(guardrails=[HR], listeners=(), audit=audit), times=3)

    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    reason = f"{tmp_path}/audit.jsonl: No space left on device"
    assert warnings == [f"audit sink JsonLines lost a record: {reason}; further losses are only counted"]
    assert audit.lost == 3


LOSS: Final = "audit sink JsonLines lost a record: it is closed; further losses are only counted\n"
LOST: Final = """
from guardedbedrock.auditing import Audit
from guardedbedrock.core.lost_records import LostRecords
lost = LostRecords("audit sink JsonLines")
for _ in range(3):
    lost.add("it is closed")
"""


@pytest.mark.parametrize(
    ("setup", "expected"),
    [
        ("", LOSS),
        ("import guardedbedrock.telemetry.logs\n", LOSS),
        ("import logging\nlogging.basicConfig()\n", f"WARNING:guardedbedrock:{LOSS}"),
    ],
    ids=["no-logging", "with-decision-log", "configured"],
)
def test_the_warning_reaches_stderr_once(setup: str, expected: str) -> None:
    result = subprocess.run([sys.executable, "-c", setup + LOST], capture_output=True, text=True, check=True)  # noqa: S603

    assert result.stderr == expected


def test_records_that_cloudwatch_did_not_take_are_counted_as_lost() -> None:
    sink = CloudWatchLogs("group", client=object())
    audit = Audit([sink])
    sink.close()

    deny(Guard(guardrails=[HR], listeners=(), audit=audit), times=2)

    assert audit.lost == sink.lost == 2
