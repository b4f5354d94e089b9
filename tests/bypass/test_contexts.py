"""Contexts that were copied while a gate was open, and choices that outlive their block."""

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
    from collections.abc import AsyncIterator, Iterator

    from harness.clients import House, Make


def past(made: House) -> None:
    """Call past the guard, as the call before did."""
    with pytest.raises(GuardrailTamperedError):
        BaseClient._make_api_call(made.client, "Converse", GUARDED)
    with pytest.raises(GuardrailTamperedError):
        BaseClient._make_api_call(made.client, "InvokeModel", {**ask("invoke_model"), **CONFIG})


def copied(made: House) -> list[Context]:
    """Copy the context of a call while it is under way."""
    contexts: list[Context] = []
    on(made, "before-send", lambda **_: contexts.append(copy_context()))
    made.client.converse(**ask("converse"))
    made.client.invoke_model(**ask("invoke_model"))
    made.client.meta.events.unregister("before-send")
    return contexts


def test_a_context_that_was_copied_finds_the_gate_shut_afterwards(house: Make) -> None:
    """Its call is done, and so is what it was authorized for."""
    made = house()
    contexts = copied(made)

    for context in contexts:
        context.run(past, made)

    assert len(contexts) == len(made.fake.requests) == 2
    assert unguarded(made.fake) == []


@pytest.mark.parametrize("with_context", [False, True], ids=["own context", "copied context"])
def test_a_thread_that_a_handler_starts_is_not_let_through(house: Make, *, with_context: bool) -> None:
    """It runs on when the call is over."""
    made = house()
    done, failed = threading.Event(), []

    def later(context: Context) -> None:
        done.wait(10)
        try:
            context.run(past, made)
        except BaseException as error:  # noqa: BLE001  # a thread's failure is to be seen in the test
            failed.append(error)

    threads: list[threading.Thread] = []

    def start(**_: Any) -> None:
        threads.append(threading.Thread(target=later, args=(copy_context() if with_context else Context(),)))
        threads[0].start()

    made.client.meta.events.register_first("before-call", start, unique_id="start")
    made.client.converse(**ask("converse"))
    made.client.meta.events.unregister("before-call", start, unique_id="start")
    done.set()
    threads[0].join(10)

    assert failed == []
    assert len(made.fake.requests) == 1
    assert unguarded(made.fake) == []


def test_a_generator_left_in_the_middle_leaves_no_gate_open(house: Make) -> None:
    """Nor does a stream that nobody reads on."""
    made = house()

    def turns() -> Iterator[Any]:
        yield from made.client.converse_stream(**ask("converse_stream"))["stream"]

    generator = turns()
    next(generator)
    past(made)
    generator.close()
    past(made)

    assert len(made.fake.requests) == 1
    assert unguarded(made.fake) == []


def test_an_asynchronous_generator_left_in_the_middle_leaves_no_gate_open(house: Make) -> None:
    """It is closed by the loop, in another context than the one it was begun in."""
    made = house()

    async def turns() -> AsyncIterator[Any]:
        with made.guard.using("customer-facing"):
            for event in (await asyncio.to_thread(made.client.converse_stream, **ask("converse_stream")))["stream"]:
                yield event

    async def main() -> None:
        async for _ in turns():
            break
        past(made)
        await asyncio.to_thread(made.client.converse, **ask("converse"))
        past(made)

    asyncio.run(main())

    assert {request[1:] for request in made.arrived} <= {(MODEL, (HR.arn, HR.version)), (MODEL, (PUBLIC.arn, PUBLIC.version))}
    assert unguarded(made.fake) == []


def test_a_task_begun_within_a_call_is_not_let_through(house: Make) -> None:
    """Tasks copy the context they are made in."""
    made = house()

    async def main() -> None:
        tasks: list[asyncio.Task[None]] = []

        async def later() -> None:
            past(made)

        def begin(**_: Any) -> None:
            tasks.append(asyncio.get_running_loop().create_task(later()))

        on(made, "before-send", begin)
        made.client.converse(**ask("converse"))
        made.client.meta.events.unregister("before-send", begin)
        await tasks[0]

    asyncio.run(main())

    assert len(made.fake.requests) == 1
    assert unguarded(made.fake) == []
