"""Several threads that use one client; some of them call past the guard during guarded calls."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from botocore.client import BaseClient
from botocore.config import Config
from harness.bypass import GUARDED, unguarded
from harness.clients import HR, MODEL, ask

from guardedbedrock import GuardrailTamperedError

if TYPE_CHECKING:
    from harness.clients import Make

THREADS: Final = 8
CALLS: Final = 10


def test_call_of_one_thread_authorizes_nothing_in_another(harness: Make) -> None:
    env = harness(config=Config(max_pool_connections=THREADS))
    refused: list[bool] = []

    def past() -> None:
        try:
            BaseClient._make_api_call(env.client, "Converse", GUARDED)
        except GuardrailTamperedError:
            refused.append(True)

    def aside(**_: Any) -> None:
        thread = threading.Thread(target=past)
        thread.start()
        thread.join()

    env.client.meta.events.register("before-send", aside)
    env.client.converse(**ask("converse"))

    assert refused == [True]
    assert env.arrived == [("Converse", MODEL, (HR.arn, HR.version))]
    assert unguarded(env.fake) == []


def test_concurrent_guarded_calls_and_attacks(harness: Make) -> None:
    env = harness(config=Config(max_pool_connections=THREADS))

    def work(number: int) -> int:
        refused = 0
        for _ in range(CALLS):
            if number % 2:
                env.client.converse(**ask("converse"))
                continue
            try:
                BaseClient._make_api_call(env.client, "Converse", GUARDED)
            except GuardrailTamperedError:
                refused += 1
        return refused

    with ThreadPoolExecutor(THREADS) as pool:
        refused = sum(pool.map(work, range(THREADS)))

    assert refused == len(env.fake.requests) == THREADS * CALLS // 2
    assert unguarded(env.fake) == []
