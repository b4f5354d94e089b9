"""
The IAM actions and the condition key of a call with a guardrail.

Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon Bedrock".
"""

from __future__ import annotations

from typing import Final

INVOKE: Final = "bedrock:InvokeModel"
STREAM: Final = "bedrock:InvokeModelWithResponseStream"
INFERENCE: Final = (INVOKE, STREAM)
"""Every operation that calls a model for the caller, such as Converse and jobs, is authorized as one of these two."""

APPLY: Final = "bedrock:ApplyGuardrail"

GUARDRAIL_KEY: Final = "bedrock:GuardrailIdentifier"


def is_guardrail_key(key: str) -> bool:
    """Return whether a condition key is that of the guardrail. IAM ignores the case of keys."""
    return key.lower() == GUARDRAIL_KEY.lower()
