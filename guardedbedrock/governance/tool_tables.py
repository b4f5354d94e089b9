"""The tables of a configuration that `Guard` ignores, because only ``lint`` and ``generate`` use them."""

from __future__ import annotations

from pathlib import Path

from guardedbedrock.governance.generate.guardrails import guardrail
from guardedbedrock.governance.generate.inputs import Inputs, read_definitions
from guardedbedrock.governance.lint.run import read_suppressions
from guardedbedrock.settings.reader import in_file


def check_tool_tables(file: Path) -> None:
    """
    Check ``[[lint.suppressions]]`` and ``[[guardrail_definitions]]`` of a configuration.

    Raises:
        ConfigurationError: A table is invalid.
        PolicySyntaxError: The resource-based policy of a definition is invalid.
    """
    read_suppressions(file)
    definitions = read_definitions(file)
    if definitions:
        with in_file(file):
            guardrail(Inputs(guardrails=(), definitions=definitions))
