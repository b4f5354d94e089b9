"""One guarded client in many threads and tasks."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

import pytest
from botocore.config import Config
from harness.clients import DENIED_MODEL, HR, MODEL, PUBLIC, Recorder, ask

from guardedbedrock import ExplicitDenyError
from guardedbedrock.core.events import GuardrailInjected

if TYPE_CHECKING:
    from harness.clients import Harness, Make

THREADS: Final = 16
CALLS: Final = 20
GUARDRAILS: Final = {"hr": (HR.arn, HR.version), "customer-facing": (PUBLIC.arn, PUBLIC.version)}
WIDE: Final = Config(max_pool_connections=THREADS)


def talk(env: Harness, thread: int) -> list[str]:
    """Make calls whose prompts name the guardrail that they should carry, and denied calls between them."""
    said = []
    for turn in range(CALLS):
        name = "hr" if (thread + turn) % 2 else "customer-facing"
        with env.guard.using(name):
            reply = env.client.converse(**ask("converse", f"{name} {thread} {turn}"))
            with pytest.raises(ExplicitDenyError):
                env.client.converse(**ask("converse", model=DENIED_MODEL))
        said.append(reply["output"]["message"]["content"][0]["text"])
    return said


def test_threads_keep_their_chosen_guardrails(harness: Make) -> None:
    recorder = Recorder()
    env = harness(config=WIDE, listeners=[recorder])

    with ThreadPoolExecutor(THREADS) as pool:
        said = list(pool.map(lambda thread: talk(env, thread), range(THREADS)))

    texts = {text for texts in said for text in texts}
    asked = [(request.params["messages"][0]["content"][0]["text"], request.guardrail) for request in env.fake.requests]
    assert len(texts) == len(asked) == THREADS * CALLS
    assert [text for text, guardrail in asked if GUARDRAILS[text.split()[0]] != guardrail] == []
    assert len(recorder.calls) == 2 * THREADS * CALLS
    assert all(len(heard.closed) == len(heard.of(GuardrailInjected)) == 1 for heard in recorder.calls)


def test_tasks_keep_their_chosen_guardrails(harness: Make) -> None:
    env = harness(config=WIDE)

    async def one(name: str) -> None:
        with env.guard.using(name):
            await asyncio.sleep(0)
            await asyncio.to_thread(env.client.converse, **ask("converse", name))

    async def all_of_them() -> None:
        await asyncio.gather(*(one(name) for name in [*GUARDRAILS] * 8))

    asyncio.run(all_of_them())

    asked = [(request.params["messages"][0]["content"][0]["text"], request.guardrail) for request in env.fake.requests]
    assert sorted(asked) == sorted([*GUARDRAILS.items()] * 8)


def test_stream_can_be_read_in_another_thread(harness: Make) -> None:
    recorder = Recorder()
    env = harness(listeners=[recorder])
    stream = env.client.converse_stream(**ask("converse_stream"))["stream"]

    with ThreadPoolExecutor(1) as second, ThreadPoolExecutor(1) as third:
        first_event = second.submit(next, iter(stream)).result()
        third.submit(stream.close).result()

    assert first_event == {"messageStart": {"role": "assistant"}}
    assert recorder.last.closed == [None]
    assert env.arrived == [("ConverseStream", MODEL, (HR.arn, HR.version))]
