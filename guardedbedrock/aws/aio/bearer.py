"""Bedrock API keys of a client whose signer is awaited."""

from __future__ import annotations

from typing import Any

from guardedbedrock.aws.client.bearer import BEARER, kind_of, signing_of, token_of
from guardedbedrock.bedrock.caller import Bearer


async def bearer_of(client: Any) -> Bearer:
    """Say which kind of Bedrock API key a client signs with; ``""`` when it signs with credentials."""
    token = token_of(client)
    if token is None or await client._request_signer._choose_signer(*signing_of(client)) != BEARER:  # noqa: SLF001
        return ""
    return kind_of(await token.get_frozen_token() if hasattr(token, "get_frozen_token") else token)
