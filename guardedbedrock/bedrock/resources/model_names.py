"""
Patterns of models: by which of its names a model may be meant.

One model has many: its ID, an ARN, the inference profiles that route to it. A pattern means it by any of them, or else whoever
calls would change the guardrail by spelling the model another way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from guardedbedrock.bedrock.resources.models import kind_of
from guardedbedrock.iam.matching.patterns import Matcher, compile_pattern

ResolvedModels = Mapping[str, tuple[str, ...]]
"""Identifier of a profile, router or prompt to the models behind it; see `Inventory`."""


def is_meant(model: str, patterns: tuple[str, ...], resolved_models: ResolvedModels) -> bool:
    """
    Say whether one of the patterns means a model, by whatever name a call has it.

    >>> is_meant("us.anthropic.claude-sonnet-4-20250514-v1:0", ("anthropic.*",), {})
    True

    Args:
        model: As a call names it.
        patterns: IAM's wildcards: ``*`` is any run of characters, ``?`` exactly one.
        resolved_models: What is known of the models that it resolves to; one of these models is enough.
    """
    matchers = _compiled(patterns)
    return any(matches(name) for name in names_of(model, resolved_models) for matches in matchers)


def names_of(model: str, resolved_models: ResolvedModels) -> Iterator[str]:
    """Name a model as the call does, by the ID in its ARN, by the model in a profile's ID, and by the models it resolves to."""
    for one in (model, *_resolved(model, resolved_models)):
        yield one
        bare = one.rpartition("/")[2]
        yield bare
        if kind_of(bare) == "inference-profile":
            yield bare.partition(".")[2]


def _resolved(model: str, resolved_models: ResolvedModels) -> Iterable[str]:
    return resolved_models.get(model) or resolved_models.get(model.rpartition("/")[2]) or ()


@lru_cache(maxsize=256)
def _compiled(patterns: tuple[str, ...]) -> tuple[Matcher, ...]:
    return tuple(compile_pattern(pattern) for pattern in patterns)
