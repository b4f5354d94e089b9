"""
The report for GitHub Actions: an annotation for each case that failed, and a summary of the job.

Source: GitHub Docs, "Workflow commands for GitHub Actions".
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from guardedbedrock.cli.policy_tests import text
from guardedbedrock.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from guardedbedrock.cli.policy_tests.checked import Checked

SUMMARY: Final = "GITHUB_STEP_SUMMARY"
_IN_MESSAGE: Final = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_IN_PROPERTY: Final = {**_IN_MESSAGE, **str.maketrans({":": "%3A", ",": "%2C"})}
_IN_TABLE: Final = str.maketrans(
    {"|": "\\|", "\n": " ", "\r": " ", "<": "&lt;", "&": "&amp;", "`": "\\`", "*": "\\*", "_": "\\_"}
)


def show(checked: Sequence[Checked]) -> None:
    """
    Print the annotations and the count, and write the summary where the job has a place for it.

    Raises:
        ConfigurationError: The summary can not be written.
    """
    for each in checked:
        if not each.result.passed:
            sys.stdout.write(f"{_annotation(each)}\n")
    sys.stdout.write(f"{text.counted(checked)}\n")
    if place := os.environ.get(SUMMARY):
        _append(place, "\n".join(summary(checked)))


def summary(checked: Sequence[Checked]) -> Iterator[str]:
    """Write the count and a table of what failed, in GitHub's Markdown."""
    yield f"### Policy tests: {text.counted(checked)}\n"
    failed = [each for each in checked if not each.result.passed]
    if failed:
        yield "| case | file | what came of it |\n| --- | --- | --- |"
    for each in failed:
        yield f"| {' | '.join(cell.translate(_IN_TABLE) for cell in (each.case.id, each.case.file, each.sentence))} |"


def _annotation(checked: Checked) -> str:
    line = f",line={checked.line}" if checked.line else ""
    file, title = (each.translate(_IN_PROPERTY) for each in (checked.case.file, checked.case.id))
    return f"::error file={file}{line},title={title}::{checked.sentence.translate(_IN_MESSAGE)}"


def _append(place: str, written: str) -> None:
    try:
        with Path(place).open("a", encoding="utf-8") as file:
            file.write(f"{written}\n")
    except OSError as error:
        raise ConfigurationError(f"{SUMMARY} {place}: can not be written: {error.strerror}") from None
