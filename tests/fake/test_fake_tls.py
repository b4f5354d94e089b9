"""HTTPS on loopback, and Bedrock API keys, which clients send only over HTTPS."""

from __future__ import annotations

import importlib
import socket
import ssl
import sys
from contextlib import closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError, SSLError

from guardedbedrock import ConfigurationError, iam
from guardedbedrock.testing import FakeBedrock, FakeGuardrail

if TYPE_CHECKING:
    from collections.abc import Callable

LONG, SHORT = "ABSK" + "x" * 20, "bedrock-api-key-" + "x" * 20
OPEN = {"Effect": "Allow", "Action": "bedrock:*", "Resource": "*"}
NO_KEYS = {"Effect": "Deny", "Action": "bedrock:CallWithBearerToken", "Resource": "*"}
NO_LONG_KEYS = {**NO_KEYS, "Condition": {"StringEquals": {"bedrock:BearerTokenType": "LONG_TERM"}}}
ONLY_TLS = {**NO_KEYS, "Action": "bedrock:InvokeModel", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}


def _policies(*statements: dict[str, Any]) -> iam.PolicySet:
    return iam.PolicySet(identity=[{"Version": "2012-10-17", "Statement": [OPEN, *statements]}])


def _client(aws: boto3.Session, fake: FakeBedrock, **options: Any) -> Any:
    return closing(aws.client("bedrock-runtime", **{**fake.client_kwargs(), **options}))


def _text(response: dict[str, Any]) -> str:
    return str(response["output"]["message"]["content"][0]["text"])


def test_a_key_works_over_tls(monkeypatch: pytest.MonkeyPatch, aws: boto3.Session, ask: dict[str, Any]) -> None:
    """boto3 uses the endpoint, the certificate authority and the key, also for streams."""
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", LONG)
    with FakeBedrock(tls=True) as fake, _client(aws, fake) as client:
        said = _text(client.converse(**ask))
        streamed = [event for event in client.converse_stream(**ask)["stream"] if "contentBlockDelta" in event]

        assert fake.endpoint_url.startswith("https://127.0.0.1:")
        assert said == "You said: hello there"
        assert len(streamed) == 4
        assert fake.requests[0].headers["authorization"] == f"Bearer {LONG}"
        assert len({request.http_request.port for request in fake.requests}) == 1


@pytest.mark.parametrize(("key", "denied"), [(LONG, True), (SHORT, False)])
def test_the_kind_of_a_key_is_authorized(
    monkeypatch: pytest.MonkeyPatch, aws: boto3.Session, ask: dict[str, Any], key: str, *, denied: bool
) -> None:
    """``bedrock:CallWithBearerToken`` is the first authorization of a call with a key."""
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", key)
    refused = pytest.raises(ClientError, match="bedrock:CallWithBearerToken on resource: \\*") if denied else nullcontext()
    with FakeBedrock(tls=True, policies=_policies(NO_LONG_KEYS)) as fake, refused, _client(aws, fake) as client:
        client.converse(**ask)

    first = fake.requests[0].decisions[0]
    assert first.request.action == "bedrock:CallWithBearerToken"
    assert first.is_denied is denied


def test_credentials_are_not_a_key(monkeypatch: pytest.MonkeyPatch, aws: boto3.Session, ask: dict[str, Any]) -> None:
    """A request that is signed with credentials does not need ``bedrock:CallWithBearerToken``."""
    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK", raising=False)
    with FakeBedrock(tls=True, policies=_policies(NO_KEYS)) as fake, _client(aws, fake) as client:
        client.converse(**ask)

        assert fake.requests[0].decisions[0].request.action == "bedrock:InvokeModel"


@pytest.mark.parametrize("tls", [True, False])
def test_iam_sees_whether_the_transport_is_secure(
    monkeypatch: pytest.MonkeyPatch, aws: boto3.Session, ask: dict[str, Any], *, tls: bool
) -> None:
    """Requests over TLS have ``aws:SecureTransport`` as AWS documents it."""
    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK", raising=False)
    refused = nullcontext() if tls else pytest.raises(ClientError, match="explicit deny in an identity-based policy")
    with FakeBedrock(tls=tls, policies=_policies(ONLY_TLS)) as fake, refused, _client(aws, fake) as client:
        client.converse(**ask)


def test_a_client_that_does_not_trust_the_certificate_cannot_connect(
    monkeypatch: pytest.MonkeyPatch, aws: boto3.Session, ask: dict[str, Any], capfd: pytest.CaptureFixture[str]
) -> None:
    """The server continues and prints nothing."""
    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK", raising=False)
    with FakeBedrock(tls=True) as fake:
        with _client(aws, fake, verify=True) as stranger, pytest.raises(SSLError):
            stranger.converse(**ask)
        with _client(aws, fake) as client:
            client.converse(**ask)

    assert capfd.readouterr().err == ""


def test_the_certificate_is_valid_for_both_names_of_loopback() -> None:
    """Clients can use 127.0.0.1 and ``localhost``."""
    with FakeBedrock(tls=True) as fake:
        trust, where = ssl.create_default_context(cafile=fake.ca_file), fake.endpoint_url.removeprefix("https://").split(":")
        for name in ("127.0.0.1", "localhost"):
            with trust.wrap_socket(socket.create_connection((where[0], int(where[1]))), server_hostname=name) as shown:
                certificate: Any = shown.getpeercert()
                assert ("DNS", "localhost") in certificate["subjectAltName"]


def test_a_fake_can_start_again() -> None:
    """The file of the authority is deleted with the server, and the next server has a new one."""
    fake = FakeBedrock(tls=True)
    paths = []
    for _ in range(2):
        fake.start()
        paths.append(Path(str(fake.ca_file)))
        assert "BEGIN CERTIFICATE" in paths[-1].read_text()
        fake.close()

    assert not any(path.exists() for path in paths)
    assert FakeBedrock().ca_file is None


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to install."""
    tls = importlib.import_module("guardedbedrock.testing.server.tls")
    tls._leaf.cache_clear()
    tls._authority.cache_clear()
    monkeypatch.setitem(sys.modules, "trustme", None)

    with pytest.raises(ConfigurationError, match=r"guardedbedrock\[testing,tls\]"):
        FakeBedrock(tls=True).start()


def test_configure_removes_all_state(serve: Callable[..., Any], ask: dict[str, Any]) -> None:
    """Guardrails, policies, principal, replies, faults and requests are replaced. The address stays."""
    guardrail = {"guardrailConfig": {"guardrailIdentifier": "abc", "guardrailVersion": "1"}}
    fake, client = serve(guardrails=[FakeGuardrail("abc", denied_words=("hello",))], policies=_policies(ONLY_TLS))
    url = fake.endpoint_url
    with pytest.raises(client.exceptions.AccessDeniedException):
        client.converse(**ask, **guardrail)
    fake.reply("scripted")
    fake.fail_next(500, "InternalServerException", "not any more")

    fake.configure(region="us-east-1", principal="arn:aws:iam::210987654321:user/a")

    assert fake.requests == []
    assert _text(client.converse(**ask)) == "You said: hello there"
    with pytest.raises(client.exceptions.ValidationException):
        client.converse(**ask, **guardrail)
    assert (fake.endpoint_url, fake.account) == (url, "210987654321")
