"""Where records go: files that several processes write, alarms, CloudWatch Logs and SNS over moto's server."""

from __future__ import annotations

import json
import multiprocessing
import os
import stat
from contextlib import closing
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Final

import boto3
import pytest
from botocore.config import Config
from harness.clients import DENIED_MODEL, HR, POLICY, ROLE, ask
from moto.server import ThreadedMotoServer

from guardedbedrock import AccessDeniedError, ConfigurationError, Guard
from guardedbedrock.auditing import Alert, Audit, CloudWatchLogs, DenialAlert, JsonLines, SnsPublisher, audit_of
from guardedbedrock.testing import FakeBedrock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DENIAL: Final = {"errorCode": "AccessDenied", "eventName": "Converse", "userIdentity": {"arn": ROLE}}
KEYS: Final = {"region_name": "us-east-1", "aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
GROUP: Final = "/guardedbedrock/audit"


def lines(path: Path) -> list[dict[str, Any]]:
    """Read a file of JSON lines."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_each_record_is_one_line_of_a_file_that_only_its_owner_can_read(tmp_path: Path) -> None:
    """The folder is created, existing lines stay, and a closed file opens again."""
    sink = JsonLines(tmp_path / "a" / "audit.jsonl", fsync=True)

    sink.write({"n": 1})
    sink.close()
    sink.write({"n": 2, "text": "two\nlines"})
    sink.close()

    path = tmp_path / "a" / "audit.jsonl"
    assert lines(path) == [{"n": 1}, {"n": 2, "text": "two\nlines"}]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_full_file_is_rotated_and_old_files_are_deleted(tmp_path: Path) -> None:
    """The newest old file has number 1."""
    path = tmp_path / "audit.jsonl"
    with closing(JsonLines(path, max_bytes=20, files=2)) as sink:
        for n in range(10):
            sink.write({"n": n})

    found = [[line["n"] for line in lines(tmp_path / name)] for name in ("audit.jsonl", "audit.jsonl.1", "audit.jsonl.2")]
    assert found == [[8, 9], [6, 7], [4, 5]]
    assert not (tmp_path / "audit.jsonl.3").exists()


def test_a_file_that_was_renamed_is_created_again(tmp_path: Path) -> None:
    """Tools such as logrotate rename files in this way."""
    path = tmp_path / "audit.jsonl"
    with closing(JsonLines(path)) as sink:
        sink.write({"n": 1})
        path.rename(tmp_path / "old")
        sink.write({"n": 2})

    assert (lines(tmp_path / "old"), lines(path)) == ([{"n": 1}], [{"n": 2}])


def test_a_full_disk_is_logged_and_does_not_change_the_error_of_the_call(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "audit.jsonl").symlink_to("/dev/full")
    guard = Guard(guardrails=[HR], listeners=(), audit=Audit([JsonLines(tmp_path / "audit.jsonl")]))
    with FakeBedrock() as fake:
        client = guard.client("bedrock-runtime", **fake.client_kwargs())
        with pytest.raises(AccessDeniedError):
            client.converse(**ask("converse"), guardrailConfig={"guardrailIdentifier": "weak00000001", "guardrailVersion": "1"})
        client.close()

    full = f"audit sink JsonLines lost a record: {tmp_path}/audit.jsonl: No space left on device; further losses are only counted"
    assert full in [record.getMessage() for record in caplog.records]


def _write(path: str, who: int, count: int) -> None:
    sink = JsonLines(path, max_bytes=4000, files=100)

    def write(thread: int) -> None:
        for number in range(count):
            sink.write({"who": who, "t": thread, "n": number})

    threads = [Thread(target=write, args=(thread,)) for thread in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sink.close()


def test_processes_that_write_and_rotate_concurrently_lose_and_cut_no_line(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_write, args=(str(path), who, 100)) for who in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()

    found = [(line["who"], line["t"], line["n"]) for file in tmp_path.glob("audit.jsonl*") for line in _unlocked(file)]
    assert sorted(found) == [(who, t, n) for who in range(3) for t in range(2) for n in range(100)]
    assert len(list(tmp_path.glob("audit.jsonl.*"))) > 3


def _unlocked(path: Path) -> list[dict[str, Any]]:
    return [] if path.suffix == ".lock" else lines(path)


class Hook:
    """A hook that records its calls."""

    def __init__(self) -> None:
        self.alerts: list[Alert] = []
        self.called = Event()

    def __call__(self, alert: Alert) -> None:
        """Record a call."""
        self.alerts.append(alert)
        self.called.set()


def test_an_alert_fires_once_and_again_after_the_count_has_fallen() -> None:
    hook, now = Hook(), [0.0]
    alarm = DenialAlert(2, 60.0, hook, clock=lambda: now[0])

    def deny(at: float) -> int:
        now[0] = at
        alarm.write(DENIAL)
        alarm.close()
        return len(hook.alerts)

    assert [deny(at) for at in (0, 10, 20, 30)] == [0, 0, 1, 1]
    assert [deny(at) for at in (200, 210, 220)] == [1, 1, 2]
    assert hook.alerts[0].denials == 3
    assert hook.alerts[0].sentence == f"3 denied Bedrock calls (Converse) in 60 s by {ROLE}"


def test_the_alert_counts_only_denials() -> None:
    hook = Hook()
    alarm = DenialAlert(0, 60.0, hook)

    alarm.write({"errorCode": "ThrottlingException"})
    alarm.write({})
    alarm.close()

    assert hook.alerts == []


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """Serve moto's AWS on loopback."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    yield "http://{}:{}".format(*server.get_host_and_port())
    server.stop()


def stored(logs: Any, **filters: Any) -> list[dict[str, Any]]:
    """Return the records that CloudWatch Logs has."""
    return [json.loads(event["message"]) for event in logs.filter_log_events(logGroupName=GROUP, **filters)["events"]]


def test_a_filter_pattern_finds_the_denial_in_cloudwatch_logs(moto: str) -> None:
    logs = boto3.client("logs", endpoint_url=moto, **KEYS)
    sink = CloudWatchLogs(GROUP, client=logs, interval=0.01)
    audit = Audit([sink], records="all")
    with FakeBedrock() as fake:
        guard = Guard(guardrails=[HR], policies={"identity": POLICY}, principal=ROLE, listeners=(), audit=audit, retry=None)
        client = guard.client("bedrock-runtime", **fake.client_kwargs())
        with pytest.raises(AccessDeniedError):
            client.converse(**ask("converse", model=DENIED_MODEL))
        fake.fail_next(400, "ValidationException", "no")
        with pytest.raises(client.exceptions.ValidationException):
            client.converse(**ask("converse"))
        client.close()
    audit.close()

    assert [record["errorCode"] for record in stored(logs)] == ["AccessDenied", "ValidationException"]
    assert [record["eventName"] for record in stored(logs, filterPattern='"AccessDenied"')] == ["Converse"]
    transformation = {"metricName": "Denied", "metricNamespace": "Bedrock", "metricValue": "1"}
    pattern = '{ ($.errorCode = "AccessDenied") && ($.eventSource = "bedrock.amazonaws.com") }'
    logs.put_metric_filter(logGroupName=GROUP, filterName="denied", filterPattern=pattern, metricTransformations=[transformation])
    assert sink.lost == 0


class Refusing:
    """A client of CloudWatch Logs that blocks until it is released."""

    def __init__(self) -> None:
        self.open = Event()
        self.batches: list[int] = []

    def put_log_events(self, **given: Any) -> None:
        """Wait until the client is released, then store."""
        self.open.wait(30)
        self.batches.append(len(given["logEvents"]))


def test_a_call_does_not_wait_for_cloudwatch_and_dropped_records_are_counted() -> None:
    refusing = Refusing()
    sink = CloudWatchLogs(GROUP, client=refusing, capacity=5, interval=0.0)

    for n in range(50):
        sink.write({"n": n})
    assert sink.lost >= 50 - 5 - 5
    assert not sink.flush(0.01)
    refusing.open.set()
    assert sink.flush()
    sink.close()

    assert sum(refusing.batches) + sink.lost == 50
    sink.write({"n": 50})
    assert sum(refusing.batches) + sink.lost == 51


def test_records_that_cloudwatch_rejects_are_counted() -> None:
    with FakeBedrock() as fake:
        closed = fake.endpoint_url
    once = Config(retries={"total_max_attempts": 1})
    sink = CloudWatchLogs(GROUP, client=boto3.client("logs", endpoint_url=closed, config=once, **KEYS), interval=0.0)
    sink.write({"n": 1})

    sink.close(30)

    assert sink.lost == 1


def test_a_batch_respects_the_limits_of_cloudwatch_logs() -> None:
    refusing = Refusing()
    sink = CloudWatchLogs(GROUP, client=refusing, interval=0.0)
    for _ in range(12):
        sink.write({"text": "x" * 200_000})
    refusing.open.set()
    sink.close(30)

    assert sum(refusing.batches) == 12
    assert max(refusing.batches) <= 5


def test_an_alert_is_published_to_sns(moto: str) -> None:
    sns, sqs = (boto3.client(name, endpoint_url=moto, **KEYS) for name in ("sns", "sqs"))
    topic = sns.create_topic(Name="alarms")["TopicArn"]
    queue = sqs.create_queue(QueueName="alarms")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    alarm = DenialAlert(0, 60.0, SnsPublisher(topic, client=sns))

    alarm.write(DENIAL)
    alarm.close()

    (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    assert json.loads(message["Body"])["Message"].startswith("1 denied Bedrock calls (Converse) in 60 s by")


TOML: Final = f'[[guardrails]]\narn = "{HR.arn}"\nversion = "3"\n'


def test_the_table_audit_of_the_configuration_creates_the_audit(tmp_path: Path) -> None:
    target = tmp_path / "audit.jsonl"
    path = tmp_path / "guardedbedrock.toml"
    path.write_text(f"{TOML}[audit]\nfile = '{target}'\nfsync = true\n", "utf-8")
    guard = Guard.from_config(path, listeners=())
    with FakeBedrock() as fake:
        client = guard.client("bedrock-runtime", **fake.client_kwargs())
        with pytest.raises(AccessDeniedError):
            client.converse(**ask("converse"), guardrailConfig={"guardrailIdentifier": "weak00000001", "guardrailVersion": "1"})
        client.close()

    assert [record["errorCode"] for record in lines(target)] == ["AccessDenied"]
    assert os.listdir(tmp_path)  # noqa: PTH208  # a lock stands beside it


def test_every_setting_of_the_table_audit_creates_its_sink(tmp_path: Path) -> None:
    audit = audit_of(
        file=str(tmp_path / "a.jsonl"),
        logger="auditors",
        log_group=GROUP,
        region="us-east-1",
        alert_above=3,
        alert_topic="arn:aws:sns:us-east-1:123456789012:alarms",
    )

    assert [type(sink).__name__ for sink in audit._sinks] == ["JsonLines", "LoggerSink", "CloudWatchLogs", "DenialAlert"]
    audit.close()


BAD: Final = {
    "nowhere": ("[audit]\nrecords = 'all'\n", "audit: records without a destination; set file"),
    "alert-without-topic": ("[audit]\nfile = 'x'\nalert_above = 3\n", "alert_above and alert_topic need each other"),
    "unknown": ("[audit]\nfil = 'x'\n", "did you mean `file`"),
    "records": ("[audit]\nfile = 'x'\nrecords = 'some'\n", "audit.records: must be 'denials' or 'all'"),
}


@pytest.mark.parametrize(("text", "problem"), BAD.values(), ids=BAD)
def test_an_invalid_audit_table_is_a_configuration_error(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "guardedbedrock.toml"
    path.write_text(TOML + text, "utf-8")

    with pytest.raises(ConfigurationError, match=problem):
        Guard.from_config(path)
