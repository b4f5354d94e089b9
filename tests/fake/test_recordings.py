"""Answers from recorded exchanges: cassettes of vcrpy, and what the fake itself records."""

from __future__ import annotations

import base64
import gzip
import json
from contextlib import ExitStack, closing
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import boto3
import pytest
import yaml
from botocore.eventstream import ChecksumMismatch
from botocore.exceptions import ClientError

from guardedbedrock.errors import ConfigurationError
from guardedbedrock.iam import PolicySet
from guardedbedrock.testing import FakeBedrock, faults
from guardedbedrock.testing.wire import eventstream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Play = Callable[..., tuple[FakeBedrock, Any]]

MODEL = "anthropic.claude-3-haiku-20240307-v1:0"
URI = f"https://bedrock-runtime.us-east-1.amazonaws.com/model/{MODEL.replace(':', '%3A')}"
JSON = {"Content-Type": ["application/json"], "Content-Length": ["999"], "Transfer-Encoding": ["chunked"], "Set-Cookie": "a=b"}
CONTENT = [{"text": "hello"}]
ASK: dict[str, Any] = {"messages": [{"role": "user", "content": CONTENT}], "inferenceConfig": {"temperature": 1}}


def said(text: str) -> dict[str, Any]:
    return {
        "output": {"message": {"role": "assistant", "content": [{"text": text}]}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 1, "outputTokens": 1, "totalTokens": 2},
        "metrics": {"latencyMs": 1},
    }


def interaction(operation: str, body: Any, string: Any, *, status: int = 200, headers: Any = JSON) -> dict[str, Any]:
    return {
        "request": {"method": "POST", "uri": f"{URI}/{operation}", "body": body, "headers": {"Authorization": ["secret"]}},
        "response": {"status": {"code": status, "message": "OK"}, "headers": headers, "body": {"string": string}},
    }


def cassette(path: Path, *interactions: dict[str, Any]) -> Path:
    path.write_text(yaml.safe_dump({"version": 1, "interactions": list(interactions)}), "utf-8")
    return path


@pytest.fixture
def play(aws: boto3.Session) -> Iterator[Play]:
    """Return a function that starts a fake and creates a client that tries once."""
    with ExitStack() as stack:

        def begin(service: str = "bedrock-runtime", **options: Any) -> tuple[FakeBedrock, Any]:
            fake = stack.enter_context(FakeBedrock(**options))
            client = aws.client(service, **fake.client_kwargs())
            stack.callback(client.close)
            return fake, client

        yield begin


def _text(client: Any, **changed: Any) -> str:
    return str(client.converse(modelId=MODEL, **{**ASK, **changed})["output"]["message"]["content"][0]["text"])


def test_a_cassette_answers_by_method_path_and_body(tmp_path: Path, play: Play) -> None:
    """Spaces, the order of members, 1.0 for 1, and the encoding of the path do not matter."""
    body = json.dumps({"inferenceConfig": {"temperature": 1.0}, "messages": ASK["messages"]}, indent=2)
    cassette(tmp_path / "a.yaml", interaction("converse", body, json.dumps(said("recorded"))))
    fake, client = play(replay=tmp_path)

    assert _text(client) == "recorded"
    assert [request.operation for request in fake.requests] == ["Converse"]
    assert fake.requests[0].params["messages"] == ASK["messages"]


def test_the_signature_of_a_presigned_url_is_neither_recorded_nor_compared(tmp_path: Path, play: Play) -> None:
    """It contains credentials, and differs for each URL."""

    def get(client: Any, expires: int) -> Any:
        url = client.generate_presigned_url("list_async_invokes", {"maxResults": 5}, ExpiresIn=expires)
        assert "X-Amz-Signature" in url
        with closing(urlopen(url)) as response:  # noqa: S310  # of loopback
            return json.loads(response.read())

    _, recording = play(record=tmp_path)
    recorded = get(recording, 60)
    _, replaying = play(replay=tmp_path)

    assert get(replaying, 90) == recorded
    assert [json.loads(file.read_text("utf-8"))["exchanges"][0]["request"]["target"] for file in tmp_path.iterdir()] == [
        "/async-invoke?maxResults=5"
    ]


