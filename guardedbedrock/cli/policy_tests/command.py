"""Read cases, run them, and write the report."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from guardedbedrock.cli.console import write_json
from guardedbedrock.cli.policy_tests import text
from guardedbedrock.cli.policy_tests.progress import progress
from guardedbedrock.cli.policy_tests.report_rows import DecisionRow, ProofRow
from guardedbedrock.cli.report_formats import NO_JUNIT
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.settings.writer import writing
from guardedbedrock.testing import cases
from guardedbedrock.testing.cases import ProofCase

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from guardedbedrock.cli.formats import ReportFormat
    from guardedbedrock.cli.policy_tests.report_rows import ReportRow
    from guardedbedrock.testing.cases import Case


def command(files: Sequence[str], output: ReportFormat, junit_xml: Path | None = None) -> int:
    """
    Run the cases of some files.

    Args:
        files: File names, globs and folders.
        output: Format of the report on stdout.
        junit_xml: File for a JUnit report, independent of `output`.

    Returns:
        1 if a case fails, else 0.

    Raises:
        ConfigurationError: A case cannot be read, or a report cannot be written.
    """
    rows = _run(files)
    if junit_xml is not None:
        _write(junit_xml, _junit().report(rows))
    if output == "json":
        write_json([row.as_data() for row in rows])
    elif output == "junit":
        sys.stdout.write(_junit().report(rows))
    elif output == "sarif":
        write_json(import_module("guardedbedrock.cli.policy_tests.sarif").report(rows))
    elif output == "github":
        import_module("guardedbedrock.cli.policy_tests.github").show(rows)
    else:
        text.show(rows)
    return 0 if all(row.result.passed for row in rows) else 1


def _run(files: Sequence[str]) -> list[ReportRow]:
    with progress() as shown:
        loaded = list(shown(cases.read(*files), "reading cases"))
        return [_row(case) for case in shown(loaded, "evaluating policies")]


def _row(case: Case | ProofCase) -> ReportRow:
    if isinstance(case, ProofCase):
        return ProofRow(case, cases.run(case))
    return DecisionRow(case, cases.run(case))


def _junit() -> Any:
    try:
        return import_module("guardedbedrock.cli.policy_tests.junit")
    except ModuleNotFoundError as error:
        if error.name != "junitparser":
            raise
        raise ConfigurationError(NO_JUNIT) from None


def _write(path: Path, report: str) -> None:
    with writing(f"--junit-xml {path}"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(report, "utf-8")
