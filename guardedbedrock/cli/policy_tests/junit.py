"""The report as JUnit XML: a test suite for each file, a test case for each case."""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING, Final

from junitparser import Failure, JUnitXml, TestCase, TestSuite

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from guardedbedrock.cli.policy_tests.checked import Checked

_NO_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def report(checked: Sequence[Checked]) -> str:
    """Write the XML; a character that XML has not becomes U+FFFD."""
    report = JUnitXml("guardedbedrock")
    for file, group in groupby(checked, lambda each: each.case.file):
        report.add_testsuite(_suite(file, group))
    report.update_statistics()  # type: ignore[no-untyped-call]  # so it comes
    written: bytes = report.tostring()  # type: ignore[no-untyped-call]
    return f"{written.decode()}\n"


def _suite(file: str, checked: Iterable[Checked]) -> TestSuite:
    suite = TestSuite(_clean(file))
    suite.add_testcases([_case(each) for each in checked])
    return suite


def _case(checked: Checked) -> TestCase:
    case = TestCase(_clean(checked.case.id), classname=_clean(checked.case.file))
    if not checked.result.passed:
        failure = Failure(_clean(checked.sentence), ", ".join(checked.result.differences))
        failure.text = _clean(checked.case.why)
        case.result = [failure]
    return case


def _clean(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)
