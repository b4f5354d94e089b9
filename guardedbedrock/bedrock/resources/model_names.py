"""
Match models against patterns by any of their names.

One model has many names: its ID, its ARNs, and the inference profiles that route to it. A pattern matches all of them; otherwise
a caller could change the guardrail by writing the model in another way.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from guardedbedrock.bedrock.resources.inventory import ResolvedModels, models_of
from guardedbedrock.bedrock.resources.models import kind_of
from guardedbedrock.iam.matching.patterns import Matcher, compile_pattern


def matches_model(model: str, patterns: tuple[str, ...], resolved_models: ResolvedModels) -> bool:
    """
    Return whether a pattern matches a name of a model.

    >>> matches_model("us.anthropic.claude-sonnet-4-20250514-v1:0", ("anthropic.*",), {})
    True

    Args:
        model: The identifier in the call.
        patterns: IAM wildcards: ``*`` matches any characters, ``?`` matches exactly one.
        resolved_models: Models of profiles, routers and prompts; it is enough that one of them matches.
    """
    matchers = _compiled(patterns)
    return any(matches(name) for name in model_names(model, resolved_models) for matches in matchers)


def model_names(model: str, resolved_models: ResolvedModels) -> Iterator[str]:
    """Yield the identifier in the call, the ID in its ARN, the model ID in a profile ID, and the same of its resolved models."""
    for one in (model, *(models_of(model, resolved_models) or ())):
        yield one
        bare = one.rpartition("/")[2]
        yield bare
        if kind_of(bare) == "inference-profile":
            yield bare.partition(".")[2]


@lru_cache(maxsize=256)  # keyed by the patterns of one guardrail, which a configuration sets once
def _compiled(patterns: tuple[str, ...]) -> tuple[Matcher, ...]:
    return tuple(compile_pattern(pattern) for pattern in patterns)
