"""The pages of the rules are those that ``make docs`` generates."""

from __future__ import annotations

import importlib.util
from pathlib import Path

DOCS = Path(__file__).parents[3] / "docs"


def test_pages_of_the_rules_are_current() -> None:
    spec = importlib.util.spec_from_file_location("generate_rules", DOCS / "generate_rules.py")
    assert spec is not None
    assert spec.loader is not None
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    expected = generator.pages()
    assert {file: file.read_text("utf-8") for file in (DOCS / "rules").glob("*.md")} == expected
