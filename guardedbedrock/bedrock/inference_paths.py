"""
The paths at which a model answers, by whatever name a request to them goes.

What a client's operations are called, and where they lead, is data that anybody can change; these do not change with it.
Source: Bedrock API Reference, "Amazon Bedrock Runtime".
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from guardedbedrock.bedrock.placement import path_segments

_OF_A_MODEL: Final[Mapping[str, str]] = MappingProxyType(
    {
        "converse": "Converse",
        "converse-stream": "ConverseStream",
        "invoke": "InvokeModel",
        "invoke-with-response-stream": "InvokeModelWithResponseStream",
        "invoke-with-bidirectional-stream": "InvokeModelWithBidirectionalStream",
    }
)
"""Last segment of ``POST .../model/{modelId}/...`` to the operation there."""


@lru_cache(maxsize=1024)
def inference_at(method: str, url: str) -> str | None:
    """
    Name the operation of a model that a request would reach; None when no model answers there.

    Args:
        method: HTTP method.
        url: What an endpoint has before the service's own path does not matter.
    """
    match path_segments(url):
        case [*_, "model", _, last]:
            return _OF_A_MODEL.get(last)
        case [*_, "async-invoke"] if method != "GET":
            return "StartAsyncInvoke"
    return None
