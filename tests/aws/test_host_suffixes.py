"""The endpoints of other partitions than the commercial one."""

from __future__ import annotations

import boto3
import pytest
from botocore.credentials import ReadOnlyCredentials

from guardedbedrock.aws.sources.attached_guardrails import agent_client

CREDENTIALS = ReadOnlyCredentials("AKIA", "secret", None)


@pytest.mark.parametrize(
    ("region", "endpoint_url", "expected"),
    [
        ("us-east-1", None, "https://bedrock-agent.us-east-1.amazonaws.com"),
        ("cn-north-1", None, "https://bedrock-agent.cn-north-1.amazonaws.com.cn"),
        ("us-iso-east-1", None, "https://bedrock-agent.us-iso-east-1.c2s.ic.gov"),
        ("us-isob-east-1", None, "https://bedrock-agent.us-isob-east-1.sc2s.sgov.gov"),
        ("us-east-1", "https://gateway.example.com", "https://gateway.example.com"),
    ],
)
def test_bedrock_agent_is_called_in_the_partition_of_the_client(region: str, endpoint_url: str | None, expected: str) -> None:
    """A gateway also serves it."""
    keys = {"aws_access_key_id": "AKIA", "aws_secret_access_key": "secret"}
    client = boto3.client("bedrock-agent-runtime", region_name=region, endpoint_url=endpoint_url, **keys)

    assert agent_client(client, CREDENTIALS).meta.endpoint_url == expected
