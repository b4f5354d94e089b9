"""The arguments of ``guardedbedrock replay``. The command imports its implementation when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from guardedbedrock.cli.formats import ReplayFormat

GuardrailAssumption = Literal["from-log", "unknown", "injected"]


def replay(  # noqa: PLR0913 - each parameter is an option
    trails: Annotated[
        list[str] | None, typer.Argument(metavar="TRAIL...", help="CloudTrail files, folders and s3://BUCKET/PREFIX.")
    ] = None,
    *,
    policies: Annotated[
        str, typer.Option("--policies", metavar="NEW", help="A policy, policies by type, a snapshot or a configuration.")
    ],
    baseline: Annotated[
        str | None,
        typer.Option("--baseline", metavar="OLD", help="The policies of today, in the same forms.", show_default="as recorded"),
    ] = None,
    snapshot: Annotated[
        str | None, typer.Option("--snapshot", metavar="FILE", help="Snapshot with role ARNs, tags and profiles.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="Start of the period (inclusive), ISO 8601.")
    ] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="TIME", help="End of the period (exclusive), ISO 8601.")] = None,
    assume: Annotated[
        list[str] | None, typer.Option("--assume", metavar="KEY=VALUE", help="A context key of every call; may repeat.")
    ] = None,
    guardrail: Annotated[
        GuardrailAssumption, typer.Option("--guardrail", help="Where the guardrail of a call comes from.")
    ] = "from-log",
    invocation_logs: Annotated[
        list[str] | None, typer.Option("--invocation-logs", metavar="PATH", help="Model invocation logs; may repeat.")
    ] = None,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Number of processes.")] = 1,
    strict: Annotated[bool, typer.Option("--strict", help="Exit with 2 if a file or a record cannot be read.")] = False,
    tuples: Annotated[
        list[str] | None,
        typer.Option("--tuples", metavar="FILE", help="Distinct calls: Parquet of --keep, or CSV of Athena; may repeat."),
    ] = None,
    keep: Annotated[Path | None, typer.Option("--keep", metavar="DIR", help="Keep the distinct calls as Parquet.")] = None,
    athena_sql: Annotated[
        bool, typer.Option("--athena-sql", help="Print the Athena query whose CSV result --tuples reads, and exit.")
    ] = False,
    table: Annotated[str, typer.Option("--table", help="Athena table of CloudTrail logs, for --athena-sql.")] = "cloudtrail_logs",
    output: Annotated[ReplayFormat, typer.Option("--format", help="Output format.")] = "text",
    folder: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="DIR", help="Write the report into this folder.")
    ] = None,
) -> int:
    """
    Show which recorded calls a policy change would deny.

    Exit code 0 no newly denied call, 1 some, 2 invalid input.
    """
    from guardedbedrock.cli.governance.replay import ReplayArguments, command  # noqa: PLC0415 - imports boto3

    return command(
        ReplayArguments(
            trails=trails or [],
            policies=policies,
            baseline=baseline,
            snapshot=snapshot,
            since=since,
            until=until,
            assume=assume or [],
            guardrail=guardrail,
            invocation_logs=invocation_logs or [],
            workers=workers,
            strict=strict,
            tuples=tuples or [],
            keep=keep,
            athena_sql=athena_sql,
            table=table,
            output=output,
            folder=folder,
        )
    )
