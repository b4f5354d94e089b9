"""The arguments of ``guardedbedrock snapshot``. A command imports its implementation when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from guardedbedrock.cli.command_group import CommandGroup

snapshot = typer.Typer(
    name="snapshot",
    cls=CommandGroup,
    help="Write the policies, guardrails and profiles of the account into one file, or compare two such files.",
    invoke_without_command=True,
)


@snapshot.callback()
def write(  # noqa: PLR0913  # one for each option
    context: typer.Context,
    *,
    file: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="File to write.")] = None,
    principal: Annotated[
        list[str] | None,
        typer.Option(metavar="ARN", help="User or role to read, or `caller`; may repeat.", show_default="caller"),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Read every user and role of the account.")] = False,
    region: Annotated[
        list[str] | None, typer.Option(help="Region to read; may repeat.", show_default="the Region of the session")
    ] = None,
    last_accessed: Annotated[
        bool, typer.Option("--last-accessed", help="Also read when each principal last used Bedrock, for `audit`.")
    ] = False,
) -> int:
    """Write the policies, guardrails and profiles of the account into one file, or compare two such files."""
    if context.invoked_subcommand is not None:
        return 0
    if file is None:
        raise typer.BadParameter("missing; name the file to write", param_hint="-o")
    from guardedbedrock.cli.governance.snapshot import SnapshotArguments, command  # noqa: PLC0415 - imports boto3

    return command(SnapshotArguments(file, principal or (), every, region or (), last_accessed))


@snapshot.command()
def diff(
    before: Annotated[str, typer.Argument(metavar="BEFORE", help="Snapshot or dump of authorization details.")],
    after: Annotated[str, typer.Argument(metavar="AFTER", help="A later one.")],
    *,
    prove: Annotated[
        bool, typer.Option("--prove", help="Also prove which principals can call models without an approved guardrail.")
    ] = False,
    approved: Annotated[
        list[str] | None,
        typer.Option("--approved", metavar="ARN[:VERSION]", help="Approved guardrail, for --prove.", show_default="every one"),
    ] = None,
    output: Annotated[Literal["text", "json"], typer.Option("--format", help="Output format.")] = "text",
) -> int:
    """Show which principal gained or lost which action on which resource. Exit code 0 unchanged, 1 changed, 2 unusable."""
    from guardedbedrock.cli.governance.snapshot import DiffArguments  # noqa: PLC0415 - imports boto3
    from guardedbedrock.cli.governance.snapshot import diff as compare  # noqa: PLC0415

    return compare(DiffArguments(before, after, output, prove, tuple(approved or ())))
