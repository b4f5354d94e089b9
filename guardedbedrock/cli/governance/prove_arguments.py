"""The arguments of ``guardedbedrock prove``. A command imports its implementation when it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from guardedbedrock.cli.command_group import CommandGroup
from guardedbedrock.cli.formats import LONGEST_TIMEOUT

if TYPE_CHECKING:
    from guardedbedrock.governance.proof.inputs import PolicyArguments

ProofFormat = Literal["text", "json", "sarif", "github"]

TIMEOUT: Final = 5.0  # s

prove = typer.Typer(
    name="prove",
    cls=CommandGroup,
    help="Prove a statement about policies for every request. Exit code 0 proved, 1 refuted, 3 unknown, 2 invalid input.",
    no_args_is_help=True,
)

Config = Annotated[str | None, typer.Option("--config", metavar="FILE", help="Configuration with the table policies.")]
Snapshot = Annotated[str | None, typer.Option("--snapshot", metavar="FILE", help="Snapshot of an account.")]
Principal = Annotated[str | None, typer.Option("--principal", metavar="ARN", help="The principal whose policies these are.")]
Every = Annotated[bool, typer.Option("--all", help="Ask for every principal of the snapshot.")]
Identity = Annotated[list[str] | None, typer.Option("--identity", metavar="FILE", help="Identity-based policy; may repeat.")]
Scp = Annotated[list[str] | None, typer.Option("--scp", metavar="FILE", help="SCP; several files are one level.")]
Rcp = Annotated[list[str] | None, typer.Option("--rcp", metavar="FILE", help="RCP; several files are one level.")]
Boundary = Annotated[list[str] | None, typer.Option("--boundary", metavar="FILE", help="Permissions boundary; may repeat.")]
Endpoint = Annotated[list[str] | None, typer.Option("--endpoint", metavar="FILE", help="VPC endpoint policy; may repeat.")]
Session = Annotated[list[str] | None, typer.Option("--session", metavar="FILE", help="Session policy; may repeat.")]
Assume = Annotated[
    list[str] | None, typer.Option("--assume", metavar="KEY=VALUE", help="A context key of every request; may repeat.")
]
Timeout = Annotated[
    float, typer.Option("--timeout", min=0.001, max=LONGEST_TIMEOUT, help="Limit of the solver for each part, in seconds.")
]
Format = Annotated[ProofFormat, typer.Option("--format", help="Output format.")]


def _arguments(  # noqa: PLR0913, PLR0917 - each is an option
    config: str | None,
    snapshot: str | None,
    principal: str | None,
    every: bool,  # noqa: FBT001
    identity: list[str] | None,
    scp: list[str] | None,
    rcp: list[str] | None,
    boundary: list[str] | None,
    endpoint: list[str] | None,
    session: list[str] | None,
    approved: list[str] | None = None,
    exempt: list[str] | None = None,
) -> PolicyArguments:
    from guardedbedrock.governance.proof.inputs import PolicyArguments  # noqa: PLC0415 - imports pydantic

    files = {
        "identity": identity or [],
        "scp": scp or [],
        "rcp": rcp or [],
        "boundary": boundary or [],
        "endpoint": endpoint or [],
        "session": session or [],
    }
    return PolicyArguments(config, snapshot, principal, every, files, approved or (), exempt or ())


@prove.command("guardrail-required")
def guardrail_required(  # noqa: PLR0913 - each is an option
    *,
    config: Config = None,
    snapshot: Snapshot = None,
    principal: Principal = None,
    every: Every = False,
    identity: Identity = None,
    scp: Scp = None,
    rcp: Rcp = None,
    boundary: Boundary = None,
    endpoint: Endpoint = None,
    session: Session = None,
    approved: Annotated[
        list[str] | None, typer.Option("--approved", metavar="ARN[:VERSION]", help="Approved guardrail; an ARN means its DRAFT.")
    ] = None,
    exempt: Annotated[
        list[str] | None,
        typer.Option("--exempt-model", metavar="PATTERN", help="Model that takes no guardrail, such as amazon.titan-embed-*."),
    ] = None,
    assume: Assume = None,
    timeout: Timeout = TIMEOUT,
    output: Format = "text",
) -> int:
    """Is every inference request denied unless it carries an approved guardrail?"""
    from guardedbedrock.cli.governance.prove import Question, for_each, options  # noqa: PLC0415 - imports the policy engine

    given = _arguments(config, snapshot, principal, every, identity, scp, rcp, boundary, endpoint, session, approved, exempt)
    question = Question("guardrail-required", options(timeout, assume or ()), given.approved_keys(), given.exempt_models())
    return for_each(given, question, output)


@prove.command("never")
def never(  # noqa: PLR0913 - each is an option
    action: Annotated[str, typer.Argument(help="Action or pattern, such as bedrock:DeleteGuardrail.")],
    resource: Annotated[str, typer.Argument(help="ARN or pattern.")] = "*",
    *,
    when: Annotated[
        list[str] | None, typer.Option("--when", metavar="KEY=VALUE", help="Limit the question to this value.")
    ] = None,
    config: Config = None,
    snapshot: Snapshot = None,
    principal: Principal = None,
    identity: Identity = None,
    scp: Scp = None,
    rcp: Rcp = None,
    boundary: Boundary = None,
    endpoint: Endpoint = None,
    session: Session = None,
    assume: Assume = None,
    timeout: Timeout = TIMEOUT,
    output: Format = "text",
) -> int:
    """Is an action never allowed on a resource?"""
    from guardedbedrock.cli.governance.prove import options, pair, show  # noqa: PLC0415 - imports the policy engine
    from guardedbedrock.governance.proof import questions  # noqa: PLC0415

    given = _arguments(config, snapshot, principal, False, identity, scp, rcp, boundary, endpoint, session)  # noqa: FBT003
    limits = dict(pair(text, "--when") for text in when or ())
    policies = next(given.read())
    answer = questions.never(policies, action, resource, limits, options(timeout, assume or ()))
    return show(answer, output, given.source)


@prove.command("always-allowed")
def always_allowed(  # noqa: PLR0913 - each is an option
    calls: Annotated[str, typer.Argument(metavar="CALLS-FILE", help="JSON or YAML file of calls that must stay allowed.")],
    *,
    config: Config = None,
    snapshot: Snapshot = None,
    principal: Principal = None,
    identity: Identity = None,
    scp: Scp = None,
    rcp: Rcp = None,
    boundary: Boundary = None,
    endpoint: Endpoint = None,
    session: Session = None,
    assume: Assume = None,
    timeout: Timeout = TIMEOUT,
    output: Format = "text",
) -> int:
    """Do calls stay allowed for every value of the keys that are not known?"""
    from guardedbedrock.cli.governance.prove import options, show  # noqa: PLC0415 - imports the policy engine
    from guardedbedrock.governance.proof import questions  # noqa: PLC0415
    from guardedbedrock.governance.proof.calls import requests_of  # noqa: PLC0415

    given = _arguments(config, snapshot, principal, False, identity, scp, rcp, boundary, endpoint, session)  # noqa: FBT003
    policies = next(given.read())
    requests = requests_of(calls, policies, given.guardrails())
    return show(questions.always_allowed(policies, requests, options(timeout, assume or ())), output, given.source)


@prove.command("unreachable")
def unreachable(  # noqa: PLR0913 - each is an option
    *,
    config: Config = None,
    snapshot: Snapshot = None,
    principal: Principal = None,
    every: Every = False,
    identity: Identity = None,
    scp: Scp = None,
    rcp: Rcp = None,
    boundary: Boundary = None,
    endpoint: Endpoint = None,
    session: Session = None,
    assume: Assume = None,
    timeout: Timeout = TIMEOUT,
    output: Format = "text",
) -> int:
    """Can every statement apply to some request? Lists the statements that cannot."""
    from guardedbedrock.cli.governance.prove import Question, for_each, options  # noqa: PLC0415 - imports the policy engine

    given = _arguments(config, snapshot, principal, every, identity, scp, rcp, boundary, endpoint, session)
    return for_each(given, Question("unreachable", options(timeout, assume or ())), output)


@prove.command("no-new-access")
def no_new_access(  # noqa: PLR0913 - each is an option
    old: Annotated[str, typer.Argument(metavar="OLD", help="A policy, policies by type, a snapshot or a configuration.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The new policies, in the same forms.")],
    *,
    principal: Principal = None,
    assume: Assume = None,
    timeout: Timeout = TIMEOUT,
    output: Format = "text",
) -> int:
    """Do new policies allow nothing that the old ones do not allow?"""
    from guardedbedrock.cli.governance.prove import options, show  # noqa: PLC0415 - imports the policy engine
    from guardedbedrock.governance.proof import questions  # noqa: PLC0415
    from guardedbedrock.governance.proof.inputs import read_versions  # noqa: PLC0415

    versions = read_versions(old, new, principal)
    return show(questions.no_new_access(*versions, options(timeout, assume or ())), output, new)


@prove.command("equivalent")
def equivalent(  # noqa: PLR0913 - each is an option
    first: Annotated[str, typer.Argument(metavar="A", help="A policy, policies by type, a snapshot, or a configuration.")],
    second: Annotated[str, typer.Argument(metavar="B", help="The same for the other version.")],
    *,
    principal: Principal = None,
    assume: Assume = None,
    timeout: Timeout = TIMEOUT,
    output: Format = "text",
) -> int:
    """Do two versions of policies allow the same requests?"""
    from guardedbedrock.cli.governance.prove import options, show  # noqa: PLC0415 - imports the policy engine
    from guardedbedrock.governance.proof import questions  # noqa: PLC0415
    from guardedbedrock.governance.proof.inputs import read_versions  # noqa: PLC0415

    versions = read_versions(first, second, principal)
    return show(questions.equivalent(*versions, options(timeout, assume or ())), output, second)
