"""Event streams and bodies of async clients: unchanged for the reader, observed to their end."""

from __future__ import annotations

import asyncio
import gc
import json
import pickle
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING, Any, Final

import pytest
from aiobotocore.eventstream import AioEventStream
from aiobotocore.response import AioStreamingBody
from aiohttp import ClientPayloadError
from botocore.exceptions import EventStreamError, ResponseStreamingError
from harness.aio import relayed
from harness.clients import MODEL, Recorder, ask

from guardedbedrock import GuardedBedrockError, StreamInterruptedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from aio.relay import Relay
    from harness.aio import Make
    from harness.clients import Harness

pytestmark = pytest.mark.anyio
STREAMS: Final = {"converse_stream": "stream", "invoke_model_with_response_stream": "body"}
BREAKS: Final = (("throttlingException", 2), ("modelStreamErrorException", 0), ("internalFailure", 1))
LONG: Final = "word " * 200


async def events_of(env: Harness, method: str = "converse_stream") -> Any:
    """Make a streaming call, and give its stream."""
    return (await getattr(env.client, method)(**ask(method)))[STREAMS[method]]


async def watched(harness: Make, **options: Any) -> tuple[Harness, Recorder]:
    """Create a harness with a recording listener."""
    recorder = Recorder()
    return await harness(listeners=[recorder], **options), recorder


@pytest.fixture(name="line")
async def make_line(harness: Make) -> AsyncIterator[tuple[Relay, Any, Recorder]]:
    """Give a relay, a client that goes through it, and what the client's listener hears; replies are long."""
    async with AsyncExitStack() as stack:
        env = await harness()
        env.fake.reply(LONG, times=None)
        yield await relayed(stack, env)


@pytest.mark.parametrize("method", STREAMS)
async def test_stream_is_an_event_stream(harness: Make, method: str) -> None:
    stream = await events_of(await harness(), method)

    assert isinstance(stream, AioEventStream)
    assert len([event async for event in stream]) > 2
    assert [event async for event in stream] == []


@pytest.mark.parametrize("method", STREAMS)
async def test_observation_closes_at_the_end_of_the_stream(harness: Make, method: str) -> None:
    env, recorder = await watched(harness)
    stream = await events_of(env, method)

    await anext(stream)
    assert recorder.last.closed == []
    assert len([event async for event in stream]) > 2
    assert recorder.last.closed == [None]
    stream.close()
    del stream
    gc.collect()
    assert recorder.last.closed == [None]


async def test_stream_read_to_its_end_releases_its_connection(line: tuple[Relay, Any, Recorder]) -> None:
    relay, client, _ = line

    for _ in range(3):
        assert len([event async for event in (await client.converse_stream(**ask("converse_stream")))["stream"]]) > 200

    assert (relay.accepted, relay.open) == (1, 1)


async def close(stream: Any) -> None:
    """Close a stream before anything is read."""
    stream.close()


async def read_one_and_close(stream: Any) -> None:
    """Close a stream in the middle."""
    await anext(stream)
    stream.close()


async def outcome_of(stream: Any) -> Any:
    """Read a stream: give its events, or the class and text of an error."""
    try:
        return [event async for event in stream]
    except Exception as error:  # noqa: BLE001  # which one is the question
        return type(error).__name__, str(error)


@pytest.mark.parametrize("method", STREAMS)
@pytest.mark.parametrize("has_begun", [False, True])
async def test_closed_stream_is_as_with_aiobotocore_and_not_requested_again(
    harness: Make, plain: Callable[[Any], Awaitable[Any]], method: str, has_begun: Any
) -> None:
    env = await harness()
    outcomes = []
    for client in (env.client, await plain(env.fake)):
        stream = (await getattr(client, method)(**ask(method)))[STREAMS[method]]
        if has_begun:
            await anext(aiter(stream))
        stream.close()
        outcomes.append([await outcome_of(stream) for _ in range(2)])

    assert outcomes[0] == outcomes[1]
    assert len(env.fake.requests) == 2


async def read_one_in_a_block(stream: Any) -> None:
    """Leave the block around a stream in the middle."""
    async with stream as events:
        async for _ in events:
            break


async def fail_in_a_block(stream: Any) -> None:
    """Leave the block around a stream with an error of one's own."""
    with suppress(LookupError):
        async with stream as events:
            await anext(events)
            raise LookupError("mine")


async def read_one_and_break(stream: Any) -> None:
    """Leave a stream in the middle."""
    async for _ in stream:
        break


async def leave(_: Any) -> None:
    """Do not read a stream at all."""


@pytest.mark.parametrize("end", [close, read_one_and_close, read_one_in_a_block, fail_in_a_block, read_one_and_break, leave])
async def test_stream_left_early_closes_once(line: tuple[Relay, Any, Recorder], end: Callable[[Any], Awaitable[None]]) -> None:
    relay, client, recorder = line
    relay.hold_at = b"contentBlockDelta"  # so the first event is whole

    reply = await client.converse_stream(**ask("converse_stream"))
    await end(reply["stream"])
    assert recorder.last.closed == ([] if end in {leave, read_one_and_break} else [None])
    del reply

    assert recorder.last.closed == [None]
    await relay.all_closed()


