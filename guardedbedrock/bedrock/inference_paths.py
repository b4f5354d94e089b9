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
from urllib.parse import urlsplit

from guardedbedrock.bedrock.guardrail.location import path_segments

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


def beyond(base: str, url: str) -> tuple[str, ...] | None:
    """Split what a URL's path has beyond an endpoint's; None where it leads somewhere else."""
    there, here = urlsplit(url), urlsplit(base)
    if (there.scheme, there.netloc) != (here.scheme, here.netloc):
        return None
    before = path_segments(base) if here.path.strip("/") else ()
    path = path_segments(url)
    return path[len(before) :] if path[: len(before)] == before else None


@lru_cache(maxsize=1024)
def reached(base: str, method: str, url: str) -> tuple[str, str] | None:
    """Name the operation and the model that a request to an endpoint reaches; None where it is any other request."""
    match beyond(base, url):
        case ("model", model, last) if method == "POST" and last in _OF_A_MODEL:
            return _OF_A_MODEL[last], model
    return None
