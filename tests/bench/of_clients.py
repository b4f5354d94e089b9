"""A guarded client against a plain one, in turns, over a loopback server in another process."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from time import perf_counter
from typing import Any, Final

import boto3
from measuring import NO_BUDGET, Row, clocked, in_turns
from samples import ALLOWING, ARN, CALL, NAMED, ROLE

from guardedbedrock import Guard, Guardrail
from guardedbedrock.testing import FakeBedrock, FakeGuardrail

CONVERSE: Final = ("guarded converse against a plain one, median", "what the guard adds to a converse, median")
STREAM: Final = (
    ("guarded stream against a plain one, up to the first event", "what the guard adds up to the first event"),
    ("guarded stream against a plain one, for each event", "what the guard adds to each event"),
)
"""For each quantity the names of the ratio and of the difference; those of async clients are the same."""


def _serve(connection: Connection) -> None:
    with FakeBedrock(guardrails=[FakeGuardrail(ARN, version="3")]) as fake:
        connection.send(fake.client_kwargs())
        connection.recv()


@contextmanager
def served() -> Iterator[dict[str, Any]]:
    """Serve in another process, and yield the options of a client."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=_serve, args=(theirs,), daemon=True)
    server.start()
    yield ours.recv()
    ours.send(None)
    server.join()


def clients() -> Iterator[Row]:
    """The same call and the same stream on a plain and on a guarded client, in turns."""
    guard = Guard(guardrails=[Guardrail(ARN, version="3")], policies=ALLOWING, principal=ROLE)
    with served() as options:
        guarded, plain = guard.client("bedrock-runtime", **options), boto3.client("bedrock-runtime", **options)
        (ratio, extra), (_, spent) = in_turns(clocked(lambda: guarded.converse(**CALL)), clocked(lambda: plain.converse(**NAMED)))
        taken = in_turns(lambda: _stream(guarded, CALL), lambda: _stream(plain, NAMED), calls=60)
    yield Row(CONVERSE[0], 1.05, ratio, "x")
    yield Row(CONVERSE[1], NO_BUDGET, extra, "us")
    yield Row("of this, in processor time", NO_BUDGET, spent, "us")
    for (against, adds), quantity in zip(STREAM, taken, strict=True):
        yield Row(against, NO_BUDGET, quantity[0], "x")
        yield Row(adds, NO_BUDGET, quantity[1], "us")


def _stream(client: Any, params: dict[str, Any]) -> tuple[float, float]:
    """Read a stream: s up to its first event, and s for each event after."""
    started = perf_counter()
    events = iter(client.converse_stream(**params)["stream"])
    next(events)
    first = perf_counter()
    counted = sum(1 for _ in events)
    return first - started, (perf_counter() - first) / counted
