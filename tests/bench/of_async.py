"""
A guarded client of aiobotocore against a plain one, in turns, over a loopback server in another process.

A program of its own, since aiobotocore holds boto3 back: `make bench-aio`. There is no budget; the rows are for comparing.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import statistics
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any, Final

from aiobotocore.session import get_session
from measuring import NO_BUDGET, WARM, Row
from of_clients import _serve
from samples import ALLOWING, ARN, CALL, ROLE

from guardedbedrock import Guard, Guardrail

CALLS: Final = 600
CROWD: Final = 50
"""Calls at a time."""

NAMED: Final = {**CALL, "guardrailConfig": {"guardrailIdentifier": ARN, "guardrailVersion": "3"}}
Measured = Callable[[Any, dict[str, Any]], Awaitable[object]]


async def converse(client: Any, params: dict[str, Any]) -> None:
    """Make one call."""
    await client.converse(**params)


async def stream(client: Any, params: dict[str, Any]) -> None:
    """Read one stream to its end."""
    async for _ in (await client.converse_stream(**params))["stream"]:
        pass


async def crowd(client: Any, params: dict[str, Any]) -> None:
    """Make many calls at a time."""
    await asyncio.gather(*(client.converse(**params) for _ in range(CROWD)))


WHAT: Final[dict[str, tuple[Measured, int]]] = {
    "converse": (converse, CALLS),
    "stream, read to its end": (stream, CALLS),
    f"{CROWD} converses at a time": (crowd, WARM + CALLS // CROWD),
}
"""What is measured to how it is done, and how often."""


async def in_turns(measured: Measured, guarded: Any, plain: Any, calls: int) -> tuple[float, float]:
    """Measure two clients in turns, and give the ratio of their medians and the difference, in us."""
    times: tuple[list[float], list[float]] = ([], [])
    gc.collect()
    gc.disable()
    for turn in range(calls):
        pairs = [(guarded, CALL, times[0]), (plain, NAMED, times[1])]
        for client, params, into in pairs if turn % 2 else reversed(pairs):
            started = perf_counter()
            await measured(client, params)
            into.append(perf_counter() - started)
    gc.enable()
    one, other = (statistics.median(taken[min(WARM, calls // 2) :]) for taken in times)
    return one / other, (one - other) * 1e6


async def rows(options: dict[str, str]) -> list[Row]:
    """Measure everything."""
    guard = Guard(guardrails=[Guardrail(ARN, version="3")], policies=ALLOWING, principal=ROLE)
    measured = []
    async with (
        guard.async_client("bedrock-runtime", **options) as guarded,
        get_session().create_client("bedrock-runtime", **options) as plain,
    ):
        for what, (how, calls) in WHAT.items():
            ratio, extra = await in_turns(how, guarded, plain, calls)
            measured.append(Row(f"async: guarded {what} against plain, median", NO_BUDGET, ratio, "x"))
            measured.append(Row(f"async: what the guard adds to {what}, median", NO_BUDGET, extra, "us"))
    return measured


def main() -> None:
    """Serve, measure and print."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=_serve, args=(theirs,), daemon=True)
    server.start()
    for row in asyncio.run(rows(ours.recv())):
        print(f"{row.what:75} {row.measured:>9.2f} {row.unit}", flush=True)
    ours.send(None)
    server.join()


if __name__ == "__main__":
    main()
