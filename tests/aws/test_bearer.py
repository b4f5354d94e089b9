"""Clients that sign with a Bedrock API key."""

from __future__ import annotations

from typing import Any, Final

import pytest
from botocore import UNSIGNED
from botocore.config import Config
from harness.clients import HR, ROLE, ask

from guardedbedrock import ConfigurationError, ExplicitDenyError, Guard, iam

SHORT, LONG, ODD = "bedrock-api-key-" + "x" * 20, "ABSK" + "x" * 20, "something-else"
OPEN: Final = {"Effect": "Allow", "Action": "bedrock:*", "Resource": "*"}
NO_LONG_ONES: Final = {
    "Sid": "NoLongOnes",
    "Effect": "Deny",
    "Action": "bedrock:CallWithBearerToken",
    "Resource": "*",
    "Condition": {"StringEquals": {"bedrock:BearerTokenType": "LONG_TERM"}},
}
CREDENTIALS: Final = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": "us-east-1"}


def make(*statements: dict[str, Any], service: str = "bedrock-runtime", principal: str = ROLE, **options: Any) -> Any:
    """Create a guarded client."""
    policies = iam.PolicySet(identity=[{"Version": "2012-10-17", "Statement": [OPEN, *statements]}])
    guard = Guard(guardrails=[HR], policies=policies, principal=principal, listeners=())
    return guard.client(service, **CREDENTIALS, **options)


def bearer(client: Any) -> str:
    """Return the kind of API key that the guard found."""
    return str(client._guardedbedrock.rules.bearer)


@pytest.mark.parametrize(("token", "kind"), [(SHORT, "SHORT_TERM"), (LONG, "LONG_TERM"), (ODD, "unknown")])
def test_kind_of_an_api_key_follows_from_its_prefix(monkeypatch: pytest.MonkeyPatch, token: str, kind: str) -> None:
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", token)

    assert bearer(make()) == kind
    assert bearer(make(service="bedrock")) == kind


@pytest.mark.parametrize(
    ("service", "options"),
    [
        ("bedrock-runtime", {"config": Config(signature_version="v4")}),
        ("bedrock-runtime", {"config": Config(signature_version=UNSIGNED)}),
        ("bedrock-agent-runtime", {}),
    ],
)
def test_api_key_of_a_client_that_signs_with_credentials_is_ignored(
    monkeypatch: pytest.MonkeyPatch, service: str, options: dict[str, Any]
) -> None:
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", SHORT)

    assert bearer(make(service=service, **options)) == ""


def test_client_without_an_api_key_has_no_key_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK", raising=False)

    assert bearer(make()) == ""


def test_policy_that_denies_api_keys_denies_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", LONG)

    with pytest.raises(ExplicitDenyError) as denied:
        make(NO_LONG_ONES).converse(**ask("converse"))

    assert (denied.value.action, denied.value.resource) == ("bedrock:CallWithBearerToken", "*")


def test_principal_caller_is_rejected_with_an_api_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", SHORT)

    with pytest.raises(ConfigurationError, match="STS cannot tell who owns it"):
        make(principal="caller")
