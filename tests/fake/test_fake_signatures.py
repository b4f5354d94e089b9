"""Verification of SigV4: the signatures of botocore are valid, and an invalid signature gets AWS's error."""

from __future__ import annotations

import http.client
import json
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from guardedbedrock import iam
from guardedbedrock.testing import FakeApiKey, FakeBedrock, FakeCredentials, FakeGuardrail
from guardedbedrock.testing.faults import ClockSkew

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Serve: TypeAlias = Callable[..., tuple[FakeBedrock, Any]]

ARN = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-3-haiku-20240307-v1:0"
ALICE, BOB = "arn:aws:iam::123456789012:user/alice", "arn:aws:iam::123456789012:user/bob"
OPEN = {"Effect": "Allow", "Action": "bedrock:*", "Resource": "*"}
PAST = datetime(2020, 1, 1, tzinfo=UTC)
GUARDRAIL = {"guardrailIdentifier": "abc", "guardrailVersion": "1"}


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK", raising=False)


@pytest.fixture
def fake() -> Iterator[FakeBedrock]:
    """A fake that verifies signatures."""
    with FakeBedrock(verify_signatures=True, guardrails=[FakeGuardrail("abc")]) as running:
        yield running


def _client(aws: boto3.Session, fake: FakeBedrock, service: str = "bedrock-runtime", **options: Any) -> Any:
    return closing(aws.client(service, **{**fake.client_kwargs(), **options}))


def _code(error: pytest.ExceptionInfo[ClientError]) -> tuple[int, str]:
    response = error.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]


def test_a_signature_of_botocore_is_valid(aws: boto3.Session, fake: FakeBedrock, ask: dict[str, Any]) -> None:
    """Bodies, streams, headers, queries, and paths that are encoded twice."""
    with _client(aws, fake) as client, _client(aws, fake, "bedrock") as control:
        client.converse(**ask)
        client.converse(**{**ask, "modelId": ARN})
        list(client.converse_stream(**ask)["stream"])
        client.invoke_model(modelId="amazon.titan-text-lite-v1", body=b'{"inputText": "a  b"}', **GUARDRAIL)["body"].read()
        client.list_async_invokes(maxResults=5, sortOrder="Ascending")
        client.get_paginator("list_async_invokes").paginate().build_full_result()
        control.list_guardrails(maxResults=7)

    assert {request.status for request in fake.requests} == {200}


@pytest.mark.parametrize("tls", [True, False])
def test_signatures_are_valid_over_both_transports(aws: boto3.Session, ask: dict[str, Any], *, tls: bool) -> None:
    """The signed host is the host that receives the request."""
    with FakeBedrock(tls=tls, verify_signatures=True) as fake, _client(aws, fake) as client:
        assert client.converse(**ask)["stopReason"] == "end_turn"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"aws_secret_access_key": "wrong"}, "InvalidSignatureException"),
        ({"aws_access_key_id": "AKIANOBODY"}, "UnrecognizedClientException"),
        ({"aws_session_token": "nobody asked for one"}, "UnrecognizedClientException"),
        ({"region_name": "eu-west-1"}, "InvalidSignatureException"),
        ({"config": Config(signature_version=UNSIGNED)}, "MissingAuthenticationTokenException"),
    ],
)
def test_an_invalid_signature_is_rejected(
    aws: boto3.Session, fake: FakeBedrock, ask: dict[str, Any], options: dict[str, Any], code: str
) -> None:
    """With AWS's error codes, before the parameters are validated."""
    with _client(aws, fake, **options) as client, pytest.raises(ClientError) as refused:
        client.converse(**ask)

    assert _code(refused) == (403, code)
    assert (fake.requests[0].operation, fake.requests[0].params) == ("Converse", {})


