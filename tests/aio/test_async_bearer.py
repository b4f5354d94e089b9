"""Bedrock API keys over TLS, with a client of aiobotocore."""

from __future__ import annotations

from typing import Any

import pytest
from aiobotocore.session import get_session

from guardedbedrock.testing import FakeBedrock

pytestmark = pytest.mark.anyio

KEY = "bedrock-api-key-" + "x" * 20
ASK: dict[str, Any] = {
    "modelId": "anthropic.claude-3-haiku-20240307-v1:0",
    "messages": [{"role": "user", "content": [{"text": "hello there"}]}],
}


async def test_api_key_works_over_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", KEY)
    with FakeBedrock(tls=True) as fake:
        async with get_session().create_client("bedrock-runtime", **fake.client_kwargs()) as client:
            response = await client.converse(**ASK)
            stream = (await client.converse_stream(**ASK))["stream"]
            events = [event async for event in stream]

    assert response["output"]["message"]["content"] == [{"text": "You said: hello there"}]
    assert "metadata" in events[-1]
    assert {request.headers["authorization"] for request in fake.requests} == {f"Bearer {KEY}"}
