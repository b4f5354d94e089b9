"""The report as JUnit XML: a test suite for each file, a test case for each case."""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING, Final

from junitparser import Failure, JUnitXml, TestCase, TestSuite

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from guardedbedrock.cli.policy_tests.report_rows import ReportRow

_NOT_IN_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def report(rows: Sequence[ReportRow]) -> str:
    """Write the XML; a character that XML does not allow becomes U+FFFD."""
    report = JUnitXml("guardedbedrock")
    for file, group in groupby(rows, lambda row: row.case.file):
        report.add_testsuite(_suite(file, group))
    report.update_statistics()  # type: ignore[no-untyped-call]  # junitparser has no types here
    xml: bytes = report.tostring()  # type: ignore[no-untyped-call]
    return f"{xml.decode()}\n"


def _suite(file: str, rows: Iterable[ReportRow]) -> TestSuite:
    suite = TestSuite(_clean(file))
    suite.add_testcases([_case(row) for row in rows])
    return suite


def _case(row: ReportRow) -> TestCase:
    case = TestCase(_clean(row.case.id), classname=_clean(row.case.file))
    if not row.result.passed:
        failure = Failure(_clean(row.sentence), ", ".join(row.result.differences))
        failure.text = _clean("\n".join(filter(None, (row.case.why, row.explanation))))
        case.result = [failure]
    return case


def _clean(text: str) -> str:
    return _NOT_IN_XML.sub("\ufffd", text)
