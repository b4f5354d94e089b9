"""Contexts that were copied during a call, and choices that outlive their block."""

from __future__ import annotations

import asyncio
import threading
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any

import pytest
from botocore.client import BaseClient
from harness.bypass import CONFIG, GUARDED, on, unguarded
from harness.clients import HR, MODEL, PUBLIC, ask

from guardedbedrock import GuardrailTamperedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator

    from harness.clients import Harness, Make


def past(env: Harness) -> None:
    """Make calls past the guard, which the gate refuses."""
    with pytest.raises(GuardrailTamperedError):
        BaseClient._make_api_call(env.client, "Converse", GUARDED)
    with pytest.raises(GuardrailTamperedError):
        BaseClient._make_api_call(env.client, "InvokeModel", {**ask("invoke_model"), **CONFIG})


def copied(env: Harness) -> list[Context]:
    """Copy the context of a call while it is under way."""
    contexts: list[Context] = []
    on(env, "before-send", lambda **_: contexts.append(copy_context()))
    env.client.converse(**ask("converse"))
    env.client.invoke_model(**ask("invoke_model"))
    env.client.meta.events.unregister("before-send")
    return contexts


def test_copied_context_cannot_send_after_the_call(harness: Make) -> None:
    env = harness()
    contexts = copied(env)

    for context in contexts:
        context.run(past, env)

    assert len(contexts) == len(env.fake.requests) == 2
    assert unguarded(env.fake) == []


@pytest.mark.parametrize("with_context", [False, True], ids=["own context", "copied context"])
def test_thread_started_by_a_handler_cannot_send_after_the_call(harness: Make, *, with_context: bool) -> None:
    env = harness()
    done, failed = threading.Event(), []

    def later(context: Context) -> None:
        done.wait(10)
        try:
            context.run(past, env)
        except BaseException as error:  # noqa: BLE001  # a thread's failure is to be seen in the test
            failed.append(error)

    threads: list[threading.Thread] = []

    def start(**_: Any) -> None:
        threads.append(threading.Thread(target=later, args=(copy_context() if with_context else Context(),)))
        threads[0].start()

    env.client.meta.events.register_first("before-call", start, unique_id="start")
    env.client.converse(**ask("converse"))
    env.client.meta.events.unregister("before-call", start, unique_id="start")
    done.set()
    threads[0].join(10)

    assert failed == []
    assert len(env.fake.requests) == 1
    assert unguarded(env.fake) == []


def test_unfinished_generator_leaves_no_call_open(harness: Make) -> None:
    env = harness()

    def turns() -> Generator[Any, None, None]:
        yield from env.client.converse_stream(**ask("converse_stream"))["stream"]

    generator = turns()
    next(generator)
    past(env)
    generator.close()
    past(env)

    assert len(env.fake.requests) == 1
    assert unguarded(env.fake) == []


def test_unfinished_async_generator_leaves_no_call_open(harness: Make) -> None:
    env = harness()

    async def turns() -> AsyncIterator[Any]:
        with env.guard.using("customer-facing"):
            for event in (await asyncio.to_thread(env.client.converse_stream, **ask("converse_stream")))["stream"]:
                yield event

    async def main() -> None:
        async for _ in turns():
            break
        past(env)
        await asyncio.to_thread(env.client.converse, **ask("converse"))
        past(env)

    asyncio.run(main())

    assert {request[1:] for request in env.arrived} <= {(MODEL, (HR.arn, HR.version)), (MODEL, (PUBLIC.arn, PUBLIC.version))}
    assert unguarded(env.fake) == []


def test_task_started_during_a_call_cannot_send(harness: Make) -> None:
    env = harness()

    async def main() -> None:
        tasks: list[asyncio.Task[None]] = []

        async def later() -> None:
            past(env)

        def begin(**_: Any) -> None:
            tasks.append(asyncio.get_running_loop().create_task(later()))

        on(env, "before-send", begin)
        env.client.converse(**ask("converse"))
        env.client.meta.events.unregister("before-send", begin)
        await tasks[0]

    asyncio.run(main())

    assert len(env.fake.requests) == 1
    assert unguarded(env.fake) == []
