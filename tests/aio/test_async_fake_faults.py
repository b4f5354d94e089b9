"""Streams cut into chunks, and network faults, with aiobotocore."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from aiohttp import ClientPayloadError
from botocore.eventstream import ChecksumMismatch
from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError, EventStreamError

from guardedbedrock.testing import FakeBedrock, prose
from guardedbedrock.testing.faults import BreakStream, BrokenFrame, Fail, Fault, HangUp, Rechunk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

pytestmark = pytest.mark.anyio

SESSION = get_session()  # which reads the service models once
STEADY = AioConfig(retries={"mode": "standard", "total_max_attempts": 1})
ASK: dict[str, Any] = {
    "modelId": "anthropic.claude-3-haiku-20240307-v1:0",
    "messages": [{"role": "user", "content": [{"text": "hello there"}]}],
}


@pytest.fixture
def fake() -> Iterator[FakeBedrock]:
    """A fake whose model has something to say."""
    with FakeBedrock() as running:
        running.reply(prose(20), times=None)
        yield running


@pytest.fixture
async def client(fake: FakeBedrock) -> AsyncIterator[Any]:
    """A client that tries once."""
    async with SESSION.create_client("bedrock-runtime", **fake.client_kwargs(), config=STEADY) as made:
        yield made


async def _events(client: Any) -> list[Any]:
    stream = (await client.converse_stream(**ASK))["stream"]
    try:
        return [event async for event in stream]
    finally:
        stream.close()


@pytest.mark.parametrize("size", [1, 2, 3, 7, 16, 61, 1000, 0])
async def test_stream_cut_into_any_chunks_is_read(fake: FakeBedrock, client: Any, size: int) -> None:
    whole = await _events(client)
    fake.fault(Rechunk(size))

    assert await _events(client) == whole


BROKEN: list[tuple[Fault, type[Exception]]] = [
    (BreakStream(), EventStreamError),
    (BrokenFrame(after=1), ChecksumMismatch),
    (HangUp(after=100, part="body"), ClientPayloadError),
    (HangUp(after=100, part="body", reset=False), ClientPayloadError),
]


@pytest.mark.parametrize(("fault", "error"), BROKEN, ids=lambda value: repr(value)[:40])
async def test_broken_stream_raises(fake: FakeBedrock, client: Any, fault: Fault, error: type[Exception]) -> None:
    fake.fault(fault)

    with pytest.raises(error):
        await _events(client)

    assert len(await _events(client)) > 20


@pytest.mark.parametrize(
    ("fault", "error"),
    [(HangUp(), EndpointConnectionError), (HangUp(reset=False), ConnectionClosedError), (Fail(503, "Busy"), ClientError)],
    ids=["reset", "closed", "error"],
)
async def test_failed_call_raises(fake: FakeBedrock, client: Any, fault: Fault, error: type[Exception]) -> None:
    fake.fault(fault)

    with pytest.raises(error):
        await client.converse(**ASK)


async def test_closed_port_raises(fake: FakeBedrock, client: Any) -> None:
    with fake.refusing(), pytest.raises(EndpointConnectionError):
        await client.converse(**ASK)

    assert (await client.converse(**ASK))["stopReason"] == "end_turn"
