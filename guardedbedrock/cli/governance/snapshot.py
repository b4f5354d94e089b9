"""``guardedbedrock snapshot``: write what the account has into a file, and compare two such files."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from guardedbedrock.aws.sources.account import AccountReader
from guardedbedrock.cli.console import write_json
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.governance.proof.changes import find_guardrail_changes
from guardedbedrock.governance.proof.solving.solver import is_available
from guardedbedrock.iam import Account
from guardedbedrock.iam.account.account import describe_gap
from guardedbedrock.iam.account.snapshot import write_snapshot
from guardedbedrock.settings.writer import writing
from guardedbedrock.sources.access_changes import find_access_changes, find_unknown_changes, has_gaps

EXIT_UNCHANGED = 0
EXIT_CHANGED = 1


@dataclass(frozen=True, slots=True)
class SnapshotArguments:
    """
    The arguments of the command.

    Args:
        file: The file to write.
        principals: ARNs of users and roles, or ``caller``; empty for the caller.
        every: Read every principal of the account.
        regions: Regions whose guardrails and profiles are read; empty for the Region of the session.
        last_accessed: Also read when each principal last used Bedrock.
    """

    file: Path
    principals: Sequence[str] = ()
    every: bool = False
    regions: Sequence[str] = ()
    last_accessed: bool = False


def command(arguments: SnapshotArguments) -> int:
    """
    Read the account and write the snapshot and its digest.

    Returns:
        0. Each part that could not be read is printed with the statement that would allow it.

    Raises:
        ConfigurationError: The arguments contradict each other, no principal can be read, or a file cannot be written.
        SourceError: STS does not answer.
    """
    if arguments.every and arguments.principals:
        raise ConfigurationError("--all: cannot be combined with --principal; remove one of them")
    principals = None if arguments.every else tuple(arguments.principals) or ("caller",)
    snapshot = AccountReader.of_session(regions=arguments.regions).read(principals, last_accessed=arguments.last_accessed)
    if not snapshot["principals"]:
        raise ConfigurationError(_nothing_read(snapshot, principals))
    with writing(arguments.file):
        write_snapshot(snapshot, arguments.file)
    sys.stdout.write("\n".join(_summary(snapshot, arguments.file)) + "\n")
    return 0


def _nothing_read(snapshot: dict[str, Any], principals: Sequence[str] | None) -> str:
    gaps = [gap["api"] for gap in snapshot["gaps"] if gap["section"] in ("identity", "boundary")]
    if gaps:
        return f"no identity-based policy can be read; allow {' and '.join(dict.fromkeys(gaps))}"
    return f"the account {snapshot['account']} has no principal {', '.join(principals or ())}; correct --principal"


def _summary(snapshot: dict[str, Any], file: Path) -> Iterator[str]:
    yield f"wrote {file} and {file.name}.sha256"
    yield f"account {snapshot['account']}, {len(snapshot['principals'])} principals, {len(snapshot['guardrails'])} guardrails"
    for gap in snapshot["gaps"]:
        yield f"gap: {describe_gap(gap)}; allow {gap['statement']['Action']} on {gap['statement']['Resource']}"


@dataclass(frozen=True, slots=True)
class DiffArguments:
    """
    The arguments of ``snapshot diff``.

    Args:
        before: A snapshot or a dump of authorization details.
        after: A later one.
        output: ``text`` or ``json``.
        prove: Whether to prove for each principal that its calls carry an approved guardrail.
        approved: Guardrails that count as approved, for `prove`; every guardrail counts if it is empty.
    """

    before: str
    after: str
    output: str = "text"
    prove: bool = False
    approved: Sequence[str] = ()


def diff(arguments: DiffArguments) -> int:
    """
    Print which principal gained or lost which action on which resource.

    Returns:
        0 if no access changed, 1 if some did or if that is not known. With `prove`, also 1 if an answer changed or is unknown.

    Raises:
        ConfigurationError: A file is not usable, or `prove` is set and the solver is not installed.
    """
    if arguments.approved and not arguments.prove:
        raise ConfigurationError("--approved: only used with --prove; add --prove or remove it")
    if arguments.prove and not is_available():
        raise ConfigurationError("--prove: needs a solver; install guardedbedrock[proof]")
    before, after = (Account.from_snapshot(Path(one)) for one in (arguments.before, arguments.after))
    changes, unknown = find_access_changes(before, after), find_unknown_changes(before, after)
    proofs = tuple(find_guardrail_changes(before, after, arguments.approved)) if arguments.prove else ()
    if arguments.output == "json":
        data: dict[str, Any] = {"changes": [asdict(one) for one in changes], "unknown": [asdict(one) for one in unknown]}
        write_json({**data, "guardrails": [one.as_data() for one in proofs]} if arguments.prove else data)
    else:
        lines = [f"{one.principal} {one.change} {one.action} on {one.resource}" for one in changes]
        lines += [one.sentence for one in unknown]
        lines = lines or [_unchanged(before, after)]
        sys.stdout.write("\n".join([*lines, *(one.sentence for one in proofs)]) + "\n")
    return EXIT_CHANGED if changes or unknown or proofs else EXIT_UNCHANGED


def _unchanged(before: Account, after: Account) -> str:
    if has_gaps(before) or has_gaps(after):
        return "no access to Bedrock changed by the policies that could be read; both snapshots have the same gaps"
    return "no access to Bedrock changed"
