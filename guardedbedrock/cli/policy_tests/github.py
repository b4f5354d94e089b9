"""
The report for GitHub Actions: one annotation for each failed case, and a job summary.

Source: GitHub Docs, "Workflow commands for GitHub Actions".
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from guardedbedrock.cli.output import escape_controls
from guardedbedrock.cli.policy_tests import text
from guardedbedrock.cli.policy_tests.report_rows import line_of
from guardedbedrock.cli.report_formats import IN_MESSAGE, IN_PROPERTY
from guardedbedrock.settings.writer import writing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from guardedbedrock.cli.policy_tests.report_rows import ReportRow

SUMMARY: Final = "GITHUB_STEP_SUMMARY"
_IN_TABLE: Final = str.maketrans(
    {"|": "\\|", "\n": " ", "\r": " ", "<": "&lt;", "&": "&amp;", "`": "\\`", "*": "\\*", "_": "\\_"}
)


def show(rows: Sequence[ReportRow]) -> None:
    """
    Print the annotations and the count, and append the summary to the file that the job names.

    Raises:
        ConfigurationError: The summary cannot be written.
    """
    for row in rows:
        if not row.result.passed:
            sys.stdout.write(f"{_annotation(row)}\n")
    sys.stdout.write(f"{text.counts(rows)}\n")
    if path := os.environ.get(SUMMARY):
        _append(path, "\n".join(summary(rows)))


def summary(rows: Sequence[ReportRow]) -> Iterator[str]:
    """Write the count and a table of the failed cases in GitHub's Markdown."""
    yield f"### Policy tests: {text.counts(rows)}\n"
    failed = [row for row in rows if not row.result.passed]
    if failed:
        yield "| case | file | result | reason |\n| --- | --- | --- | --- |"
    for row in failed:
        cells = row.case.id, row.case.file, row.sentence, row.reason
        yield f"| {' | '.join(cell.translate(_IN_TABLE) for cell in cells)} |"


def _annotation(row: ReportRow) -> str:
    number = line_of(row)
    line = f",line={number}" if number else ""
    file, title = (name.translate(IN_PROPERTY) for name in (row.case.file, row.case.id))
    message = f"{row.sentence}\n{row.explanation}".translate(IN_MESSAGE)
    return f"::error file={file}{line},title={title}::{message}"


def _append(path: str, written: str) -> None:
    with writing(f"{SUMMARY} {path}"), Path(path).open("a", encoding="utf-8") as file:
        file.write(f"{escape_controls(written)}\n")