@pytest.mark.parametrize("skew", [3600, -3600])
def test_a_wrong_clock_makes_signatures_invalid(aws: boto3.Session, fake: FakeBedrock, ask: dict[str, Any], skew: int) -> None:
    """If the clock is ahead, they have expired; if it is behind, they are not yet current. A few minutes are tolerated."""
    with _client(aws, fake) as client:
        fake.fault(ClockSkew(skew))
        with pytest.raises(ClientError, match="Signature expired" if skew > 0 else "Signature not yet current") as refused:
            client.converse(**ask)
        fake.fault(ClockSkew(skew // 60))
        client.converse(**ask)

    assert _code(refused) == (403, "InvalidSignatureException")


def test_a_handler_that_changes_a_signed_request_makes_the_signature_invalid(
    aws: boto3.Session, fake: FakeBedrock, ask: dict[str, Any]
) -> None:
    """Body, header and path."""

    def body(request: Any, **_: Any) -> None:
        request.body = request.body.replace(b"hello", b"hallo")

    def path(request: Any, **_: Any) -> None:
        request.url = request.url.replace("haiku", "opus")

    for change in (body, path):
        with _client(aws, fake) as client:
            client.meta.events.register("before-send.bedrock-runtime", change)
            with pytest.raises(ClientError) as refused:
                client.converse(**ask)
        assert _code(refused) == (403, "InvalidSignatureException")


def _post(fake: FakeBedrock, url: str, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
    parts = urlsplit(url)
    with closing(http.client.HTTPConnection(fake.endpoint_url.removeprefix("http://"))) as connection:
        connection.request("POST", f"{parts.path}?{parts.query}", b"", headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())


def test_a_presigned_url_is_valid_until_it_expires(aws: boto3.Session, fake: FakeBedrock) -> None:
    """It is valid with the signed headers, unchanged, until it expires."""
    with _client(aws, fake) as client:
        params = {"modelId": "amazon.nova-lite-v1:0", **GUARDRAIL, "body": b""}
        url = client.generate_presigned_url("invoke_model", Params=params, ExpiresIn=600)
    names = {"guardrailidentifier": "abc", "guardrailversion": "1"}
    headers = {f"x-amzn-bedrock-{name}": value for name, value in names.items()}

    wrong = {**headers, "x-amzn-bedrock-guardrailversion": "2"}
    answers = [
        _post(fake, url, headers),
        _post(fake, url, wrong),
        _post(fake, url.replace("Expires=600", "Expires=601"), headers),
    ]
    fake.fault(ClockSkew(601))
    answers.append(_post(fake, url, headers))

    assert [status for status, _ in answers] == [400, 403, 403, 403]
    assert "incorrect format" in answers[0][1]["message"]
    assert "does not match" in answers[1][1]["Message"]
    assert "does not match" in answers[2][1]["Message"]
    assert "Signature expired" in answers[3][1]["Message"]


@pytest.mark.parametrize(
    "header",
    [
        "AWS4-HMAC-SHA256 Credential=testing/20260101/us-east-1/bedrock/aws4_request, SignedHeaders=host",
        "AWS4-HMAC-SHA256 Signature=ab",
        "AWS4-HMAC-SHA256 Credential=testing/us-east-1/bedrock, SignedHeaders=host, Signature=ab",
    ],
)
def test_half_a_signature_is_incomplete(fake: FakeBedrock, header: str) -> None:
    """The error names the missing or invalid part."""
    headers = {"Authorization": header, "X-Amz-Date": f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"}
    status, body = _post(fake, f"{fake.endpoint_url}/model/amazon.nova-lite-v1:0/converse", headers)

    assert status == 400
    assert "must have" in body["Message"] or "requires" in body["Message"]


def test_credentials_have_principals(aws: boto3.Session, ask: dict[str, Any]) -> None:
    """IAM evaluates the principal of each. One fake accepts several credentials, with sessions and keys that expire."""
    only_alice = {
        "Effect": "Allow",
        "Action": "bedrock:*",
        "Resource": "*",
        "Condition": {"ArnEquals": {"aws:PrincipalArn": ALICE}},
    }
    known = (
        FakeCredentials("AKIAALICE", "a", principal=ALICE),
        FakeCredentials("ASIABOB", "b", token="session", principal=BOB),
        FakeCredentials("AKIAOLD", "o", expires=PAST),
        FakeCredentials("AKIANEW", "n", principal=ALICE, expires=datetime.now(UTC) + timedelta(hours=1)),
    )
    policies = iam.PolicySet(identity=[{"Version": "2012-10-17", "Statement": [only_alice]}])

    def answer(fake: FakeBedrock, access_key: str, secret: str, token: str | None = None) -> str:
        given: dict[str, Any] = {"aws_access_key_id": access_key, "aws_secret_access_key": secret, "aws_session_token": token}
        with _client(aws, fake, **given) as client:
            try:
                return str(client.converse(**ask)["stopReason"])
            except ClientError as error:
                return str(error.response["Error"]["Code"])

    with FakeBedrock(credentials=known, policies=policies) as fake:
        assert answer(fake, "AKIAALICE", "a") == "end_turn"
        assert answer(fake, "ASIABOB", "b", "session") == "AccessDeniedException"
        assert answer(fake, "ASIABOB", "b") == "UnrecognizedClientException"
        assert answer(fake, "AKIAOLD", "o") == "ExpiredTokenException"
        assert answer(fake, "AKIANEW", "n") == "end_turn"
        assert answer(fake, "testing", "testing") == "UnrecognizedClientException"
        assert {request.decisions[0].request.principal for request in fake.requests if request.decisions} == {ALICE, BOB}


@pytest.mark.parametrize("key", ["ABSKgood", "ABSKold", "x"])
def test_a_key_is_valid_or_not(monkeypatch: pytest.MonkeyPatch, aws: boto3.Session, ask: dict[str, Any], key: str) -> None:
    """AWS's error for an invalid key has the code of a denial."""
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", key)
    known = (FakeApiKey("ABSKgood", principal=ALICE), FakeApiKey("ABSKold", expires=PAST))
    policies = iam.PolicySet(identity=[{"Version": "2012-10-17", "Statement": [OPEN]}])
    with FakeBedrock(tls=True, credentials=known, policies=policies) as fake, _client(aws, fake) as client:
        if key == "ABSKgood":
            client.converse(**ask)
            assert fake.requests[0].decisions[0].request.principal == ALICE
        else:
            with pytest.raises(client.exceptions.AccessDeniedException, match="make sure your API Key is valid"):
                client.converse(**ask)
