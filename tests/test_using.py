"""`Guard.using` in generators, tasks, threads and a web server: leaving a block removes that block and nothing else."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager, closing, contextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest

from guardedbedrock import ConfigurationError, Guard, Guardrail
from guardedbedrock.testing import FakeBedrock, FakeGuardrail

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator, Iterator

MODEL: Final = "anthropic.claude-3-haiku-20240307-v1:0"
NAMES: Final = ("default", "a", "b", "c")
ARN: Final = "arn:aws:bedrock:us-east-1:123456789012:guardrail/{}00000000000"
GUARDRAILS: Final = [Guardrail(ARN.format(name[0]), version="1", name=name) for name in NAMES]
ASK: Final = {"modelId": MODEL, "messages": [{"role": "user", "content": [{"text": "hello there"}]}]}
CLIENTS: Final = 12


@pytest.fixture
def guard() -> Guard:
    return Guard(guardrails=GUARDRAILS, listeners=())


def current(guard: Guard) -> str:
    """Return the name of the guardrail that a call would get in the current context."""
    guardrail = guard.simulate("Converse", ASK).guardrail
    assert guardrail is not None
    return guardrail.name


def stream(guard: Guard, name: str) -> Generator[str, None, None]:
    """Yield the current guardrail, from inside a block."""
    with guard.using(name):
        while True:
            yield current(guard)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_two_interleaved_generators_leave_no_choice_behind(guard: Guard, order: tuple[int, int]) -> None:
    generators = [stream(guard, "a"), stream(guard, "b")]

    assert [next(each) for each in generators] == ["a", "b"]
    generators[order[0]].close()
    assert current(guard) == ("b", "a")[order[0]]
    generators[order[1]].close()

    assert current(guard) == "default"


def test_a_block_around_a_generator_survives_the_end_of_the_generator(guard: Guard) -> None:
    generator = stream(guard, "a")
    next(generator)

    with guard.using("b"):
        generator.close()
        assert current(guard) == "b"

    assert current(guard) == "default"


@pytest.mark.parametrize("context", [contextvars.Context, contextvars.copy_context])
def test_a_generator_that_another_context_closes_raises_nothing_and_leaves_no_choice(guard: Guard, context: Any) -> None:
    generator = stream(guard, "a")
    assert next(generator) == "a"

    with ThreadPoolExecutor(1) as pool:
        pool.submit(context().run, generator.close).result()

    assert current(guard) == "default"


def test_a_generator_that_the_garbage_collector_closes_leaves_no_choice(guard: Guard) -> None:
    generator = stream(guard, "a")
    next(generator)

    del generator
    gc.collect()

    assert current(guard) == "default"


def test_an_error_thrown_into_a_generator_surfaces_unchanged(guard: Guard) -> None:
    generator = stream(guard, "a")
    next(generator)

    with pytest.raises(KeyError, match="mine"):
        generator.throw(KeyError("mine"))

    assert current(guard) == "default"


def test_blocks_in_random_order_leave_the_last_open_one_in_charge(guard: Guard) -> None:
    first, second, third = (guard.using(name) for name in "abc")
    for block in (first, second, third):
        block.__enter__()

    second.__exit__(None, None, None)
    assert current(guard) == "c"
    third.__exit__(None, None, None)
    assert current(guard) == "a"
    first.__exit__(None, None, None)
    assert current(guard) == "default"


def test_many_generators_that_other_contexts_close_leave_nothing_in_memory(guard: Guard) -> None:
    def begin_and_close_elsewhere() -> None:
        generator = stream(guard, "a")
        next(generator)
        contextvars.Context().run(generator.close)

    for _ in range(200):
        begin_and_close_elsewhere()
    with guard.using("b"):
        blocks = sum(type(each).__name__ == "_Block" for each in gc.get_objects())

    assert blocks <= 2


def test_a_task_keeps_the_choice_of_the_block_that_started_it(guard: Guard) -> None:
    async def main() -> tuple[str, str]:
        left = asyncio.Event()

        async def later() -> str:
            await left.wait()
            return current(guard)

        with guard.using("a"):
            task = asyncio.create_task(later())
            await asyncio.sleep(0)
        left.set()
        return await task, current(guard)

    assert asyncio.run(main()) == ("a", "default")


def test_an_async_generator_that_the_loop_closes_raises_nothing(guard: Guard) -> None:
    failures: list[Any] = []

    async def turns() -> AsyncIterator[str]:
        with guard.using("a"):
            while True:
                yield current(guard)
                await asyncio.sleep(0)

    async def main() -> str:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
        async for name in turns():
            assert name == "a"
            break
        gc.collect()
        await asyncio.sleep(0)
        return current(guard)

    asyncio.run(main())

    assert failures == []


def test_a_name_that_is_not_approved_changes_nothing(guard: Guard) -> None:
    with pytest.raises(ConfigurationError, match="no approved guardrail is named `d`"):
        guard.using("d").__enter__()

    assert current(guard) == "default"


@contextmanager
def served(app: Any) -> Iterator[str]:
    """Serve an ASGI application with uvicorn on a real socket, and yield its URL."""
    import uvicorn  # noqa: PLC0415  # a web server is loaded for these tests only

    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="on"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            threading.Event().wait(0.01)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)


def application(guard: Guard, client: Any, seen: list[tuple[str, str]], streams: ExitStack) -> Any:
    """
    Make an application that streams with `using` in every way that FastAPI offers, and records errors.

    `streams` closes each stream: the garbage collector, to which a visitor who leaves would leave it, may end its socket first.
    """
    from fastapi import Depends, FastAPI  # noqa: PLC0415
    from fastapi.responses import StreamingResponse  # noqa: PLC0415

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: seen.append(("loop", str(context))))
        yield

    app = FastAPI(lifespan=lifespan)

    def chosen(name: str) -> Iterator[str]:
        with guard.using(name):
            yield name

    async def chosen_in_the_task(name: str) -> AsyncIterator[str]:
        with guard.using(name):
            yield name

    def words(name: str) -> Iterator[str]:
        with guard.using(name):
            events = client.converse_stream(**ASK, requestMetadata={"wanted": name})["stream"]
            for event in streams.enter_context(closing(events)):
                yield event.get("contentBlockDelta", {}).get("delta", {}).get("text", "")

    @app.get("/stream/{name}")
    def in_a_generator(name: str) -> Any:
        return StreamingResponse(words(name))

    @app.get("/depends/{name}")
    def in_a_dependency(name: str = Depends(chosen)) -> str:  # noqa: FAST002  # a local name
        return name

    @app.get("/task/{name}")
    async def in_the_task(name: str = Depends(chosen_in_the_task)) -> str:  # noqa: FAST002
        await asyncio.to_thread(lambda: client.converse(**ASK, requestMetadata={"wanted": name}))
        return name

    @app.get("/current")
    async def outside() -> str:
        return current(guard)

    return app


def test_concurrent_streams_of_a_web_server_get_their_guardrail_and_leave_none_behind(guard: Guard) -> None:
    import httpx  # noqa: PLC0415

    seen: list[tuple[str, str]] = []
    fakes = [FakeGuardrail(each.arn, version="1") for each in GUARDRAILS]
    with FakeBedrock(guardrails=fakes) as fake, ExitStack() as streams:
        client = guard.client("bedrock-runtime", **fake.client_kwargs())
        with served(application(guard, client, seen, streams)) as url, ThreadPoolExecutor(CLIENTS) as pool:

            def visit(number: int) -> int:
                way = ("stream", "depends", "task")[number % 3]
                name = NAMES[1 + number // 3 % 3]
                if number % 4 == 0:  # a client that disconnects in the middle
                    with httpx.stream("GET", f"{url}/{way}/{name}") as reply:
                        next(reply.iter_raw(1), b"")
                        return int(reply.status_code)
                return int(httpx.get(f"{url}/{way}/{name}").status_code)

            statuses = list(pool.map(visit, range(6 * CLIENTS)))
            left = {httpx.get(f"{url}/current").json() for _ in range(CLIENTS)}
        client.close()

    arns = {each.name: each.arn for each in GUARDRAILS}
    assert statuses == [200] * 6 * CLIENTS
    assert left == {"default"}
    assert seen == []
    assert [
        request for request in fake.requests if request.guardrail != (arns[request.params["requestMetadata"]["wanted"]], "1")
    ] == []
    assert {request.operation for request in fake.requests} == {"Converse", "ConverseStream"}
