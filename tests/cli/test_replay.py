"""``guardedbedrock replay``."""

from __future__ import annotations

import json
import re
import socket
from typing import TYPE_CHECKING, Any, TypeAlias

import boto3
import pytest
from harness.replay import BASELINE, NEW, REQUIRE_GUARDRAIL, ROLE, entry, record, uuid, write_json, write_trail
from moto.server import ThreadedMotoServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Cli: TypeAlias = Callable[..., Any]

TRACED = {"guardrailConfig": {"trace": "enabled"}}


@pytest.fixture
def trail(tmp_path: Path) -> Path:
    """Write a trail of two calls; the log shows that the first one had no guardrail."""
    write_trail(tmp_path / "trail", record(1), record(2), record(1))
    write_json(tmp_path / "logs" / "1.json", entry(1, body=TRACED))
    write_json(tmp_path / "new.json", NEW)
    write_json(tmp_path / "old.json", BASELINE)
    return tmp_path


@pytest.mark.usefixtures("trail")
def test_newly_denied_calls_exit_with_1(cli: Cli) -> None:
    done = cli("replay", "trail", "--policies", "new.json", "--baseline", "old.json", "--invocation-logs", "logs")
    assert done.code == 1
    assert done.err == ""
    lines = done.out.splitlines()
    assert lines[0] == "The new policies would newly deny 1 of 2 recorded calls, of 1 principal."
    assert lines[1] == "3 records read, 2 Bedrock calls, 1 distinct"
    assert f"       1  {ROLE}  amazon.nova-lite-v1:0" in lines
    assert any(uuid(1) in line for line in lines)


@pytest.mark.parametrize("options", [[], ["--strict"], ["--since", "2026-01-01"]])
@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("1.json", "garbage", "a line is not JSON"),
        ("1.json", '{"Records": [{"eventName": "Converse"}]}', "the record has no `eventID`"),
        ("1.json", '{"Records": []}', "no CloudTrail record, so"),
        ("1.json", "", "is empty"),
        ("x.txt", "notes", ""),
    ],
)
def test_a_trail_without_a_record_exits_with_2(  # noqa: PLR0913, PLR0917  # a table of files, under some options
    name: str, text: str, reason: str, options: list[str], cli: Cli, trail: Path
) -> None:
    """A report without calls would look like a report without denials."""
    (trail / "other").mkdir()
    (trail / "other" / name).write_text(text, "utf-8")

    done = cli("replay", "other", "--policies", "new.json", *options)

    assert (done.code, done.out) == (2, "")
    assert "contain no CloudTrail record" in done.err
    assert reason in done.err
    assert done.err.endswith("so nothing was replayed; name a trail\n")


@pytest.mark.usefixtures("trail")
def test_without_evidence_no_call_is_newly_denied(cli: Cli) -> None:
    done = cli("replay", "trail", "--policies", "new.json")
    assert done.code == 0
    assert "deny none of the 2 recorded calls" in done.out
    assert "2 indeterminate" in done.out


@pytest.mark.usefixtures("trail")
def test_json_has_the_documented_members(cli: Cli) -> None:
    done = cli("replay", "trail", "--policies", "new.json", "--invocation-logs", "logs", "--format", "json", "--workers", "2")
    assert done.code == 1
    data = json.loads(done.out)
    assert data["events"] == 3
    assert data["bedrock"] == 2
    assert data["distinct"] == 1
    assert data["outcomes"] == {"allowed": 0, "indeterminate": 1, "implicitDeny": 0, "explicitDeny": 1}
    assert data["evidence"] == {"guarded": 0, "unguarded": 1, "none": 1}
    change = data["changes"][0]
    names = {"principal", "action", "resource", "before", "after", "count", "first", "last", "example", "explanation"}
    assert names <= set(change)
    assert (change["before"], change["after"], change["count"], change["example"]) == ("allowed", "explicitDeny", 1, uuid(1))
    assert REQUIRE_GUARDRAIL["Sid"] in change["explanation"]
    assert data["divergences"] == data["skipped"] == []


