"""The fixtures of every framework's tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from frameworks import loopback

loopback.stay()

from frameworks.rig import HR, POLICY, ROLE  # noqa: E402  # nothing is imported before the network is out of reach

from guardedbedrock import Guard, iam  # noqa: E402
from guardedbedrock.testing import FakeBedrock, FakeGuardrail  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def nobody_calls_home() -> Iterator[None]:
    """Fail a test in which anybody tried to reach another machine, whether or not the attempt was hushed up."""
    yield
    tried, loopback.attempts[:] = set(loopback.attempts), []
    assert tried == set()


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeBedrock]:
    """A fake Bedrock, which every SDK takes for the real one."""
    with FakeBedrock(guardrails=[FakeGuardrail(HR.arn, version=HR.version, denied_words=("salary",))]) as server:
        for name in (
            "ANTHROPIC_BEDROCK_BASE_URL",
            "AWS_BEDROCK_RUNTIME_ENDPOINT",
            "AWS_ENDPOINT_URL_BEDROCK",
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
        ):
            monkeypatch.setenv(name, server.endpoint_url)
        yield server


@pytest.fixture
def guard() -> Guard:
    """A guard that approves one guardrail and denies one model."""
    return Guard(guardrails=[HR], policies=iam.PolicySet(identity=[POLICY]), principal=ROLE, listeners=())
