"""``guardedbedrock init``: write a commented starter configuration."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from guardedbedrock.errors import ConfigurationError
from guardedbedrock.settings.settings import MODELS, Settings, check
from guardedbedrock.settings.writer import writing

_WIDTH: Final = 100
_HEADER: Final = """\
# Configuration of guardedbedrock. A line that starts with "# " followed by a key is a setting with its default or an example:
# remove the "# " to change it. Check the file with `guardedbedrock check`.
"""
_EXAMPLES: Final = {
    "max_age": "604800.0",
    "principal": '"arn:aws:iam::123456789012:role/App"',
    "role_arn": '"arn:aws:iam::123456789012:role/teams/App"',
    "context": '"aws:PrincipalOrgID" = "o-1234567890"',
    "profiles": '"arn:aws:bedrock:us-east-1:123456789012:prompt/ABCDEFGHIJ" = ["anthropic.claude-3-haiku-20240307-v1:0"]',
    "policies": 'identity = ["policies/*.json"]',
    "audit": 'file = "audit.jsonl"',
}
"""Examples of settings whose default is empty."""


@dataclass(frozen=True, slots=True)
class InitArguments:
    """
    The arguments of the command.

    Args:
        file: The file to write.
        guardrail_arn: ARN of the first approved guardrail.
        guardrail_version: Its version.
        force: Overwrite an existing file.
    """

    file: Path
    guardrail_arn: str
    guardrail_version: str
    force: bool


def command(arguments: InitArguments) -> int:
    """
    Write the configuration.

    Returns:
        0.

    Raises:
        ConfigurationError: The guardrail is invalid, the file exists, or it cannot be written.
    """
    path = arguments.file
    guardrail = {"arn": arguments.guardrail_arn, "version": arguments.guardrail_version}
    check(guardrails=[guardrail])
    if path.is_dir():
        raise ConfigurationError(f"{path}: is a folder; name a file in it, such as {path / 'guardedbedrock.toml'}")
    if (path.exists() or path.is_symlink()) and not arguments.force:
        raise ConfigurationError(f"{path}: the file exists; choose another name, or overwrite it with --force")
    with writing(path), path.open("w" if arguments.force else "x", encoding="utf-8") as file:
        file.write(starter(arguments.guardrail_arn, arguments.guardrail_version))
    sys.stdout.write(f"Wrote {path}. Set the guardrail in it, then run: guardedbedrock check {path}\n")
    return 0


def starter(arn: str, version: str) -> str:
    """Write a configuration with one guardrail, and every other setting as a comment with its default or an example."""
    fields = Settings.model_fields
    tables = {name for name in fields if name in MODELS or name in ("context", "profiles")}
    simple = (line for name in fields if name not in tables for line in _setting(name, fields[name]))
    # TOML assigns a key to the table above it, so the keys without a table come first.
    lines = [_HEADER, *simple, *_guardrail(fields["guardrails"], arn, version)]
    for name in fields:
        if name in tables and name != "guardrails":
            lines += _table(name, fields[name])
    return "\n".join(lines)


def _guardrail(field: FieldInfo, arn: str, version: str) -> Iterator[str]:
    yield from _comment(field.description)
    yield f"[[guardrails]]\narn = {json.dumps(arn)}\nversion = {json.dumps(version)}\n"


def _setting(name: str, field: FieldInfo) -> Iterator[str]:
    yield from _comment(field.description)
    yield f"# {name} = {_EXAMPLES.get(name) or _toml(field.get_default(call_default_factory=True))}\n"


def _table(name: str, field: FieldInfo) -> Iterator[str]:
    yield from _comment(field.description)
    model = MODELS.get(name)
    if name == "enforced":
        yield '# [[enforced]]\n# arn = "arn:aws:bedrock:us-east-1:123456789012:guardrail/def456abc123"\n# version = "1"\n'
        return
    yield f"# [{name}]"
    if name in _EXAMPLES:
        yield f"# {_EXAMPLES[name]}\n"
    elif model is not None:
        yield "\n".join(_defaults(model)) + "\n"


def _defaults(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield f"# {name} = {_toml(field.default)}  # {field.description}"


def _comment(text: str | None) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(text or "", _WIDTH)]


def _toml(value: Any) -> str:
    return json.dumps(sorted(value) if isinstance(value, frozenset) else value)
