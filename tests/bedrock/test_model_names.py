"""Patterns of models: one model is meant by whichever of its names a call uses."""

from __future__ import annotations

from typing import Final

import pytest

from guardedbedrock.bedrock.resources.model_names import matches_model

HAIKU: Final = "anthropic.claude-3-haiku-20240307-v1:0"
APPLICATION: Final = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc"
RESOLVED: Final = {
    APPLICATION: (f"arn:aws:bedrock:us-east-1::foundation-model/{HAIKU}",),
    "router": (f"us.{HAIKU}", "meta.llama3"),
}

MEANT: Final = [
    (HAIKU, "anthropic.*"),
    (HAIKU, "*"),
    (HAIKU, HAIKU),
    (HAIKU, "anthropic.claude-?-haiku-*"),
    (f"us.{HAIKU}", "anthropic.*"),
    (f"global.{HAIKU}", "anthropic.*"),
    (f"us.{HAIKU}", "us.*"),
    (f"arn:aws:bedrock:us-east-1::foundation-model/{HAIKU}", "anthropic.*"),
    (f"arn:aws:bedrock:us-east-1::foundation-model/{HAIKU}", "arn:aws:bedrock:*::foundation-model/anthropic.*"),
    (f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/eu.{HAIKU}", "anthropic.*"),
    (APPLICATION, "anthropic.*"),
    (APPLICATION, "arn:aws:bedrock:*:application-inference-profile/*"),
    ("router", "anthropic.*"),
    ("router", "meta.*"),
    ("arn:aws:bedrock:us-east-1:123456789012:prompt-router/router", "meta.*"),
]
NOT_MEANT: Final = [
    (HAIKU, "amazon.*"),
    (HAIKU, "Anthropic.*"),
    (HAIKU, "anthropic"),
    (HAIKU, "claude*"),
    (HAIKU, "anthropic.[c]*"),
    (f"us.{HAIKU}", "eu.*"),
    (APPLICATION.replace("abc", "abd"), "anthropic.*"),
    ("", "anthropic.*"),
]


@pytest.mark.parametrize(("model", "pattern"), MEANT)
def test_a_model_is_meant_by_any_of_its_names(model: str, pattern: str) -> None:
    """ID, ARN, profile in front of it, and what stands behind a profile of one's own."""
    assert matches_model(model, (pattern,), RESOLVED)
    assert matches_model(model, ("nothing", pattern), RESOLVED)


@pytest.mark.parametrize(("model", "pattern"), NOT_MEANT)
def test_another_model_is_not_meant(model: str, pattern: str) -> None:
    """IAM's wildcards and no others; case counts, as it does in IDs."""
    assert not matches_model(model, (pattern,), RESOLVED)


def test_no_pattern_means_nothing() -> None:
    """That a guardrail without patterns is for every model is the guardrail's own affair."""
    assert not matches_model(HAIKU, (), {})
