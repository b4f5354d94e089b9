"""The commands and most arguments. A command imports its implementation when it runs, so that ``--help`` starts quickly."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

import guardedbedrock
from guardedbedrock.cli.command_group import CommandGroup
from guardedbedrock.cli.formats import LONGEST_TIMEOUT, OutputFormat, ReportFormat
from guardedbedrock.cli.governance.prove_arguments import prove
from guardedbedrock.cli.governance.replay_arguments import replay
from guardedbedrock.cli.governance.snapshot_arguments import snapshot
from guardedbedrock.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

ApiKeys = Literal["allow", "short-term", "deny"]
AccessFormat = Literal["html", "json", "csv"]
AuditFormat = Literal["text", "json", "sarif"]
GeneratedForm = Literal["json", "cloudformation", "terraform"]
LintedType = Literal["identity", "boundary", "session", "scp", "rcp", "endpoint", "resource"]
TranslatedType = Literal["identity", "boundary", "session", "scp"]

EXIT_OK: Final = 0
EXIT_INVALID_INPUT: Final = 2
EXIT_INTERRUPTED: Final = 130
_NUMBER_PROBLEMS: Final = (
    ("Input should be a valid integer, unable to parse string as an integer", "must be a whole number"),
    ("Input should be a valid number, unable to parse string as a number", "must be a number"),
    ("Input should be greater than or equal to ", "must be at least "),
    ("Input should be less than or equal to ", "must be at most "),
    ("Input should be ", "must be "),
)
"""Parts of typer's messages about the value of an option, with the wording of this program."""
_USAGE_ERROR: Final[type[Exception]] = typer.BadParameter.__mro__[1]  # click's UsageError; newer typer brings its own click


def _print_version(requested: bool) -> None:  # noqa: FBT001 - typer calls option callbacks with a positional value
    if requested:
        typer.echo(f"guardedbedrock {guardedbedrock.__version__}")
        raise typer.Exit


app = typer.Typer(
    name="guardedbedrock",
    cls=CommandGroup,
    help="Guardrails and IAM for Amazon Bedrock: configure a guard, simulate calls, test policies, serve a fake Bedrock.",
    invoke_without_command=True,
)

