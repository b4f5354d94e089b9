"""The pages that are written from the code."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Final

DOCS: Final = Path(__file__).parents[1] / "docs"
PAGE: Final = (DOCS / "authorizations.md").read_text("utf-8")


def test_the_page_of_authorizations_is_the_one_that_the_table_writes() -> None:
    """Where this fails, `make docs` mends it."""
    written: str = runpy.run_path(str(DOCS / "generate.py"))["page"]()

    assert written.splitlines() == PAGE.splitlines()


def test_every_link_within_the_page_leads_somewhere() -> None:
    """To a heading, as its anchor is written."""
    headings = {heading.lower().replace(" ", "-") for heading in re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)}

    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) <= headings
