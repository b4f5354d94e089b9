"""The documented bypass routes, compared with the test files."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any, Final

import pytest
from harness.clients import HR

from guardedbedrock import Guard

HERE: Final = Path(__file__).parent
PAGE: Final = (HERE.parents[1] / "docs" / "security.md").read_text("utf-8")
FILES: Final = sorted(path for path in HERE.glob("test_*.py") if path != Path(__file__))


def test_every_bypass_file_is_listed_in_the_documentation() -> None:
    rows = re.findall(r"^\| .+ \| .+ \| \[(\S+)\]\(\.\./tests/bypass/(\S+)\) \|$", PAGE, re.MULTILINE)

    assert all(name == target for name, target in rows)
    assert sorted(name for name, _ in rows) == [path.name for path in FILES]


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_every_bypass_test_asserts_that_nothing_arrived_unguarded(path: Path) -> None:
    tests = [node for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, ast.FunctionDef) and _is_test(node)]
    counting = [node.name for node in tests if any(_counts(part) for part in ast.walk(node))]

    assert tests
    assert [
        node.name
        for node in tests
        if node.name not in counting and node.name != "test_partly_guarded_call_is_sent_in_report_mode"
    ] == []


def _is_test(node: ast.FunctionDef) -> bool:
    return node.name.startswith("test_")


def _counts(part: Any) -> bool:
    return isinstance(part, ast.Assert) and "unguarded(" in ast.unparse(part) and ast.unparse(part).endswith("== []")


def test_documented_backstop_policy_is_the_generated_one() -> None:
    (written,) = re.findall(r"```json\n(.+?)```", PAGE, re.DOTALL)

    assert json.loads(written) == Guard(guardrails=[HR], listeners=()).backstop_policy()
