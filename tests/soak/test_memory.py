"""A short part of `memory.py` for every test run; ``make soak`` calls 100,000 models."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("memory.py")


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="this system does not show the memory of a process")
def test_calls_to_ever_new_models_do_not_grow_the_process() -> None:
    models = os.environ.get("SOAK_MODELS", "2000")

    result = subprocess.run([sys.executable, str(SCRIPT), "--models", models], capture_output=True, text=True, check=False)  # noqa: S603

    assert result.returncode == 0, result.stdout + result.stderr
