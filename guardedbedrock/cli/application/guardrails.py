"""``guardedbedrock guardrails list``: the guardrails of the account, and which of them are approved."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from guardedbedrock.aws.sources.account import AccountReader
from guardedbedrock.cli.application.inspected_guard import inspected_guard
from guardedbedrock.cli.console import write_json
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.iam.account.account import describe_gap, gap_fix

if TYPE_CHECKING:
    from collections.abc import Iterable

    from guardedbedrock import Guardrail


def list_guardrails(config: str | None, regions: list[str], output: str) -> int:
    """
    Print every guardrail of the account with its versions, and whether the configuration approves one.

    Args:
        config: Configuration file; None looks where `Guard.from_config` looks.
        regions: Regions to read; empty for the Regions of the approved guardrails, or that of the session.
        output: ``text`` or ``json``.

    Returns:
        0.

    Raises:
        ConfigurationError: The configuration is invalid, or the guardrails may not be listed.
    """
    approved = inspected_guard(config).rules.approved
    wanted = regions or sorted({guardrail.region for guardrail in approved})
    found = AccountReader.of_session(regions=wanted).read_guardrails()
    unread = next((gap for gap in found["gaps"] if gap["section"] == "guardrails"), None)
    if unread is not None:
        raise ConfigurationError(f"{describe_gap(unread)}; {gap_fix(unread)}")
    rows = [_row(guardrail, approved) for guardrail in found["guardrails"]]
    if output == "json":
        write_json({"guardrails": rows})
    else:
        sys.stdout.write("\n".join(map(_line, rows)) + "\n" if rows else "the account has no guardrail\n")
    return 0


def _row(guardrail: dict[str, Any], approved: Iterable[Guardrail]) -> dict[str, Any]:
    names = ("name", "id", "arn", "region", "status", "tags")
    versions = [one["version"] for one in guardrail["versions"]]
    # A configuration may approve several versions of one guardrail under different names, or one version for several models.
    approved_versions = list(dict.fromkeys(one.version for one in approved if one.arn == guardrail["arn"]))
    return {**{name: guardrail[name] for name in names}, "versions": versions, "approvedVersions": approved_versions}


def _line(row: dict[str, Any]) -> str:
    approved = f"approved: {', '.join(row['approvedVersions'])}" if row["approvedVersions"] else "not approved"
    return f"{row['name']} ({row['id']}) in {row['region']}: {row['status']}, versions {', '.join(row['versions'])}, {approved}"
