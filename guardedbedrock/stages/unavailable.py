"""The refusal of a call while the source of policies or guardrails is unavailable."""

from __future__ import annotations

from guardedbedrock.core.rules import Rules
from guardedbedrock.errors import PreflightUnavailableError


def source_unavailable(operation_name: str, rules: Rules) -> PreflightUnavailableError:
    """Make the error of a call."""
    return PreflightUnavailableError(
        message=f"the source of the rules is unavailable: {rules.unavailable}",
        operation_name=operation_name,
        hint="run `guardedbedrock doctor` with the same credentials, use a snapshot, or set on_unavailable",
    )
