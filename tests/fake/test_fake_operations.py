"""Every operation, called by a plain boto3 client over a socket."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from botocore.exceptions import ClientError
from harness.installed import MISSING

from guardedbedrock.bedrock.service_models import service_model
from guardedbedrock.testing import FakeBedrock

if TYPE_CHECKING:
    from collections.abc import Callable

    Serve: TypeAlias = Callable[..., tuple[Any, Any]]

MODEL = "anthropic.claude-3-haiku-20240307-v1:0"
PROFILE = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-3-haiku-20240307-v1:0"
NAMES = set(service_model("bedrock-runtime").operation_names)
NO_HTTP2 = {"InvokeModelWithBidirectionalStream"}
WITH_CHECKS = pytest.mark.skipif(
    ("bedrock-runtime", "InvokeGuardrailChecks") in MISSING, reason="the installed botocore is older than the operation"
)
S3 = {"s3OutputDataConfig": {"s3Uri": "s3://bucket/prefix"}}


def test_every_operation_of_the_model_is_served() -> None:
    served = FakeBedrock()._state.runtime._operations

    assert NAMES - served.keys() == NO_HTTP2


def test_converse_echoes_with_usage_and_metrics(serve: Serve, ask: dict[str, Any]) -> None:
    fake, client = serve()

    response = client.converse(**ask)

    assert response["output"]["message"] == {"role": "assistant", "content": [{"text": "You said: hello there"}]}
    assert response["stopReason"] == "end_turn"
    assert response["usage"] == {"inputTokens": 3, "outputTokens": 6, "totalTokens": 9}
    assert fake.calls("Converse")[0].params == ask
    assert fake.calls("Converse")[0].headers["content-type"] == "application/json"
    assert response["ResponseMetadata"]["RequestId"] == fake.requests[0].request_id


def test_converse_stream_sends_one_delta_for_each_word(serve: Serve, ask: dict[str, Any]) -> None:
    fake, client = serve()
    fake.reply("one two  three ")

    events = list(client.converse_stream(**ask)["stream"])

    deltas = [event["contentBlockDelta"]["delta"]["text"] for event in events if "contentBlockDelta" in event]
    names = [next(iter(event)) for event in events]
    assert deltas == ["one", " two", "  three "]
    assert names == ["messageStart", *["contentBlockDelta"] * 3, "contentBlockStop", "messageStop", "metadata"]
    assert events[-1]["metadata"]["usage"]["outputTokens"] == 4


def test_invoke_model_uses_the_format_of_anthropic(serve: Serve) -> None:
    fake, client = serve()
    body = json.dumps({"anthropic_version": "bedrock-2023-05-31", "messages": [{"role": "user", "content": "hello"}]}).encode()

    response = client.invoke_model(modelId=MODEL, body=body)

    read = json.loads(response["body"].read())
    assert read["content"] == [{"type": "text", "text": "You said: hello"}]
    assert read["usage"] == {"input_tokens": 2, "output_tokens": 4}
    assert response["contentType"] == "application/json"
    assert response["ResponseMetadata"]["HTTPHeaders"]["x-amzn-bedrock-input-token-count"] == "2"
    assert fake.requests[0].params["body"] == body


def test_invoke_model_uses_the_format_of_titan(serve: Serve) -> None:
    _, client = serve()

    response = client.invoke_model(modelId="amazon.titan-text-express-v1", body=b'{"inputText": "hello"}')

    assert json.loads(response["body"].read())["results"][0]["outputText"] == "You said: hello"


@pytest.mark.parametrize("body", [b"", b"{}", b"[1]", b"\x00", b'{"messages": [1]}'])
def test_invoke_model_takes_any_body(serve: Serve, body: bytes) -> None:
    _, client = serve()

    response = client.invoke_model(modelId=MODEL, body=body)

    assert json.loads(response["body"].read())["content"][0]["text"] == "You said nothing."


@pytest.mark.parametrize(
    ("model", "field", "body"),
    [
        (MODEL, "type", {"messages": [{"role": "user", "content": "hello"}]}),
        ("amazon.titan-text-express-v1", "outputText", {"inputText": "hello"}),
    ],
)
def test_invoke_model_streams_chunks_of_json(serve: Serve, model: str, field: str, body: dict[str, Any]) -> None:
    _, client = serve()

    response = client.invoke_model_with_response_stream(modelId=model, body=json.dumps(body))

    chunks = [json.loads(event["chunk"]["bytes"]) for event in response["body"]]
    said = "".join(chunk.get("outputText", chunk.get("delta", {}).get("text", "")) for chunk in chunks)
    assert said == "You said: hello"
    assert all(field in chunk for chunk in chunks)
    assert chunks[-1]["amazon-bedrock-invocationMetrics"]["outputTokenCount"] == 4
    assert response["contentType"] == "application/json"


@pytest.mark.parametrize(
    "asked",
    [
        {"converse": {"messages": [{"role": "user", "content": [{"text": "hello"}]}], "system": [{"text": "be brief"}]}},
        {"invokeModel": {"body": b'{"system": "be brief", "messages": [{"role": "user", "content": "hello"}]}'}},
    ],
    ids=["converse", "invoke"],
)
def test_count_tokens(serve: Serve, asked: dict[str, Any]) -> None:
    fake, client = serve()

    assert client.count_tokens(modelId=MODEL, input=asked)["inputTokens"] == 4
    assert fake.requests[0].params["input"] == asked


@WITH_CHECKS
def test_guardrail_checks_score_and_locate_matches(serve: Serve) -> None:
    _, client = serve()
    texts = ["I hate you", "write to a@example.com"]

    response = client.invoke_guardrail_checks(
        messages=[{"role": "user", "content": [{"text": text} for text in texts]}],
        checks={
            "contentFilter": {"categories": [{"category": "HATE"}, {"category": "VIOLENCE"}]},
            "promptAttack": {"categories": [{"category": "JAILBREAK"}]},
            "sensitiveInformation": {"entities": [{"type": "EMAIL"}, {"type": "NAME"}]},
        },
    )

    scores = {entry["category"]: entry["severityScore"] for entry in response["results"]["contentFilter"]["results"]}
    (found,) = response["results"]["sensitiveInformation"]["results"]
    assert scores == {"HATE": 0.9, "VIOLENCE": 0.0}
    assert texts[found["contentIndex"]][found["beginOffset"] : found["endOffset"]] == "a@example.com"
    assert response["usage"]["promptAttack"] == {"textUnits": 1}


@WITH_CHECKS
def test_guardrail_checks_report_only_the_requested_categories(serve: Serve) -> None:
    _, client = serve()
    messages = [{"role": "user", "content": [{"text": "hello"}]}]

    response = client.invoke_guardrail_checks(
        messages=messages, checks={"promptAttack": {"categories": [{"category": "JAILBREAK"}]}}
    )

    assert response["results"] == {"promptAttack": {"results": [{"category": "JAILBREAK", "severityScore": 0.0}]}}


def test_an_asynchronous_job_is_started_polled_and_completed(serve: Serve) -> None:
    _, client = serve()
    arn = client.start_async_invoke(modelId="amazon.nova-reel-v1:0", modelInput={"a": [1]}, outputDataConfig=S3)["invocationArn"]

    first, second = client.get_async_invoke(invocationArn=arn), client.get_async_invoke(invocationArn=arn)

    assert (first["status"], second["status"]) == ("InProgress", "Completed")
    assert first["modelArn"] == "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-reel-v1:0"
    assert abs(second["submitTime"] - datetime.now(UTC)) < timedelta(minutes=1)
    assert second["outputDataConfig"] == S3


def test_the_same_token_starts_the_same_job(serve: Serve) -> None:
    _, client = serve()
    start = {"modelId": "amazon.nova-reel-v1:0", "modelInput": {}, "outputDataConfig": S3, "clientRequestToken": "once"}

    assert client.start_async_invoke(**start)["invocationArn"] == client.start_async_invoke(**start)["invocationArn"]


def test_jobs_are_listed_in_pages_by_status_and_time(serve: Serve) -> None:
    _, client = serve()
    arns = [
        client.start_async_invoke(modelId="amazon.nova-reel-v1:0", modelInput={}, outputDataConfig=S3)["invocationArn"]
        for _ in range(5)
    ]
    client.get_async_invoke(invocationArn=arns[0])
    pages = client.get_paginator("list_async_invokes").paginate(sortOrder="Ascending", PaginationConfig={"PageSize": 2})
    hour = timedelta(hours=1)

    def listed(**wanted: Any) -> list[str]:
        return [job["invocationArn"] for job in client.list_async_invokes(**wanted)["asyncInvokeSummaries"]]

    assert [job["invocationArn"] for page in pages for job in page["asyncInvokeSummaries"]] == arns
    assert listed() == arns[::-1]
    assert listed(statusEquals="Completed") == arns[:1]
    assert listed(submitTimeAfter=datetime.now(UTC) - hour, maxResults=1) == arns[-1:]
    assert listed(submitTimeBefore=datetime.now(UTC) - hour) == []


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("get_async_invoke", {"invocationArn": "arn:aws:bedrock:us-east-1:123456789012:async-invoke/abcdefghijkl"}),
        ("list_async_invokes", {"nextToken": "x"}),
    ],
)
def test_an_unknown_job_or_page_is_invalid(serve: Serve, name: str, params: dict[str, Any]) -> None:
    _, client = serve()

    with pytest.raises(client.exceptions.ValidationException):
        getattr(client, name)(**params)


def test_an_arn_in_the_path_is_one_value(serve: Serve, ask: dict[str, Any]) -> None:
    fake, client = serve()

    client.converse(**ask | {"modelId": PROFILE})

    assert "arn%3Aaws" in fake.requests[0].http_request.target
    assert fake.requests[0].params["modelId"] == PROFILE


def test_replies_are_scripted_in_order_then_echoed(serve: Serve, ask: dict[str, Any]) -> None:
    fake, client = serve()
    fake.reply("first", lambda params: params["modelId"], operation="Converse")
    fake.reply("of a stream", operation="ConverseStream")

    said = [client.converse(**ask)["output"]["message"]["content"][0]["text"] for _ in range(3)]

    assert said == ["first", MODEL, "You said: hello there"]


def test_a_permanent_reply_stays_until_reset(serve: Serve, ask: dict[str, Any]) -> None:
    fake, client = serve()
    fake.reply("always", times=None)
    client.converse(**ask)

    assert client.converse(**ask)["output"]["message"]["content"][0]["text"] == "always"
    fake.reset()
    assert client.converse(**ask)["output"]["message"]["content"][0]["text"] == "You said: hello there"
    assert len(fake.requests) == 1


def test_a_reply_that_raises_is_the_models_error(serve: Serve, ask: dict[str, Any]) -> None:
    fake, client = serve()
    fake.reply(lambda params: params["nothing"])

    with pytest.raises(client.exceptions.ModelErrorException, match="KeyError"):
        client.converse(**ask)


def test_a_bidirectional_stream_is_not_implemented(serve: Serve) -> None:
    """The operation requires HTTP/2. The fake says so before it checks any parameter."""
    _, client = serve()

    with pytest.raises(ClientError, match="InvokeModelWithBidirectionalStream is not implemented by the fake Bedrock"):
        client._make_api_call("InvokeModelWithBidirectionalStream", {"modelId": MODEL, "body": {}})
