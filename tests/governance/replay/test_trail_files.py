"""Every form of trail file, and every kind of bad input: each is counted and named, and nothing is lost silently."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from harness.replay import BASELINE, entry, record, write_json, write_trail

from guardedbedrock.errors import ConfigurationError
from guardedbedrock.governance.replay.reading.files import SkippedInput, TrailFile, find_files
from guardedbedrock.governance.replay.reading.records import read_records
from guardedbedrock.governance.replay.rendering.text import headline
from guardedbedrock.governance.replay.report import ReplayReport
from guardedbedrock.governance.replay.run import replay

TWO = [record(1), record(2)]
LINES = "".join(json.dumps(one) + "\n" for one in TWO)
EVENT = {"version": "0", "detail-type": "AWS API Call via CloudTrail", "source": "aws.bedrock"}


def run(tmp_path: Path, *trails: Path, **options: Any) -> ReplayReport:
    """Replay with the typed decoder and with the standard library: both must give the same report."""
    policies = write_json(tmp_path / "policies.json", BASELINE)
    report, plain = (replay(trails, policies, is_typed=is_typed, **options) for is_typed in (True, False))
    assert report == plain
    return report


FORMS: dict[str, str] = {
    "cloudtrail.json": json.dumps({"Records": TWO}),
    "compact.json": json.dumps({"Records": TWO}, separators=(",", ":")),
    "indented.json": json.dumps({"Records": TWO}, indent=2),
    "more-members.json": json.dumps({"Records": TWO, "a": 1, "b": {"Records": [1]}}),
    "records-last.json": json.dumps({"a": 1, "Records": TWO}),
    "byte-order-mark.json": "\ufeff" + json.dumps({"Records": TWO}),
    "two-documents.json": "".join(json.dumps({"Records": [one]}) for one in TWO),
    "documents-in-lines.jsonl": "".join(json.dumps({"Records": [one]}) + "\n" for one in TWO),
    "list.json": json.dumps(TWO),
    "lines.jsonl": LINES,
    "no-last-newline.jsonl": LINES.rstrip("\n"),
    "indented-records.json": "\n".join(json.dumps(one, indent=2) for one in TWO),
    "cloudwatch-export.gz": "".join(f"2026-11-01T00:00:00.000Z {json.dumps(one)}\n" for one in TWO),
    "cloudwatch-tail.log": "".join(f"2026-11-01T00:00:00.123000+00:00 stream/1 {json.dumps(one)}\n" for one in TWO),
    "filter-log-events.json": json.dumps({"events": [{"message": json.dumps(one)} for one in TWO], "searchedLogStreams": []}),
    "subscription.json": json.dumps({"messageType": "DATA_MESSAGE", "logEvents": [{"message": json.dumps(one)} for one in TWO]}),
    "lookup-events.json": json.dumps(
        {"Events": [{"EventId": one["eventID"], "CloudTrailEvent": json.dumps(one)} for one in TWO]}
    ),
    "eventbridge.json": json.dumps([{**EVENT, "detail": one} for one in TWO]),
    "eventbridge.jsonl": "".join(json.dumps({**EVENT, "detail": one}) + "\n" for one in TWO),
    "firehose.json": "".join(json.dumps({**EVENT, "detail": one}) for one in TWO),
}


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("is_compressed", [False, True])
def test_every_form_of_file_is_read(tmp_path: Path, name: str, *, is_compressed: bool) -> None:
    data = FORMS[name].encode()
    (tmp_path / name).write_bytes(gzip.compress(data) if is_compressed else data)
    report = run(tmp_path, tmp_path / name)
    assert (report.events, report.bedrock, report.skipped) == (2, 2, [])


def test_gzip_members_that_follow_each_other_are_all_read(tmp_path: Path) -> None:
    members = [gzip.compress(json.dumps({"Records": [one]}).encode()) for one in TWO]
    (tmp_path / "trail.json.gz").write_bytes(b"".join(members))
    assert run(tmp_path, tmp_path / "trail.json.gz").bedrock == 2


WHOLE = gzip.compress(json.dumps({"Records": [record(number) for number in range(3000)]}).encode())
ARRAY = json.dumps({"Records": TWO})
BROKEN: dict[str, tuple[bytes, int, str]] = {
    "an empty file": (b"", 0, "is empty"),
    "white space": (b" \n", 0, ""),
    "an empty gzip": (gzip.compress(b""), 0, ""),
    "no JSON": (b"hello\n", 0, "a line is not JSON"),
    "no text": (b"\x00\xff\xfe\x80", 0, "is not UTF-8 text"),
    "a gzip without its end": (WHOLE[: len(WHOLE) - 40], -1, "truncated or damaged"),
    "a gzip with wrong bytes": (WHOLE[:20] + b"\x00" * 40 + WHOLE[60:], -1, "damaged"),
    "a small gzip without its end": (gzip.compress(LINES.encode())[:-8], 2, "truncated or damaged"),
    "a gzip header alone": (WHOLE[:4], 0, "truncated or damaged"),
    "half an array": (ARRAY[: len(ARRAY) - 30].encode(), 1, "is not valid JSON"),
    "an array without its end": (ARRAY[:-2].encode(), 2, "the file ends before the array `Records` does"),
    "an object without its end": (ARRAY[:-1].encode(), 2, "the file ends before the array `Records` does"),
    "garbage in an array": (
        json.dumps({"Records": [record(1), "GARBAGE", record(2)]}).replace('"GARBAGE"', "garbage").encode(),
        1,
        "is",
    ),
    "a broken line": (LINES.encode().replace(b"}\n", b"}\n{broken\n", 1), 2, "a line is not valid JSON"),
    "half a line": ((LINES + LINES[:50] + "\n").encode() + json.dumps(record(3)).encode(), 3, "a line is not valid JSON"),
    "a line cut in a string": ((LINES + '{"eventID": "00').encode(), 2, "a line is not valid JSON"),
    "deep nesting": (b"[" * 200_000, 0, "nested too deeply"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_named_and_the_records_before_it_count(tmp_path: Path, name: str) -> None:
    data, events, reason = BROKEN[name]
    (tmp_path / "broken.json").write_bytes(data)
    write_trail(tmp_path / "good", record(9999))
    report = run(tmp_path, tmp_path / "broken.json", tmp_path / "good")
    assert report.bedrock == report.events
    if events < 0:
        assert 0 < report.events < 3001
    else:
        assert report.events == events + 1
    if reason:
        (skipped,) = report.skipped
        assert reason in skipped.reason
        assert skipped.file.endswith("broken.json")
        assert skipped.is_broken
    else:
        assert report.skipped == []


FOREIGN: dict[str, Any] = {
    "no event ID": {**record(), "eventID": None},
    "an empty event ID": {**record(), "eventID": ""},
    "a number as event ID": {**record(), "eventID": 5},
    "no source": {**record(), "eventSource": None},
    "a list as source": {**record(), "eventSource": []},
    "no name": {**record(), "eventName": None},
    "no region": {**record(), "awsRegion": None},
    "no time": {**record(), "eventTime": None},
    "an invalid time": {**record(), "eventTime": "soon"},
    "a string as identity": {**record(), "userIdentity": "HIDDEN"},
    "a string as parameters": {**record(), "requestParameters": "{}"},
    "a list as parameters": {**record(), "requestParameters": [1]},
    "text": "record",
    "null": None,
    "a number": 5,
    "a list": [[]],
    "an empty object": {},
}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_record_that_cannot_be_read_is_counted_and_named(tmp_path: Path, name: str) -> None:
    write_trail(tmp_path / "trail", FOREIGN[name], record(2))
    report = run(tmp_path, tmp_path / "trail")
    assert (report.events, report.bedrock) == (2, 1)
    (skipped,) = report.skipped
    assert skipped.count == 1
    assert skipped.is_broken
    assert "the record" in skipped.reason


@pytest.mark.parametrize(
    "fields",
    [
        {"requestParameters": {"modelId": 5}},
        {"requestParameters": {"modelId": None}},
        {"requestParameters": {"modelId": ["a"]}},
        {"requestParameters": {"modelId": ""}},
        {"requestParameters": None},
        {"requestParameters": {"modelId": "m", "guardrailConfig": "text"}},
        {"eventName": "OperationOfTheFuture"},
        {"eventName": "Converse", "awsRegion": "no region"},
        {"userIdentity": {"type": "IAMUser", "arn": "no ARN"}},
        {"userIdentity": {"type": "AssumedRole", "arn": "arn:aws:sts::1:assumed-role"}},
        {"requestParameters": {"modelId": "arn:aws:bedrock"}},
        {"requestParameters": {"modelId": "\ud800"}},
        {
            "eventName": "TagResource",
            "requestParameters": {"tags": "HIDDEN", "resourceARN": "arn:aws:bedrock:us-east-1:1:guardrail/a"},
        },
    ],
)
def test_a_call_with_foreign_values_is_never_lost(tmp_path: Path, fields: dict[str, Any]) -> None:
    write_trail(tmp_path / "trail", record(1, **fields), record(2))
    report = run(tmp_path, tmp_path / "trail")
    assert report.bedrock == 2
    assert sum(report.outcomes.values()) == 2
    json.dumps(report.as_data()).encode()


def test_event_ids_that_are_no_uuids_are_kept(tmp_path: Path) -> None:
    ids = ["plain", "00000000-0000-4000-8000-00000000000A", "{00000000-0000-4000-8000-00000000000b}", "\ud800"]
    records = [record(1, eventID=name, eventTime=f"2026-11-01T00:00:0{number}Z") for number, name in enumerate(ids)]
    for first in range(4):
        folder = tmp_path / f"{first}"
        write_trail(folder, *records[first:], *records[first:])
        report = replay(
            [folder],
            write_json(
                tmp_path / "deny.json",
                {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]},
            ),
        )
        assert report.bedrock == 4 - first
        assert report.changes[0].example == ids[first].encode(errors="replace").decode()


def test_records_of_other_services_and_service_events_are_not_calls(tmp_path: Path) -> None:
    others = [
        record(1, eventSource="s3.amazonaws.com"),
        record(2, eventType="AwsServiceEvent"),
        {"eventSource": "iam.amazonaws.com"},
    ]
    write_trail(tmp_path / "trail", *others, record(3, eventSource="bedrock-mantle.amazonaws.com"), record(4))
    report = run(tmp_path, tmp_path / "trail")
    assert (report.events, report.bedrock, report.mantle) == (5, 1, 1)
    (skipped,) = report.skipped
    assert (skipped.reason, skipped.count, skipped.is_broken) == ("is an event of the service, not a call", 1, False)


def test_digests_and_other_files_are_counted_by_folder(tmp_path: Path) -> None:
    trail = tmp_path / "AWSLogs"
    write_trail(trail / "CloudTrail" / "us-east-1", record())
    for kind in ("CloudTrail-Digest", "CloudTrail-Insight", "CloudTrail-NetworkActivity", "CloudTrail-Aggregated"):
        for number in range(3):
            write_json(trail / kind / f"{number}.json", {"Records": [record(number + 5)]})
    write_json(trail / "123456789012_CloudTrail-Digest_us-east-1_t.json", {})
    (trail / "readme.txt").write_text("x")
    report = run(tmp_path / "elsewhere", trail)
    assert report.bedrock == 1
    assert sorted((one.count, one.is_broken, one.file) for one in report.skipped) == [
        (1, False, str(trail)),
        (3, False, str(trail)),
        (3, False, str(trail)),
        (3, False, str(trail)),
        (4, False, str(trail)),
    ]


def test_a_path_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no-such: there is no such file or folder"):
        run(tmp_path, tmp_path / "no-such")


def test_an_empty_path_is_an_error() -> None:
    """An unset variable of a shell must not replay the working directory."""
    with pytest.raises(ConfigurationError, match="a path is empty; name the trails"):
        find_files([""], lambda _: None)


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    """A wrong path must not look like a policy that denies nothing."""
    (tmp_path / "trail" / "2026").mkdir(parents=True)

    with pytest.raises(ConfigurationError, match=r"trail: the folder has no files"):
        run(tmp_path, tmp_path / "trail")


def test_a_trail_without_calls_of_bedrock_says_so(tmp_path: Path) -> None:
    trail = write_trail(tmp_path / "trail", record(eventSource="s3.amazonaws.com"))

    assert headline(run(tmp_path, trail)).startswith("The input has no call of Bedrock")


@pytest.mark.parametrize(
    ("bounds", "period"),
    [
        ({"since": "2027-01-01"}, "since 2027-01-01T00:00:00Z"),
        ({"until": "2026-01-01"}, "until 2026-01-01T00:00:00Z"),
        ({"since": "2026-01-01", "until": "2026-02-01"}, "since 2026-01-01T00:00:00Z until 2026-02-01T00:00:00Z"),
    ],
)
@pytest.mark.parametrize("is_typed", [False, True])
def test_a_period_without_calls_is_an_error(tmp_path: Path, bounds: dict[str, Any], period: str, *, is_typed: bool) -> None:
    """A wrong period must not look like a policy that denies nothing."""
    trail = write_trail(tmp_path / "trail", *TWO)
    policies = write_json(tmp_path / "policies.json", BASELINE)

    with pytest.raises(ConfigurationError) as raised:
        replay([trail], policies, is_typed=is_typed, **bounds)
    assert str(raised.value) == (
        f"no call is in the period {period}, so nothing was replayed; "
        "the trails have 2 records of calls outside of it, so change since or until"
    )


def test_a_file_and_its_folder_count_once(tmp_path: Path) -> None:
    folder = write_trail(tmp_path / "trail", record())
    assert run(tmp_path, folder / "trail.json", folder).events == 1


def test_ten_thousand_files(tmp_path: Path) -> None:
    for number in range(10_000):
        write_trail(tmp_path / "trail" / f"{number % 100:02}", record(number), name=f"{number}.json")
    report = run(tmp_path, tmp_path / "trail", workers=2)
    assert (report.events, report.bedrock, report.distinct, report.skipped) == (10_000, 10_000, 1, [])


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that another user may read: pytest closes its own folders at the start of each session."""
    with TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_files_and_folders_without_permission_are_named(open_folder: Path) -> None:
    """Another user reads them, because root may read everything."""
    folder = write_trail(open_folder / "trail", record())
    (write_trail(folder / "closed", record(2)) / "trail.json").chmod(0)
    (folder / "hidden").mkdir(mode=0)
    code = (
        "import os, sys, json, pathlib\n"
        "from guardedbedrock.governance.replay.reading.files import find_files\n"
        "from guardedbedrock.governance.replay.reading.records import read_records\n"
        "if os.getuid() == 0: os.setuid(65534)\n"
        "skipped = []\n"
        "files = find_files([sys.argv[1]], skipped.append)\n"
        "records = [one for file in files for one in read_records(file, skipped.append)]\n"
        "print(json.dumps([len(records), sorted([one.file, one.reason, one.is_broken] for one in skipped)]))\n"
    )
    folder.chmod(0o755)
    found = subprocess.run(  # noqa: S603  # the test's own code
        [sys.executable, "-c", code, str(folder)], check=True, capture_output=True, text=True
    )
    (folder / "hidden").chmod(0o755)
    assert json.loads(found.stdout) == [
        1,
        [
            [str(folder / "closed" / "trail.json"), "cannot be read: Permission denied", True],
            [str(folder / "hidden"), "the folder cannot be listed: Permission denied", True],
        ],
    ]


