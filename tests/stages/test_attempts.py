"""Every attempt sends the same request, whatever the previous attempt changed; tested without a client."""

from __future__ import annotations

import asyncio
from io import BytesIO
from typing import Any, Final

from harness.clients import HR, MODEL

from guardedbedrock import Guard
from guardedbedrock.core.observers import Observers
from guardedbedrock.core.records import AuthorizedCall, Call
from guardedbedrock.stages.authorize import authorize
from guardedbedrock.stages.inject import inject
from guardedbedrock.stages.retry.policy import RetryPolicy
from guardedbedrock.stages.send import send, send_async

BEFORE: Final = len(b"read before ")


def authorized() -> tuple[AuthorizedCall, Observers]:
    """Authorize a stream whose body is a file of which something was read before."""
    body = BytesIO(b"read before the call")
    body.seek(BEFORE)
    rules = Guard(guardrails=[HR], listeners=(), on_partial="allow").rules
    call = Call.of("InvokeModelWithResponseStream", {"modelId": MODEL, "body": body}, HR.region)
    observers = Observers((), call)
    return authorize(inject(call, rules, observers), rules, observers), observers


def test_a_repeated_stream_request_sends_the_file_from_its_first_position() -> None:
    sent: list[bytes] = []

    def transport(_: str, params: dict[str, Any]) -> dict[str, Any]:
        sent.append(params["body"].read())
        return {}

    asked, observers = authorized()
    send(asked, transport, lambda response: (response, None), RetryPolicy(), observers).again.attempt()

    assert sent == [b"the call"] * 2


def test_a_repeated_async_stream_request_sends_the_file_from_its_first_position() -> None:
    sent: list[bytes] = []

    async def transport(_: str, params: dict[str, Any]) -> dict[str, Any]:
        sent.append(params["body"].read())
        return {}

    async def read(response: dict[str, Any]) -> tuple[dict[str, Any], None]:
        return response, None

    async def both() -> None:
        asked, observers = authorized()
        await (await send_async(asked, transport, read, RetryPolicy(), observers)).again.attempt()

    asyncio.run(both())

    assert sent == [b"the call"] * 2
