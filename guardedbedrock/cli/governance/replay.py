"""``guardedbedrock replay``: which recorded calls would a policy change deny?"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from guardedbedrock.aws.trail_bucket import S3Bucket
from guardedbedrock.cli.console import as_json, console
from guardedbedrock.cli.governance.prove import pair
from guardedbedrock.cli.output import escape_controls
from guardedbedrock.cli.progress import progress_bar
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.governance.replay.rendering.markdown import write_markdown
from guardedbedrock.governance.replay.rendering.page import write_page
from guardedbedrock.governance.replay.rendering.text import write_text
from guardedbedrock.governance.replay.run import query_for_athena, replay
from guardedbedrock.settings.writer import writing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from guardedbedrock.cli.formats import ReplayFormat
    from guardedbedrock.governance.replay.report import ReplayReport
    from guardedbedrock.governance.replay.verdicts import GuardrailAssumption

EXIT_OK: Final = 0
EXIT_NEWLY_DENIED: Final = 1
_SUFFIXES: Final = {"text": "txt", "json": "json", "html": "html", "markdown": "md"}


@dataclass(frozen=True, slots=True)
class ReplayArguments:
    """The arguments of the command, under the names of its options."""

    trails: Sequence[str]
    policies: str
    baseline: str | None
    snapshot: str | None
    since: str | None
    until: str | None
    assume: Sequence[str]
    guardrail: GuardrailAssumption
    invocation_logs: Sequence[str]
    workers: int
    strict: bool
    tuples: Sequence[str]
    keep: Path | None
    athena_sql: bool
    table: str
    output: ReplayFormat
    folder: Path | None


def command(arguments: ReplayArguments) -> int:
    """Replay, and print or write the report."""
    if arguments.athena_sql:
        sys.stdout.write(query_for_athena(arguments.policies, arguments.baseline, arguments.snapshot, arguments.table))
        return EXIT_OK
    if not (arguments.trails or arguments.tuples):
        raise ConfigurationError("no trail was given; name CloudTrail files, folders or s3://BUCKET/PREFIX, or use --tuples")
    with progress_bar() as progress:
        task = progress.add_task("Reading trails", total=None)
        report = replay(
            arguments.trails,
            arguments.policies,
            baseline=arguments.baseline,
            snapshot=arguments.snapshot,
            since=arguments.since,
            until=arguments.until,
            assume=dict(pair(text, "--assume") for text in arguments.assume),
            guardrail=arguments.guardrail,
            invocation_logs=arguments.invocation_logs,
            workers=arguments.workers,
            bucket=S3Bucket(),
            tuples=arguments.tuples,
            keep=arguments.keep,
            progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
    text = _render(report, arguments.output)
    if arguments.folder is not None:
        _write(arguments.folder, text, arguments.output)
    elif arguments.output == "text":
        console().print(text, soft_wrap=True, end="")
    else:
        sys.stdout.write(text)
    if arguments.strict:
        _ensure_complete(report)
    return EXIT_NEWLY_DENIED if report.newly_denied else EXIT_OK


def _render(report: ReplayReport, output: ReplayFormat) -> str:
    if output == "json":
        return as_json(report.as_data())
    return {"text": write_text, "html": write_page, "markdown": write_markdown}[output](report)


def _write(folder: Path, text: str, output: ReplayFormat) -> None:
    file = folder / f"replay.{_SUFFIXES[output]}"
    with writing(file):
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(escape_controls(text), "utf-8")
    sys.stderr.write(f"wrote {file}\n")


def _ensure_complete(report: ReplayReport) -> None:
    broken = [one for one in report.skipped if one.is_broken]
    if broken:
        more = f", and {len(broken) - 1} more" if len(broken) > 1 else ""
        raise ConfigurationError(f"--strict: {broken[0].file}: {broken[0].reason}{more}; the report lists all under `skipped`")