def test_a_link_to_a_folder_is_named(tmp_path: Path) -> None:
    folder = write_trail(tmp_path / "trail", record())
    (folder / "loop").symlink_to(folder)
    skipped: list[SkippedInput] = []
    assert len(find_files([folder], skipped.append)) == 1
    assert [one.file for one in skipped] == [str(folder / "loop")]


def test_a_value_that_is_larger_than_a_record_is_named(tmp_path: Path) -> None:
    (tmp_path / "large.json").write_text('{"Records": [{"eventID": "' + "x" * (40 << 20))
    skipped: list[SkippedInput] = []
    assert list(read_records(TrailFile(str(tmp_path / "large.json")), skipped.append)) == []
    assert "larger than 16 MB" in skipped[0].reason


STREAM = """
import re, sys
from pathlib import Path
from tempfile import TemporaryDirectory
from guardedbedrock.governance.replay.reading.files import TrailFile
from guardedbedrock.governance.replay.reading.records import read_records
def peak():
    # getrusage would include the peak of the process that started this one.
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
before = peak()
count = sum(1 for _ in read_records(TrailFile(sys.argv[1]), print))
print(count, peak() - before)
"""


def test_a_file_of_200_mb_is_streamed(tmp_path: Path) -> None:
    text = json.dumps(record(1, userAgent="é" * 500), ensure_ascii=False)
    count = (200 << 20) // len(text.encode())
    with (tmp_path / "big.json").open("w", encoding="utf-8") as file:
        file.write('{"Records":[' + text)
        for _ in range(count - 1):
            file.write("," + text)
        file.write("]}")
    found = subprocess.run(  # noqa: S603  # the test's own code
        [sys.executable, "-c", STREAM, str(tmp_path / "big.json")], check=True, capture_output=True, text=True
    )
    records, kilobytes = map(int, found.stdout.split())
    assert records == count
    assert kilobytes < 60_000


