"""docs/fake.md is generated from the tables of the fake."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Final

DOCS: Final = Path(__file__).parents[2] / "docs"


def test_the_page_of_the_fake_is_up_to_date() -> None:
    """If this fails, run `make docs`."""
    text: str = runpy.run_path(str(DOCS / "generate_fake.py"))["render"]()

    assert text == (DOCS / "fake.md").read_text("utf-8")
