"""The gate of async clients. The sync gate has its tests in ``tests/bypass``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aiobotocore.client import AioBaseClient
from bypass.tampering import drop_body, drop_params, strip, strip_prepared, swap_url
from harness.aio import read
from harness.bypass import GUARDED, METHODS, unguarded
from harness.clients import HR, ask

from guardedbedrock import GuardrailTamperedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.aio import Make
    from harness.clients import Harness

pytestmark = pytest.mark.anyio


async def try_all(env: Harness) -> int:
    """Make calls that an attack meddles with, and count those that were refused."""
    refused = 0
    for method in METHODS:
        try:
            await read(await getattr(env.client, method)(**ask(method)))
        except GuardrailTamperedError:
            refused += 1
    return refused


@pytest.mark.parametrize(
    ("event", "handler"),
    [
        ("before-parameter-build", drop_params),
        ("before-call", drop_body),
        ("before-call", swap_url),
        ("before-sign", strip),
        ("before-send", strip_prepared),
    ],
)
async def test_event_handler_cannot_bypass_the_gate(harness: Make, event: str, handler: Callable[..., Any]) -> None:
    env = await harness()
    env.client.meta.events.register(event, handler)

    assert await try_all(env) == len(METHODS)
    assert unguarded(env.fake) == env.fake.requests == []


async def test_call_past_the_guard_is_refused(harness: Make) -> None:
    env = await harness()

    for params in (ask("converse"), GUARDED):
        with pytest.raises(GuardrailTamperedError):
            await AioBaseClient._make_api_call(env.client, "Converse", params)

    assert unguarded(env.fake) == env.fake.requests == []


async def test_replaced_send_method_of_an_async_endpoint_still_passes_the_gate(harness: Make) -> None:
    env = await harness()
    session = env.client._endpoint.http_session
    sent: list[str] = []

    async def send(request: Any) -> Any:
        sent.append(request.method)
        return await session.send(request)

    env.client._endpoint._send = send
    assert await try_all(env) == 0
    env.client.meta.events.register("before-send", strip_prepared)
    assert await try_all(env) == len(METHODS)

    assert sent == ["POST"] * 2 * len(METHODS)
    assert [request.guardrail for request in env.fake.requests] == [(HR.arn, HR.version)] * len(METHODS)
    assert unguarded(env.fake) == []


async def test_signer_returned_by_either_name_is_behind_the_gate(harness: Make) -> None:
    env = await harness()
    request = type(
        "Request", (), {"url": f"{env.fake.endpoint_url}/model/m/converse", "method": "POST", "headers": {}, "data": b"{}"}
    )()

    for name in ("get_auth_instance", "get_auth"):
        auth = await getattr(env.client._request_signer, name)("bedrock", "us-east-1", "v4")
        with pytest.raises(GuardrailTamperedError):
            auth.add_auth(request)

    assert unguarded(env.fake) == []