def test_entries_that_are_no_invocation_logs_are_counted(tmp_path: Path) -> None:
    lines = ["no JSON", json.dumps(entry(1)), json.dumps({"schemaType": "Other"})]
    (tmp_path / "log.jsonl").write_text("\n".join(lines))
    write_trail(tmp_path / "trail", record())
    report = run(tmp_path, tmp_path / "trail", invocation_logs=[tmp_path / "log.jsonl"])
    assert [(one.reason, one.count) for one in report.skipped] == [
        ("a line is not JSON", 1),
        ("is not an entry of a model invocation log", 1),
    ]


NOTICE = "Permissions are correctly set for Amazon Bedrock logs."
ENTRIES = [NOTICE, json.dumps(entry(1)), json.dumps(entry(2))]
INVOCATION_LOGS = {
    "lines.jsonl": "\n".join(ENTRIES),
    "lines-of-windows.jsonl": "\r\n".join(ENTRIES),
    "the-notice-alone.log": NOTICE,
    "last.jsonl": "\n".join(reversed(ENTRIES)),
    "export.gz": "".join(f"2026-11-01T00:00:00.000Z {one}\n" for one in ENTRIES),
    "tail.log": "".join(f"2026-11-01T00:00:00.123000+00:00 aws/bedrock/modelinvocations {one}\n" for one in ENTRIES),
    "filter-log-events.json": json.dumps({"events": [{"message": one} for one in ENTRIES]}),
    "subscription.json": json.dumps({"messageType": "DATA_MESSAGE", "logEvents": [{"message": one} for one in ENTRIES]}),
}


