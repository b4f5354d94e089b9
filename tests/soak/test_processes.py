"""
Threads that call, fork and interleave generators while every call is audited: nothing waits for ever, and no record is lost.

SOAK_ROUNDS says how often: few with all the other tests, 50 with ``make soak``.
"""

from __future__ import annotations

import json
import os
import signal
import warnings
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Any, Final

import pytest
from harness.clients import HR, PUBLIC, ask, make_harness

from guardedbedrock.auditing import Audit, JsonLines

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.clients import Harness, Make

__all__ = ["make_harness"]

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

ROUNDS: Final = int(os.environ.get("SOAK_ROUNDS", "2"))
THREADS: Final = 4
CALLS: Final = 6
CHILDREN: Final = 3
PATIENCE: Final = 60
GUARDRAILS: Final = {"hr": (HR.arn, HR.version), "customer-facing": (PUBLIC.arn, PUBLIC.version)}


def chosen_turns(env: Harness, name: str) -> Iterator[str]:
    """Make calls with a client of one guardrail, one for each step of the generator."""
    client = env.guard.choosing(name).client("bedrock-runtime", **env.fake.client_kwargs())
    for turn in range(CALLS):
        yield str(client.converse(**ask("converse", f"{name} {turn}"))["stopReason"])
    client.close()


def using_turns(env: Harness, name: str) -> Iterator[str]:
    """Make calls in `using` blocks that end before the generator yields."""
    for turn in range(CALLS):
        with env.guard.using(name):
            reason = env.client.converse(**ask("converse", f"{name} {turn}"))["stopReason"]
        yield str(reason)


def interleave(env: Harness, thread: int) -> int:
    """Step through two generators in turn, and return the number of calls."""
    turns = (chosen_turns, using_turns)[thread % 2]
    reasons = list(chain.from_iterable(zip_longest(*(turns(env, name) for name in GUARDRAILS))))
    assert reasons == ["end_turn"] * len(GUARDRAILS) * CALLS
    return len(reasons)


def fork(env: Harness) -> int:
    """Start a child that makes a call with each guardrail. Its client is new: a fork shares the connections of others."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python warns about forks while threads run, which is the test
        child = os.fork()
    if child:
        return child
    signal.alarm(PATIENCE)
    try:
        client = env.guard.client("bedrock-runtime", **env.fake.client_kwargs())
        for name in GUARDRAILS:
            with env.guard.using(name):
                client.converse(**ask("converse", f"{name} child"))
    except BaseException:  # noqa: BLE001  # the child must not continue as a second pytest
        os._exit(1)
    os._exit(0)


def name_of(request: Any) -> str:
    """Read from the text of a request with which guardrail it should arrive."""
    return str(request.params["messages"][0]["content"][0]["text"].split()[0])


def test_forks_generators_and_audit_files(harness: Make, tmp_path: Path) -> None:
    audit = Audit([JsonLines(tmp_path / "audit.jsonl", fsync=True, max_bytes=50_000, files=1000)], records="all")
    env, expected = harness(audit=audit), 0
    for _ in range(ROUNDS):
        with ThreadPoolExecutor(THREADS) as pool:
            made = pool.map(lambda thread: interleave(env, thread), range(THREADS))
            children = [fork(env) for _ in range(CHILDREN)]
            expected += sum(made) + len(GUARDRAILS) * CHILDREN
        codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        assert codes == [0] * CHILDREN

    requests = env.fake.requests
    files = [path for path in tmp_path.iterdir() if path.suffix != ".lock"]
    records = [json.loads(line) for path in files for line in path.read_text("utf-8").splitlines()]
    assert [request for request in requests if request.guardrail != GUARDRAILS[name_of(request)]] == []
    assert len(records) == len(requests) == expected
    assert len({record["requestID"] for record in records}) == expected
    assert audit.lost == 0
