"""``guardedbedrock lint``: find what is wrong in policies, and report it for people, programs and CI."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass
from importlib import import_module
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from guardedbedrock.cli.console import write_json
from guardedbedrock.cli.report_formats import IN_MESSAGE, IN_PROPERTY, NO_JUNIT, sarif_log, text_in_xml, uri_of
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.governance.lint.read import read_unguarded_models, read_unsupported_models
from guardedbedrock.governance.lint.rules import RULES
from guardedbedrock.governance.lint.run import (
    LintOptions,
    baseline_of,
    fingerprint,
    lint,
    read_baseline,
    read_suppressions,
    worst,
)
from guardedbedrock.settings.writer import writing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from guardedbedrock.cli.formats import ReportFormat
    from guardedbedrock.governance.lint.finding import LintFinding
    from guardedbedrock.iam import PolicyType

_PAGES: Final = "https://github.com/OWNER/guardedbedrock/blob/main/docs/rules"
_ANNOTATIONS: Final = {"error": "error", "warning": "warning", "note": "notice"}


@dataclass(frozen=True, slots=True)
class LintArguments:
    """The arguments of the command; see its help."""

    paths: tuple[str, ...]
    config: str | None = None
    policy_type: PolicyType | None = None
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    together: bool = False
    baseline: Path | None = None
    write_baseline: Path | None = None


def command(arguments: LintArguments, output: ReportFormat) -> int:
    """
    Lint files and print the findings.

    Returns:
        1 if there is an error or a warning, else 0.

    Raises:
        ConfigurationError: A file cannot be read, or an option is invalid.
    """
    options = LintOptions(
        policy_type=arguments.policy_type,
        select=arguments.select,
        ignore=arguments.ignore,
        together=arguments.together,
        suppressions=read_suppressions(Path(arguments.config)) if arguments.config else (),
        baseline=read_baseline(arguments.baseline) if arguments.baseline else {},
        unguarded_models=read_unguarded_models(Path(arguments.config)) if arguments.config else (),
        unsupported_models=read_unsupported_models(Path(arguments.config)) if arguments.config else "send",
    )
    findings = lint(arguments.paths, options)
    if arguments.write_baseline is not None:
        _write(arguments.write_baseline, baseline_of(findings))
        return 0
    if output == "json":
        write_json([finding.as_data() for finding in findings])
    elif output == "sarif":
        write_json(sarif(findings))
    elif output == "junit":
        sys.stdout.write(junit(findings))
    elif output == "github":
        sys.stdout.writelines(f"{_annotation(finding)}\n" for finding in findings)
        sys.stdout.write(f"{_counts(findings)}\n")
    else:
        show_text(findings)
    return 1 if worst(findings) in ("error", "warning") else 0


def show_text(findings: Sequence[LintFinding]) -> None:
    """Print one line for each finding, and the counts."""
    sys.stdout.writelines(f"{_line(finding)}\n" for finding in findings)
    sys.stdout.write(f"{_counts(findings)}\n")


def _line(finding: LintFinding) -> str:
    location = f"{finding.file}:{finding.line}:{finding.column}"
    return f"{location}: {finding.severity}: {finding.message} {finding.fix} [{finding.rule}]"


def _counts(findings: Sequence[LintFinding]) -> str:
    counts = Counter(finding.severity for finding in findings)
    named = [f"{counts[one]} {one}{'' if counts[one] == 1 else 's'}" for one in ("error", "warning", "note") if counts[one]]
    return ", ".join(named) or "no findings"


def _annotation(finding: LintFinding) -> str:
    file = finding.file.translate(IN_PROPERTY)
    message = f"{finding.message} {finding.fix}".translate(IN_MESSAGE)
    location = f"file={file},line={finding.line},col={finding.column},title={finding.rule}"
    return f"::{_ANNOTATIONS[finding.severity]} {location}::{message}"


class ReportedRule(Protocol):
    """The entry of a rule in a report."""

    @property
    def code(self) -> str:
        """Its code."""

    @property
    def severity(self) -> str:
        """Its usual severity."""

    @property
    def title(self) -> str:
        """The problem that it finds."""

    @property
    def why(self) -> str:
        """Why that matters."""

    @property
    def fix(self) -> str:
        """How to fix it."""


def sarif(findings: Sequence[LintFinding], reported: Sequence[ReportedRule] = RULES) -> dict[str, Any]:
    """Return a SARIF log with one run."""
    rules = [
        {
            "id": rule.code,
            "shortDescription": {"text": rule.title},
            "fullDescription": {"text": rule.why},
            "help": {"text": rule.fix},
            "helpUri": f"{_PAGES}/{rule.code}.md",
            "defaultConfiguration": {"level": rule.severity},
        }
        for rule in reported
    ]
    order = [rule.code for rule in reported]
    results = [
        {
            "ruleId": finding.rule,
            "ruleIndex": order.index(finding.rule),
            "level": finding.severity,
            "message": {"text": f"{finding.message} {finding.fix}"},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": uri_of(finding.file)},
                        "region": {"startLine": finding.line, "startColumn": finding.column},
                    }
                }
            ],
            "partialFingerprints": {"finding/v1": fingerprint(finding)},
        }
        for finding in findings
    ]
    return sarif_log(rules, results)


def junit(findings: Sequence[LintFinding]) -> str:
    """Return JUnit XML: a suite for each file, and a failure for each error and warning."""
    try:
        xml: Any = import_module("junitparser")
    except ModuleNotFoundError:
        raise ConfigurationError(NO_JUNIT) from None
    report = xml.JUnitXml("guardedbedrock lint")
    for file, group in groupby(findings, lambda finding: finding.file):
        suite = xml.TestSuite(text_in_xml(file))
        for finding in group:
            case = xml.TestCase(f"{finding.rule} {finding.line}:{finding.column}", classname=text_in_xml(file))
            if finding.severity != "note":
                case.result = [xml.Failure(text_in_xml(finding.message), finding.rule)]
            suite.add_testcase(case)
        report.add_testsuite(suite)
    report.update_statistics()
    return f"{report.tostring().decode()}\n"


def _write(path: Path, content: str) -> None:
    with writing(f"--write-baseline {path}"):
        path.write_text(content, "utf-8")
