"""``guardedbedrock generate``: write policies, guardrails, alarms and rules from the configuration."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import guardedbedrock
from guardedbedrock._nearest import suggest
from guardedbedrock.errors import ConfigurationError
from guardedbedrock.governance.generate.generators import GENERATORS, write
from guardedbedrock.governance.generate.inputs import read_inputs
from guardedbedrock.governance.generate.monitoring import github_workflow
from guardedbedrock.settings.layers import FILE

if TYPE_CHECKING:
    from guardedbedrock.governance.generate.artifact import ArtifactFormat

_WORKFLOW = "github-workflow"


def command(what: str, config: str | None, form: ArtifactFormat, folder: Path | None, tag_key: str) -> int:
    """
    Print an artifact, or write its files into a folder and print their names.

    Returns:
        0.

    Raises:
        ConfigurationError: The configuration is invalid, or the engine does not decide about the policy as it should.
    """
    generators = (*GENERATORS, _WORKFLOW)
    if what not in generators:
        raise ConfigurationError(f"`{what}` is not a generator; {suggest(what, generators, 'generators')}")
    path = config or (FILE if Path(FILE).exists() else None)
    if what == _WORKFLOW:
        artifact = github_workflow(guardedbedrock.__version__, path or FILE)
    else:
        artifact = GENERATORS[what](read_inputs(path, tag_key))
    if folder is None:
        sys.stdout.write(artifact.render(form))
    else:
        sys.stdout.writelines(f"{file}\n" for file in write(artifact, form, folder))
    return 0
