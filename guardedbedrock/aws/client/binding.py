"""What a guarded client goes by, and the guardrail that was chosen in a context."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from guardedbedrock.core.observers import Listener
from guardedbedrock.core.rules import Rules
from guardedbedrock.stages.retry.policy import RetryPolicy

chosen: Final[ContextVar[str | None]] = ContextVar("guardedbedrock_chosen_guardrail", default=None)
"""Name of the guardrail that `Guard.using` chose in this context."""


@dataclass(frozen=True, slots=True)
class ClientBinding:
    """
    What a guarded client goes by.

    Args:
        rules: For the stages.
        retry: Of the guard, or none where botocore retries.
        listeners: Who hears of calls.
        asks_sts: Whether STS is asked who the client's credentials are.
        region: Of the client, which knows it when it begins; botocore would look it up anew for every call.
        service: Of the client.
    """

    rules: Rules
    retry: RetryPolicy
    listeners: tuple[Listener, ...]
    asks_sts: bool = False
    region: str = ""
    service: str = ""
