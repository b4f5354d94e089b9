"""Clients in a region without an approved guardrail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import InvalidRegionError
from harness.bypass import GUARDED, unguarded
from harness.clients import HR, ask

from guardedbedrock import ConfigurationError, GuardrailTamperedError

if TYPE_CHECKING:
    from harness.clients import Make


@pytest.mark.parametrize("region", ["eu-west-1", "us-gov-east-1", "US-EAST-1"])
def test_client_of_a_region_without_a_guardrail_is_not_created(harness: Make, region: str) -> None:
    env = harness()

    with pytest.raises(ConfigurationError, match="no guardrail is approved"):
        env.guard.client("bedrock-runtime", **{**env.fake.client_kwargs(), "region_name": region})

    assert unguarded(env.fake) == []
    assert env.fake.requests == []


def test_client_of_a_malformed_region_raises_botocores_error(harness: Make) -> None:
    env = harness()

    with pytest.raises(InvalidRegionError):
        env.guard.client("bedrock-runtime", **{**env.fake.client_kwargs(), "region_name": "us-east-1 "})

    assert unguarded(env.fake) == []
    assert env.fake.requests == []


def test_region_of_a_config_or_session_without_a_guardrail_creates_no_client(
    monkeypatch: pytest.MonkeyPatch, harness: Make
) -> None:
    env = harness()
    options = {name: value for name, value in env.fake.client_kwargs().items() if name != "region_name"}
    session = env.guard.session(boto3.Session(region_name="eu-west-1"))
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", boto3.Session(region_name="eu-west-1"))

    with pytest.raises(ConfigurationError):
        session.client("bedrock-runtime", **options)
    with pytest.raises(ConfigurationError):
        env.guard.client("bedrock-runtime", **options, config=Config(region_name="eu-west-1"))

    assert unguarded(env.fake) == []


def test_region_changed_on_the_client_does_not_change_its_guardrails(harness: Make) -> None:
    env = harness()
    env.client.meta._client_config._user_provided_options["region_name"] = "eu-west-1"
    env.client.meta._client_config.region_name = "eu-west-1"

    env.client.converse(**ask("converse"))
    with pytest.raises(GuardrailTamperedError):
        BaseClient._make_api_call(env.client, "Converse", GUARDED)

    assert [request.guardrail for request in env.fake.requests] == [(HR.arn, HR.version)]
    assert unguarded(env.fake) == []


def test_another_signing_region_does_not_remove_the_guardrail(harness: Make) -> None:
    env = harness()

    def sign_elsewhere(request: Any, **_: Any) -> None:
        request.context["signing"] = {"region": "eu-west-1", "signing_name": "bedrock-mantle"}

    env.client.meta.events.register("before-sign", sign_elsewhere)
    env.client.converse(**ask("converse"))

    assert [request.guardrail for request in env.fake.requests] == [(HR.arn, HR.version)]
    assert unguarded(env.fake) == []
