"""One server that is several regions: the region of the signature selects the region."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
import requests
from botocore.exceptions import ClientError

from guardedbedrock.testing import FakeBedrock, FakeGuardrail

if TYPE_CHECKING:
    from collections.abc import Iterator

MODEL = "anthropic.claude-3-haiku-20240307-v1:0"
ASK = {"modelId": MODEL, "messages": [{"role": "user", "content": [{"text": "hello"}]}]}
TEXTS = {"name": "other", "blockedInputMessaging": "no", "blockedOutputsMessaging": "no"}
EU_GUARDRAIL = "arn:aws:bedrock:eu-west-1:123456789012:guardrail/eu0000000001"


@pytest.fixture
def fake() -> Iterator[FakeBedrock]:
    """A fake of two regions, with a guardrail in one of them."""
    guardrails = (FakeGuardrail(identifier) for identifier in (EU_GUARDRAIL, "abc123def456"))
    with FakeBedrock(regions=["us-east-1", "eu-west-1"], guardrails=guardrails) as running:
        yield running


def _client(aws: boto3.Session, fake: FakeBedrock, region: str, service: str = "bedrock") -> Any:
    return aws.client(service, **fake.client_kwargs(region))


def test_a_resource_exists_in_the_region_that_created_it(aws: boto3.Session, fake: FakeBedrock) -> None:
    """Its ARN has the region, and other regions do not list it."""
    us, eu = _client(aws, fake, "us-east-1"), _client(aws, fake, "eu-west-1")

    made = eu.create_guardrail(**TEXTS)["guardrailArn"]

    listed = {name: {one["arn"] for one in client.list_guardrails()["guardrails"]} for name, client in (("us", us), ("eu", eu))}
    assert made.startswith("arn:aws:bedrock:eu-west-1:123456789012:guardrail/")
    assert listed["eu"] == {made, EU_GUARDRAIL, "arn:aws:bedrock:eu-west-1:123456789012:guardrail/abc123def456"}
    assert listed["us"] == {"arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456"}


def test_a_guardrail_of_another_region_does_not_exist(aws: boto3.Session, fake: FakeBedrock) -> None:
    """As at AWS."""
    config = {"guardrailIdentifier": EU_GUARDRAIL, "guardrailVersion": "1"}

    assert _client(aws, fake, "eu-west-1", "bedrock-runtime").converse(**ASK, guardrailConfig=config)["stopReason"] == "end_turn"
    with pytest.raises(ClientError, match="does not exist"):
        _client(aws, fake, "us-east-1", "bedrock-runtime").converse(**ASK, guardrailConfig=config)


def test_regions_share_scripts_faults_and_requests(aws: boto3.Session, fake: FakeBedrock) -> None:
    """A test needs no region to script a reply."""
    eu = _client(aws, fake, "eu-west-1", "bedrock-runtime")
    fake.reply("Bonjour.")
    fake.fail_next(400, "ValidationException", "no")

    with pytest.raises(ClientError, match="no"):
        eu.converse(**ASK)
    assert eu.converse(**ASK)["output"]["message"]["content"] == [{"text": "Bonjour."}]

    assert [request.status for request in fake.requests] == [400, 200]
    fake.reset()
    assert fake.requests == []


def test_a_presigned_url_belongs_to_its_region(aws: boto3.Session, fake: FakeBedrock) -> None:
    """The scope is in the query."""
    url = _client(aws, fake, "eu-west-1").generate_presigned_url("list_guardrails", ExpiresIn=60)

    arns = [one["arn"] for one in requests.get(url, timeout=5).json()["guardrails"]]

    assert EU_GUARDRAIL in arns


def test_an_unsigned_request_belongs_to_the_main_region(fake: FakeBedrock) -> None:
    """The main region is the first one."""
    arns = [one["arn"] for one in requests.get(f"{fake.endpoint_url}/guardrails", timeout=5).json()["guardrails"]]

    assert fake.region == "us-east-1"
    assert arns == ["arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456"]


def test_a_signature_for_an_unknown_region_is_invalid(aws: boto3.Session) -> None:
    """If signatures are verified; those of the other regions are valid."""
    with FakeBedrock(region="eu-west-1", regions=["us-east-1", "eu-west-1"], verify_signatures=True) as fake:
        statuses = []
        for region in ("us-east-1", "eu-west-1"):
            reply = _client(aws, fake, region, "bedrock-runtime").converse(**ASK)
            statuses.append(reply["ResponseMetadata"]["HTTPStatusCode"])
        with pytest.raises(ClientError, match="Credential should be scoped to a valid region"):
            _client(aws, fake, "ap-south-1", "bedrock-runtime").converse(**ASK)

    assert statuses == [200, 200]
    assert fake.region == "eu-west-1"
