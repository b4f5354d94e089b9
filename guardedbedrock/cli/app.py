"""The commands with their arguments; what a command does is loaded when it is called, so that a quick one stays quick."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

import guardedbedrock
from guardedbedrock.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

Format = Literal["text", "json"]
Report = Literal["text", "json", "junit", "sarif", "github"]
ApiKeys = Literal["allow", "short-term", "deny"]

AS_HOPED: Final = 0
BAD_INPUT: Final = 2
INTERRUPTED: Final = 130
_USAGE_ERROR: Final[type[Exception]] = typer.BadParameter.__mro__[1]  # click's UsageError; newer typer brings its own click


def _version(wanted: bool) -> None:  # noqa: FBT001 - how typer calls it
    if wanted:
        typer.echo(f"guardedbedrock {guardedbedrock.__version__}")
        raise typer.Exit


app = typer.Typer(
    name="guardedbedrock",
    help="Guardrails and IAM for Amazon Bedrock: see it work, ask what would become of a call, test policies.",
    add_completion=False,
)

FormatOption = Annotated[Format, typer.Option("--format", help="For people, or for programs.")]
ReportOption = Annotated[Report, typer.Option("--format", help="For people, for programs, or for CI.")]
VersionOption = Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and leave.")]


def run(arguments: Sequence[str]) -> int:
    """Run one command line, and give its exit code."""
    command = typer.main.get_command(app)
    try:
        code = command.main(list(arguments), prog_name="guardedbedrock", standalone_mode=False)
    except (ConfigurationError, _USAGE_ERROR) as error:
        _complain(error)
        return BAD_INPUT
    except typer.Abort:
        return INTERRUPTED
    return code if isinstance(code, int) else AS_HOPED


def _complain(error: Exception) -> None:
    said = " ".join(getattr(error, "format_message", error.__str__)().split())
    sys.stderr.write(f"guardedbedrock: {said[:1].lower()}{said[1:]}\n")


@app.callback()
def options(*, version: VersionOption = False) -> None:
    """Take the options that belong to no command."""


@app.command()
def demo(output: FormatOption = "text") -> int:
    """Walk real calls through the guard and a fake Bedrock on this machine, and show who decided what."""
    from guardedbedrock.cli.demo import command  # noqa: PLC0415 - loads boto3

    return command(output)


@app.command()
def simulate(  # noqa: PLR0913 - each is an option
    *,
    operation: Annotated[str, typer.Option(help="Such as Converse.")],
    params: Annotated[str, typer.Option(help="Parameters of the call as JSON, or @FILE to read them from.")] = "{}",
    config: Annotated[str | None, typer.Option(metavar="FILE", help="Configuration; guardedbedrock.toml unless given.")] = None,
    region: Annotated[str | None, typer.Option(help="Region of the client; the first approved guardrail's unless given.")] = None,
    using: Annotated[str | None, typer.Option(metavar="NAME", help="Choose among the approved guardrails.")] = None,
    output: FormatOption = "text",
) -> int:
    """Say what would become of a call, without making it. Exit code 1 when it would be denied."""
    from guardedbedrock.cli.simulate import Question, command  # noqa: PLC0415 - loads boto3

    return command(Question(operation, params, config, region, using), output)


@app.command()
def backstop(
    *,
    config: Annotated[str | None, typer.Option(metavar="FILE", help="Configuration; guardedbedrock.toml unless given.")] = None,
    api_keys: Annotated[ApiKeys, typer.Option(help="Which Bedrock API keys may call.")] = "allow",
    allow_mantle: Annotated[bool, typer.Option("--allow-mantle", help="Leave bedrock-mantle open.")] = False,
    deny_indirect: Annotated[bool, typer.Option("--deny-indirect", help="Deny agents, flows and batch jobs too.")] = False,
) -> int:
    """Print the IAM policy with which AWS refuses what goes round the guard. Exit code 1 when AWS would not take its size."""
    from guardedbedrock.cli.backstop import command  # noqa: PLC0415 - loads boto3

    return command(config, api_keys, allow_mantle=allow_mantle, deny_indirect=deny_indirect)


@app.command("test")
def policy_tests(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Case files, suites, globs or folders.")],
    *,
    output: ReportOption = "text",
    junit_xml: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a JUnit report there as well.")] = None,
) -> int:
    """Ask the policies of case files, and compare the answers. Exit code 1 when one differs."""
    from guardedbedrock.cli.policy_tests import command  # noqa: PLC0415 - loads the engine

    return command(files, output, junit_xml)


@app.command()
def serve(
    *,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Where to listen, on loopback; 0 is a port that nobody uses.")
    ] = 8484,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What there is and what goes wrong: TOML, YAML or JSON.")
    ] = None,
    tls: Annotated[bool, typer.Option("--tls", help="Serve HTTPS, which Bedrock API keys need.")] = False,
) -> int:
    """Serve a fake Bedrock to programs in any language, with a page that shows what arrives."""
    from guardedbedrock.cli.serve import command  # noqa: PLC0415 - loads botocore

    return command(port, config, tls=tls)
