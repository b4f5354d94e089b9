"""Run the command line as a user does: in a separate process, with its exit code, stdout and stderr."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SCRIPT = "import sys; from guardedbedrock.cli import main; sys.exit(main())"


class Completed(NamedTuple):
    """The exit code and output of a process."""

    code: int
    out: str
    err: str


def run(cwd: Path, *arguments: str, script: str = SCRIPT, **environ: str) -> Completed:
    """Run the command line in a folder; warnings are errors there too."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GUARDEDBEDROCK_", "COLUMNS"))}
    command = [sys.executable, "-W", "error", "-c", script, *arguments]
    process = subprocess.run(  # noqa: S603 - a command of this test
        command, cwd=cwd, env=inherited | environ, capture_output=True, text=True, timeout=60, check=False
    )
    return Completed(process.returncode, process.stdout, process.stderr)


@pytest.fixture
def cli(tmp_path: Path) -> Callable[..., Completed]:
    """Run the command line in the temporary folder of the test."""
    return lambda *arguments, **options: run(tmp_path, *arguments, **options)