@pytest.mark.usefixtures("trail")
def test_a_report_is_written_into_a_folder(cli: Cli, tmp_path: Path) -> None:
    for output, name in (("text", "txt"), ("json", "json"), ("html", "html"), ("markdown", "md")):
        done = cli("replay", "trail", "--policies", "new.json", "--format", output, "-o", "out/reports")
        assert (done.code, done.out) == (0, "")
        assert done.err.strip().endswith(f"replay.{name}")
        assert (tmp_path / "out" / "reports" / f"replay.{name}").stat().st_size > 100


def test_the_page_shows_foreign_text_as_text_and_loads_nothing(cli: Cli, trail: Path) -> None:
    nasty = "<script>alert(1)</script>\"'&"
    arn = f"arn:aws:iam::123456789012:user/{nasty}"
    write_trail(
        trail / "trail", record(3, userIdentity={"type": "IAMUser", "arn": arn, "accountId": "123456789012"}), name="b.json"
    )
    deny = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}
    write_json(trail / "deny.json", deny)
    done = cli("replay", "trail", "--policies", "deny.json", "--format", "html")
    assert done.code == 1
    assert "<script" not in done.out
    assert "&lt;script&gt;alert(1)" in done.out
    assert re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?(?!data:)[^"'\s)]+""", done.out) == []


@pytest.mark.parametrize("output", ["text", "markdown"])
def test_a_value_of_a_trail_adds_no_line_and_no_control_character(cli: Cli, trail: Path, output: str) -> None:
    arn = "arn:aws:iam::123456789012:user/a\n       9  forged\x1b[31m"
    write_trail(
        trail / "trail", record(3, userIdentity={"type": "IAMUser", "arn": arn, "accountId": "123456789012"}), name="b.json"
    )
    write_json(trail / "deny.json", {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]})

    printed = cli("replay", "trail", "--policies", "deny.json", "--format", output).out
    cli("replay", "trail", "--policies", "deny.json", "--format", output, "-o", "out")

    (file,) = (trail / "out").iterdir()
    for text in (printed, file.read_text("utf-8")):
        assert "forged\\x1b" in text.replace("\\\\", "\\").replace("\\[", "[")
        assert not [line for line in text.splitlines() if line.strip().startswith("9  forged")]
        assert "\x1b" not in text


@pytest.mark.usefixtures("trail")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("trail",), "--policies"),
        (("--policies", "new.json"), "no trail was given"),
        (("nothing", "--policies", "new.json"), "nothing: there is no such file or folder"),
        (("trail", "--policies", "nothing.json"), "nothing.json: cannot be read"),
        (("trail", "--policies", "trail/trail.json"), "is not a policy"),
        (("trail", "--policies", "new.json", "--since", "soon"), "since: `soon` is not a time"),
        (("trail", "--policies", "new.json", "--assume", "key"), "--assume: `key` is not KEY=VALUE"),
        (
            ("trail", "--policies", "new.json", "--assume", "bedrock:ServiceTeir=flex"),
            "--assume: `bedrock:ServiceTeir` is not a known condition key; did you mean `bedrock:ServiceTier`?",
        ),
        (("trail", "--policies", "new.json", "--guardrail", "injected"), "needs approved guardrails"),
        (("trail", "--policies", "new.json", "--guardrail", "none"), "--guardrail"),
        (("trail", "--policies", "new.json", "--workers", "0"), "--workers"),
    ],
)
def test_invalid_input_is_one_line_and_exit_code_2(cli: Cli, arguments: tuple[str, ...], message: str) -> None:
    done = cli("replay", *arguments)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert done.err.count("\n") == 1


def test_strict_exits_with_2_after_the_report(cli: Cli, trail: Path) -> None:
    write_json(trail / "trail" / "CloudTrail-Digest" / "d.json", {})
    assert cli("replay", "trail", "--policies", "new.json", "--strict").code == 0
    (trail / "trail" / "broken.json").write_text('{"Records": [')
    assert cli("replay", "trail", "--policies", "new.json").code == 0
    done = cli("replay", "trail", "--policies", "new.json", "--strict", "--format", "json")
    assert done.code == 2
    assert "broken.json: is not valid JSON" in done.err
    assert json.loads(done.out)["bedrock"] == 2


