"""
Models that take no guardrail: embeddings, rerankers, speech and video models.

AWS documents that guardrails do not support these models. It does not document whether a guardrail in a call to one is an error
or has no effect. Embeddings and rerankers generate no content, so a guard can send their calls without a guardrail.
Source: Bedrock User Guide, "Supported Regions and models for Amazon Bedrock Guardrails", copy of 2026, whose list is incomplete;
add further models with the setting `models_without_guardrail`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final, Literal, TypeAlias

from guardedbedrock.bedrock.resources.inventory import ResolvedModels, models_of
from guardedbedrock.bedrock.resources.models import base_model_id
from guardedbedrock.iam.matching.patterns import compile_pattern

UnsupportedKind: TypeAlias = Literal["embedding", "rerank", "speech", "video", "configured"]
"""Why a model takes no guardrail; ``configured`` if the settings say so."""

UnsupportedModels: TypeAlias = Literal["send", "refuse"]
"""What a client does with a call to a model that takes no guardrail and generates nothing: the setting of this name."""

UNSUPPORTED_MODELS: Final[Mapping[str, UnsupportedKind]] = {
    "amazon.titan-embed-*": "embedding",
    "amazon.nova-*embeddings-*": "embedding",
    "cohere.embed-*": "embedding",
    "amazon.rerank-*": "rerank",
    "cohere.rerank-*": "rerank",
    "amazon.nova-sonic-*": "speech",
    "amazon.nova-*-sonic-*": "speech",
    "luma.*": "video",
}
"""Pattern of model IDs to the kind of the models."""

GENERATES_NOTHING: Final = frozenset({"embedding", "rerank", "configured"})
"""Kinds whose calls may be sent without a guardrail."""


def sendable_patterns(configured: tuple[str, ...], unsupported_models: UnsupportedModels = "send") -> tuple[str, ...]:
    """
    Return the patterns of the models whose calls may be sent without a guardrail; none if the client refuses them.

    Args:
        configured: Patterns of model IDs in the settings.
        unsupported_models: The setting of this name.
    """
    if unsupported_models == "refuse":
        return ()
    return (*(pattern for pattern, kind in UNSUPPORTED_MODELS.items() if kind in GENERATES_NOTHING), *configured)


def is_model_of(model: str, patterns: tuple[str, ...]) -> bool:
    """
    Return whether a foundation model, or the one of a system-defined profile, has an ID that a pattern matches.

    >>> is_model_of("us.cohere.embed-v4:0", ("cohere.embed-*",))
    True
    """
    model_id = base_model_id(model)
    return model_id is not None and any(compile_pattern(pattern)(model_id) for pattern in patterns)


def unsupported_kind(model: object, configured: tuple[str, ...], resolved_models: ResolvedModels) -> UnsupportedKind | None:
    """
    Return why a model takes no guardrail; None if it takes one, or if that is unknown.

    A profile or router takes no guardrail only if none of its models does. An ARN of another resource type, such as an imported
    model, never matches: its name does not identify the model.

    >>> unsupported_kind("us.cohere.embed-v4:0", (), {})
    'embedding'

    Args:
        model: The identifier in the call.
        configured: Patterns of model IDs in the settings.
        resolved_models: Models of profiles and routers.
    """
    if not isinstance(model, str):
        return None
    resolved = resolved_models and models_of(model, resolved_models)
    if not resolved:
        return _kind(model, configured)
    kinds = {_kind(one, configured) for one in resolved}
    return kinds.pop() if len(kinds) == 1 else None


@lru_cache(maxsize=256)  # keyed by the model and the configured patterns: every call asks, and compiling patterns takes 60 us
def _kind(model: str, configured: tuple[str, ...]) -> UnsupportedKind | None:
    if is_model_of(model, configured):
        return "configured"
    return next((kind for pattern, kind in UNSUPPORTED_MODELS.items() if is_model_of(model, (pattern,))), None)
