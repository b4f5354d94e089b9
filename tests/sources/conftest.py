"""An AWS account on loopback for the tests of sources."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import boto3
import pytest
from botocore.config import Config
from harness.account import GUARDRAIL, REGION, Aws, populate_iam, populate_organization, use_credentials

from guardedbedrock.sources.refresher import Refresher
from guardedbedrock.testing import FakeBedrock, FakeGuardrail


@pytest.fixture
def aws(moto_url: str) -> Iterator[Aws]:
    """Yield an empty account."""
    urlopen(Request(f"{moto_url}/moto-api/reset", method="POST")).close()  # noqa: S310  # loopback
    with FakeBedrock(guardrails=[]) as fake:
        yield Aws(moto_url, fake)


@pytest.fixture
def populated(aws: Aws) -> Aws:
    """Yield an account with a role that has every kind of policy, a user in two groups, and three levels of SCPs."""
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
    # A new thread, which the sources of other tests cannot keep busy.
    monkeypatch.setattr("guardedbedrock.sources.live.REFRESHER", Refresher())
    # Moto has no effective policies. It answers 500, after which a source reads again in the background.
    populated.answer("DescribeEffectivePolicy", lambda: {"EffectivePolicy": {"PolicyContent": "{}"}})
    populated.fake.configure(guardrails=[FakeGuardrail(GUARDRAIL, version="1"), FakeGuardrail(GUARDRAIL, version="2")])
    return populated


@pytest.fixture
def shell(populated: Aws, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Aws:
    """Point the standard environment at the account, and work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_ENDPOINT_URL", populated.moto_url)
    for service in ("BEDROCK", "BEDROCK_RUNTIME"):
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", populated.fake.endpoint_url)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    # Moto answers some operations with 500, after which a source is read again in the background: here it is never due.
    monkeypatch.setattr("guardedbedrock.sources.live.REFRESHER", Refresher(clock=lambda: float("-inf")))
    # A retry does not change the 500.
    monkeypatch.setattr("guardedbedrock.aws.sources.calls.CONFIG", Config(retries={"total_max_attempts": 1}))
    use_credentials(monkeypatch, {"AccessKeyId": "testing", "SecretAccessKey": "testing", "SessionToken": "testing"})
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    return populated
