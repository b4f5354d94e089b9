"""
The pytest plugin: a fake Bedrock, a guard and a guarded client for each test, and denials in one line.

    def test_survives_a_denial(guardedbedrock_server, guardedbedrock_client):
        guardedbedrock_server.deny("Converse", by="scp")
        with pytest.raises(guardedbedrock_client.exceptions.AccessDeniedException) as caught:
            guardedbedrock_client.converse(modelId="anthropic.claude-3-haiku-20240307-v1:0", messages=[...])
        guardedbedrock_server.assert_denied(caught, policy_type="scp")

A test fails if no request reached one of its scenarios, such as the denial above; ``optional=True`` allows it.

pytest loads this module at every start, so it imports only pytest; the rest is imported when the first test requests a fixture.
Each pytest process has one server and one client, which are reconfigured for each test.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping

    from guardedbedrock._boto3_stubs import BedrockRuntimeClient
    from guardedbedrock.guard import Guard
    from guardedbedrock.pytest_plugin.server import BedrockServer
    from guardedbedrock.pytest_plugin.worker import Worker

MARKER: Final = "guardedbedrock"
_MARKER_HELP: Final = (
    f"{MARKER}(policies=..., guardrails=..., vocabulary=..., ...): configure the guardedbedrock fixtures of the test; "
    "config=FILE reads a guardedbedrock.toml, every other keyword is one of FakeBedrock or Guard."
)
_SERVER: Final = pytest.StashKey["BedrockServer"]()


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker."""
    config.addinivalue_line("markers", _MARKER_HELP)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Fail a test that passed although no request reached one of its scenarios."""
    result = yield
    server = item.stash.get(_SERVER, None)
    problem = None if server is None else server.unreached_scenarios()
    if problem:
        pytest.fail(problem, pytrace=False)  # a traceback would only show this plugin
    return result


@pytest.fixture(scope="session")
def guardedbedrock_worker() -> Iterator[Worker]:
    """Hold the servers and clients of this process; for internal use by the other fixtures."""
    from guardedbedrock.pytest_plugin.worker import Worker  # noqa: PLC0415 - imports boto3

    with Worker() as worker:
        yield worker


@pytest.fixture
def guardedbedrock_server(guardedbedrock_worker: Worker, request: pytest.FixtureRequest) -> Iterator[BedrockServer]:
    """Provide a fake Bedrock without any state from other tests."""
    server = guardedbedrock_worker.server(_marker_keywords(request), request.config.rootpath)
    request.node.stash[_SERVER] = server
    yield server
    server.reset()


@pytest.fixture
def guardedbedrock_guard(
    guardedbedrock_server: BedrockServer,
    guardedbedrock_environment: Mapping[str, str],  # noqa: ARG001 - for its effect on the clients of the guard
) -> Guard:
    """Provide a guard with the policies and guardrails of the server. The Bedrock clients that it creates use the server."""
    return guardedbedrock_server.guard


@pytest.fixture
def guardedbedrock_client(guardedbedrock_worker: Worker, guardedbedrock_server: BedrockServer) -> BedrockRuntimeClient:
    """Provide a guarded ``bedrock-runtime`` client that is connected to the server."""
    client: BedrockRuntimeClient = guardedbedrock_worker.client(guardedbedrock_server)
    return client


@pytest.fixture
def guardedbedrock_environment(guardedbedrock_server: BedrockServer, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """
    Set environment variables so that every Bedrock client that the test or the application creates uses the server.

    Clients of other services, such as S3, get the credentials of the server, which AWS rejects.
    """
    import boto3  # noqa: PLC0415 - imports slowly

    # The default session has read the settings of the machine. One that the test creates would keep the settings of the test.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    for name in guardedbedrock_server.conflicting_variables:
        monkeypatch.delenv(name, raising=False)
    for name, value in guardedbedrock_server.environment.items():
        monkeypatch.setenv(name, value)
    return guardedbedrock_server.environment


def _marker_keywords(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Merge the markers of a test, its class and its module; for each keyword, the closest marker has precedence."""
    keywords: dict[str, Any] = {}
    for mark in reversed(list(request.node.iter_markers(MARKER))):
        if mark.args:
            raise pytest.UsageError(f"@pytest.mark.{MARKER} accepts only keywords, such as guardrails=['hr']")
        keywords |= mark.kwargs
    return keywords
