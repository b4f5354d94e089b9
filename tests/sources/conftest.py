"""An AWS account on loopback for the tests of sources."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.request import Request, urlopen

import pytest
from harness.account import GUARDRAIL, REGION, Aws, populate_iam, populate_organization
from moto.server import ThreadedMotoServer

from guardedbedrock.testing import FakeBedrock, FakeGuardrail


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    """Serve moto on a free port of loopback."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def aws(moto_url: str) -> Iterator[Aws]:
    """Give an empty account."""
    urlopen(Request(f"{moto_url}/moto-api/reset", method="POST")).close()  # noqa: S310  # loopback
    with FakeBedrock(guardrails=[]) as fake:
        yield Aws(moto_url, fake)


@pytest.fixture
def populated(aws: Aws) -> Aws:
    """Give an account with a role that has every kind of policy, a user in two groups, and three levels of SCPs."""
    populate_iam(aws.client("iam"))
    populate_organization(aws.client("organizations"))
    return aws


@pytest.fixture
def live(populated: Aws, monkeypatch: pytest.MonkeyPatch) -> Aws:
    """Let sources read the account; its operations can fail."""

    class Session:
        """A boto3 session whose clients talk to the account."""

        region_name = REGION
        client = staticmethod(populated.client)

    monkeypatch.setattr("guardedbedrock.aws.sources.calls.new_session", Session)
    populated.fake.configure(guardrails=[FakeGuardrail(GUARDRAIL, version="1"), FakeGuardrail(GUARDRAIL, version="2")])
    return populated
