"""The model invocation log, in the folder of the fake."""

from __future__ import annotations

import gzip
import json
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from guardedbedrock.testing import FakeGuardrail

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CLAUDE = "anthropic.claude-sonnet-4-20250514-v1:0"
GUARDED = {"guardrailIdentifier": "abc123def456", "guardrailVersion": "1"}
BODY = json.dumps({"anthropic_version": "bedrock-2023-05-31", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]})


def _records(folder: Path) -> list[Any]:
    """Return the records of all buckets, oldest first."""
    files = sorted(folder.glob("**/BedrockModelInvocationLogs/*/*/*/*/*/*.json.gz"))
    return [json.loads(line) for file in files for line in gzip.decompress(file.read_bytes()).splitlines()]


def test_a_guarded_call_is_logged(manage: Callable[..., Any], ask: dict[str, Any], tmp_path: Path) -> None:
    """With the members that AWS documents, and the trace of the guardrail if the call enables it."""
    guardrail = FakeGuardrail("abc123def456", denied_words=("there",))
    fake, _, client = manage(guardrails=[guardrail], invocation_logs=tmp_path)

    reply = client.converse(**ask, guardrailConfig={**GUARDED, "trace": "enabled"}, requestMetadata={"team": "hr"})

    (record,) = _records(tmp_path)
    body = record["output"].pop("outputBodyJson")
    assert record["requestId"] == reply["ResponseMetadata"]["RequestId"] == fake.requests[0].request_id
    assert record["input"]["inputBodyJson"]["messages"] == ask["messages"]
    assert record["identity"] == {"arn": "arn:aws:iam::123456789012:role/FakeBedrockCaller"}
    assert (record["schemaType"], record["schemaVersion"]) == ("ModelInvocationLog", "1.0")
    assert (record["accountId"], record["region"], record["operation"]) == ("123456789012", "us-east-1", "Converse")
    assert (record["modelId"], record["requestMetadata"]) == (ask["modelId"], {"team": "hr"})
    assert body["stopReason"] == "guardrail_intervened"
    details = body["trace"]["guardrail"]["inputAssessment"]["abc123def456"]["appliedGuardrailDetails"]
    assert details["guardrailVersion"] == "1"


@pytest.mark.parametrize(("body", "logged"), [(b"", None), (b"\x00", "\x00"), (b'"\\ud800"', '"\\ud800"')])
def test_a_body_that_is_not_json_is_logged_as_text(
    manage: Callable[..., Any], tmp_path: Path, body: bytes, logged: str | None
) -> None:
    """The format of Anthropic accepts any body, so that tests can leave it out."""
    _, _, client = manage(invocation_logs=tmp_path)

    client.invoke_model(modelId=CLAUDE, body=body)["body"].read()

    assert [record["input"]["inputBodyJson"] for record in _records(tmp_path)] == [logged]


def test_all_four_operations_are_logged(manage: Callable[..., Any], ask: dict[str, Any], tmp_path: Path) -> None:
    """A stream is logged as a whole: Converse as a message, InvokeModel as its chunks."""
    _, _, client = manage(invocation_logs=tmp_path)

    client.converse(**ask)
    with closing(client.converse_stream(**ask)["stream"]) as stream:
        list(stream)
    body = json.loads(client.invoke_model(modelId=CLAUDE, body=BODY)["body"].read())
    with closing(client.invoke_model_with_response_stream(modelId=CLAUDE, body=BODY)["body"]) as stream:
        chunks = [json.loads(event["chunk"]["bytes"]) for event in stream]

    found = {record["operation"]: record for record in _records(tmp_path)}
    outputs = {name: record["output"]["outputBodyJson"] for name, record in found.items()}
    assert outputs["Converse"]["output"] == outputs["ConverseStream"]["output"]
    assert outputs["InvokeModel"] == body
    assert outputs["InvokeModelWithResponseStream"] == chunks
    assert found["InvokeModel"]["input"]["inputBodyJson"] == json.loads(BODY)
    assert found["InvokeModel"]["input"]["inputTokenCount"] == body["usage"]["input_tokens"]
    assert found["InvokeModel"]["output"]["outputTokenCount"] == body["usage"]["output_tokens"]


