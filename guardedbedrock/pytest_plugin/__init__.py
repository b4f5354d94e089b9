"""
The pytest plugin: a fake Bedrock, a guard and a guarded client for each test, and denials in one line.

    def test_survives_a_denial(guardedbedrock_server, guardedbedrock_client):
        guardedbedrock_server.deny("Converse", by="scp")
        with pytest.raises(guardedbedrock_client.exceptions.AccessDeniedException) as caught:
            guardedbedrock_client.converse(modelId="anthropic.claude-3-haiku-20240307-v1:0", messages=[...])
        guardedbedrock_server.assert_denied(caught, policy_type="scp")

It is loaded with every start of pytest, so it imports nothing but pytest; the rest comes when the first test asks for a fixture.
One server and one client are made in each worker of pytest-xdist, and set up anew for each test.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from types_boto3_bedrock_runtime import BedrockRuntimeClient

    from guardedbedrock.guard import Guard
    from guardedbedrock.pytest_plugin.server import BedrockServer
    from guardedbedrock.pytest_plugin.worker import Worker

MARKER: Final = "guardedbedrock"
_MARKER: Final = (
    f"{MARKER}(policies=..., guardrails=..., vocabulary=..., ...): what the guardedbedrock fixtures of the test are set up with; "
    "config=FILE takes a guardedbedrock.toml, every other keyword is one of FakeBedrock or Guard."
)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", _MARKER)


@pytest.fixture(scope="session")
def guardedbedrock_worker() -> Iterator[Worker]:
    """Keep the servers and clients of this process; tests use the fixtures below."""
    from guardedbedrock.pytest_plugin.worker import Worker  # noqa: PLC0415 - loads boto3

    with Worker() as worker:
        yield worker


@pytest.fixture
def guardedbedrock_server(guardedbedrock_worker: Worker, request: pytest.FixtureRequest) -> Iterator[BedrockServer]:
    """Give a fake Bedrock that knows nothing of other tests."""
    server = guardedbedrock_worker.server(_marked(request), request.config.rootpath)
    yield server
    server.reset()


@pytest.fixture
def guardedbedrock_guard(guardedbedrock_server: BedrockServer) -> Guard:
    """Give a guard with the policies and guardrails of the server."""
    return guardedbedrock_server.guard


@pytest.fixture
def guardedbedrock_client(guardedbedrock_worker: Worker, guardedbedrock_server: BedrockServer) -> BedrockRuntimeClient:
    """Give a guarded client of ``bedrock-runtime`` that talks to the server."""
    client: BedrockRuntimeClient = guardedbedrock_worker.client(guardedbedrock_server)
    return client


@pytest.fixture
def guardedbedrock_environment(guardedbedrock_server: BedrockServer, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """Let every AWS client that the test makes talk to the server: clients of an application that makes its own."""
    for name in guardedbedrock_server.in_the_way:
        monkeypatch.delenv(name, raising=False)
    for name, value in guardedbedrock_server.environment.items():
        monkeypatch.setenv(name, value)
    return guardedbedrock_server.environment


def _marked(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Join the markers of a test: the nearer wins, keyword by keyword."""
    joined: dict[str, Any] = {}
    for mark in reversed(list(request.node.iter_markers(MARKER))):
        if mark.args:
            raise pytest.UsageError(f"@pytest.mark.{MARKER} takes keywords only, such as guardrails=['hr']")
        joined |= mark.kwargs
    return joined
