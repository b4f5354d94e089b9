"""Bedrock API keys: whether a client signs with one, and of which kind."""

from __future__ import annotations

from typing import Any, Final

from guardedbedrock.bedrock.callers import Bearer

_KINDS: Final[tuple[tuple[str, Bearer], ...]] = (("bedrock-api-key-", "SHORT_TERM"), ("ABSK", "LONG_TERM"))
"""How a key of each kind begins."""


def bearer_of(client: Any) -> Bearer:
    """
    Say which kind of Bedrock API key a client signs with; ``""`` when it signs with credentials.

    What `meta.config` says is not the truth: a key in ``AWS_BEARER_TOKEN_BEDROCK`` goes before explicit credentials, and which
    one is taken is only decided when a signer is chosen.
    Source: Bedrock User Guide, "Use an Amazon Bedrock API key".
    """
    signer = getattr(client, "_request_signer", None)
    token = getattr(signer, "_auth_token", None)
    if signer is None or token is None:
        return ""
    model = client.meta.service_model
    context = {"client_config": client.meta.config, "auth_options": model.metadata.get("auth")}
    if signer._choose_signer(model.operation_names[0], "standard", context) != "bearer":  # noqa: SLF001  # nothing public tells it
        return ""
    frozen = token.get_frozen_token() if hasattr(token, "get_frozen_token") else token
    return next((kind for beginning, kind in _KINDS if str(frozen.token).startswith(beginning)), "unknown")
