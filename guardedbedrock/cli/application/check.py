"""``guardedbedrock check``: validate a configuration with everything that it names, and summarize it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from guardedbedrock.cli.application.inspected_guard import inspected_guard
from guardedbedrock.cli.console import write_json
from guardedbedrock.governance.tool_tables import check_tool_tables
from guardedbedrock.settings.layers import used_file
from guardedbedrock.sources.live import LiveSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from guardedbedrock import Guard


def command(config: str | None, output: str) -> int:
    """
    Validate a configuration with its policy files, the environment and the tables for tools. AWS is not called.

    Returns:
        0.

    Raises:
        ConfigurationError: The configuration is invalid; the message gives the location.
    """
    found = summary(inspected_guard(config))
    file = used_file(config, os.environ, Path.cwd())
    if file is not None:
        check_tool_tables(file)
    if output == "json":
        write_json(found)
    else:
        sys.stdout.write("\n".join(text_lines(found)) + "\n")
    return 0


def summary(guard: Guard) -> dict[str, Any]:
    """Summarize a guard: its mode, guardrails, policies and source. The source is not read."""
    rules = guard._rules  # noqa: SLF001  # the rules without what the source has
    source = rules.source if isinstance(rules.source, LiveSource) else None
    documents = [] if rules.policies is None else [(kind, str(document.name)) for kind, document in rules.policies]
    return {
        "valid": True,
        "mode": rules.mode,
        "guardrails": [{"arn": one.arn, "version": one.version, "name": one.name} for one in rules.approved],
        "policies": [{"policyType": kind, "policy": name} for kind, name in documents],
        "source": None if source is None else source.name,
        "unguarded": {"models": list(rules.models_without_guardrail), "operations": sorted(rules.allow_unguarded)},
        "checksPolicies": rules.needs_principal,
    }


def text_lines(found: dict[str, Any]) -> Iterator[str]:
    """Format the summary for a terminal."""
    yield "The configuration is valid."
    yield f"mode: {found['mode']}"
    yield from (f"guardrail: {one['arn']} version {one['version']} ({one['name']})" for one in found["guardrails"])
    yield from (f"policy: {one['policyType']} {one['policy']}" for one in found["policies"])
    yield from (f"sent without a guardrail: models `{pattern}`" for pattern in found["unguarded"]["models"])
    yield from (f"sent without a guardrail: {operation}" for operation in found["unguarded"]["operations"])
    if found["source"]:
        yield f"source: {found['source']}; `guardedbedrock doctor` reads it"
    if found["mode"] == "off":
        yield "nothing is checked, and no guardrail is added"
    elif not found["checksPolicies"]:
        yield "policies: none; only the list of approved guardrails is checked"
