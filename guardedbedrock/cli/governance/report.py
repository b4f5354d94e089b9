"""``guardedbedrock report``: the access report of an account or of a configuration."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from guardedbedrock.cli.console import as_json
from guardedbedrock.cli.output import escape_controls
from guardedbedrock.cli.progress import progress_bar
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.governance.report.build import build
from guardedbedrock.governance.report.formats import as_data, write_csv
from guardedbedrock.governance.report.page import write_page
from guardedbedrock.governance.report.scope_of_configuration import of_configuration
from guardedbedrock.governance.report.scope_of_snapshot import of_snapshot
from guardedbedrock.settings.writer import writing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from guardedbedrock.governance.report.records import AccessReport
    from guardedbedrock.governance.report.scope import Scope

AccessFormat: TypeAlias = Literal["html", "json", "csv"]

EXIT_OK: Final = 0
_FORMATS: Final[dict[str, AccessFormat]] = {".json": "json", ".csv": "csv"}


@dataclass(frozen=True, slots=True)
class ReportArguments:
    """The arguments of the command, under the names of its options."""

    snapshot: Path | None
    config: str | None
    file: Path | None
    output: AccessFormat | None
    approved: Sequence[str]
    models: Sequence[str]
    proof: bool
    timeout: float


def command(arguments: ReportArguments) -> int:
    """Evaluate the account, and write the report."""
    scope = _scope(arguments)
    with progress_bar() as progress:
        task = progress.add_task("Evaluating groups of principals", total=None)
        report = build(
            scope,
            proof=arguments.proof,
            timeout=arguments.timeout,
            progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
    suffix = arguments.file.suffix.lower() if arguments.file else ""
    _write(_render(report, arguments.output or _FORMATS.get(suffix, "html")), arguments.file)
    return EXIT_OK


def _scope(arguments: ReportArguments) -> Scope:
    if (arguments.snapshot is None) is (arguments.config is None):
        raise ConfigurationError("give the policies by either --snapshot FILE or --config FILE")
    if arguments.snapshot is not None:
        return of_snapshot(arguments.snapshot, arguments.approved, arguments.models)
    if arguments.approved:
        raise ConfigurationError("--approved: the configuration lists the approved guardrails; use it with --snapshot")
    return of_configuration(arguments.config, arguments.models)


def _render(report: AccessReport, output: AccessFormat) -> Iterable[str]:
    if output == "json":
        return (as_json(as_data(report), indent=1),)
    return write_csv(report) if output == "csv" else (write_page(report),)


def _write(parts: Iterable[str], file: Path | None) -> None:
    if file is None:
        sys.stdout.writelines(parts)
        return
    with writing(file), file.open("w", encoding="utf-8", newline="") as target:
        target.writelines(map(escape_controls, parts))
    sys.stderr.write(f"wrote {file}\n")
