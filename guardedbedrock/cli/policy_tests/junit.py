"""The report as JUnit XML: a test suite for each file, a test case for each case."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from junitparser import Failure, JUnitXml, TestCase, TestSuite

from guardedbedrock.cli.report_formats import text_in_xml

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from guardedbedrock.cli.policy_tests.report_rows import ReportRow


def report(rows: Sequence[ReportRow]) -> str:
    """Write the XML; a character that XML does not allow becomes U+FFFD."""
    report = JUnitXml("guardedbedrock")
    for file, group in groupby(rows, lambda row: row.case.file):
        report.add_testsuite(_suite(file, group))
    report.update_statistics()  # type: ignore[no-untyped-call]  # junitparser has no types here
    xml: bytes = report.tostring()  # type: ignore[no-untyped-call]
    return f"{xml.decode()}\n"


def _suite(file: str, rows: Iterable[ReportRow]) -> TestSuite:
    suite = TestSuite(text_in_xml(file))
    suite.add_testcases([_case(row) for row in rows])
    return suite


def _case(row: ReportRow) -> TestCase:
    case = TestCase(text_in_xml(row.case.id), classname=text_in_xml(row.case.file))
    if not row.result.passed:
        failure = Failure(text_in_xml(row.sentence), ", ".join(row.result.differences))
        failure.text = text_in_xml("\n".join(filter(None, (row.case.why, row.explanation))))
        case.result = [failure]
    return case
