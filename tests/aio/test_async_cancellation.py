"""Cancelled calls and streams: no connection and no span stays open."""

from __future__ import annotations

import asyncio
import gc
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING, Any, Final

import pytest
from aio.relay import Relay
from harness.clients import HR, POLICIES, ROLE, ask
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider

from guardedbedrock import Guard
from guardedbedrock.telemetry.spans import CallSpans

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from harness.aio import Make

pytestmark = pytest.mark.anyio
STREAMS: Final = {"converse_stream": "stream", "invoke_model_with_response_stream": "body"}
HEAD: Final = b"HTTP/1.1 200"
"""Where a reply begins."""


class Kept(SpanProcessor):
    """Keeps the spans that began and those that ended: of each call one, and what is under it."""

    def __init__(self) -> None:
        self.begun: list[Any] = []
        self.ended: list[ReadableSpan] = []

    def on_start(self, span: Any, parent_context: Any = None) -> None:
        """Keep a span that begins."""
        self.begun.append((span, parent_context))

    def on_end(self, span: ReadableSpan) -> None:
        """Keep a span that ends."""
        self.ended.append(span)


class Line:
    """A relay, a client that goes through it, and its spans."""

    def __init__(self, relay: Relay, client: Any, kept: Kept) -> None:
        self.relay = relay
        self.client = client
        self.kept = kept

    async def nothing_open(self, calls: int | None = 1) -> None:
        """Check that every span ended, that none is the current one, and that every connection closes."""
        assert len(self.kept.begun) == len(self.kept.ended)
        assert calls in {None, len([span for span in self.kept.ended if span.parent is None])}
        assert trace.get_current_span() is trace.INVALID_SPAN
        await self.relay.all_closed()


@pytest.fixture(name="line")
async def make_line(harness: Make) -> AsyncIterator[Line]:
    """Make a line whose replies are long."""
    env, kept, provider = await harness(), Kept(), TracerProvider()
    provider.add_span_processor(kept)
    env.fake.reply("word " * 200, times=None)
    guard = Guard(guardrails=[HR], policies=POLICIES, principal=ROLE, listeners=[CallSpans(provider.get_tracer("here"))])
    async with AsyncExitStack() as stack:
        relay = await stack.enter_async_context(Relay(env.fake))
        there = {**env.fake.client_kwargs(), "endpoint_url": relay.url}
        yield Line(relay, await stack.enter_async_context(guard.async_client("bedrock-runtime", **there)), kept)


async def cancelled(task: asyncio.Task[Any]) -> None:
    """Cancel a task, and wait for its end."""
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("method", ["converse", "invoke_model", *STREAMS])
@pytest.mark.parametrize("held", [HEAD, b"application/"], ids=["no reply", "in the head"])
async def test_call_cancelled_before_its_reply_closes_connection_and_span(line: Line, method: str, held: bytes) -> None:
    line.relay.hold_at = held
    call = asyncio.create_task(getattr(line.client, method)(**ask(method)))
    await line.relay.holding.wait()

    await cancelled(call)

    await line.nothing_open()


@pytest.mark.parametrize("method", ["converse", "invoke_model"])
async def test_call_cancelled_while_its_body_is_read_closes_connection_and_span(line: Line, method: str) -> None:
    line.relay.hold_at = b"word"
    call = asyncio.create_task(getattr(line.client, method)(**ask(method)))
    await line.relay.holding.wait()
    await asyncio.sleep(0.02)

    await cancelled(call)

    await line.nothing_open()


async def test_call_cancelled_at_once_opens_no_connection(line: Line) -> None:
    for turns in range(6):
        call = asyncio.create_task(line.client.converse(**ask("converse")))
        for _ in range(turns):
            await asyncio.sleep(0)
        await cancelled(call)

    await line.nothing_open(calls=None)  # a task that never began made none


async def read_on(stream: Any) -> None:
    """Read and never stop."""
    async for _ in stream:
        pass


async def read_in_a_block(stream: Any) -> None:
    """Read within the block that closes it."""
    async with stream as events:
        async for _ in events:
            pass


async def read_one_and_wait(stream: Any) -> None:
    """Read one event and do something else for good."""
    async with stream as events:
        await anext(events)
        await asyncio.Event().wait()


@pytest.mark.parametrize("method", STREAMS)
@pytest.mark.parametrize("read", [read_on, read_in_a_block, read_one_and_wait])
async def test_cancelled_reader_closes_its_stream(line: Line, method: str, read: Callable[[Any], Awaitable[None]]) -> None:
    line.relay.hold_at = b"contentBlockDelta" if method == "converse_stream" else b'"bytes"'
    reply = await getattr(line.client, method)(**ask(method))

    reader = asyncio.ensure_future(read(reply[STREAMS[method]]))
    await line.relay.holding.wait()
    await asyncio.sleep(0.02)
    await cancelled(reader)

    await line.nothing_open()


async def test_failing_call_of_a_task_group_cancels_the_others(line: Line) -> None:
    line.relay.hold_at = b"word"

    async def fail() -> None:
        await line.relay.holding.wait()
        raise LookupError("mine")

    with suppress(ExceptionGroup):
        async with asyncio.TaskGroup() as group:
            for _ in range(5):
                group.create_task(line.client.converse(**ask("converse")))
            group.create_task(fail())

    await line.nothing_open(5)


async def test_stream_without_references_is_closed(line: Line) -> None:
    line.relay.hold_at = b"contentBlockDelta"
    await line.client.converse_stream(**ask("converse_stream"))
    gc.collect()

    await line.nothing_open()


async def test_client_closed_during_a_stream_leaves_nothing_open(line: Line) -> None:
    line.relay.hold_at = b"contentBlockDelta"
    stream = (await line.client.converse_stream(**ask("converse_stream")))["stream"]
    await anext(stream)

    await line.client.close()
    stream.close()

    await line.nothing_open()
