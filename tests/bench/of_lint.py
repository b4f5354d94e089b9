"""Measure the linter on a folder of policies, from the start of the process to its end."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any, Final

from measuring import Row, processor_time

POLICIES: Final = 1500
EXAMPLES: Final = Path(__file__).parents[2] / "docs" / "rules" / "examples.json"
RUN: Final = "import sys; from guardedbedrock.cli import main; main()"


def lint() -> Iterator[Row]:
    """Lint 1,500 files: the examples of all rules, each with another guardrail."""
    with tempfile.TemporaryDirectory() as folder:
        for number, example in enumerate(islice(cycle(_examples()), POLICIES)):
            text = json.dumps(example).replace("abc123def456", f"{number:012d}")
            Path(folder, f"{number}.json").write_text(text, "utf-8")
        command = [sys.executable, "-c", RUN, "lint", folder]
        taken = processor_time(lambda: subprocess.run(command, capture_output=True, check=False))  # noqa: S603  # a command of this benchmark
        yield Row("lint of 1,500 policies, the start included", 10, taken, "s")


def _examples() -> list[dict[str, Any]]:
    """Return the policies that are examples of rules, without those of size quotas."""
    rules = json.loads(EXAMPLES.read_text("utf-8")).values()
    return [example for rule in rules for example in (rule["fires"], rule["silent"]) if "repeat" not in example]
