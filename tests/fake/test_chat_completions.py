"""The fake's Chat Completions API, over a real socket."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from guardedbedrock import iam
from guardedbedrock.testing import FakeApiKey, FakeBedrock, FakeGuardrail
from guardedbedrock.testing.faults import BreakStream

if TYPE_CHECKING:
    from collections.abc import Iterator

MODEL = "openai.gpt-oss-20b-1:0"
PATHS = ("/v1/chat/completions", "/openai/v1/chat/completions")
GUARDED = {"X-Amzn-Bedrock-GuardrailIdentifier": "abc123def456", "X-Amzn-Bedrock-GuardrailVersion": "1"}
KEY = {"Authorization": "Bearer bedrock-api-key-for-tests"}
GUARDRAIL = FakeGuardrail("abc123def456", version="1", denied_words=("salary",))


@pytest.fixture
def fake() -> Iterator[FakeBedrock]:
    with FakeBedrock(guardrails=[GUARDRAIL]) as server:
        yield server


def post(fake: FakeBedrock, text: str = "hello", path: str = PATHS[0], headers: dict[str, str] | None = None, **more: Any) -> Any:
    body = {"model": MODEL, "messages": [{"role": "user", "content": text}], **more}
    return httpx.post(fake.endpoint_url + path, json=body, headers=headers or {})


def chunks(response: Any) -> list[Any]:
    lines = [line.removeprefix("data: ") for line in response.text.split("\n\n") if line]
    return [line if line == "[DONE]" else json.loads(line) for line in lines]


@pytest.mark.parametrize("path", PATHS)
def test_a_completion(fake: FakeBedrock, path: str) -> None:
    response = post(fake, path=path)

    assert response.json()["choices"][0] == {
        "index": 0,
        "message": {"role": "assistant", "content": "You said: hello"},
        "finish_reason": "stop",
    }
    assert response.headers["content-type"] == "application/json"
    assert (fake.requests[0].operation, fake.requests[0].params["modelId"]) == ("ChatCompletions", MODEL)


@pytest.mark.parametrize("path", PATHS)
def test_a_stream_of_server_sent_events(fake: FakeBedrock, path: str) -> None:
    response = post(fake, path=path, stream=True)

    *parts, last, done = chunks(response)
    assert "".join(part["choices"][0]["delta"]["content"] for part in parts) == "You said: hello"
    assert (last["choices"][0]["finish_reason"], done) == ("stop", "[DONE]")
    assert response.headers["content-type"] == "text/event-stream"
    assert fake.requests[0].operation == "ChatCompletionsStream"


@pytest.mark.parametrize(("text", "action"), [("hello", "NONE"), ("my salary", "INTERVENED")])
def test_the_guardrail_in_the_headers_is_applied(fake: FakeBedrock, text: str, action: str) -> None:
    whole = post(fake, text, headers={**GUARDED, "X-Amzn-Bedrock-Trace": "ENABLED"}).json()
    *_, last, _ = chunks(post(fake, text, headers=GUARDED, stream=True))

    assert (whole["amazon-bedrock-guardrailAction"], last["amazon-bedrock-guardrailAction"]) == (action, action)
    assert "guardrail" in whole["amazon-bedrock-trace"]
    assert ("You said" in whole["choices"][0]["message"]["content"]) == (action == "NONE")
    assert [request.guardrail for request in fake.requests] == [("abc123def456", "1")] * 2


@pytest.mark.parametrize(
    ("more", "headers", "status"),
    [
        ({"model": "amazon.titan-embed-text-v2:0"}, {}, 400),
        ({"model": ""}, {}, 400),
        ({"messages": None}, {}, 400),
        ({}, {"X-Amzn-Bedrock-GuardrailIdentifier": "abc123def456"}, 400),
        ({}, {**GUARDED, "X-Amzn-Bedrock-GuardrailVersion": "9"}, 400),
    ],
)
def test_an_error_has_the_shape_of_openai(fake: FakeBedrock, more: dict[str, Any], headers: dict[str, str], status: int) -> None:
    response = post(fake, headers=headers, **more)

    assert response.status_code == status
    assert set(response.json()["error"]) == {"message", "type", "param", "code"}
    assert response.json()["error"]["code"] == response.headers["x-amzn-errortype"] == fake.requests[0].error


def test_a_call_is_authorized_with_the_token_of_its_key() -> None:
    models = {"Effect": "Allow", "Action": ["bedrock:InvokeModel", "bedrock:ApplyGuardrail"], "Resource": "*"}
    policies = iam.PolicySet(identity=[{"Version": "2012-10-17", "Statement": [models]}])

    with FakeBedrock(guardrails=[GUARDRAIL], policies=policies) as fake:
        by_key, unsigned, stream = post(fake, headers=KEY), post(fake), post(fake, stream=True)

    assert [each.status_code for each in (by_key, unsigned, stream)] == [401, 200, 401]
    assert "bedrock:CallWithBearerToken" in by_key.json()["error"]["message"]
    assert "bedrock:InvokeModelWithResponseStream" in stream.json()["error"]["message"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_denial_is_that_of_the_openai_compatible_endpoint(fake: FakeBedrock, *, stream: bool) -> None:
    """The recorded denial has status 401, unlike denials of the other operations of the runtime."""
    fake.deny(by="scp")

    response = post(fake, stream=stream)

    error = response.json()["error"]
    assert error.pop("message").endswith("with an explicit deny in a service control policy")
    assert (response.status_code, error) == (401, {"type": "permission_denied_error", "param": None, "code": "access_denied"})
    assert (fake.requests[0].status, fake.requests[0].error) == (401, "access_denied")


def test_an_unknown_key_is_rejected() -> None:
    with FakeBedrock(credentials=[FakeApiKey("bedrock-api-key-known")]) as fake:
        assert post(fake, headers=KEY).status_code == 403
        assert post(fake, headers={"Authorization": "Bearer bedrock-api-key-known"}).status_code == 200


def test_a_stream_that_breaks_ends_with_an_error(fake: FakeBedrock) -> None:
    fake.fault(BreakStream("throttlingException", "slow down", 2))

    *_, last = chunks(post(fake, stream=True))

    assert last["error"] == {"message": "slow down", "type": "throttlingException", "code": "throttlingException"}


def test_replies_can_be_scripted(fake: FakeBedrock) -> None:
    fake.reply("twenty-four", operation="ChatCompletions")

    assert post(fake).json()["choices"][0]["message"]["content"] == "twenty-four"
    fake.calls.assert_sent(1, "ChatCompletions")
