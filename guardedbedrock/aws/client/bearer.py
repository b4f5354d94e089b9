"""Bedrock API keys: whether a client signs with one, and of which kind."""

from __future__ import annotations

from typing import Any, Final

from guardedbedrock.bedrock.caller import Bearer, api_key_kind

BEARER: Final = "bearer"
"""What botocore calls signing with a key; no public name of its tells which way a client signs."""


def bearer_of(client: Any) -> Bearer:
    """
    Say which kind of Bedrock API key a client signs with; ``""`` when it signs with credentials.

    What `meta.config` says is not the truth: a key in ``AWS_BEARER_TOKEN_BEDROCK`` goes before explicit credentials, and which
    one is taken is only decided when a signer is chosen.
    Source: Bedrock User Guide, "Use an Amazon Bedrock API key".
    """
    token = token_of(client)
    if token is None or client._request_signer._choose_signer(*signing_of(client)) != BEARER:  # noqa: SLF001
        return ""
    return kind_of(token.get_frozen_token() if hasattr(token, "get_frozen_token") else token)


def token_of(client: Any) -> Any:
    """Give the Bedrock API key that a client has, whether it signs with it or not; None when it has none."""
    return getattr(getattr(client, "_request_signer", None), "_auth_token", None)


def signing_of(client: Any) -> tuple[str, str, dict[str, Any]]:
    """Write down what a signer is chosen by: operation, kind of signing and context."""
    model = client.meta.service_model
    return model.operation_names[0], "standard", {"client_config": client.meta.config, "auth_options": model.metadata.get("auth")}


def kind_of(frozen: Any) -> Bearer:
    """Tell the kind of a key by its beginning."""
    return api_key_kind(str(frozen.token))
