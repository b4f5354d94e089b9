"""Patterns match a model by any of its names."""

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
def test_a_pattern_matches_every_name_of_a_model(model: str, pattern: str) -> None:
    """Names are the ID, ARNs, system-defined profiles, and resolved models of an application profile."""
    assert matches_model(model, (pattern,), RESOLVED)
    assert matches_model(model, ("nothing", pattern), RESOLVED)


@pytest.mark.parametrize(("model", "pattern"), NOT_MEANT)
def test_a_pattern_does_not_match_another_model(model: str, pattern: str) -> None:
    """Only IAM wildcards work, and case matters as in model IDs."""
    assert not matches_model(model, (pattern,), RESOLVED)


def test_no_pattern_matches_no_model() -> None:
    """`Guardrail.models` gives an empty list its meaning, not this function."""
    assert not matches_model(HAIKU, (), {})
