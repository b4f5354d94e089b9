"""Runs the command line as a user does: a process of its own, with its exit code and both of its outputs."""

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


class Ran(NamedTuple):
    """What a process left."""

    code: int
    out: str
    err: str


def run(cwd: Path, *arguments: str, script: str = SCRIPT, **environ: str) -> Ran:
    """Run the command line in a folder; a warning is an error there too."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GUARDEDBEDROCK_", "COLUMNS"))}
    command = [sys.executable, "-W", "error", "-c", script, *arguments]
    done = subprocess.run(  # noqa: S603 - our own
        command, cwd=cwd, env=kept | environ, capture_output=True, text=True, timeout=60, check=False
    )
    return Ran(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def cli(tmp_path: Path) -> Callable[..., Ran]:
    """Run the command line in the test's own folder."""
    return lambda *arguments, **options: run(tmp_path, *arguments, **options)
