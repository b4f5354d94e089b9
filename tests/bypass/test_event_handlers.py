"""Event handlers of every event, scope and order, of the client and of its session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from bypass.tampering import (
    drop_body,
    drop_copy,
    drop_params,
    strip,
    strip_prepared,
    swap,
    swap_approved,
    swap_model,
    swap_params,
    swap_url,
    turn,
)
from harness.bypass import METHODS, try_all, unguarded
from harness.clients import HR, MODEL, ask

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.clients import Make

ON_PARAMS: Final = (drop_params, swap_params, swap_approved, swap_model)
ON_DICT: Final = (drop_body, swap_url)
ON_REQUEST: Final = (strip, swap, turn)
EVENTS: Final[dict[str, tuple[Callable[..., Any], ...]]] = {
    "provide-client-params": (*ON_PARAMS, drop_copy),
    "before-parameter-build": ON_PARAMS,
    "before-call": ON_DICT,
    "request-created": ON_REQUEST,
    "before-sign": ON_REQUEST,
    "before-send": (strip_prepared,),
}
SCOPES: Final = ("{event}.bedrock-runtime.*", "{event}.bedrock-runtime", "{event}", "{event}.*.*")
SIGNERS: Final = {"signed": None, "unsigned": Config(signature_version=UNSIGNED)}
ATTACKS: Final = [
    pytest.param(scope.format(event=event), handler, signer, id=f"{scope.format(event=event)}-{handler.__name__}-{signer}")
    for event, handlers in EVENTS.items()
    for handler in handlers
    for scope in SCOPES
    for signer in (["signed"] if event in {"provide-client-params", "before-parameter-build", "before-call"} else SIGNERS)
]


@pytest.mark.parametrize(("event", "handler", "signer"), ATTACKS)
def test_handler_of_any_event_cannot_change_model_or_guardrail(
    harness: Make, event: str, handler: Callable[..., Any], signer: str
) -> None:
    env = harness(config=SIGNERS[signer])
    env.client.meta.events.register(event, handler)

    try_all(env)

    assert {request[1:] for request in env.arrived} <= {(MODEL, (HR.arn, HR.version))}
    assert unguarded(env.fake) == []


@pytest.mark.parametrize("register", ["register_first", "register", "register_last"])
@pytest.mark.parametrize("handler", ON_REQUEST)
def test_handler_order_does_not_matter_at_signing(harness: Make, register: str, handler: Callable[..., Any]) -> None:
    env = harness()
    for operation in ("Converse", "ConverseStream", "InvokeModel", "InvokeModelWithResponseStream"):
        getattr(env.client.meta.events, register)(f"before-sign.bedrock-runtime.{operation}", handler)

    assert try_all(env) == len(METHODS)
    assert unguarded(env.fake) == []
    assert env.fake.requests == []


def test_handler_of_the_session_cannot_bypass_the_gate(monkeypatch: pytest.MonkeyPatch, harness: Make) -> None:
    session = boto3.Session()
    session.events.register("before-sign", strip)
    session.events.register("before-parameter-build", drop_params)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", session)
    env = harness()

    assert try_all(env) == len(METHODS)
    assert unguarded(env.fake) == []


def test_unsigned_request_chosen_by_a_handler_is_checked(harness: Make) -> None:
    env = harness()
    env.client.meta.events.register("choose-signer", lambda **_: UNSIGNED)
    env.client.meta.events.register("before-send", strip_prepared)

    assert try_all(env) == len(METHODS)
    assert unguarded(env.fake) == []


def test_handler_that_answers_itself_sends_nothing(harness: Make) -> None:
    env = harness()
    answer = type("Answer", (), {"status_code": 200})()
    env.client.meta.events.register("before-call", lambda **_: (answer, {"output": {}}))

    assert env.client.converse(**ask("converse"))["output"] == {}

    assert unguarded(env.fake) == []
    assert env.fake.requests == []
