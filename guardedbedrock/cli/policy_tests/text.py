"""The report for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guardedbedrock.cli.console import console

if TYPE_CHECKING:
    from collections.abc import Sequence

    from guardedbedrock.cli.policy_tests.report_rows import ReportRow


def show(rows: Sequence[ReportRow]) -> None:
    """Print each failed case with its explanation, and the count."""
    screen = console()
    failed = [row for row in rows if not row.result.passed]
    for row in failed:
        screen.print(f"FAILED {row.case.id}: {row.sentence}", style="red", soft_wrap=True)
        for line in row.explanation.splitlines():
            screen.print(f"  {line}", soft_wrap=True)
    screen.print(counts(rows), style="red" if failed else "green", soft_wrap=True)


def counts(rows: Sequence[ReportRow]) -> str:
    """Count the passed and the failed cases: ``3 passed, 1 failed``."""
    passed = sum(row.result.passed for row in rows)
    return f"{passed} passed, {len(rows) - passed} failed"
