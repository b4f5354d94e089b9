"""
Many threads on one guarded client, for long: no error, no mix-up of guardrails, and memory that does not grow.

SOAK_CALLS says how many calls each thread makes: few with all the other tests, 200 with ``make soak``.
"""

from __future__ import annotations

import gc
import os
import re
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from threading import Barrier
from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore.config import Config
from harness.bypass import unguarded
from harness.clients import DENIED_MODEL, HR, PUBLIC, ask, make_harness, read

from guardedbedrock import ExplicitDenyError
from guardedbedrock.testing import FakeGuardrail

if TYPE_CHECKING:
    from harness.clients import Harness, Make

__all__ = ["make_harness"]

THREADS: Final = 64
CALLS: Final = int(os.environ.get("SOAK_CALLS", "12"))
ROUNDS: Final = 3
GUARDRAILS: Final = {"hr": (HR.arn, HR.version), "customer-facing": (PUBLIC.arn, PUBLIC.version)}
METHODS: Final = ("converse", "invoke_model", "converse_stream", "invoke_model_with_response_stream")
TEXTS: Final = re.compile(r"""["']text["']: ?["']([^"']*)""")
"""The texts of a reply, whole or in chunks, in any format."""
DENIED: Final = 5
"""One call of so many is for a model that is denied."""
_GROWTH_OBJECTS: Final = 2_000
_GROWTH_BYTES: Final = 24 * 1024 * 1024


def talk(env: Harness, start: Barrier, thread: int, calls: int) -> list[tuple[str, str, str]]:
    """Make calls whose text says by which guardrail they should be guarded, and give the text of each with its reply."""
    start.wait(60)
    said = []
    for turn in range(calls):
        name = "hr" if (thread + turn) % 2 else "customer-facing"
        method = METHODS[turn % len(METHODS)]
        text = f"{name} {thread} {turn}"
        with env.guard.using(name):
            if turn % DENIED == 0:
                with pytest.raises(ExplicitDenyError):
                    getattr(env.client, method)(**ask(method, model=DENIED_MODEL))
            reply = str(read(getattr(env.client, method)(**ask(method, text))))
            said.append((name, text, "".join(TEXTS.findall(reply))))
    return said


def one_round(env: Harness, calls: int) -> None:
    """Let all threads talk at once, look at what came of it, and forget it."""
    start = Barrier(THREADS)
    with ThreadPoolExecutor(THREADS) as pool:
        said = list(chain.from_iterable(pool.map(lambda thread: talk(env, start, thread, calls), range(THREADS))))
    arrived = [(name_of(request.params), request.guardrail) for request in env.fake.requests]

    assert [text for _, text, reply in said if text not in reply] == []
    assert len(arrived) == len(said) == THREADS * calls
    assert [name for name, guardrail in arrived if GUARDRAILS[name] != guardrail] == []
    assert unguarded(env.fake) == []
    env.fake.reset()


def name_of(params: Any) -> str:
    """Read from a request by which guardrail it should be guarded."""
    said = str(params.get("messages") or params["body"])
    (name,) = [name for name in GUARDRAILS if f"{name} " in said]
    return name


def resident() -> int:
    """Bytes of this process in memory; 0 where the system does not tell."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") if statm.exists() else 0


def test_threads_keep_their_guardrails_and_leak_nothing(harness: Make) -> None:
    shelf = [FakeGuardrail(guardrail.arn, version=guardrail.version) for guardrail in (HR, PUBLIC)]
    env = harness(config=Config(max_pool_connections=THREADS), fake={"guardrails": shelf})
    calls = -(-CALLS // ROUNDS)
    objects, sizes = [], []

    for _ in range(ROUNDS):
        one_round(env, calls)
        gc.collect()
        objects.append(len(gc.get_objects()))
        sizes.append(resident())

    assert objects[-1] - objects[1] < _GROWTH_OBJECTS, objects
    assert sizes[-1] - sizes[1] < _GROWTH_BYTES, sizes
