"""The received requests: how they are selected, and what a failed assertion prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import boto3
import pytest
from botocore.exceptions import ClientError

from guardedbedrock import ConfigurationError
from guardedbedrock.testing import FakeApiKey, FakeBedrock, FakeCredentials, FakeGuardrail
from guardedbedrock.testing.faults import Latency
from guardedbedrock.testing.operation_names import OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Callable

    Serve: TypeAlias = Callable[..., tuple[Any, Any]]

GUARDED = {"guardrailConfig": {"guardrailIdentifier": "abc123def456", "guardrailVersion": "1"}}
LINE = "Converse anthropic.claude-3-haiku-20240307-v1:0, guardrail abc123def456 version 1, status 200"


def test_the_repr_of_a_request_has_no_prompt_and_no_credentials(ask: dict[str, Any]) -> None:
    """Pytest prints the requests of a failed assertion."""
    secrets = ("hello", "SECRETTOKEN", "Signature", "testing")
    with FakeBedrock(guardrails=[FakeGuardrail("abc123def456", denied_words=("hello",))]) as fake:
        client = boto3.client("bedrock-runtime", **fake.client_kwargs(), aws_session_token="SECRETTOKEN")
        client.converse(**ask, **GUARDED)
        (request,) = fake.requests

    texts = [repr(each) for each in (request, request.http_request, *request.assessments, fake.calls)]
    assert texts[:2] == [f"<ReceivedRequest {LINE}>", f"<HttpRequest POST {request.http_request.target}>"]
    assert not [text for text in texts for secret in secrets if secret in text]
    assert request.http_request.headers["x-amz-security-token"] == "SECRETTOKEN"


def test_the_repr_of_a_request_has_no_query(serve: Serve) -> None:
    """The query of a presigned URL contains credentials."""
    fake, client = serve()
    client.meta.events.register(
        "request-created", lambda request, **_: setattr(request, "url", f"{fake.endpoint_url}/x?X-Amz-Signature=s")
    )
    with pytest.raises(ClientError, match=r"no operation at GET /x$"):
        client.list_async_invokes()

    assert repr(fake.requests[0]) == "<ReceivedRequest GET /x, no guardrail, status 404 UnknownOperationException>"


def test_the_repr_of_credentials_has_no_secret() -> None:
    texts = [repr(FakeCredentials("AKID", "SECRET", "TOKEN")), repr(FakeApiKey("bedrock-api-key-SECRET"))]

    assert "AKID" in texts[0]
    assert not [text for text in texts if "SECRET" in text or "TOKEN" in text]


def test_the_calls_of_one_operation_have_assertions(serve: Serve, ask: dict[str, Any]) -> None:
    fake, client = serve(guardrails=[FakeGuardrail("abc123def456", name="hr")])
    client.converse(**ask, **GUARDED)
    client.converse(**ask, **GUARDED)
    client.count_tokens(modelId=ask["modelId"], input={"converse": {"messages": ask["messages"]}})

    calls = fake.calls("Converse")
    calls.assert_sent(2)
    calls.assert_guarded_by("hr")
    calls("CountTokens").assert_nothing_sent()
    fake.calls("ConverseStream").assert_nothing_sent()
    every = r"\n  1\. Converse .* status 200\n  2\. Converse .*\n  3\. CountTokens .*"
    with pytest.raises(AssertionError, match=rf"^expected no requests to CountTokens, got 1; requests:{every}$"):
        fake.calls("CountTokens").assert_nothing_sent()
    with pytest.raises(AssertionError, match=rf"^expected 1 request to ConverseStream, got 0; requests:{every}$"):
        fake.calls("ConverseStream").assert_sent()
    with pytest.raises(AssertionError, match=rf"^expected every call to InvokeModel to be guarded, got no .*; requests:{every}$"):
        fake.calls("InvokeModel").assert_guarded()
    assert repr(fake.calls("InvokeModel")) == "no requests"

    client.converse(**ask)
    assert (len(calls), len(fake.calls("Converse"))) == (2, 3)
    assert calls == fake.requests[:2]
    assert fake.calls("ConverseStream") == []


UNKNOWN: dict[str, Callable[[FakeBedrock], object]] = {
    "reply": lambda fake: fake.reply("hi", operation="converse"),
    "fault": lambda fake: fake.fault(Latency(0), operation="converse"),
    "deny": lambda fake: fake.deny("converse"),
    "deny_next": lambda fake: fake.deny_next("no", operation="converse"),
    "fail_next": lambda fake: fake.fail_next(500, "X", "x", operation="converse"),
    "calls": lambda fake: fake.calls("converse"),
    "assert_sent": lambda fake: fake.calls.assert_sent(0, "converse"),
    "assert_nothing_sent": lambda fake: fake.calls.assert_nothing_sent("converse"),
    "assert_guarded": lambda fake: fake.calls.assert_guarded("converse"),
    "assert_guarded_by": lambda fake: fake.calls.assert_guarded_by("hr", operation="converse"),
}


@pytest.mark.parametrize("use", UNKNOWN.values(), ids=UNKNOWN)
def test_an_unknown_operation_is_rejected(use: Callable[[FakeBedrock], object]) -> None:
    with pytest.raises(ConfigurationError, match=r"^operation: unknown operation `converse`; did you mean `Converse`\?$"):
        use(FakeBedrock())


def test_the_operations_are_those_of_the_four_services() -> None:
    """And of the API that boto3 does not have. The fake does not serve Data Automation."""
    served = {"Converse", "CreateGuardrail", "Retrieve", "CreateFlow", "ChatCompletions", "ChatCompletionsStream"}

    assert served <= set(OPERATIONS)
    assert "InvokeDataAutomation" not in OPERATIONS


def test_the_number_of_requests_is_a_whole_number(serve: Serve) -> None:
    with pytest.raises(ConfigurationError, match="times: must be a whole number such as 2, got `str`"):
        serve()[0].calls.assert_sent("1")