def test_equal_requests_get_their_responses_in_order(tmp_path: Path, play: Play) -> None:
    """The last one answers all further requests. `reset` starts again with the first."""
    body = json.dumps(ASK)
    cassette(tmp_path / "a.yml", *(interaction("converse", body, json.dumps(said(text))) for text in ("one", "two")))
    cassette(tmp_path / "b.yaml", interaction("converse", body, json.dumps(said("three"))))
    fake, client = play(replay=tmp_path)

    assert [_text(client) for _ in range(4)] == ["one", "two", "three", "three"]
    fake.reset()
    assert _text(client) == "one"


def test_an_event_stream_is_replayed(tmp_path: Path, play: Play) -> None:
    """With the bytes that were recorded, also an exception within the stream."""
    frames = [
        eventstream.event("messageStart", {"role": "assistant"}),
        eventstream.event("contentBlockDelta", {"delta": {"text": "recordéd"}, "contentBlockIndex": 0}),
    ]
    broken = [*frames, eventstream.exception("throttlingException", {"message": "slow down"})]
    headers = {"Content-Type": ["application/vnd.amazon.eventstream"]}
    cassette(
        tmp_path / "a.yaml",
        *(interaction("converse-stream", json.dumps(ASK), b"".join(each), headers=headers) for each in (frames, broken)),
    )
    _, client = play(replay=tmp_path)

    with closing(client.converse_stream(modelId=MODEL, **ASK)["stream"]) as stream:
        assert [next(iter(event)) for event in stream] == ["messageStart", "contentBlockDelta"]
    with (
        closing(client.converse_stream(modelId=MODEL, **ASK)["stream"]) as stream,
        pytest.raises(ClientError, match="slow down"),
    ):
        list(stream)


@pytest.mark.parametrize("sent", [b"\x00\xff not JSON", b"", b'{"a": [1, 2.50, null, "\xc3\xa9"]}'])
def test_bodies_of_all_kinds_are_compared(tmp_path: Path, play: Play, sent: bytes) -> None:
    """Binary data, no body, and JSON; the response is binary."""
    cassette(
        tmp_path / "a.yaml", interaction("invoke", sent or None, b"\x89PNG\x00\xff", headers={"Content-Type": ["image/png"]})
    )
    _, client = play(replay=tmp_path)

    reply = client.invoke_model(modelId=MODEL, body=sent)

    assert reply["contentType"] == "image/png"
    assert reply["body"].read() == b"\x89PNG\x00\xff"
    with pytest.raises(ClientError, match="differs in its body"):
        client.invoke_model(modelId=MODEL, body=b'{"other": 1}')


@pytest.mark.parametrize("compressed", [True, False])
def test_a_compressed_response_can_be_stored_decompressed(tmp_path: Path, play: Play, *, compressed: bool) -> None:
    """A cassette can have the decompressed body with the header of the compressed one."""
    text = json.dumps(said("recorded")).encode()
    headers = {"Content-Type": ["application/json"], "Content-Encoding": ["gzip"]}
    body = gzip.compress(text) if compressed else text
    cassette(tmp_path / "a.yaml", interaction("converse", json.dumps(ASK), body, headers=headers))

    assert _text(play(replay=tmp_path)[1]) == "recorded"


@pytest.mark.parametrize(
    "body",
    [gzip.compress(b"\0" * 20_000_000), gzip.compress(b"x")[:-2], b"\x1f\x8bxxx"],
    ids=["huge", "truncated", "damaged"],
)
def test_a_damaged_or_huge_compressed_body_is_rejected(tmp_path: Path, body: bytes) -> None:
    """Decompression is bounded."""
    path = cassette(tmp_path / "a.yaml", interaction("converse", "{}", body, headers={"Content-Encoding": ["gzip"]}))

    with pytest.raises(ConfigurationError, match=f"{path} at /interactions/0/response/body: "):
        FakeBedrock(replay=tmp_path)


