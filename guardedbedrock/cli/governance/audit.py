"""``guardedbedrock audit``: grants that can be taken away, and guardrails that nothing requires."""

from __future__ import annotations

from collections.abc import Sequence

from guardedbedrock.cli.console import write_json
from guardedbedrock.cli.governance.lint import sarif, show_text
from guardedbedrock.governance.audit import RULES, audit
from guardedbedrock.governance.lint.run import worst


def command(snapshot: str, events: Sequence[str], config: str | None, output: str) -> int:
    """
    Audit a snapshot and print the findings.

    Returns:
        1 if there is an error or a warning, else 0.

    Raises:
        ConfigurationError: A file cannot be read.
    """
    findings = audit(snapshot, events, config)
    if output == "json":
        write_json([finding.as_data() for finding in findings])
    elif output == "sarif":
        write_json(sarif(findings, RULES))
    else:
        show_text(findings)
    return 1 if worst(findings) in ("error", "warning") else 0
