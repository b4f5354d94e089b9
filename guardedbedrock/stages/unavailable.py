"""The refusal of a call while the source of policies or guardrails is unavailable."""

from __future__ import annotations

from guardedbedrock.core.rules import Rules
from guardedbedrock.errors import PreflightUnavailableError


def source_unavailable(operation_name: str, rules: Rules, alternative: str) -> PreflightUnavailableError:
    """
    Make the error of a call.

    Args:
        operation_name: The operation.
        rules: The rules that the source could not complete.
        alternative: What to do if the source stays unavailable.
    """
    return PreflightUnavailableError(
        message=f"the source of policies or guardrails is unavailable: {rules.unavailable}",
        operation_name=operation_name,
        hint=f"run `guardedbedrock doctor` with the same credentials, or {alternative}",
    )