def test_a_cassette_in_json_and_a_body_in_base64(tmp_path: Path, play: Play) -> None:
    """As the JSON serializer of vcrpy writes it."""
    recorded = interaction("converse", json.dumps(ASK), "")
    recorded["response"]["body"] = {"base64_string": base64.b64encode(json.dumps(said("recorded")).encode()).decode()}
    (tmp_path / "a.json").write_text(json.dumps({"version": 1, "interactions": [recorded]}), "utf-8")

    assert _text(play(replay=tmp_path)[1]) == "recorded"


def test_a_recorded_error_is_replayed(tmp_path: Path, play: Play) -> None:
    """Status, code and message, also for a request that the service model does not allow."""
    headers = {"x-amzn-ErrorType": ["ValidationException:http://internal.amazon.com/"], "Content-Type": ["application/json"]}
    body = json.dumps({"message": "The provided model identifier is invalid."})
    given = interaction("converse", "{}", body, status=400, headers=headers)
    cassette(tmp_path / "a.yaml", given, interaction("converse", json.dumps(ASK), body, status=400, headers=headers))
    fake, client = play(replay=tmp_path)

    with pytest.raises(client.exceptions.ValidationException, match="model identifier is invalid"):
        _text(client)
    assert fake.requests[0].status == 400


def test_an_operation_that_the_fake_does_not_implement_is_replayed(tmp_path: Path, play: Play) -> None:
    """Its query parameters match in any order."""
    uri = "https://bedrock.us-east-1.amazonaws.com/automated-reasoning-policies?nextToken=x&maxResults=2"
    recorded = {
        "request": {"method": "GET", "uri": uri, "body": None},
        "response": {"status": {"code": 200}, "headers": {}, "body": {"string": '{"automatedReasoningPolicySummaries": []}'}},
    }
    cassette(tmp_path / "a.yaml", recorded)
    _, client = play("bedrock", replay=tmp_path)

    reply = client.list_automated_reasoning_policies(maxResults=2, nextToken="x")

    assert reply["automatedReasoningPolicySummaries"] == []
    with pytest.raises(ClientError, match="it differs in its path"):
        client.list_automated_reasoning_policies(maxResults=3)


SECRET = "my secret prompt"


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (
            lambda client: _text(client, messages=[{"role": "user", "content": [{"text": SECRET}]}]),
            "it differs in its body at /messages/0/content/0/text",
        ),
        (
            lambda client: _text(client, inferenceConfig={"topP": 0.5}),
            "body at /inferenceConfig/temperature, /inferenceConfig/topP",
        ),
        (
            lambda client: client.converse(modelId="anthropic.claude-3-sonnet-20240229-v1:0", **ASK),
            "it differs in its path.",
        ),
        (lambda client: client.list_async_invokes(), "it differs in its method and its path and its body at"),
    ],
)
def test_a_request_that_is_not_recorded_names_the_nearest(
    tmp_path: Path, play: Play, call: Callable[[Any], object], problem: str
) -> None:
    """The message has no content of the request."""
    path = cassette(
        tmp_path / "a.yaml",
        interaction("invoke", "{}", "{}"),
        interaction("converse", json.dumps({"messages": []}), json.dumps(said("other"))),
        interaction("converse", json.dumps(ASK), json.dumps(said("recorded"))),
    )
    _, client = play(replay=tmp_path)

    with pytest.raises(ClientError) as error:
        call(client)

    message = error.value.response["Error"]["Message"]
    assert error.value.response["Error"]["Code"] == "UnrecordedRequestException"
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert message.startswith("No recorded exchange matches ")
    assert f"({path} at /interactions/" in message
    assert problem in message
    assert SECRET not in message


