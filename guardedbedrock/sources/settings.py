"""The settings about sources."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from guardedbedrock.sources.names import GuardrailSource, PolicySource


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSettings:
    """
    The settings of a source.

    Args:
        policies: Where the policies come from; None if the configuration has them.
        guardrails: Which guardrails of the account are approved; None if the configuration lists them.
        guardrail_versions: Name, ID or ARN of a guardrail to its pinned version.
        principal: ARN of the principal; ``""`` if STS is asked.
        refresh: Seconds between two reads.
        max_stale: Seconds after a read for which its data applies.
        max_age: Greatest accepted age of a snapshot in seconds; None accepts every age.
        now: Returns the current time.
    """

    policies: PolicySource | None
    guardrails: GuardrailSource | None
    guardrail_versions: Mapping[str, str] = field(default_factory=dict)
    principal: str = ""
    refresh: float
    max_stale: float
    max_age: float | None
    now: Callable[[], datetime]
