"""
Reads case files as raw JSON, one pytest param for each case.

`guardedbedrock.testing.cases` defines what a case may contain. It reads the same files in ``tests/iam/test_cases.py``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias, cast

import pytest
from _pytest.mark import ParameterSet
from harness.case_format import LONG_TEXTS

from guardedbedrock.testing.cases.suites import expand

Case: TypeAlias = Mapping[str, Any]

CASES: Final = Path(__file__).parents[1] / "cases"


def parse(text: str) -> Any:
    """Parse JSON, and join the parts of long strings with blanks."""
    return json.loads(text, object_hook=_joined)


def load(path: Path) -> Any:
    """Parse a file of JSON as `parse` does."""
    return parse(path.read_text("utf-8"))


def _joined(members: dict[str, Any]) -> dict[str, Any]:
    parts = {name: members[name] for name in LONG_TEXTS if isinstance(members.get(name), list)}
    return members | {name: " ".join(value) for name, value in parts.items()}


def read(*paths: Path) -> Iterator[Case]:
    """Read every case of some files and folders, in the order of their names, with shared policies written out."""
    for given in paths:
        for path in sorted(given.rglob("*.json")) if given.is_dir() else [given]:
            data = load(path)
            if isinstance(data, dict):
                yield from cast("list[Case]", expand(data, path))
            else:
                yield from data


def params(*paths: Path) -> list[ParameterSet]:
    """Read cases as pytest params, named by their ids."""
    return [pytest.param(case, id=case["id"]) for case in read(*paths)]