@pytest.mark.usefixtures("trail")
def test_distinct_calls_are_kept_and_read_again(cli: Cli) -> None:
    first = cli("replay", "trail", "--policies", "new.json", "--invocation-logs", "logs", "--keep", "kept", "--format", "json")
    assert first.code == 1
    again = cli("replay", "--policies", "new.json", "--tuples", "kept/calls.parquet", "--format", "json")
    assert again.code == 1
    assert json.loads(again.out)["changes"] == json.loads(first.out)["changes"]


@pytest.mark.usefixtures("trail")
def test_the_athena_query_is_printed(cli: Cli) -> None:
    done = cli("replay", "--policies", "new.json", "--athena-sql", "--table", "logs.cloudtrail")
    assert (done.code, done.err) == (0, "")
    assert "SELECT * FROM logs.cloudtrail WHERE eventsource = 'bedrock.amazonaws.com'" in done.out
    refused = cli("replay", "--policies", "new.json", "--athena-sql", "--table", "x; y")
    assert refused.code == 2


@pytest.fixture
def s3() -> Iterator[str]:
    """Serve S3."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.mark.filterwarnings("default::ResourceWarning")
def test_trails_are_read_from_s3(cli: Cli, trail: Path, s3: str) -> None:
    keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
    client = boto3.client("s3", endpoint_url=s3, region_name="us-east-1", **keys)
    client.create_bucket(Bucket="trails")
    body = (trail / "trail" / "trail.json").read_bytes()
    client.put_object(Bucket="trails", Key="AWSLogs/1/CloudTrail/us-east-1/a.json", Body=body)
    client.put_object(Bucket="trails", Key="AWSLogs/1/CloudTrail/us-east-1/b.json", Body=json.dumps({"Records": [record(5)]}))
    client.put_object(Bucket="trails", Key="AWSLogs/1/CloudTrail-Digest/c.json", Body=b"{}")
    client.put_object(Bucket="trails", Key="AWSLogs/1/", Body=b"")
    # S3 answers 403 for an archived object, as it does without the permission to read it.
    client.put_object(Bucket="trails", Key="AWSLogs/1/CloudTrail/us-east-1/old.json", Body=body, StorageClass="GLACIER")
    client.close()
    environ = {
        "AWS_ENDPOINT_URL_S3": s3,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    for workers in ("1", "2"):
        arguments = ("replay", "s3://trails/AWSLogs", "--policies", "new.json", "--format", "json", "--workers", workers)
        done = cli(*arguments, **environ)
        assert done.code == 0, done.err
        data = json.loads(done.out)
        assert (data["events"], data["bedrock"]) == (4, 3)
        digest, archived = data["skipped"]
        assert (digest["file"], digest["count"], digest["is_broken"]) == ("s3://trails/AWSLogs", 1, False)
        assert (archived["file"], archived["is_broken"]) == ("s3://trails/AWSLogs/1/CloudTrail/us-east-1/old.json", True)
        assert "cannot be read" in archived["reason"]
        assert "InvalidObjectState" in archived["reason"]
    missing = cli("replay", "s3://no-such-bucket/x", "--policies", "new.json", **environ)
    assert missing.code == 2
    assert "s3://no-such-bucket/x: the bucket cannot be listed" in missing.err
    empty = cli("replay", "s3://trails/none/", "--policies", "new.json", **environ)
    assert empty.code == 2
    assert "there are no objects" in empty.err


def test_a_bucket_that_cannot_be_reached_is_one_line(cli: Cli, trail: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert trail
    done = cli(
        "replay",
        "s3://trails/x",
        "--policies",
        "new.json",
        AWS_ENDPOINT_URL_S3=f"http://127.0.0.1:{port}",
        AWS_ACCESS_KEY_ID="testing",
        AWS_SECRET_ACCESS_KEY="testing",
        AWS_DEFAULT_REGION="us-east-1",
        AWS_MAX_ATTEMPTS="1",
    )
    assert done.code == 2
    assert "the bucket cannot be listed" in done.err
    assert done.err.count("\n") == 1
