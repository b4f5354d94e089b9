"""
A source that is down from the start, or lost in the middle.

Every call is answered by the rule, none waits, and none goes out unguarded.

SOAK_SOURCE_CALLS says how many calls each case makes: 1,000 with all the other tests, 10,000 with ``make soak``.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from harness.account import GUARDRAIL, Aws
from sources.test_live_source import ROLE, call, make, snapshot_file, source_of, upload

from guardedbedrock import PreflightUnavailableError

CALLS: Final = int(os.environ.get("SOAK_SOURCE_CALLS", "1000"))
THREADS: Final = 4
MAX_STALE: Final = 100.0  # s
PATIENCE: Final = 20.0  # s
"""The longest time of one call, on a machine that does other things as well."""


@dataclass(frozen=True)
class Source:
    """
    A source that can be lost.

    Args:
        settings: Settings of the guard that name the source.
        lose: Makes it unreachable.
    """

    settings: dict[str, Any]
    lose: Callable[[], None]


def account(live: Aws, _: Path) -> Source:
    """The live account."""
    live.fail("DescribeOrganization", code="AWSOrganizationsNotInUseException")
    return Source({"policies": "account"}, lambda: live.fail("*"))


def snapshot(live: Aws, folder: Path) -> Source:
    """A snapshot in a file, which is checked when the guard is made, and deleted afterwards."""
    path = folder / "account.json"
    return Source({"policies": snapshot_file(live, path)}, path.unlink)


def s3(live: Aws, folder: Path) -> Source:
    """A snapshot in S3."""
    client = live.client("s3")
    client.create_bucket(Bucket="policies")
    upload(live, folder, client)
    return Source({"policies": "s3://policies/prod/account.json"}, lambda: live.fail("GetObject", code="SlowDown"))


def guardrails(live: Aws, _: Path) -> Source:
    """The approved guardrails of the account; the policies are not checked."""
    return Source({"guardrails": "account", "principal": None}, lambda: live.fail("ListGuardrails"))


SOURCES: Final = {each.__name__: each for each in (account, snapshot, s3, guardrails)}


def outcomes(client: Any, count: int) -> Counter[str]:
    """Call a model many times in several threads; count the results. No call may take long."""

    def one(_: int) -> str:
        started = time.monotonic()
        try:
            call(client)
        except PreflightUnavailableError:
            result = "refused"
        else:
            result = "sent"
        assert time.monotonic() - started < PATIENCE
        return result

    with ThreadPoolExecutor(THREADS) as pool:
        return Counter(pool.map(one, range(count)))


def arrived(live: Aws) -> Counter[Any]:
    """Count the guardrails of the calls that the server received."""
    return Counter(request.guardrail for request in live.fake.requests if request.operation == "Converse")


@pytest.mark.parametrize("on_unavailable", ["deny", "allow"])
@pytest.mark.parametrize("kind", SOURCES)
def test_source_is_down_from_the_start(live: Aws, tmp_path: Path, kind: str, on_unavailable: str) -> None:
    """`allow` sends with the guardrail of the configuration; without a known guardrail nothing is sent."""
    source = SOURCES[kind](live, tmp_path)
    guard, _ = make(**{"principal": ROLE, **source.settings}, on_unavailable=on_unavailable)
    source.lose()
    client = guard.client("bedrock-runtime", **live.fake.client_kwargs())
    sent = CALLS if on_unavailable == "allow" and kind != "guardrails" else 0

    assert outcomes(client, CALLS) == Counter({"sent": sent, "refused": CALLS - sent})
    assert arrived(live) == Counter({(GUARDRAIL, "1"): sent})


@pytest.mark.parametrize("on_unavailable", ["deny", "allow"])
@pytest.mark.parametrize("kind", SOURCES)
def test_source_is_lost_in_the_middle(live: Aws, tmp_path: Path, kind: str, on_unavailable: str) -> None:
    """The data of the last read apply until `max_stale`; then `on_unavailable` decides."""
    source = SOURCES[kind](live, tmp_path)
    guard, _ = make(**{"principal": ROLE, **source.settings}, on_unavailable=on_unavailable, max_stale=MAX_STALE)
    client = guard.client("bedrock-runtime", **live.fake.client_kwargs())
    third = CALLS // 3
    before = outcomes(client, third)
    source.lose()
    live_source, started = source_of(guard), time.monotonic()
    live_source.refresh()
    stale = outcomes(client, third)
    live_source._clock = lambda: started + 2 * MAX_STALE
    lost = outcomes(client, third)

    expected = (GUARDRAIL, "2") if kind == "guardrails" else (GUARDRAIL, "1")
    assert [before, stale] == [Counter(sent=third)] * 2
    assert lost == Counter({"sent" if on_unavailable == "allow" else "refused": third})
    assert arrived(live) == Counter({expected: sum(each["sent"] for each in (before, stale, lost))})
