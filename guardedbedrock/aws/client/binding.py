"""The binding of a client to its guard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from guardedbedrock.core.observers import Listener
from guardedbedrock.core.rules import Rules
from guardedbedrock.stages.retry.policy import RetryPolicy


@dataclass(frozen=True, slots=True)
class ClientBinding:
    """
    The guard of a client, as the client sees it.

    Args:
        rules: The rules of the stages.
        retry: The guard's retries; one attempt if botocore retries.
        listeners: Listeners of every call.
        asks_sts: Whether the principal is the owner of the client's credentials, for which STS is called.
        retry_configured: Whether the configuration sets the guard's retries; then they override those of the environment.
        region: Region of the client. It is kept here because botocore looks it up on every access.
        service: The Bedrock service of the client, see `services.service_of`.
    """

    rules: Rules
    retry: RetryPolicy
    listeners: tuple[Listener, ...]
    asks_sts: bool = False
    retry_configured: bool = False
    region: str = ""
    service: str = ""

    def guards(self, params: Any) -> bool:
        """
        Return whether the stages handle a call.

        They skip mode ``off``, and parameters that are not a dict, which botocore rejects.
        """
        return self.rules.mode != "off" and isinstance(params, dict)
