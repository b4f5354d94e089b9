"""
A guarded client of aiobotocore against a plain one, in turns, over a loopback server in another process.

This is a separate program, because aiobotocore requires an older boto3: `make bench-aio`. The rows have no budget.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack
from time import perf_counter
from typing import Any, Final, TypeAlias

from aiobotocore.session import get_session
from measuring import NO_BUDGET, Row, in_turns
from of_clients import CONVERSE, STREAM, served
from samples import ALLOWING, ARN, CALL, NAMED, ROLE

from guardedbedrock import Guard, Guardrail

Timed: TypeAlias = Callable[[Any, dict[str, Any]], Coroutine[Any, Any, tuple[float, ...]]]
"""Does something once with a client and its parameters; returns the seconds that it took, one number for each quantity."""

CROWD: Final = 50
MANY: Final = f"{CROWD} converses at a time"


async def converse(client: Any, params: dict[str, Any]) -> tuple[float]:
    """Make one call."""
    started = perf_counter()
    await client.converse(**params)
    return (perf_counter() - started,)


async def stream(client: Any, params: dict[str, Any]) -> tuple[float, float]:
    """Read a stream: s up to its first event, and s for each event after."""
    started = perf_counter()
    events = aiter((await client.converse_stream(**params))["stream"])
    await anext(events)
    first = perf_counter()
    counted = sum([1 async for _ in events])
    return first - started, (perf_counter() - first) / counted


async def crowd(client: Any, params: dict[str, Any]) -> tuple[float]:
    """Make many calls at a time."""
    started = perf_counter()
    await asyncio.gather(*(client.converse(**params) for _ in range(CROWD)))
    return (perf_counter() - started,)


WHAT: Final[Sequence[tuple[Timed, int, Sequence[tuple[str, str]]]]] = (
    (converse, 200, (CONVERSE,)),
    (stream, 60, STREAM),
    (crowd, 10, ((f"guarded {MANY} against plain ones, median", f"what the guard adds to {MANY}, median"),)),
)
"""The quantities that are measured, how often in a round, and for each quantity the names of the ratio and of the difference."""


def rows(options: dict[str, Any]) -> Iterator[Row]:
    """Measure everything, each call as a run of one loop and timed within it, so that the start of the run does not count."""
    guard = Guard(guardrails=[Guardrail(ARN, version="3")], policies=ALLOWING, principal=ROLE)
    made = guard.async_client("bedrock-runtime", **options), get_session().create_client("bedrock-runtime", **options)
    with asyncio.Runner() as loop:
        stack = AsyncExitStack()
        guarded, plain = [loop.run(stack.enter_async_context(client)) for client in made]
        for timed, calls, names in WHAT:
            taken = in_turns(lambda t=timed: loop.run(t(guarded, CALL)), lambda t=timed: loop.run(t(plain, NAMED)), calls=calls)
            for (against, adds), (ratio, extra) in zip(names, taken, strict=True):
                yield Row(against, NO_BUDGET, ratio, "x")
                yield Row(adds, NO_BUDGET, extra, "us")
        loop.run(stack.aclose())


def main() -> None:
    """Serve, measure and print."""
    with served() as options:
        for row in rows(options):
            print(f"async: {row.what:68} {row.measured:>9.2f} {row.unit}", flush=True)


if __name__ == "__main__":
    main()
