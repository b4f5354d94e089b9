"""The table of generators, and how their files are written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from guardedbedrock.errors import ConfigurationError
from guardedbedrock.governance.generate import config_rule, guardrails, monitoring, policies
from guardedbedrock.governance.generate.artifact import FORMS, Artifact, ArtifactFormat
from guardedbedrock.governance.generate.inputs import Inputs
from guardedbedrock.settings.writer import writing

GENERATORS: Final[Mapping[str, Callable[[Inputs], Artifact]]] = {
    "invoke-policy": policies.invoke_policy,
    "manage-policy": policies.manage_policy,
    "audit-policy": policies.audit_policy,
    "boundary": policies.boundary,
    "scp": policies.scp,
    "enforcement": guardrails.enforcement,
    "guardrail": guardrails.guardrail,
    "alarm": monitoring.alarm,
    "config-rule": config_rule.config_rule,
    "invocation-logging": monitoring.invocation_logging,
}
"""Generator by name; ``github-workflow`` needs no configuration and is separate."""


def write(artifact: Artifact, form: ArtifactFormat, folder: Path) -> tuple[Path, ...]:
    """
    Write an artifact into a folder.

    Args:
        artifact: What to write.
        form: Its form; an artifact that has only files ignores it.
        folder: The folder; it is created.

    Returns:
        The files, in their order.

    Raises:
        ConfigurationError: The artifact has no such form, or a file cannot be written.
    """
    contents: dict[str, bytes] = {}
    if any((artifact.document is not None, artifact.resources, artifact.terraform)):
        contents[artifact.file_name(form)] = artifact.render(form).encode()
    contents |= artifact.files
    if folder.exists() and not folder.is_dir():
        raise ConfigurationError(f"{folder}: not a folder; name the folder to write into")
    written = []
    for name, content in contents.items():
        path = folder / name
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        written.append(path)
    return tuple(written)


__all__ = ["FORMS", "GENERATORS", "write"]
