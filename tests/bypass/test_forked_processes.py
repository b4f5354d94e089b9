"""Forked processes: the child has the client and its guard."""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING, Any

import pytest
from botocore.client import BaseClient
from harness.bypass import GUARDED, on, unguarded
from harness.clients import HR, MODEL, PUBLIC, ask

from guardedbedrock import GuardrailTamperedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.clients import Harness, Make

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")


def in_a_child(work: Callable[[], None]) -> int:
    """Run a function in a forked child, and return the exit code: 0 if it succeeded."""
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # Python warns about forks while threads run, and the fake has threads
        child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001  # whatever it is, the child must not go on as a second pytest
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def attack(env: Harness, *, again: bool = True) -> None:
    """Call the function, and call past the guard."""
    with env.guard.using("customer-facing"):
        env.client.converse(**ask("converse"))
    for _ in range(1 + again):
        with pytest.raises(GuardrailTamperedError):
            BaseClient._make_api_call(env.client, "Converse", GUARDED)


def test_forked_child_is_guarded(harness: Make) -> None:
    env, fresh = harness(), harness()
    env.client.converse(**ask("converse"))

    assert in_a_child(lambda: attack(fresh)) == in_a_child(lambda: attack(env)) == 0
    env.client.converse(**ask("converse"))

    assert fresh.arrived == [("Converse", MODEL, (PUBLIC.arn, PUBLIC.version))]
    assert [request[2] for request in env.arrived] == [(HR.arn, "3"), (PUBLIC.arn, "1"), (HR.arn, "3")]
    assert unguarded(env.fake, fresh.fake) == []


def test_child_forked_during_a_call_can_send_no_other_request(harness: Make) -> None:
    env = harness()
    codes: list[int] = []

    def past() -> None:
        for operation, params in (("Converse", ask("converse")), ("ConverseStream", GUARDED)):
            with pytest.raises(GuardrailTamperedError):
                BaseClient._make_api_call(env.client, operation, params)

    def fork(**_: Any) -> None:
        env.client.meta.events.unregister("before-call", fork)
        codes.append(in_a_child(past))

    on(env, "before-call", fork)
    env.client.converse(**ask("converse"))

    assert codes == [0]
    assert env.arrived == [("Converse", MODEL, (HR.arn, HR.version))]
    assert unguarded(env.fake) == []
