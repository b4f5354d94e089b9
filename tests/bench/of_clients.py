"""A guarded client against a plain one, in turns, over a loopback server in another process."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from multiprocessing.connection import Connection

import boto3
from measuring import NO_BUDGET, Row, in_turns
from samples import ALLOWING, ARN, CALL, ROLE

from guardedbedrock import Guard, Guardrail
from guardedbedrock.testing import FakeBedrock, FakeGuardrail


def _serve(connection: Connection) -> None:
    with FakeBedrock(guardrails=[FakeGuardrail(ARN, version="3")]) as fake:
        connection.send(fake.client_kwargs())
        connection.recv()


def clients() -> Iterator[Row]:
    """The same Converse on a plain and on a guarded client, in turns, over a loopback server in another process."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    server = context.Process(target=_serve, args=(theirs,), daemon=True)
    server.start()
    options = ours.recv()
    guard = Guard(guardrails=[Guardrail(ARN, version="3")], policies=ALLOWING, principal=ROLE)
    guarded, plain = guard.client("bedrock-runtime", **options).converse, boto3.client("bedrock-runtime", **options).converse
    named = {**CALL, "guardrailConfig": {"guardrailIdentifier": ARN, "guardrailVersion": "3"}}
    ratio, extra = in_turns(lambda: guarded(**CALL), lambda: plain(**named))
    ours.send(None)
    server.join()
    yield Row("guarded converse against a plain one, median", 1.03, ratio, "x")
    yield Row("what the guard adds to a converse, median", NO_BUDGET, extra, "us")
