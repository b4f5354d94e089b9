"""Bedrock API keys: whether a client signs with one, and of which kind."""

from __future__ import annotations

from typing import Any, Final

from guardedbedrock.bedrock.caller import Bearer, api_key_kind

BEARER: Final = "bearer"
"""botocore's name for signing with a bearer token."""


def bearer_of(client: Any) -> Bearer:
    """
    Return the kind of the Bedrock API key that a client signs with; ``""`` if it signs with credentials.

    `meta.config` does not show this: a key in ``AWS_BEARER_TOKEN_BEDROCK`` takes precedence over explicit credentials, and
    botocore decides which one it uses when it chooses a signer.
    Source: Bedrock User Guide, "Use an Amazon Bedrock API key".
    """
    token = auth_token(client)
    if token is None or client._request_signer._choose_signer(*signing_arguments(client)) != BEARER:  # noqa: SLF001
        return ""
    return key_kind(token.get_frozen_token() if hasattr(token, "get_frozen_token") else token)


async def bearer_of_async(client: Any) -> Bearer:
    """Return the kind of the Bedrock API key of an aiobotocore client, as `bearer_of` does."""
    token = auth_token(client)
    if token is None or await client._request_signer._choose_signer(*signing_arguments(client)) != BEARER:  # noqa: SLF001
        return ""
    return key_kind(await token.get_frozen_token() if hasattr(token, "get_frozen_token") else token)


def auth_token(client: Any) -> Any:
    """Return the Bedrock API key that a client has, whether it signs with it or not; None if it has none."""
    return getattr(getattr(client, "_request_signer", None), "_auth_token", None)


def signing_arguments(client: Any) -> tuple[str, str, dict[str, Any]]:
    """Return the arguments by which botocore chooses a signer: operation, kind of signing and context."""
    model = client.meta.service_model
    return model.operation_names[0], "standard", {"client_config": client.meta.config, "auth_options": model.metadata.get("auth")}


def key_kind(frozen: Any) -> Bearer:
    """Return the kind of a key, which its prefix shows."""
    return api_key_kind(str(frozen.token))
