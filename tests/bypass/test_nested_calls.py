"""Calls during a call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.client import BaseClient
from harness.bypass import CONFIG, GUARDED, on, unguarded
from harness.clients import DENIED_MODEL, HR, MODEL, PUBLIC, ask

from guardedbedrock import GuardrailTamperedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.clients import Harness, Make

EVENTS = ("before-parameter-build", "before-call", "request-created", "before-sign", "before-send")
OTHERS: dict[str, tuple[str, dict[str, Any]]] = {
    "no guardrail": ("Converse", ask("converse")),
    "another model": ("Converse", {**GUARDED, "modelId": DENIED_MODEL}),
    "another operation": ("ConverseStream", GUARDED),
    "another approved guardrail": (
        "Converse",
        {**ask("converse"), "guardrailConfig": {"guardrailIdentifier": PUBLIC.arn, "guardrailVersion": PUBLIC.version}},
    ),
    "by headers": ("InvokeModel", {**ask("invoke_model"), **CONFIG}),
    "a job": (
        "StartAsyncInvoke",
        {"modelId": MODEL, "modelInput": {}, "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": "s3://b"}}},
    ),
}


def within(env: Harness, event: str, attack: Callable[[], Any]) -> list[BaseException]:
    """Attack once, in the middle of a call, and return the result of the attack."""
    came: list[BaseException] = []

    def handler(**_: Any) -> None:
        env.client.meta.events.unregister(event, handler)
        with pytest.raises(GuardrailTamperedError) as refused:
            attack()
        came.append(refused.value)

    on(env, event, handler)
    env.client.converse(**ask("converse"))
    return came


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize(("operation", "params"), OTHERS.values(), ids=OTHERS)
def test_call_past_the_guard_is_not_covered_by_an_outer_call(
    harness: Make, event: str, operation: str, params: dict[str, Any]
) -> None:
    env = harness()

    came = within(env, event, lambda: BaseClient._make_api_call(env.client, operation, params))

    assert len(came) == 1
    assert env.arrived == [("Converse", MODEL, (HR.arn, HR.version))]
    assert unguarded(env.fake) == []


@pytest.mark.parametrize("event", EVENTS)
def test_call_does_not_authorize_requests_of_another_client(harness: Make, event: str) -> None:
    env, other = harness(), harness(guardrails=[HR])

    came = within(env, event, lambda: BaseClient._make_api_call(other.client, "Converse", GUARDED))

    assert len(came) == 1
    assert unguarded(env.fake, other.fake) == []
    assert other.fake.requests == []


@pytest.mark.parametrize("event", EVENTS)
def test_nested_guarded_call_is_authorized_separately(harness: Make, event: str) -> None:
    env = harness()

    def inner(**_: Any) -> None:
        env.client.meta.events.unregister(event, inner)
        with env.guard.using("customer-facing"):
            env.client.invoke_model(**ask("invoke_model"))
        with pytest.raises(env.client.exceptions.AccessDeniedException):
            env.client.converse(**ask("converse", model=DENIED_MODEL))

    on(env, event, inner)
    env.client.converse(**ask("converse"))

    assert sorted(env.arrived) == sorted(
        [("InvokeModel", MODEL, (PUBLIC.arn, PUBLIC.version)), ("Converse", MODEL, (HR.arn, HR.version))]
    )
    assert unguarded(env.fake) == []
