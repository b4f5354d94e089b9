"""``guardedbedrock report``: the access report of an account or of a configuration."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from guardedbedrock.cli.console import as_json
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.governance.report.build import build
from guardedbedrock.governance.report.formats import as_data, write_csv
from guardedbedrock.governance.report.page import write_page
from guardedbedrock.governance.report.scope_of_configuration import of_configuration
from guardedbedrock.governance.report.scope_of_snapshot import of_snapshot

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
    with _progress() as progress:
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


def _progress() -> Progress:
    """Show a bar on stderr; nothing if stderr is not a terminal."""
    screen = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal)


def _render(report: AccessReport, output: AccessFormat) -> Iterable[str]:
    if output == "json":
        return (as_json(as_data(report), indent=1),)
    return write_csv(report) if output == "csv" else (write_page(report),)


def _write(parts: Iterable[str], file: Path | None) -> None:
    if file is None:
        sys.stdout.writelines(parts)
        return
    try:
        with file.open("w", encoding="utf-8", newline="") as target:
            target.writelines(parts)
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be written: {error.strerror}") from None
    sys.stderr.write(f"wrote {file}\n")
