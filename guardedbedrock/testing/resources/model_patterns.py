"""Patterns that select models in scripts and faults."""

from __future__ import annotations

from fnmatch import fnmatchcase


def fits_model(pattern: str | None, model_id: str) -> bool:
    """
    Return whether a pattern selects a model.

    Args:
        pattern: Model ID or ARN as the request has it, with ``*`` as a wildcard; None selects every model.
        model_id: The model ID of a request.

    >>> fits_model("*anthropic.claude-3-*", "us.anthropic.claude-3-haiku-20240307-v1:0")
    True
    """
    return pattern is None or fnmatchcase(model_id, pattern)
