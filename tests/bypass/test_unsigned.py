"""Requests that are not signed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from botocore import UNSIGNED
from botocore.client import BaseClient
from botocore.config import Config
from bypass.tampering import drop_body, strip, strip_prepared
from harness.bypass import GUARDED, METHODS, try_all, unguarded
from harness.clients import HR, MODEL, ask

from guardedbedrock import GuardrailTamperedError

if TYPE_CHECKING:
    from harness.clients import Make


def test_unsigned_requests_are_guarded(harness: Make) -> None:
    env = harness(config=Config(signature_version=UNSIGNED))

    env.client.converse(**ask("converse"))
    with pytest.raises(GuardrailTamperedError):
        BaseClient._make_api_call(env.client, "Converse", GUARDED)

    assert "authorization" not in env.fake.requests[0].headers
    assert env.arrived == [("Converse", MODEL, (HR.arn, HR.version))]
    assert unguarded(env.fake) == []


@pytest.mark.parametrize(
    ("event", "handler"),
    [("before-call", drop_body), ("before-sign", strip), ("request-created", strip), ("before-send", strip_prepared)],
)
def test_handler_cannot_change_an_unsigned_request(harness: Make, event: str, handler: object) -> None:
    env = harness(config=Config(signature_version=UNSIGNED))
    env.client.meta.events.register(event, handler)

    assert try_all(env) == len(METHODS)
    assert unguarded(env.fake) == []
    assert env.fake.requests == []


def test_unsigned_presigned_url_is_checked(harness: Make) -> None:
    env = harness(config=Config(signature_version=UNSIGNED))

    url = env.client.generate_presigned_url("invoke_model", ask("invoke_model"))

    assert "X-Amz-Signature" not in url
    assert unguarded(env.fake) == []
