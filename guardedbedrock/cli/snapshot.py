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
from guardedbedrock.iam import Account
from guardedbedrock.iam.account.account import describe_gap
from guardedbedrock.iam.account.snapshot import write_snapshot
from guardedbedrock.sources.access_changes import find_access_changes

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
    """

    file: Path
    principals: Sequence[str] = ()
    every: bool = False
    regions: Sequence[str] = ()


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
    snapshot = AccountReader.of_session(regions=arguments.regions).read(principals)
    if not snapshot["principals"]:
        raise ConfigurationError(_nothing_read(snapshot, principals))
    try:
        write_snapshot(snapshot, arguments.file)
    except OSError as error:
        raise ConfigurationError(f"{arguments.file}: cannot be written ({error.strerror}); correct the path") from None
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


def diff(before: str, after: str, output: str) -> int:
    """
    Print which principal gained or lost which action on which resource.

    Args:
        before: A snapshot or a dump of authorization details.
        after: A later one.
        output: ``text`` or ``json``.

    Returns:
        0 if no access changed, 1 if some did.

    Raises:
        ConfigurationError: A file is not usable.
    """
    changes = find_access_changes(Account.from_snapshot(Path(before)), Account.from_snapshot(Path(after)))
    if output == "json":
        write_json({"changes": [asdict(change) for change in changes]})
    else:
        lines = [f"{one.principal} {one.change} {one.action} on {one.resource}" for one in changes]
        sys.stdout.write("\n".join(lines or ["no access to Bedrock changed"]) + "\n")
    return EXIT_CHANGED if changes else EXIT_UNCHANGED