ConfigOption = Annotated[
    str | None, typer.Option("--config", metavar="FILE", help="Configuration file.", show_default="guardedbedrock.toml")
]
OutputOption = Annotated[OutputFormat, typer.Option("--format", help="Output format.")]
ReportOption = Annotated[ReportFormat, typer.Option("--format", help="Output format: for people, for programs, or for CI.")]
AuditOption = Annotated[AuditFormat, typer.Option("--format", help="Output format.")]
VersionOption = Annotated[bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")]


def run(arguments: Sequence[str]) -> int:
    """
    Run one command line.

    Args:
        arguments: The arguments after the program name.

    Returns:
        The exit code. Invalid input is one line on stderr, never a traceback.
    """
    command = typer.main.get_command(app)
    try:
        code = command.main(list(arguments), prog_name="guardedbedrock", standalone_mode=False)
    except (ConfigurationError, _USAGE_ERROR) as error:
        _print_error(error)
        return EXIT_INVALID_INPUT
    except typer.Abort:
        return EXIT_INTERRUPTED
    return code if isinstance(code, int) else EXIT_OK


def _print_error(error: Exception) -> None:
    message = " ".join(getattr(error, "format_message", error.__str__)().split())
    message = message.replace("Value error, ", "") or "missing command; name one of the commands above"
    for theirs, ours in _NUMBER_PROBLEMS if isinstance(error, _USAGE_ERROR) else ():
        message = message.replace(theirs, ours)
    sys.stderr.write(f"guardedbedrock: {message[:1].lower()}{message[1:]}\n")


@app.callback()
def options(context: typer.Context, *, version: VersionOption = False) -> None:  # noqa: ARG001 - the option's callback reads it
    """Handle the options that belong to no command; without a command, print the help."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def init(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="File to write.")] = Path("guardedbedrock.toml"),
    *,
    guardrail_arn: Annotated[
        str, typer.Option(metavar="ARN", help="ARN of the approved guardrail, without the version.")
    ] = "arn:aws:bedrock:us-east-1:123456789012:guardrail/abc123def456",
    guardrail_version: Annotated[str, typer.Option(metavar="VERSION", help="Published version of the guardrail.")] = "1",
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
) -> int:
    """Write a starter configuration with every setting as a comment."""
    from guardedbedrock.cli.application.init import InitArguments, command  # noqa: PLC0415 - imports pydantic

    return command(InitArguments(file, guardrail_arn, guardrail_version, force))


@app.command()
def check(
    file: Annotated[str | None, typer.Argument(metavar="FILE", help="Configuration file.", show_default="as --config")] = None,
    *,
    config: ConfigOption = None,
    output: OutputOption = "text",
) -> int:
    """Validate a configuration and the files that it names, and summarize it. Exit code 2 if it is invalid."""
    from guardedbedrock.cli.application.check import command  # noqa: PLC0415 - imports boto3

    return command(file or config, output)


@app.command()
def demo(
    *,
    every: Annotated[bool, typer.Option("--all", help="Play every scenario instead of the story; JSON always has all.")] = False,
    output: OutputOption = "text",
) -> int:
    """Run example calls through a guard and a fake Bedrock on this machine. Exit code 1 if one ends unexpectedly."""
    from guardedbedrock.cli.demo import command  # noqa: PLC0415 - imports boto3

    return command(output, every=every)


@app.command()
def simulate(  # noqa: PLR0913 - each parameter is an option
    *,
    operation: Annotated[str, typer.Option(help="Operation to simulate, such as Converse.")],
    params: Annotated[str, typer.Option(help="Parameters of the call as JSON, or @FILE to read them from a file.")] = "{}",
    config: ConfigOption = None,
    region: Annotated[
        str | None, typer.Option(help="Region of the client.", show_default="region of the first approved guardrail")
    ] = None,
    using: Annotated[
        str | None, typer.Option(metavar="NAME", help="Approved guardrail to inject.", show_default="the first one")
    ] = None,
    output: OutputOption = "text",
) -> int:
    """Show what the guard does with a call, without sending it. Exit code 1 if the policies deny it or the guard refuses it."""
    from guardedbedrock.cli.application.simulate import SimulateArguments, command  # noqa: PLC0415 - imports boto3

    return command(SimulateArguments(operation, params, config, region, using), output)


@app.command()
def backstop(
    *,
    config: ConfigOption = None,
    api_keys: Annotated[ApiKeys, typer.Option(help="Bedrock API keys that may call models.")] = "allow",
    allow_mantle: Annotated[bool, typer.Option("--allow-mantle", help="Do not deny the bedrock-mantle endpoint.")] = False,
    deny_indirect: Annotated[bool, typer.Option("--deny-indirect", help="Also deny agents, flows and batch jobs.")] = False,
) -> int:
    """Print the IAM policy with which AWS denies model calls without an approved guardrail. Exit code 1 if it is too large."""
    from guardedbedrock.cli.application.backstop import command  # noqa: PLC0415 - imports boto3

    return command(config, api_keys, allow_mantle=allow_mantle, deny_indirect=deny_indirect)


@app.command("test")
def policy_tests(
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="Case files, suites, globs or folders.")],
    *,
    output: ReportOption = "text",
    junit_xml: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write a JUnit report to this file.")] = None,
) -> int:
    """Evaluate the policies of case files and compare the decisions with the expected ones. Exit code 1 if one differs."""
    from guardedbedrock.cli.policy_tests import command  # noqa: PLC0415 - imports the policy engine

    return command(files, output, junit_xml)


@app.command()
def lint(  # noqa: PLR0913 - each parameter is an option
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH...", help="Files or folders: policies, templates, plans, snapshots.")
    ],
    *,
    config: Annotated[
        str | None, typer.Option("--config", metavar="FILE", help="Configuration with the tables lint.suppressions.")
    ] = None,
    policy_type: Annotated[
        LintedType | None, typer.Option("--type", help="Type of the policies.", show_default="identity, or resource")
    ] = None,
    select: Annotated[
        list[str] | None, typer.Option(metavar="RULE,...", help="Run only these rules: a code, or its beginning.")
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option(metavar="RULE,...", help="Leave these rules out: a code, or its beginning.")
    ] = None,
    together: Annotated[bool, typer.Option("--together", help="All policies apply to one principal.")] = False,
    baseline: Annotated[Path | None, typer.Option(metavar="FILE", help="Do not report the findings of this file.")] = None,
    write_baseline: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the findings to this file.")] = None,
    output: ReportOption = "text",
) -> int:
    """Find what is wrong in IAM policies for Bedrock. Exit code 1 if there is an error or a warning."""
    from guardedbedrock.cli.governance.lint import LintArguments, command  # noqa: PLC0415 - imports the policy engine

    rules = _codes(select), _codes(ignore)
    return command(LintArguments(tuple(paths), config, policy_type, *rules, together, baseline, write_baseline), output)


def _codes(given: list[str] | None) -> tuple[str, ...]:
    """Return the codes of an option that can be repeated, and whose values can be lists."""
    return tuple(code.strip() for one in given or () for code in one.split(",") if code.strip())


@app.command()
def translate(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A policy with bedrock:InvokeModelWithGuardrail.")],
    *,
    pairs: Annotated[
        list[str] | None, typer.Option("--map", metavar="OLD=NEW", help="Guardrail ID in the policy, and its ID in AWS.")
    ] = None,
    policy_type: Annotated[TranslatedType, typer.Option("--type", help="Type of the policy.")] = "identity",
    output: OutputOption = "text",
) -> int:
    """Rewrite a policy that uses bedrock:InvokeModelWithGuardrail for AWS. Exit code 1 if something could not be kept."""
    from guardedbedrock.cli.governance.translate import command  # noqa: PLC0415 - imports the policy engine

    return command(file, pairs or (), policy_type, output)


@app.command()
def generate(
    what: Annotated[str, typer.Argument(metavar="WHAT", help="What to generate, such as invoke-policy; see docs/governance.md.")],
    *,
    config: ConfigOption = None,
    form: Annotated[GeneratedForm, typer.Option("--format", help="Form of the output.")] = "json",
    folder: Annotated[Path | None, typer.Option("-o", "--output", metavar="DIR", help="Folder to write into.")] = None,
    tag_key: Annotated[str, typer.Option(metavar="KEY", help="Tag that names the owner of a guardrail.")] = "Team",
) -> int:
    """Generate policies, guardrails, alarms or rules from the configuration; the engine checks each policy first."""
    from guardedbedrock.cli.governance.generate import command  # noqa: PLC0415 - imports pydantic

    return command(what, config, form, folder, tag_key)


@app.command()
def audit(
    *,
    snapshot_file: Annotated[str, typer.Option("--snapshot", metavar="FILE", help="Snapshot of the account.")],
    events: Annotated[list[str] | None, typer.Option(metavar="PATH", help="CloudTrail files or folders.")] = None,
    config: ConfigOption = None,
    output: AuditOption = "text",
) -> int:
    """Find grants that were never used and guardrails that nothing requires. Exit code 1 if there is a warning."""
    from guardedbedrock.cli.governance.audit import command  # noqa: PLC0415 - imports the policy engine

    return command(snapshot_file, events or (), config, output)


@app.command()
def report(  # noqa: PLR0913 - each parameter is an option
    *,
    snapshot_file: Annotated[Path | None, typer.Option("--snapshot", metavar="FILE", help="Snapshot of the account.")] = None,
    config: Annotated[
        str | None,
        typer.Option("--config", metavar="FILE", help="Configuration with the table policies, instead of a snapshot."),
    ] = None,
    file: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="File to write.", show_default="standard output")
    ] = None,
    output: Annotated[
        AccessFormat | None, typer.Option("--format", help="Output format.", show_default="ending of the file, or html")
    ] = None,
    approved: Annotated[
        list[str] | None,
        typer.Option(metavar="ARN:VERSION", help="Approved guardrail; may repeat.", show_default="those of the snapshot"),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="Model to report on; may repeat.", show_default="those that policies and profiles name"),
    ] = None,
    proof: Annotated[bool, typer.Option("--proof/--no-proof", help="Add proofs; needs the extra proof.")] = True,
    timeout: Annotated[float, typer.Option(min=0.1, max=LONGEST_TIMEOUT, help="Seconds for each part of a proof.")] = 5.0,
) -> int:
    """Report which principals can call which models, with an approved guardrail, with another one and without one."""
    from guardedbedrock.cli.governance.report import ReportArguments, command  # noqa: PLC0415 - imports the policy engine

    return command(ReportArguments(snapshot_file, config, file, output, approved or (), model or (), proof, timeout))


@app.command()
def serve(
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 selects a free port.")] = 8484,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Guardrails, policies, replies, denials and faults of the server, in TOML, YAML or JSON."
        ),
    ] = None,
    tls: Annotated[bool, typer.Option("--tls", help="Serve HTTPS, which Bedrock API keys require.")] = False,
    replay: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Answer from recorded exchanges: cassettes of vcrpy, or the files of --record."),
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write all exchanges to this folder. They contain prompts and responses."),
    ] = None,
) -> int:
    """Serve a fake Bedrock for programs in any language, with a page that shows the requests."""
    from guardedbedrock.cli.serve import command  # noqa: PLC0415 - imports botocore

    return command(port, config, tls=tls, replay=replay, record=record)


app.add_typer(prove)
app.add_typer(snapshot)


@app.command()
def doctor(*, config: ConfigOption = None, output: OutputOption = "text") -> int:
    """Show identity, sources, gaps, guardrails and a simulated call. Exit code 0 healthy, 1 findings, 2 unusable."""
    from guardedbedrock.cli.application.doctor import command  # noqa: PLC0415 - imports boto3

    return command(config, output)


@app.command()
def invoke(  # noqa: PLR0913 - each parameter is an option
    prompt: Annotated[str | None, typer.Argument(metavar="PROMPT", help="The prompt.")] = None,
    *,
    model: Annotated[str, typer.Option(metavar="ID", help="ID or ARN of the model or inference profile.")],
    guardrail: Annotated[
        str | None, typer.Option(metavar="NAME", help="Approved guardrail to send.", show_default="the first one")
    ] = None,
    stream: Annotated[bool, typer.Option("--stream", help="Print the reply while it arrives.")] = False,
    body: Annotated[Path | None, typer.Option(metavar="FILE", help="Body of InvokeModel, instead of PROMPT.")] = None,
    config: ConfigOption = None,
    region: Annotated[
        str | None, typer.Option(help="Region of the client.", show_default="region of the first approved guardrail")
    ] = None,
) -> int:
    """Call a model as the library does. A denial prints the explanation; exit code 1."""
    from guardedbedrock.cli.application.invoke import InvokeArguments, command  # noqa: PLC0415 - imports boto3

    return command(InvokeArguments(model, prompt, guardrail, stream, body, config, region))


guardrails = typer.Typer(name="guardrails", cls=CommandGroup, help="The guardrails of the account.", no_args_is_help=True)


@guardrails.command("list")
def list_guardrails(
    *,
    config: ConfigOption = None,
    region: Annotated[
        list[str] | None, typer.Option(help="Region to read; may repeat.", show_default="regions of the approved guardrails")
    ] = None,
    output: OutputOption = "text",
) -> int:
    """List the guardrails of the account, and which versions the configuration approves."""
    from guardedbedrock.cli.application.guardrails import list_guardrails as command  # noqa: PLC0415 - imports boto3

    return command(config, region or [], output)


app.add_typer(guardrails)
app.command()(replay)
