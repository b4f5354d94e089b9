"""The fixtures for the tests of all frameworks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from frameworks import loopback

loopback.block_network()

from frameworks.helpers import API_KEY, HR, POLICY, ROLE  # noqa: E402  # block the network before any other import

from guardedbedrock import Guard, iam  # noqa: E402
from guardedbedrock.testing import FakeBedrock, FakeGuardrail  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def no_connection_beyond_loopback() -> Iterator[None]:
    """Fail a test that tried to connect to another machine, even if the framework caught the error."""
    yield
    tried, loopback.attempts[:] = set(loopback.attempts), []
    assert tried == set()


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeBedrock]:
    """Provide a fake Bedrock as the endpoint of every SDK."""
    with FakeBedrock(guardrails=[FakeGuardrail(HR.arn, version=HR.version, denied_words=("salary",))]) as server:
        for name in (
            "ANTHROPIC_BEDROCK_BASE_URL",
            "AWS_BEDROCK_RUNTIME_ENDPOINT",
            "AWS_ENDPOINT_URL_BEDROCK",
            "AWS_ENDPOINT_URL_BEDROCK_AGENT_RUNTIME",
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
        ):
            monkeypatch.setenv(name, server.endpoint_url)
        monkeypatch.setenv("OPENAI_BASE_URL", f"{server.endpoint_url}/openai/v1")
        monkeypatch.setenv("OPENAI_API_KEY", API_KEY)
        yield server


@pytest.fixture
def guard() -> Guard:
    """Provide a guard that approves one guardrail and denies one model."""
    return Guard(guardrails=[HR], policies=iam.PolicySet(identity=[POLICY]), principal=ROLE, listeners=())
