"""Suggestions for misspelt names."""

from __future__ import annotations

from typing import Final

import pytest

from guardedbedrock._nearest import closest, suggest

KNOWN: Final = ("bedrock:GuardrailIdentifier", "bedrock:Rerank", "aws:RequestedRegion", "iam:PassRole")
GUESSES: Final = {
    "misspelt": ("bedrock:GuardrailIdentifer", "bedrock:GuardrailIdentifier"),
    "in another case": ("BEDROCK:rerank", "bedrock:Rerank"),
    "wrong prefix": ("aws:GuardrailIdentifier", "bedrock:GuardrailIdentifier"),
    "misspelt prefix": ("bedrok:Rerank", "bedrock:Rerank"),
    "only the prefix alike": ("bedrock:Recall", None),
    "nothing alike": ("s3:GetObject", None),
}


@pytest.mark.parametrize(("name", "expected"), GUESSES.values(), ids=GUESSES)
def test_closest_name(name: str, expected: str | None) -> None:
    assert closest(name, KNOWN) == expected


def test_suggestion_has_the_prefix_that_it_does_not_compare() -> None:
    assert suggest("MOED", ["MODE", "CONTEXT"], prefix="GUARDEDBEDROCK_") == "did you mean `GUARDEDBEDROCK_MODE`?"
    assert suggest("X", ["MODE", "CONTEXT"], prefix="P_") == "the known keys are P_MODE, P_CONTEXT"
