"""A client in a region for which nothing is approved."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.config import Config
from harness.bypass import GUARDED, unguarded
from harness.clients import HR, ask

from guardedbedrock import ConfigurationError, GuardrailTamperedError
from guardedbedrock.errors import RefusedError

if TYPE_CHECKING:
    from harness.clients import Make


@pytest.mark.parametrize("region", ["eu-west-1", "us-gov-east-1", "US-EAST-1", "us-east-1 "])
def test_a_client_of_another_region_is_not_made(harness: Make, region: str) -> None:
    """Guardrails are regional."""
    env = harness()

    with suppress(ValueError), pytest.raises(ConfigurationError, match="no guardrail is approved"):
        env.guard.client("bedrock-runtime", **{**env.fake.client_kwargs(), "region_name": region})

    assert unguarded(env.fake) == env.fake.requests == []


def test_nor_by_a_config_or_a_session_of_another_region(monkeypatch: pytest.MonkeyPatch, harness: Make) -> None:
    """Wherever its region is said."""
    env = harness()
    options = {name: value for name, value in env.fake.client_kwargs().items() if name != "region_name"}
    session = env.guard.session(boto3.Session(region_name="eu-west-1"))
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", boto3.Session(region_name="eu-west-1"))

    with pytest.raises(ConfigurationError):
        session.client("bedrock-runtime", **options)
    with pytest.raises(ConfigurationError):
        env.guard.client("bedrock-runtime", **options, config=Config(region_name="eu-west-1"))

    assert unguarded(env.fake) == []


def test_a_client_that_is_moved_to_another_region_stays_what_it_was(harness: Make) -> None:
    """Its region is changed on it: the approved guardrails are those of the region it was made in."""
    env = harness()
    env.client.meta._client_config._user_provided_options["region_name"] = "eu-west-1"
    env.client.meta._client_config.region_name = "eu-west-1"

    with suppress(RefusedError):
        env.client.converse(**ask("converse"))
    with pytest.raises(GuardrailTamperedError):
        BaseClient._make_api_call(env.client, "Converse", GUARDED)

    assert {request.guardrail for request in env.fake.requests} <= {(HR.arn, HR.version)}
    assert unguarded(env.fake) == []


def test_another_region_to_sign_for_changes_nothing(harness: Make) -> None:
    """A handler may have it signed for somewhere else, where AWS refuses it; the guardrail is in it."""
    env = harness()

    def sign_elsewhere(request: Any, **_: Any) -> None:
        request.context["signing"] = {"region": "eu-west-1", "signing_name": "bedrock-mantle"}

    env.client.meta.events.register("before-sign", sign_elsewhere)
    env.client.converse(**ask("converse"))

    assert [request.guardrail for request in env.fake.requests] == [(HR.arn, HR.version)]
    assert unguarded(env.fake) == []
