"""Denials by policies, and injected denials and errors."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError, EventStreamError

from guardedbedrock import iam
from guardedbedrock.bedrock.service_models import service_model
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.testing import FakeBedrock, FakeGuardrail

if TYPE_CHECKING:
    from collections.abc import Callable

    Serve: TypeAlias = Callable[..., tuple[Any, Any]]

MODEL = "anthropic.claude-3-haiku-20240307-v1:0"
MODEL_ARN = f"arn:aws:bedrock:us-east-1::foundation-model/{MODEL}"
GUARDRAIL = "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456"
PRINCIPAL = "arn:aws:iam::123456789012:role/HRBotServiceRole"
GUARDED = {"guardrailConfig": {"guardrailIdentifier": "abc123def456", "guardrailVersion": "1"}}


def _policies(*statements: dict[str, Any]) -> iam.PolicySet:
    return iam.PolicySet(identity=[{"Version": "2012-10-17", "Statement": list(statements)}] if statements else [])


INVOKE = {"Sid": "Invoke", "Effect": "Allow", "Action": "bedrock:InvokeModel*", "Resource": "*"}
APPLY = {"Sid": "Apply", "Effect": "Allow", "Action": "bedrock:ApplyGuardrail", "Resource": GUARDRAIL}
UNGUARDED = {
    "Sid": "OnlyGuarded",
    "Effect": "Deny",
    "Action": ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"],
    "Resource": "*",
    "Condition": {"StringNotEquals": {"bedrock:GuardrailIdentifier": f"{GUARDRAIL}:1"}},
}
ENFORCED = _policies(INVOKE, APPLY, UNGUARDED)


def _message(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Message"])


def test_a_denial_arrives_as_aws_sends_it(serve: Serve, ask: dict[str, Any]) -> None:
    fake, client = serve(policies=ENFORCED, principal=PRINCIPAL, guardrails=[FakeGuardrail(GUARDRAIL)])

    with pytest.raises(client.exceptions.AccessDeniedException) as error:
        client.converse(**ask)

    assert _message(error) == (
        f"User: {PRINCIPAL} is not authorized to perform: bedrock:InvokeModel on resource: {MODEL_ARN} "
        "with an explicit deny in an identity-based policy"
    )
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert "message" not in error.value.response
    (request,) = fake.requests
    assert (request.status, request.error) == (403, "AccessDeniedException")
    assert [decision.outcome for decision in request.decisions] == ["explicitDeny"]
    assert [statement.sid for statement in request.decisions[0].statements] == ["OnlyGuarded"]


def test_the_header_and_the_body_of_a_denial(serve: Serve, ask: dict[str, Any]) -> None:
    _, client = serve(policies=_policies())
    seen: list[dict[str, Any]] = []
    client.meta.events.register("before-parse.bedrock-runtime", lambda response_dict, **_: seen.append(response_dict))

    with pytest.raises(ClientError):
        client.converse(**ask)

    expected = "AccessDeniedException:http://internal.amazon.com/coral/com.amazon.coral.service/"
    assert seen[0]["headers"]["x-amzn-errortype"] == expected
    assert seen[0]["headers"]["x-amzn-requestid"]
    assert list(json.loads(seen[0]["body"])) == ["Message"]


def test_the_required_guardrail_allows_the_call(serve: Serve, ask: dict[str, Any]) -> None:
    fake, client = serve(policies=ENFORCED, principal=PRINCIPAL, guardrails=[FakeGuardrail("abc123def456")])

    assert client.converse(**ask, **GUARDED)["stopReason"] == "end_turn"
    assert list(client.converse_stream(**ask, **GUARDED)["stream"])
    assert [decision.outcome for request in fake.requests for decision in request.decisions] == ["allowed"] * 4


def test_the_first_denial_is_reported_and_all_decisions_are_recorded(serve: Serve, ask: dict[str, Any]) -> None:
    fake, client = serve(policies=_policies(INVOKE), guardrails=[FakeGuardrail(GUARDRAIL)])

    with pytest.raises(client.exceptions.AccessDeniedException) as error:
        client.converse(**ask, **GUARDED)

    assert f"bedrock:ApplyGuardrail on resource: {GUARDRAIL} because no identity-based policy" in _message(error)
    assert [decision.outcome for decision in fake.requests[0].decisions] == ["allowed", "implicitDeny"]


def test_iam_is_evaluated_after_the_shape_and_before_the_lookup(serve: Serve, ask: dict[str, Any]) -> None:
    _, client = serve(policies=_policies())
    unknown = {"guardrailConfig": {"guardrailIdentifier": "zzz", "guardrailVersion": "1"}}
    malformed = {"guardrailConfig": {"guardrailIdentifier": "G-X", "guardrailVersion": "1"}}

    with pytest.raises(client.exceptions.AccessDeniedException):
        client.converse(**ask, **unknown)
    with pytest.raises(client.exceptions.ValidationException):
        client.converse(**ask, **malformed)


def test_the_tags_of_a_guardrail_are_evaluated(serve: Serve, ask: dict[str, Any]) -> None:
    tagged = {**APPLY, "Condition": {"StringEquals": {"aws:ResourceTag/Environment": "prod"}}}
    policies = _policies(INVOKE, tagged)
    _, prod = serve(policies=policies, guardrails=[FakeGuardrail("abc123def456", tags={"Environment": "prod"})])
    _, dev = serve(policies=policies, guardrails=[FakeGuardrail("abc123def456", tags={"Environment": "dev"})])

    assert prod.converse(**ask, **GUARDED)["stopReason"] == "end_turn"
    with pytest.raises(dev.exceptions.AccessDeniedException):
        dev.converse(**ask, **GUARDED)


CONDITIONS = {
    "clock": {"DateGreaterThan": {"aws:CurrentTime": "2020-01-01T00:00:00Z"}},
    "address": {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}},
    "transport": {"Bool": {"aws:SecureTransport": "false"}},
    "region": {"StringEquals": {"aws:RequestedRegion": "us-east-1"}},
    "no-vpc": {"Null": {"aws:SourceVpce": "true"}},
}


@pytest.mark.parametrize("condition", CONDITIONS.values(), ids=CONDITIONS)
def test_the_server_evaluates_its_own_context_keys(serve: Serve, ask: dict[str, Any], condition: dict[str, Any]) -> None:
    fake, client = serve(policies=_policies({**INVOKE, "Condition": condition}))

    client.converse(**ask)

    assert fake.requests[0].decisions[0].outcome == "allowed"


def test_an_indeterminate_decision_lets_the_call_pass(serve: Serve, ask: dict[str, Any]) -> None:
    hanging = {**INVOKE, "Condition": {"StringEquals": {"bedrock:ServiceTier": "flex"}}}
    fake, client = serve(policies=_policies(hanging))

    client.converse(**ask)

    assert fake.requests[0].decisions[0].outcome == "indeterminate"


def test_the_vocabulary_of_the_article_has_its_own_action(serve: Serve, ask: dict[str, Any]) -> None:
    arn = "arn:aws:bedrock:us-east-1:123456789012:guardrail/G-HR"
    allow = {"Effect": "Allow", "Action": "bedrock:InvokeModelWithGuardrail", "Resource": arn}
    named = {"guardrailConfig": {"guardrailIdentifier": "G-HR", "guardrailVersion": "1"}}
    fake, client = serve(policies=_policies(allow), guardrails=[FakeGuardrail("G-HR")], vocabulary="invoke-with-guardrail")

    client.converse(**ask, **named)

    assert [decision.request.resource for decision in fake.requests[0].decisions] == [arn]


EVERY = {
    "apply_guardrail": {
        "guardrailIdentifier": "abc",
        "guardrailVersion": "1",
        "source": "INPUT",
        "content": [{"text": {"text": "a"}}],
    },
    "count_tokens": {"modelId": MODEL, "input": {"invokeModel": {"body": b"{}"}}},
    "get_async_invoke": {"invocationArn": "arn:aws:bedrock:us-east-1:123456789012:async-invoke/abcdefghijkl"},
    "invoke_guardrail_checks": {"messages": [{"role": "user", "content": [{"text": "a"}]}], "checks": {}},
    "invoke_model": {"modelId": MODEL, "body": b"{}"},
    "invoke_model_with_response_stream": {"modelId": MODEL, "body": b"{}"},
    "converse": {"modelId": MODEL},
    "converse_stream": {"modelId": MODEL},
    "list_async_invokes": {},
    "start_async_invoke": {
        "modelId": MODEL,
        "modelInput": {},
        "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://bucket"}},
    },
}


KNOWN = {name: EVERY[name] for name in map(xform_name, service_model("bedrock-runtime").operation_names) if name in EVERY}
"""The operations that the installed botocore has."""


@pytest.mark.parametrize(("name", "params"), KNOWN.items(), ids=KNOWN)
def test_every_operation_is_denied_if_nothing_is_allowed(serve: Serve, name: str, params: dict[str, Any]) -> None:
    _, client = serve(policies=_policies())

    with pytest.raises(client.exceptions.AccessDeniedException, match="is not authorized to perform: bedrock:"):
        getattr(client, name)(**params)


def test_a_scripted_denial_has_the_given_message(serve: Serve, ask: dict[str, Any]) -> None:
    fake, client = serve(policies=_policies(INVOKE))
    sentence = "User: x is not authorized to perform: bedrock:InvokeModel with an explicit deny in a service control policy"
    fake.deny_next(sentence)

    with pytest.raises(client.exceptions.AccessDeniedException) as error:
        client.converse(**ask)

    assert _message(error) == sentence
    assert client.converse(**ask)["stopReason"] == "end_turn"


def test_a_scripted_error_happens_the_given_number_of_times(serve: Serve, ask: dict[str, Any]) -> None:
    fake, client = serve(attempts=3)
    fake.fail_next(500, "InternalServerException", "try again", times=2)

    response = client.converse(**ask)

    assert response["ResponseMetadata"]["RetryAttempts"] == 2
    assert [request.error for request in fake.requests] == ["InternalServerException", "InternalServerException", None]


def test_an_error_can_have_retry_after(serve: Serve, ask: dict[str, Any]) -> None:
    fake, client = serve()
    fake.fail_next(429, "ThrottlingException", "slow down", retry_after=1.5)

    with pytest.raises(client.exceptions.ThrottlingException, match="slow down") as error:
        client.converse(**ask)

    headers = error.value.response["ResponseMetadata"]["HTTPHeaders"]
    assert (headers["retry-after"], headers["x-amz-retry-after"]) == ("1.5", "1500")


def test_an_error_for_one_operation_does_not_affect_the_others(serve: Serve, ask: dict[str, Any]) -> None:
    fake, client = serve()
    fake.fail_next(503, "ServiceUnavailableException", "gone", operation="ConverseStream")

    assert client.converse(**ask)["stopReason"] == "end_turn"
    with pytest.raises(client.exceptions.ServiceUnavailableException, match="gone"):
        client.converse_stream(**ask)


def test_reset_removes_faults(serve: Serve, ask: dict[str, Any]) -> None:
    fake, client = serve()
    fake.fail_next(500, "InternalServerException", "no")
    fake.break_stream()
    fake.reset()

    assert len(list(client.converse_stream(**ask)["stream"])) == 8
    assert len(fake.requests) == 1


@pytest.mark.parametrize(("code", "after"), [("throttlingException", 2), ("SomethingElse", 0)])
def test_a_stream_breaks_off(serve: Serve, ask: dict[str, Any], code: str, after: int) -> None:
    fake, client = serve()
    fake.break_stream(code, after=after, message="enough")
    events: list[Any] = []

    with closing(client.converse_stream(**ask)["stream"]) as stream, pytest.raises(EventStreamError) as error:
        events += (event for event in stream)

    assert error.value.response["Error"] == {"Code": code, "Message": "enough"}
    assert len(events) == after
    assert len(list(client.converse_stream(**ask)["stream"])) == 8


def test_the_account_is_the_principals_unless_given() -> None:
    assert FakeBedrock(principal="arn:aws:iam::210987654321:user/a").account == "210987654321"
    assert FakeBedrock(account="210987654321").account == "210987654321"
    assert FakeBedrock().account == "123456789012"


def test_an_unknown_vocabulary_is_rejected() -> None:
    with pytest.raises(ConfigurationError, match="'latin' is not one of aws, invoke-with-guardrail"):
        FakeBedrock(vocabulary="latin")  # type: ignore[arg-type]
