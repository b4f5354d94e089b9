"""``docs/frameworks.md`` as data: its table, and the code that each section shows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, NamedTuple

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "frameworks.md"
COLUMNS: Final = ("framework", "tested", "way in", "sync", "async", "stream", "a denial surfaces as")


class Row(NamedTuple):
    """One row of the table; names and errors without their backquotes."""

    framework: str
    version: str
    way_in: str
    sync: str
    asynchronous: str
    stream: str
    denial: str


class Snippet(NamedTuple):
    """
    A block of Python on the page.

    Args:
        code: As it is shown.
        says: What the model answers; ``""`` for an echo. It stands in a comment of the page that no reader sees.
    """

    code: str
    says: str


def rows() -> dict[str, Row]:
    """Read the table, by framework."""
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[: _end(lines)]]
    assert tuple(cells[0]) == COLUMNS
    return {row.framework: row for row in (Row(*(cell.replace("`", "") for cell in line)) for line in cells[2:])}


def _end(lines: list[str]) -> int:
    return next((index for index, line in enumerate(lines) if line.count("|") != len(COLUMNS) + 1), len(lines))


def section(framework: str) -> str:
    """Give the text of a framework's section."""
    found = re.search(rf"^## {re.escape(framework)}$(.*?)(?=^## |\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert found is not None, f"no section of {framework}"
    return found[1]


def snippets(framework: str) -> list[Snippet]:
    """List what a framework's section shows."""
    blocks = re.findall(r"(?:<!-- the model says: (.*?) -->\n)?```python\n(.*?)```", section(framework), re.DOTALL)
    return [Snippet(code, says) for says, code in blocks]


def settings() -> str:
    """Give the ``guardedbedrock.toml`` that the page shows."""
    found = re.search(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found is not None
    return found[1]
