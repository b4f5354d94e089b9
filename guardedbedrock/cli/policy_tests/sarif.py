"""
The report as SARIF 2.1.0: one result for each failed case.

Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from guardedbedrock.cli.policy_tests.report_rows import line_of
from guardedbedrock.cli.report_formats import sarif_log, uri_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from guardedbedrock.cli.policy_tests.report_rows import ReportRow

_RULES: Final[Mapping[str, str]] = {
    "decision": "The decision differs from the expected one.",
    "answer": "The answer of a proof differs from the expected one.",
    "determining": "The decision or the answer is the expected one, but other statements determine it.",
    "policyType": "The decision is the expected one, but a policy of another type determines it.",
    "hangsOn": "The decision depends on other context keys than expected.",
}
"""By the field that differs; the first difference of a case, in this order, is its rule."""


def report(rows: Sequence[ReportRow]) -> dict[str, Any]:
    """Build the SARIF log, with one run."""
    rules = [{"id": name, "shortDescription": {"text": text}} for name, text in _RULES.items()]
    return sarif_log(rules, [_result(row) for row in rows if not row.result.passed])


def _result(row: ReportRow) -> dict[str, Any]:
    rule = next(name for name in _RULES if name in row.result.differences)
    return {
        "ruleId": rule,
        "ruleIndex": list(_RULES).index(rule),
        "level": "error",
        "message": {"text": f"{row.case.id}: {row.sentence}\n{row.explanation}"},
        "locations": [{"physicalLocation": _location(row)}],
        "partialFingerprints": {"caseId/v1": row.case.id},
    }


def _location(row: ReportRow) -> dict[str, Any]:
    line = line_of(row)
    return {"artifactLocation": {"uri": uri_of(row.case.file)}, **({"region": {"startLine": line}} if line else {})}
