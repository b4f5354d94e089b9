"""
The report as SARIF 2.1.0: a result for each case that failed.

Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0".
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import guardedbedrock

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from guardedbedrock.cli.policy_tests.checked import Checked

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_RULES: Final[Mapping[str, str]] = {
    "decision": "The policies answer otherwise than the case expects.",
    "determining": "The policies answer as the case expects, by other statements.",
    "policyType": "The policies answer as the case expects, by a policy of another type.",
    "hangsOn": "The answer hangs on other context keys than the case expects.",
}
"""By what differs; the first difference of a case, in this order, is its rule."""


def report(checked: Sequence[Checked]) -> dict[str, Any]:
    """Make the log, with one run."""
    driver = {
        "name": "guardedbedrock",
        "version": guardedbedrock.__version__,
        "rules": [{"id": name, "shortDescription": {"text": text}} for name, text in _RULES.items()],
    }
    results = [_result(each) for each in checked if not each.result.passed]
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}


def _result(checked: Checked) -> dict[str, Any]:
    rule = next(name for name in _RULES if name in checked.result.differences)
    return {
        "ruleId": rule,
        "ruleIndex": list(_RULES).index(rule),
        "level": "error",
        "message": {"text": f"{checked.case.id}: {checked.sentence}"},
        "locations": [{"physicalLocation": _location(checked)}],
        "partialFingerprints": {"caseId/v1": checked.case.id},
    }


def _location(checked: Checked) -> dict[str, Any]:
    path, line = Path(checked.case.file), checked.line
    uri = path.as_uri() if path.is_absolute() else quote(path.as_posix())
    return {"artifactLocation": {"uri": uri}, **({"region": {"startLine": line}} if line else {})}