def test_the_configuration_selects_the_destination(manage: Callable[..., Any], ask: dict[str, Any], tmp_path: Path) -> None:
    """Bucket and prefix, and a log group whose first line is not JSON."""
    _, control, client = manage(invocation_logs=tmp_path)
    control.put_model_invocation_logging_configuration(
        loggingConfig={
            "s3Config": {"bucketName": "my-logs", "keyPrefix": "bedrock"},
            "cloudWatchConfig": {"logGroupName": "/app/calls", "roleArn": "arn:aws:iam::123456789012:role/Logs"},
        }
    )

    client.converse(**ask)

    (file,) = tmp_path.glob("my-logs/bedrock/AWSLogs/123456789012/BedrockModelInvocationLogs/us-east-1/*/*/*/*/*.json.gz")
    first, line = (tmp_path / "app/calls/aws/bedrock/modelinvocations").read_text("utf-8").splitlines()
    assert first == "Permissions are correctly set for Amazon Bedrock logs."
    assert json.loads(line) == json.loads(gzip.decompress(file.read_bytes()))


def test_nothing_is_logged_without_a_configuration(manage: Callable[..., Any], ask: dict[str, Any], tmp_path: Path) -> None:
    """A client deletes it, as at AWS."""
    _, control, client = manage(invocation_logs=tmp_path)
    control.delete_model_invocation_logging_configuration()

    client.converse(**ask)

    assert list(tmp_path.iterdir()) == []


def test_bodies_are_left_out_without_text_delivery(manage: Callable[..., Any], ask: dict[str, Any], tmp_path: Path) -> None:
    """The other members are still logged."""
    _, control, client = manage(invocation_logs=tmp_path)
    config = {"s3Config": {"bucketName": "my-logs"}, "textDataDeliveryEnabled": False}
    control.put_model_invocation_logging_configuration(loggingConfig=config)

    client.converse(**ask)
    client.invoke_model(modelId="amazon.titan-embed-text-v2:0", body=json.dumps({"inputText": "hi"}))["body"].read()

    found = {record["operation"]: record for record in _records(tmp_path)}
    assert found["Converse"]["input"]["inputTokenCount"] > 0
    assert "inputBodyJson" not in found["Converse"]["input"]
    assert "outputBodyJson" not in found["Converse"]["output"]
    assert "embedding" in found["InvokeModel"]["output"]["outputBodyJson"]


def test_a_large_body_is_written_to_a_file(manage: Callable[..., Any], tmp_path: Path) -> None:
    """The record has its path."""
    _, _, client = manage(invocation_logs=tmp_path)
    text = "x" * 200_000

    client.converse(modelId=CLAUDE, messages=[{"role": "user", "content": [{"text": text}]}], inferenceConfig={"maxTokens": 5})

    (record,) = _records(tmp_path)
    path = tmp_path / record["input"]["inputBodyS3Path"].removeprefix("s3://")
    assert json.loads(gzip.decompress(path.read_bytes()))["messages"][0]["content"] == [{"text": text}]
    assert "inputBodyJson" not in record["input"]
    assert "outputBodyJson" in record["output"]


def test_failed_calls_are_not_logged(manage: Callable[..., Any], ask: dict[str, Any], tmp_path: Path) -> None:
    """AWS does not document whether it logs them."""
    fake, _, client = manage(invocation_logs=tmp_path)
    fake.deny("Converse")

    with pytest.raises(ClientError):
        client.converse(**ask)

    assert _records(tmp_path) == []


def test_no_name_leads_out_of_the_folder(manage: Callable[..., Any], ask: dict[str, Any], tmp_path: Path) -> None:
    """A client of the server chooses the names."""
    folder = tmp_path / "deep" / "logs"
    _, control, client = manage(invocation_logs=folder)
    control.put_model_invocation_logging_configuration(
        loggingConfig={
            "s3Config": {"bucketName": "my-logs", "keyPrefix": "../../.."},
            "cloudWatchConfig": {"logGroupName": "../../up", "roleArn": "arn:aws:iam::123456789012:role/Logs"},
        }
    )

    client.converse(**ask)

    assert [path.name for path in tmp_path.iterdir()] == ["deep"]
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["logs"]
    assert len(_records(folder)) == 1
