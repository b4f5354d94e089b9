"""Bedrock API keys: a request that carries one is not signed, so no signature binds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore import UNSIGNED
from botocore.client import BaseClient
from botocore.config import Config
from bypass.tampering import drop_body, drop_params, strip, strip_prepared, swap, swap_url, turn
from harness.bypass import GUARDED, METHODS, on, try_all, unguarded
from harness.clients import HR, MODEL, ask

from guardedbedrock import GuardrailTamperedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.clients import Harness, Make

KEY: Final = "bedrock-api-key-" + "x" * 24
ATTACKS: Final[list[tuple[str, Callable[..., Any]]]] = [
    ("before-parameter-build", drop_params),
    ("before-call", drop_body),
    ("before-call", swap_url),
    ("request-created", strip),
    ("before-sign", strip),
    ("before-sign", swap),
    ("before-sign", turn),
    ("before-send", strip_prepared),
]


@pytest.fixture(name="keyed")
def make_keyed(monkeypatch: pytest.MonkeyPatch, harness: Make) -> Callable[..., Harness]:
    """Create harnesses whose client has an API key, over TLS."""
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", KEY)
    return lambda **options: harness(fake={"tls": True}, **options)


def test_call_with_an_api_key_is_guarded(keyed: Callable[..., Harness]) -> None:
    env = keyed()

    assert try_all(env) == 0
    assert {request.headers["authorization"] for request in env.fake.requests} == {f"Bearer {KEY}"}
    assert [request.guardrail for request in env.fake.requests] == [(HR.arn, HR.version)] * len(METHODS)
    assert unguarded(env.fake) == []


@pytest.mark.parametrize(("event", "handler"), ATTACKS, ids=[f"{event}-{handler.__name__}" for event, handler in ATTACKS])
def test_event_handler_cannot_bypass_the_gate(keyed: Callable[..., Harness], event: str, handler: Callable[..., Any]) -> None:
    env = keyed()
    on(env, event, handler)

    assert try_all(env) == len(METHODS)
    assert unguarded(env.fake) == []
    assert env.fake.requests == []


@pytest.mark.parametrize("params", [ask("converse"), GUARDED], ids=["without", "with a guardrail"])
def test_call_past_the_guard_with_an_api_key_is_refused(keyed: Callable[..., Harness], params: dict[str, Any]) -> None:
    env = keyed()

    with pytest.raises(GuardrailTamperedError):
        BaseClient._make_api_call(env.client, "Converse", params)

    assert unguarded(env.fake) == []
    assert env.fake.requests == []


@pytest.mark.parametrize("version", ["v4", "bearer", UNSIGNED], ids=["v4", "bearer", "unsigned"])
def test_handler_that_chooses_the_signer_cannot_bypass_the_gate(keyed: Callable[..., Harness], version: Any) -> None:
    env = keyed()
    env.client.meta.events.register_first("choose-signer.bedrock-runtime", lambda **_: version)

    assert try_all(env) == 0
    on(env, "before-send", strip_prepared)
    assert try_all(env) == len(METHODS)
    assert unguarded(env.fake) == []


def test_client_with_signature_version_4_ignores_the_api_key(keyed: Callable[..., Harness]) -> None:
    env = keyed(config=Config(signature_version="v4"))

    env.client.converse(**ask("converse"))

    assert env.fake.requests[0].headers["authorization"].startswith("AWS4-HMAC-SHA256 ")
    assert env.arrived == [("Converse", MODEL, (HR.arn, HR.version))]
    assert unguarded(env.fake) == []
