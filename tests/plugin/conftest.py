"""Parameters of a call, and an unguarded client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardedbedrock.pytest_plugin.server import BedrockServer

MODEL = "anthropic.claude-3-haiku-20240307-v1:0"


@pytest.fixture
def ask() -> dict[str, Any]:
    """Parameters of a Converse call."""
    return {"modelId": MODEL, "messages": [{"role": "user", "content": [{"text": "hello there"}]}]}


@pytest.fixture
def plain(guardedbedrock_server: BedrockServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Create an unguarded client that does not retry."""
    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK", raising=False)
    config = Config(retries={"total_max_attempts": 1, "mode": "standard"})
    client = boto3.Session().client("bedrock-runtime", **guardedbedrock_server.client_kwargs(), config=config)
    yield client
    client.close()
