"""
The placeholders in explanations, which replace the model and the guardrail.

With them, equal decisions on many models have equal explanations, and the report holds each explanation once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from guardedbedrock.bedrock.guardrail.guardrail import identifier_key
from guardedbedrock.bedrock.resources.models import kind_of
from guardedbedrock.governance.report.scope import ReportedModel, Situation

PLACEHOLDERS: Final = ("{model}", "{base model}", "{guardrail}", "{guardrail ARN}")


def values_of(situation: Situation, model: ReportedModel) -> tuple[str, ...]:
    """Return the values of the `PLACEHOLDERS`; ``""`` for a placeholder that is not used."""
    guardrail = situation.guardrail
    return (
        model.id,
        base_of(model),
        *((identifier_key(guardrail.arn, guardrail.version), guardrail.arn) if guardrail else ("", "")),
    )


def base_of(model: ReportedModel) -> str:
    """Return the model that a system-defined profile routes to; ``""`` for other models."""
    return model.id.rpartition("/")[2].partition(".")[2] if kind_of(model.id) == "inference-profile" else ""


def fill(text: str, situation: Situation, model: ReportedModel) -> str:
    """Replace the placeholders of an explanation."""
    for placeholder, value in zip(PLACEHOLDERS, values_of(situation, model), strict=True):
        text = text.replace(placeholder, value) if value else text
    return text


def value_replacer(situation: Situation, model: ReportedModel) -> Callable[[str], str]:
    """Return a function that replaces the values in a string with the placeholders, the reverse of `fill`."""
    pairs = [(value, name) for name, value in zip(PLACEHOLDERS, values_of(situation, model), strict=True) if value]

    def replace(text: str) -> str:
        for value, name in pairs:
            text = text.replace(value, name)
        return text

    return replace
