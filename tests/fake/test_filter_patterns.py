"""CloudWatch's filter patterns for JSON, case by case."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from guardedbedrock.testing import FilterPattern

CASES: Final = json.loads((Path(__file__).parents[1] / "data" / "filter_patterns.json").read_text("utf-8"))


def test_the_cases_have_unique_names() -> None:
    """A repeated id would hide a case."""
    assert len({case["id"] for case in CASES}) == len(CASES) > 30
    assert {frozenset(case) for case in CASES} == {frozenset({"id", "pattern", "record", "matches"})}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_a_pattern_matches_as_cloudwatch_does(case: dict[str, Any]) -> None:
    """An invalid pattern raises ValueError."""
    if case["matches"] == "error":
        with pytest.raises(ValueError, match="is not a filter pattern for JSON"):
            FilterPattern(case["pattern"])
        return

    assert FilterPattern(case["pattern"]).matches(case["record"]) is case["matches"]
