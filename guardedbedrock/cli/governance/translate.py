"""``guardedbedrock translate``: rewrite a policy that uses ``bedrock:InvokeModelWithGuardrail`` for AWS."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from guardedbedrock.cli.console import write_json
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.governance.lint.read import read_source
from guardedbedrock.governance.translate import translate

if TYPE_CHECKING:
    from guardedbedrock.cli.formats import OutputFormat
    from guardedbedrock.iam import PolicyType


def command(file: str, pairs: Sequence[str], policy_type: PolicyType, output: OutputFormat) -> int:
    """
    Print the translated policy on stdout, and what changed on stderr.

    Args:
        file: A policy in JSON or YAML.
        pairs: Guardrail IDs in the policy with their IDs in AWS, such as ``G-HR=abc123def456``.
        policy_type: Type of the policy.
        output: ``text`` prints the policy alone, ``json`` prints the policy and the changes as one object.

    Returns:
        1 if something could not be kept, or a call is decided differently; else 0.
    """
    data = read_source(Path(file)).data
    if not isinstance(data, Mapping) or "Statement" not in data:
        raise ConfigurationError(f"{file}: is not a policy; name a policy document")
    translation = translate(data, dict(map(_pair, pairs)), policy_type)
    if output == "json":
        write_json(translation.as_data())
    else:
        write_json(dict(translation.policy))
        sys.stderr.writelines(f"changed: {one}\n" for one in translation.changes)
        sys.stderr.writelines(f"not kept: {one}\n" for one in translation.lost)
        sys.stderr.writelines(f"decided differently: {one}\n" for one in translation.differences)
    return 1 if translation.lost or translation.differences else 0


def _pair(text: str) -> tuple[str, str]:
    old, equals, new = text.partition("=")
    if not (old and equals and new):
        raise ConfigurationError(f"--map {text}: write OLD=NEW, as in G-HR-Compliance=abc123def456")
    return old, new
