"""Reads the cases, runs them, and hands the results to whoever reports them."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from guardedbedrock.cli.policy_tests import text
from guardedbedrock.cli.policy_tests.checked import Checked
from guardedbedrock.cli.policy_tests.progress import progress
from guardedbedrock.cli.screen import write_json
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.testing import cases

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Format: TypeAlias = Literal["text", "json", "junit", "sarif", "github"]

_NO_JUNIT: Final = "JUnit reports need junitparser: pip install 'guardedbedrock[cli]'"


def command(files: Sequence[str], output: Format, junit_xml: Path | None = None) -> int:
    """
    Run the cases of some files; 1 when one fails.

    Args:
        files: Names, globs and folders.
        output: What goes to stdout.
        junit_xml: A file for a JUnit report, whatever goes to stdout.

    Raises:
        ConfigurationError: A case can not be read, or the report not be written.
    """
    checked = _run(files)
    if junit_xml is not None:
        _write(junit_xml, _junit().report(checked))
    if output == "json":
        write_json([_as_json(each) for each in checked])
    elif output == "junit":
        sys.stdout.write(_junit().report(checked))
    elif output == "sarif":
        write_json(import_module("guardedbedrock.cli.policy_tests.sarif").report(checked))
    elif output == "github":
        import_module("guardedbedrock.cli.policy_tests.github").show(checked)
    else:
        text.show(checked)
    return 0 if all(each.result.passed for each in checked) else 1


def _run(files: Sequence[str]) -> list[Checked]:
    with progress() as shown:
        loaded = list(shown(cases.read(*files), "reading cases"))
        return [Checked(case, cases.run(case)) for case in shown(loaded, "asking policies")]


def _junit() -> Any:
    try:
        return import_module("guardedbedrock.cli.policy_tests.junit")
    except ModuleNotFoundError as error:
        if error.name != "junitparser":
            raise
        raise ConfigurationError(_NO_JUNIT) from None


def _write(path: Path, report: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(report, "utf-8")
    except OSError as error:
        raise ConfigurationError(f"--junit-xml {path}: can not be written: {error.strerror}") from None


def _as_json(checked: Checked) -> dict[str, object]:
    result = checked.result
    return {
        "id": result.id,
        "decision": result.decision,
        "expected": result.expected,
        "passed": result.passed,
        "determining": sorted(result.determining),
    }