def test_policies_and_faults_come_before_the_recording(tmp_path: Path, play: Play) -> None:
    """A denial needs no recording."""
    cassette(tmp_path / "a.yaml", interaction("converse", json.dumps(ASK), json.dumps(said("recorded"))))
    _, denied = play(replay=tmp_path, policies=PolicySet(identity=[]))
    fake, client = play(replay=tmp_path)

    with pytest.raises(denied.exceptions.AccessDeniedException):
        _text(denied)
    fake.fault(faults.Fail(400, "ValidationException", "faulty"))
    with pytest.raises(ClientError, match="faulty"):
        _text(client)
    assert _text(client) == "recorded"


def _stream(tmp_path: Path) -> Path:
    frames = [
        eventstream.event("messageStart", {"role": "assistant"}),
        *(eventstream.event("contentBlockDelta", {"delta": {"text": text}, "contentBlockIndex": 0}) for text in "abc"),
        eventstream.event("messageStop", {"stopReason": "end_turn"}),
    ]
    headers = {"content-type": ["application/vnd.amazon.eventstream"]}
    cassette(tmp_path / "a.yaml", interaction("converse-stream", json.dumps(ASK), b"".join(frames), headers=headers))
    return tmp_path


def _collect(client: Any, into: list[str]) -> None:
    """Append the name of each event to a list, until the stream ends or raises."""
    with closing(client.converse_stream(modelId=MODEL, **ASK)["stream"]) as stream:
        for event in stream:
            into.append(next(iter(event)))  # noqa: PERF401 - the names before an exception count


def test_a_recorded_stream_breaks_after_some_events(tmp_path: Path, play: Play) -> None:
    """The faults of streams change recorded streams, and the next stream is whole again."""
    fake, client = play(replay=_stream(tmp_path))
    fake.break_stream(after=2, message="slow down")
    broken: list[str] = []
    whole: list[str] = []

    with pytest.raises(ClientError, match="slow down"):
        _collect(client, broken)
    _collect(client, whole)

    assert broken == ["messageStart", "contentBlockDelta"]
    assert whole == ["messageStart", *["contentBlockDelta"] * 3, "messageStop"]


def test_a_frame_of_a_recorded_stream_is_broken(tmp_path: Path, play: Play) -> None:
    """After the valid frames before it."""
    fake, client = play(replay=_stream(tmp_path))
    fake.fault(faults.BrokenFrame(after=3))
    seen: list[str] = []

    with pytest.raises(ChecksumMismatch):
        _collect(client, seen)

    assert seen == ["messageStart", "contentBlockDelta", "contentBlockDelta"]


def test_a_recorded_stream_arrives_at_the_rate_of_a_fault(tmp_path: Path, play: Play) -> None:
    """Five events at 50 a second take at least 0.1 s."""
    fake, client = play(replay=_stream(tmp_path))
    fake.fault(faults.TokenRate(50))

    seen: list[str] = []

    started = monotonic()
    _collect(client, seen)

    assert len(seen) == 5
    assert monotonic() - started >= 0.1


def test_what_a_fake_records_is_replayed(tmp_path: Path, play: Play) -> None:
    """Responses, streams, binary bodies and errors, in order; recording goes on where it ended."""
    folder = tmp_path / "new" / "recordings"
    recorded, client = play(record=folder)
    recorded.reply("one", "two")

    def all_calls(client: Any) -> list[Any]:
        with closing(client.converse_stream(modelId=MODEL, **ASK)["stream"]) as stream:
            events = list(stream)
        with pytest.raises(ClientError) as error:
            client.converse(modelId="unknown", **ASK)
        body = client.invoke_model(modelId="amazon.titan-embed-text-v2:0", body=b'{"inputText": "caf\xc3\xa9"}')["body"].read()
        return [_text(client), events, error.value.response["Error"], json.loads(body)]

    first = all_calls(client)
    assert recorded.requests[0].status == 200
    _, again = play(record=folder)
    again.converse(modelId=MODEL, messages=[{"role": "user", "content": [{"text": "later"}]}])
    _, replayed = play(replay=folder)

    assert all_calls(replayed) == first
    names = sorted(path.name for path in folder.iterdir())
    assert names == [
        "000001-ConverseStream.json",
        "000002-Converse.json",
        "000003-InvokeModel.json",
        "000004-Converse.json",
        "000005-Converse.json",
    ]
    assert not any("AWS4-HMAC" in path.read_text("utf-8") for path in folder.iterdir())


