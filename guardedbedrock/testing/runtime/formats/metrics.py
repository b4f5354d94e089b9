"""The metrics that Bedrock adds to the last chunk of a stream of every model."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from guardedbedrock.testing.runtime.turns import Turn


def metrics(turn: Turn) -> dict[str, dict[str, int]]:
    """Return ``amazon-bedrock-invocationMetrics``."""
    counted = {
        "inputTokenCount": turn.usage["inputTokens"],
        "outputTokenCount": turn.usage["outputTokens"],
        "invocationLatency": turn.latency,
        "firstByteLatency": 1,
    }
    return {"amazon-bedrock-invocationMetrics": counted}
