"""A sender of each kind, and a guard that records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from harness.clients import HR, ON_THE_SERVER, POLICIES, PUBLIC, ROLE, Recorder
from harness.http_senders import KINDS, Sender

from guardedbedrock import Guard
from guardedbedrock.testing import FakeBedrock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Env(NamedTuple):
    """A fake, a guard for it, and what the guard reports."""

    fake: FakeBedrock
    guard: Guard
    recorder: Recorder

    @property
    def arrived(self) -> list[tuple[str | None, tuple[str, str] | None]]:
        """Operation and guardrail of every request that reached the fake."""
        return [(request.operation, request.guardrail) for request in self.fake.requests]


@pytest.fixture(params=KINDS, ids=lambda kind: f"{kind[0]}-{'async' if kind[1] else 'sync'}")
def sender(request: pytest.FixtureRequest) -> Sender:
    return Sender(*request.param)


@pytest.fixture
def env(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Env]]:
    """Create a fake and a guard; the fake is the runtime endpoint of the environment."""
    fakes: list[FakeBedrock] = []

    def make(fake: dict[str, Any] | None = None, **options: Any) -> Env:
        server = FakeBedrock(**{"guardrails": ON_THE_SERVER, **(fake or {})})
        server.start()
        fakes.append(server)
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", server.endpoint_url)
        recorder = Recorder()
        defaults = {"guardrails": [HR, PUBLIC], "policies": POLICIES, "principal": ROLE, "listeners": [recorder]}
        return Env(server, Guard(**{**defaults, **options}), recorder)

    yield make
    for server in fakes:
        server.close()