GOOD = interaction("converse", "{}", "{}")


def _with(**changed: Any) -> str:
    """Return a cassette with a changed part: ``response_status`` is the member ``status`` of ``response``."""
    made = json.loads(json.dumps(GOOD))
    for name, value in changed.items():
        part, _, member = name.partition("_")
        made[part][member] = value
    return json.dumps({"interactions": [made]})


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("a.json", "{", "not valid JSON"),
        ("a.json", "[]", "not a recording: it has neither `interactions`"),
        ("a.json", '{"http_interactions": []}', "not a recording"),
        ("a.json", '{"interactions": {}}', " at /interactions: expected an array"),
        ("a.json", '{"interactions": [3]}', " at /interactions/0: expected an object with the object `request`"),
        ("a.json", _with(request_uri=3), " at /interactions/0/request: the string `uri` is missing"),
        ("a.json", _with(request_uri="https://[x/"), " at /interactions/0/request/uri: not a URI"),
        ("a.json", _with(request_method="GET /x"), " at /interactions/0/request/method: not an HTTP method"),
        ("a.json", _with(request_body=[1]), " at /interactions/0/request/body: expected a string"),
        ("a.json", _with(request_body="\ud800"), " at /interactions/0/request/body: contains half of a surrogate pair"),
        ("a.json", _with(response_status={"code": 99}), " at /interactions/0/response: the status must be a number from 200"),
        ("a.json", _with(response_status={"code": True}), " at /interactions/0/response: the status must be a number"),
        ("a.json", _with(response_status=200), " at /interactions/0/response: expected an object with the object `status`"),
        ("a.json", _with(response_headers=[1]), " at /interactions/0/response/headers: expected an object"),
        ("a.json", _with(response_headers={"a b": ["c"]}), " at /interactions/0/response/headers: expected names of headers"),
        ("a.json", _with(response_headers={"a": [3]}), " at /interactions/0/response/headers: expected names of headers"),
        ("a.json", _with(response_headers={"a": "b\r\nc: d"}), " at /interactions/0/response/headers/a: a value contains"),
        ("a.json", _with(response_body={"base64_string": "?"}), " at /interactions/0/response/body/base64_string: not base64"),
        (
            "a.json",
            '{"exchanges": [{"request": {}, "response": {}}]}',
            " at /exchanges/0/request: the string `method` is missing",
        ),
        ("a.yaml", "interactions: !!python/object/apply:os.system [ls]", "not valid YAML"),
        ("a.yaml", "a: [" * 5000, "nested"),
        (
            "a.yaml",
            "a: &a [x, x]\nb: &b [*a, *a, *a, *a]\n" + "".join(f"k{n}: &k{n} [{'*b, ' * 9}*b]\n" for n in range(9000)),
            "",
        ),
        ("a.yaml", "interactions: !!binary 'a'", "not valid YAML"),
        ("a.txt", "", "contains no *.json"),
    ],
)
def test_a_damaged_recording_is_rejected(tmp_path: Path, name: str, text: str, problem: str) -> None:
    """The error contains the file and the location. It is raised when the fake is created."""
    (tmp_path / name).write_text(text, "utf-8")

    with pytest.raises(ConfigurationError) as error:
        FakeBedrock(replay=tmp_path)

    assert str(tmp_path) in str(error.value)
    assert problem in str(error.value)
    assert "\n" not in str(error.value)


def test_a_folder_must_exist_and_only_one_of_both_is_allowed(tmp_path: Path) -> None:
    """Replay performs no operations that could be recorded."""
    with pytest.raises(ConfigurationError, match="no such file"):
        FakeBedrock(replay=tmp_path / "none")
    with pytest.raises(ConfigurationError, match="replay, record: set only one"):
        FakeBedrock(replay=tmp_path, record=tmp_path)
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(ConfigurationError, match="not a folder to write recordings to"):
        FakeBedrock(record=tmp_path / "file")
