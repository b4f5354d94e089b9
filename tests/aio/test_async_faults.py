"""The fault matrix with async clients: the attempts and errors of the sync client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from aiobotocore.config import AioConfig
from faults.test_fault_matrix import CELLS, LONG, MATRIX, SHORT
from harness.aio import read
from harness.clients import Recorder, ask

from guardedbedrock import ExplicitDenyError
from guardedbedrock.core.events import Retried, RetriesExhausted
from guardedbedrock.stages.retry.policy import RetryPolicy
from guardedbedrock.testing.faults import HangUp

if TYPE_CHECKING:
    from harness.aio import Make

pytestmark = pytest.mark.anyio

OTHERWISE: Final = {
    "reset-before-the-answer": "EndpointConnectionError",
    "reset-in-the-headers": "EndpointConnectionError",
    "slow-body": "AioReadTimeoutError",
}
"""Names that differ in aiobotocore."""


@pytest.mark.parametrize(("name", "method"), CELLS)
async def test_permanent_fault_raises_after_the_expected_attempts(harness: Make, name: str, method: str) -> None:
    recorder, row = Recorder(), MATRIX[name]
    patience = SHORT if name.startswith("slow") else 10 * LONG
    env = await harness(
        listeners=[recorder],
        config=AioConfig(read_timeout=patience),
        retry=RetryPolicy(attempts=3, sleep=lambda _: None),
    )
    env.fake.fault(row.fault, times=None)

    with pytest.raises(Exception) as failed:  # noqa: PT011  # which one is the question
        await read(await getattr(env.client, method)(**ask(method)))

    last: Any = failed.value
    assert type(last).__name__ in {row.error, OTHERWISE.get(name)}
    assert len(env.fake.requests) == (3 if row.code else 1)
    assert len(recorder.last.of(Retried)) == (2 if row.code else 0)
    assert [event.used_up for event in recorder.last.of(RetriesExhausted)] == (["attempts"] if row.code else [])
    assert recorder.last.closed == [last]


async def test_denial_of_a_repeated_stream_request_is_typed(harness: Make) -> None:
    env = await harness(retry=RetryPolicy(attempts=3, sleep=lambda _: None))
    env.fake.fault(HangUp(20, "body"), times=1)
    response = await env.client.converse_stream(**ask("converse_stream"))
    env.fake.deny(by="scp-explicit")

    with pytest.raises(env.client.exceptions.AccessDeniedException) as denied:
        await read(response)

    assert isinstance(denied.value, ExplicitDenyError)
    assert denied.value.policy_type == "scp"
