"""
Case files as raw JSON, one pytest param for each case.

What a case may say is held by `guardedbedrock.testing.cases`, which reads the same files in ``iam/test_cases.py``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

import pytest
from _pytest.mark import ParameterSet

Case: TypeAlias = Mapping[str, Any]

CASES: Final = Path(__file__).parents[1] / "cases"


def read(*places: Path) -> Iterator[Case]:
    """Read every case of some files and folders, in the order of their names."""
    for place in places:
        for path in sorted(place.rglob("*.json")) if place.is_dir() else [place]:
            yield from json.loads(path.read_text("utf-8"))


def params(*places: Path) -> list[ParameterSet]:
    """Read cases as pytest params, named by their ids."""
    return [pytest.param(case, id=case["id"]) for case in read(*places)]
