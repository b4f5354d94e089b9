"""Service models that were copied under another name, or to which operations were added, in async clients."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Final

import pytest
from aiobotocore.client import AioBaseClient
from aiobotocore.session import get_session
from harness.aio import read
from harness.bypass import GUARDED, METHODS, unguarded
from harness.clients import DENIED_MODEL, HR, WEAK, ask
from harness.service_models import control_plane_with_inference, load_model

from guardedbedrock import ConfigurationError, GuardrailTamperedError
from guardedbedrock.aws.client.mixin import Guarded

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.aio import Make
    from harness.clients import Harness

COPY: Final = "bedrock-runtime-beta"


pytestmark = pytest.mark.anyio


async def by_client(env: Harness, stack: AsyncExitStack) -> Any:
    return await stack.enter_async_context(env.guard.async_client(COPY, **env.fake.client_kwargs()))


async def by_session(env: Harness, stack: AsyncExitStack) -> Any:
    return await stack.enter_async_context(env.guard.session(get_session()).create_client(COPY, **env.fake.client_kwargs()))


async def by_wrap(env: Harness, stack: AsyncExitStack) -> Any:
    return env.guard.wrap(await stack.enter_async_context(get_session().create_client(COPY, **env.fake.client_kwargs())))


async def by_install(env: Harness, stack: AsyncExitStack) -> Any:
    with env.guard.install():
        return await stack.enter_async_context(get_session().create_client(COPY, **env.fake.client_kwargs()))


@pytest.mark.filterwarnings("ignore::guardedbedrock.UnguardedClientWarning")
@pytest.mark.parametrize("metadata", [{}, {"serviceId": "Bedrock Runtime Beta"}, {"endpointPrefix": "beta"}])
@pytest.mark.parametrize("way", [by_client, by_session, by_wrap, by_install])
async def test_async_client_of_a_copied_model_is_guarded(
    harness: Make, write_model: Any, way: Callable[..., Any], metadata: dict[str, str]
) -> None:
    write_model(COPY, load_model("bedrock-runtime"), **metadata)
    env = await harness()

    async with AsyncExitStack() as stack:
        client = await way(env, stack)
        assert isinstance(client, Guarded)
        for method in METHODS:
            await read(await getattr(client, method)(**ask(method)))
        for params in (ask("converse", model=DENIED_MODEL), {**ask("converse"), "guardrailConfig": WEAK}):
            with pytest.raises(client.exceptions.AccessDeniedException):
                await client.converse(**params)
        with pytest.raises(GuardrailTamperedError):
            await AioBaseClient._make_api_call(client, "Converse", GUARDED)

    assert [request.guardrail for request in env.fake.requests] == [(HR.arn, HR.version)] * len(METHODS)
    assert unguarded(env.fake) == []


async def test_async_client_of_a_copied_model_in_a_region_without_a_guardrail_is_not_created(
    harness: Make, write_model: Any
) -> None:
    write_model(COPY, load_model("bedrock-runtime"))
    env = await harness()

    with pytest.raises(ConfigurationError, match="no guardrail is approved for eu-west-1"):
        async with env.guard.async_client(COPY, **{**env.fake.client_kwargs(), "region_name": "eu-west-1"}):
            pass

    assert unguarded(env.fake) == []


@pytest.mark.parametrize("method", METHODS)
async def test_inference_operation_that_was_added_to_the_control_plane_is_refused(
    harness: Make, write_model: Any, method: str
) -> None:
    write_model("bedrock", control_plane_with_inference())
    env = await harness()

    async with env.guard.async_client("bedrock", **env.fake.client_kwargs()) as client:
        with pytest.raises(GuardrailTamperedError, match="reaches a model by an operation without a guardrail location"):
            await getattr(client, method)(**ask(method))

    assert unguarded(env.fake) == env.fake.requests == []


async def test_client_of_another_service_cannot_be_wrapped(harness: Make) -> None:
    env = await harness()

    async with get_session().create_client("sts", **env.fake.client_kwargs()) as client:
        with pytest.raises(ConfigurationError, match="cannot guard a client of `sts`"):
            env.guard.wrap(client)
