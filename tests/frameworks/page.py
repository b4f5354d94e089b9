"""Read ``docs/frameworks.md``: its table, and the code in each section."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, NamedTuple

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "frameworks.md"
COLUMNS: Final = ("framework", "tested", "integration", "sync", "async", "stream", "a denial surfaces as")


class Row(NamedTuple):
    """One row of the table, without backquotes."""

    framework: str
    version: str
    integration: str
    sync: str
    asynchronous: str
    stream: str
    denial: str


class Snippet(NamedTuple):
    """
    A block of Python on the page.

    Args:
        code: The code as the page shows it.
        says: The answer of the model, from an HTML comment on the page; ``""`` for an echo.
    """

    code: str
    says: str


def rows() -> dict[str, Row]:
    """Read the table; the keys are the frameworks."""
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[: _end(lines)]]
    assert tuple(cells[0]) == COLUMNS
    return {row.framework: row for row in (Row(*(cell.replace("`", "") for cell in line)) for line in cells[2:])}


def _end(lines: list[str]) -> int:
    return next((index for index, line in enumerate(lines) if line.count("|") != len(COLUMNS) + 1), len(lines))


def section(framework: str) -> str:
    """Return the text of a framework's section."""
    found = re.search(rf"^## {re.escape(framework)}$(.*?)(?=^## |\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert found is not None, f"no section of {framework}"
    return found[1]


def snippets(framework: str) -> list[Snippet]:
    """List the code blocks in a framework's section."""
    blocks = re.findall(r"(?:<!-- the model says: (.*?) -->\n)?```python\n(.*?)```", section(framework), re.DOTALL)
    return [Snippet(code, says) for says, code in blocks]


def settings() -> str:
    """Return the ``guardedbedrock.toml`` that the page shows."""
    found = re.search(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found is not None
    return found[1]