@pytest.mark.parametrize("name", INVOCATION_LOGS)
def test_the_first_line_of_an_invocation_log_is_not_broken(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(INVOCATION_LOGS[name].encode())
    write_trail(tmp_path / "trail", record())
    report = run(tmp_path, tmp_path / "trail", invocation_logs=[tmp_path / name])
    assert [(one.count, one.is_broken, "notice" in one.reason) for one in report.skipped] == [(1, False, True)]


@pytest.mark.parametrize("line", [f"{NOTICE} x", f"x {NOTICE}", NOTICE[:-1], "2026-11-01T00:00:00.000Z hello"])
def test_another_line_without_json_is_broken(tmp_path: Path, line: str) -> None:
    (tmp_path / "log.jsonl").write_text(f"{line}\n{json.dumps(entry(1))}\n")
    write_trail(tmp_path / "trail", record())
    report = run(tmp_path, tmp_path / "trail", invocation_logs=[tmp_path / "log.jsonl"])
    assert [(one.reason, one.is_broken) for one in report.skipped] == [("a line is not JSON", True)]


def test_no_prompt_and_no_completion_is_kept(tmp_path: Path) -> None:
    body = {"messages": [{"role": "user", "content": [{"text": "SECRET-PROMPT"}]}], "guardrailConfig": {"trace": "enabled"}}
    log = write_json(tmp_path / "log.json", entry(body=body, output={"output": "SECRET-REPLY", "stopReason": "SECRET-STOP"}))
    broken = tmp_path / "broken.jsonl"
    broken.write_text(json.dumps(entry(2, body=body))[:-3] + "\n")
    write_trail(tmp_path / "trail", record())
    report = run(tmp_path, tmp_path / "trail", invocation_logs=[log, broken])
    assert report.evidence["unguarded"] == 1
    assert "SECRET" not in json.dumps(report.as_data())
