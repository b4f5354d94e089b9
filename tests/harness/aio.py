"""The harness of guarded async clients: `harness.clients` with clients of aiobotocore."""

from __future__ import annotations

from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from aio.relay import Relay
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from harness.clients import HR, ON_THE_SERVER, POLICIES, PUBLIC, ROLE, Harness, Recorder

from guardedbedrock import Guard
from guardedbedrock.stages.retry.policy import RetryPolicy
from guardedbedrock.testing import FakeBedrock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

__all__ = ["make_harness", "make_plain"]

Make: TypeAlias = "Callable[..., Awaitable[Harness]]"


async def read(response: dict[str, Any]) -> dict[str, Any]:
    """Read a response to its end, without the metadata that differ between requests."""
    whole = {name: value for name, value in response.items() if name != "ResponseMetadata"}
    for name in ("body", "stream"):
        if name in whole:
            whole[name] = await whole[name].read() if hasattr(whole[name], "read") else [event async for event in whole[name]]
    return whole


@pytest.fixture(name="harness")
async def make_harness(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Make]:
    """Create harnesses; takes the keywords of `Guard`, ``config`` of the client, and ``fake``, the keywords of `FakeBedrock`."""
    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK", raising=False)
    async with AsyncExitStack() as stack:
        yield partial(_harness, stack)


async def _harness(
    stack: AsyncExitStack, *, config: AioConfig | None = None, fake: dict[str, Any] | None = None, **options: Any
) -> Harness:
    server = stack.enter_context(FakeBedrock(**{"guardrails": ON_THE_SERVER, **(fake or {})}))
    patient = RetryPolicy(attempts=3, sleep=lambda _: None)
    defaults = {"guardrails": [HR, PUBLIC], "policies": POLICIES, "principal": ROLE, "listeners": (), "retry": patient}
    guard = Guard(**{**defaults, **options})
    env = guard.async_client("bedrock-runtime", **server.client_kwargs(), config=config)
    return Harness(server, guard, await stack.enter_async_context(env))


@pytest.fixture(name="plain")
async def make_plain() -> AsyncIterator[Callable[[FakeBedrock], Awaitable[Any]]]:
    """Create plain aiobotocore clients."""
    async with AsyncExitStack() as stack:
        yield partial(_plain, stack)


async def _plain(stack: AsyncExitStack, fake: FakeBedrock) -> Any:
    once = AioConfig(retries={"total_max_attempts": 1})
    return await stack.enter_async_context(get_session().create_client("bedrock-runtime", **fake.client_kwargs(), config=once))


async def relayed(stack: AsyncExitStack, env: Harness) -> tuple[Relay, Any, Recorder]:
    """Put a relay in front of the fake of a harness, and return it with a client that uses it and the client's listener."""
    relay, recorder = await stack.enter_async_context(Relay(env.fake)), Recorder()
    guard = Guard(guardrails=[HR], policies=POLICIES, principal=ROLE, listeners=[recorder])
    there = {**env.fake.client_kwargs(), "endpoint_url": relay.url}
    return relay, await stack.enter_async_context(guard.async_client("bedrock-runtime", **there)), recorder
