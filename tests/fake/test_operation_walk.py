"""Every operation of the four services is served, or answers 501 before any other check."""

from __future__ import annotations

import json
import re
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from guardedbedrock.bedrock.service_models import service_model
from guardedbedrock.iam import PolicySet
from guardedbedrock.testing import FakeBedrock

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVICES = ("bedrock-runtime", "bedrock", "bedrock-agent", "bedrock-agent-runtime")
OPERATIONS = [(service, name) for service in SERVICES for name in service_model(service).operation_names]
LABEL = re.compile(r"\{[^}]+\}")
FIRST_CALLS = {
    "bedrock-runtime": "list_async_invokes",
    "bedrock": "list_guardrails",
    "bedrock-agent": "list_prompts",
    "bedrock-agent-runtime": "list_sessions",
}


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeBedrock]:
    """A fake that denies every call and verifies signatures, so that only an early answer is a 501."""
    with FakeBedrock(policies=PolicySet(identity=[]), verify_signatures=True) as running:
        yield running


def _send(fake: FakeBedrock, operation: Any) -> tuple[int, dict[str, Any]]:
    """Send an operation without a signature, and with parameters that violate every pattern."""
    connection = HTTPConnection(fake.endpoint_url.removeprefix("http://"), timeout=10)
    path = LABEL.sub("%20", operation.http["requestUri"])
    connection.request(operation.http["method"], path, body=b"not JSON", headers={"Content-Type": "application/json"})
    response = connection.getresponse()
    body = json.loads(response.read())
    connection.close()
    return response.status, body


@pytest.mark.parametrize(("service", "name"), OPERATIONS)
def test_an_operation_is_served_or_answers_501(fake: FakeBedrock, service: str, name: str) -> None:
    """A served operation reaches the verification of its signature. Any other operation gets a 501 that names it."""
    world = fake._state
    served = {each.service: each.operations for each in (world.runtime, world.control, world.agents, world.agent_runtime)}

    status, body = _send(fake, service_model(service).operation_model(name))

    assert fake.requests[-1].operation == name
    if name in served[service]:
        assert status == 403
    else:
        assert (status, body) == (501, {"message": f"{name} is not implemented by the fake Bedrock"})


@pytest.mark.parametrize("service", SERVICES)
def test_the_environment_sets_the_endpoint_of_every_service(monkeypatch: pytest.MonkeyPatch, service: str) -> None:
    """A client without arguments calls the fake."""
    with FakeBedrock() as fake:
        for name, value in fake.environment.items():
            monkeypatch.setenv(name, value)
        client = boto3.Session().client(service)
        getattr(client, FIRST_CALLS[service])()
        client.close()

        assert client.meta.endpoint_url == fake.endpoint_url
        assert len(fake.requests) == 1