@pytest.mark.parametrize("method", STREAMS)
@pytest.mark.parametrize(("code", "after"), BREAKS)
async def test_stream_interrupted_by_the_service_raises_a_typed_error(harness: Make, method: str, code: str, after: int) -> None:
    env, recorder = await watched(harness)
    env.fake.break_stream(code, after=after, message="that was all")
    stream = await events_of(env, method)
    seen: list[Any] = []

    with pytest.raises(StreamInterruptedError, match="that was all") as broken:
        seen.extend([event async for event in stream])

    error = broken.value
    assert isinstance(error, EventStreamError)
    assert isinstance(error, GuardedBedrockError)
    assert isinstance(error.__cause__, EventStreamError)
    assert error.response["Error"] == {"Code": code, "Message": "that was all"}
    assert error.operation_name == env.client.meta.method_to_api_mapping[method]
    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301 - made in the same line
    assert recorder.last.closed == [error]
    assert stream._inner._raw_stream.closed


async def test_broken_connection_during_a_stream_raises_a_typed_error(line: tuple[Relay, Any, Recorder]) -> None:
    relay, client, recorder = line
    relay.hold_at, relay.hang_up = b"contentBlockDelta", True
    stream = (await client.converse_stream(**ask("converse_stream")))["stream"]

    with pytest.raises(StreamInterruptedError, match="the connection broke") as broken:
        assert [event async for event in stream]

    assert type(broken.value.__cause__).__module__.startswith("aiohttp")
    assert recorder.last.closed == [broken.value]


async def test_cancelled_reader_leaves_nothing_open(line: tuple[Relay, Any, Recorder]) -> None:
    relay, client, recorder = line
    relay.hold_at = b"contentBlockDelta"
    stream = (await client.converse_stream(**ask("converse_stream")))["stream"]

    async def consume() -> None:
        async for _ in stream:
            pass

    reader = asyncio.create_task(consume())
    await relay.holding.wait()
    await asyncio.sleep(0.05)
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader

    assert [type(error) for error in recorder.last.closed] == [asyncio.CancelledError]
    await relay.all_closed()


@pytest.mark.parametrize("method", ["converse", "converse_stream", "invoke_model"])
async def test_cancelled_call_leaves_nothing_open(line: tuple[Relay, Any, Recorder], method: str) -> None:
    relay, client, recorder = line
    relay.hold_at = b"HTTP/1.1 200" if method == "converse_stream" else b"word"

    call = asyncio.create_task(getattr(client, method)(**ask(method)))
    await relay.holding.wait()
    await asyncio.sleep(0.05)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call

    assert [type(error) for error in recorder.last.closed] == [asyncio.CancelledError]
    await relay.all_closed()
    relay.hold_at = None
    assert (await client.converse(**ask("converse")))["stopReason"] == "end_turn"


async def test_call_that_times_out_is_cancelled(line: tuple[Relay, Any, Recorder]) -> None:
    relay, client, recorder = line
    relay.hold_at = b"word"

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await client.converse(**ask("converse"))

    assert [type(error) for error in recorder.last.closed] == [asyncio.CancelledError]
    await relay.all_closed()


READERS: Final[dict[str, Callable[[Any], Awaitable[bytes]]]] = {}


def reader(read: Callable[[Any], Awaitable[bytes]]) -> Callable[[Any], Awaitable[bytes]]:
    """Remember a way to read a body."""
    READERS[read.__name__] = read
    return read


@reader
async def whole(body: Any) -> bytes:
    """Read all of it."""
    return bytes(await body.read())


@reader
async def in_parts(body: Any) -> bytes:
    """Read some and then the rest."""
    return bytes(await body.read(5) + await body.read())


@reader
async def in_a_block(body: Any) -> bytes:
    """Read within the block that closes it."""
    async with body as opened:
        return bytes(await opened.read())


@reader
async def chunks(body: Any) -> bytes:
    """Read by chunks."""
    return b"".join([chunk async for chunk in body.iter_chunks(7)])


@reader
async def lines(body: Any) -> bytes:
    """Read by lines."""
    return b"\n".join([line async for line in body.iter_lines()])


@reader
async def iteration(body: Any) -> bytes:
    """Iterate."""
    return b"".join([chunk async for chunk in body])


@reader
async def into(body: Any) -> bytes:
    """Read into a buffer."""
    buffer = bytearray(1 << 16)
    return bytes(buffer[: await body.readinto(buffer)])


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
async def test_body_of_invoke_model_is_readable_after_the_call(harness: Make, reader: Callable[[Any], Awaitable[bytes]]) -> None:
    env = await harness()
    body = (await env.client.invoke_model(**ask("invoke_model")))["body"]

    assert isinstance(body, AioStreamingBody)
    assert body.readable()
    data = await reader(body)
    assert json.loads(data)["content"] == [{"type": "text", "text": "You said: hello there"}]
    assert body.tell() == len(data)


async def test_body_keeps_the_attributes_of_its_http_response(harness: Make) -> None:
    env = await harness()
    body = (await env.client.invoke_model(**ask("invoke_model")))["body"]

    assert body.raw_stream.status == 200
    assert await body.read()
    assert (await body.read(), body.readable()) == (b"", False)


async def test_body_that_is_not_json_is_returned_unchanged(harness: Make) -> None:
    env = await harness()
    env.fake.reply("amazon-bedrock-guardrailAction INTERVENED {", operation="InvokeModel")

    reply = await env.client.invoke_model(modelId=MODEL, body=b"{}")

    assert json.loads(await reply["body"].read())["content"][0]["text"].startswith("amazon-bedrock-guardrailAction")


async def test_truncated_body_closes_its_connection(line: tuple[Relay, Any, Recorder]) -> None:
    relay, client, recorder = line
    relay.hold_at, relay.hang_up = b"word", True

    with pytest.raises(Exception) as broken:  # noqa: PT011
        await client.invoke_model(**ask("invoke_model"))

    assert isinstance(broken.value, ResponseStreamingError | ClientPayloadError)  # as the connection broke
    assert recorder.last.closed == [broken.value]
    await relay.all_closed()
