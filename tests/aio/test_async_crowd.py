"""A thousand concurrent calls through one client: each has the guardrail that its task chose."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
from collections import Counter
from itertools import cycle
from typing import TYPE_CHECKING, Any, Final

import pytest
from aiobotocore.config import AioConfig
from harness.aio import read
from harness.clients import DENIED_MODEL, HR, PUBLIC, Recorder, ask

from guardedbedrock import ExplicitDenyError
from guardedbedrock.core.events import GuardrailInjected

if TYPE_CHECKING:
    from harness.aio import Make
    from harness.clients import Harness

pytestmark = pytest.mark.anyio
CALLS: Final = 1000
ROUNDS: Final = 5
FLAT: Final = 3 * CALLS  # blocks of memory over three rounds of calls; a record that one call leaves behind has several
GUARDRAILS: Final = {"hr": (HR.arn, HR.version), "customer-facing": (PUBLIC.arn, PUBLIC.version)}
METHODS: Final = ("converse", "invoke_model", "converse_stream", "invoke_model_with_response_stream")
WIDE: Final = AioConfig(max_pool_connections=100)


@pytest.fixture
def anyio_backend() -> str:
    """Run without the debug mode of the other tests, which writes down where every task comes from."""
    return "asyncio"


async def call(env: Harness, number: int, name: str, method: str) -> bool:
    """Make one call that says which guardrail it should carry, or one that is denied."""
    with env.guard.using(name):
        await asyncio.sleep(0)
        if number % 10 == 0:
            with pytest.raises(ExplicitDenyError):
                await getattr(env.client, method)(**ask(method, model=DENIED_MODEL))
            return False
        reply = await read(await getattr(env.client, method)(**ask(method, f"{name} {number}")))
        return bool(reply)


def said(params: dict[str, Any]) -> str:
    """Read what a request asks."""
    asked = json.loads(params["body"]) if "body" in params else params
    content = asked["messages"][0]["content"]
    return content if isinstance(content, str) else str(content[0]["text"])


async def crowd(env: Harness) -> list[bool]:
    """Make a thousand calls at a time."""
    given = zip(range(CALLS), cycle(GUARDRAILS), cycle(METHODS + METHODS[:1]), strict=False)
    return await asyncio.gather(*(call(env, *each) for each in given))


async def test_thousand_tasks_keep_their_chosen_guardrails(harness: Make) -> None:
    recorder = Recorder()
    env = await harness(config=WIDE, listeners=[recorder])

    sent = await crowd(env)

    arrived = [(said(request.params), request.guardrail) for request in env.fake.requests]
    assert Counter(sent) == {True: CALLS * 9 // 10, False: CALLS // 10}
    assert len({text for text, _ in arrived}) == len(arrived) == CALLS * 9 // 10
    assert [text for text, guardrail in arrived if GUARDRAILS[text.split()[0]] != guardrail] == []
    assert len(recorder.calls) == CALLS
    assert all(len(heard.closed) == len(heard.of(GuardrailInjected)) == 1 for heard in recorder.calls)


async def test_thousand_tasks_leave_no_connection_or_context(harness: Make) -> None:
    env = await harness(config=WIDE)
    held = []
    for _ in range(ROUNDS):
        await crowd(env)
        env.fake.reset()
        gc.collect()
        held.append(sys.getallocatedblocks())

    assert held[-1] - held[1] < FLAT  # the first round fills caches
