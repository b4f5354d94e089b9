"""The contract of ``tests/fake`` with aiobotocore: the same calls give the same results."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from botocore import xform_name
from fake.contract import CASES, SERVICES, STEADY, STREAMED, failure, outcome, params_of, prepare

from guardedbedrock.testing import FakeBedrock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

pytestmark = pytest.mark.anyio

SESSION = get_session()  # which reads the service models once


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeBedrock]:
    """One server for all cases: each makes it anew."""
    with FakeBedrock() as running:
        yield running


@pytest.fixture
async def clients(fake: FakeBedrock) -> AsyncIterator[dict[str, Any]]:
    """A client for each service."""
    async with AsyncExitStack() as stack:
        made = {
            name: await stack.enter_async_context(SESSION.create_client(name, **fake.client_kwargs(), config=AioConfig(**STEADY)))
            for name in SERVICES
        }
        yield made


async def _call(clients: dict[str, Any], call: dict[str, Any]) -> dict[str, Any]:
    client = clients[call.get("service", "bedrock-runtime")]
    try:
        response = await getattr(client, xform_name(call["operation"]))(**params_of(call))
        return outcome(response, await _read(response))
    except Exception as error:  # noqa: BLE001 - whatever comes is the outcome
        return failure(error)


async def _read(response: dict[str, Any]) -> list[Any] | bytes | None:
    part = next((response[name] for name in STREAMED if name in response), None)
    if part is None:
        return None
    try:
        return bytes(await part.read()) if hasattr(part, "read") else await _events(part)
    finally:
        part.close()


async def _events(stream: Any) -> list[Any]:
    events: list[Any] = []
    try:
        async for event in stream:
            events.append(event)  # noqa: PERF401 - what came before an error counts
    except Exception as error:  # noqa: BLE001 - whatever comes is the outcome
        events.append(failure(error))
    return events


@pytest.mark.parametrize("name", CASES)
async def test_aiobotocore_parses_the_contract_like_boto3(fake: FakeBedrock, clients: dict[str, Any], name: str) -> None:
    case = CASES[name]
    prepare(fake, case.get("setup", {}))
    for call in case.get("before", ()):
        await _call(clients, call)

    assert await _call(clients, case) == case["expect"]
