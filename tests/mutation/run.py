"""
Run mutation testing of the engine's deciding modules in a copy of the tree: ``make mutate``.

The exit code is 1 when fewer than 90 % of the mutants are killed. Each survivor is reviewed: either a new test kills it, or
``survivors.json`` lists it with a reason. A listed survivor still counts as a survivor.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from mutants import Mutant, change, mutants

ROOT: Final = Path(__file__).parents[2]
ENGINE: Final = Path("guardedbedrock/iam")
DECIDING: Final = (
    "matching/arns",
    "matching/conditions",
    "matching/logic",
    "matching/operators",
    "matching/patterns",
    "matching/principals",
    "matching/resources",
    "matching/variables",
    "engine/statements",
    "engine/plan",
    "engine/authorizer",
)
KNOWN: Final = Path(__file__).with_name("survivors.json")
LEAST: Final = 0.9
TIMEOUT: Final = 60.0
SAMPLE: Final = 200
SEED: Final = 3


class TreeCopy:
    """A copy of the tree in which one module at a time is changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for part in ("guardedbedrock", "tests"):
            shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", folder)

    def source(self, module: str) -> str:
        """Read a module of the engine."""
        return (self._folder / ENGINE / module).read_text("utf-8")

    def passes(self) -> bool:
        """Run the deciding tests on the unchanged tree, and keep the compiled bytecode."""
        return self._run(os.environ | {"PYTHONPATH": str(self._folder)}, stderr=None)

    def kills(self, module: str, code: str) -> bool:
        """Return whether a test fails or times out when a module has other code."""
        path = self._folder / ENGINE / module
        original = path.read_text("utf-8")
        for compiled in path.parent.glob(f"__pycache__/{path.stem}.*"):
            compiled.unlink()
        path.write_text(code, "utf-8")
        try:
            return not self._run(os.environ | {"PYTHONPATH": str(self._folder), "PYTHONDONTWRITEBYTECODE": "1"})
        finally:
            path.write_text(original, "utf-8")

    def _run(self, environment: dict[str, str], stderr: int | None = subprocess.DEVNULL) -> bool:
        command = [sys.executable, str(self._folder / "tests/mutation/deciding_tests.py")]
        try:
            done = subprocess.run(  # noqa: S603  # a script of this folder
                command, cwd=self._folder, env=environment, timeout=TIMEOUT, check=False, stdout=subprocess.DEVNULL, stderr=stderr
            )
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0


def main() -> int:
    """Run the sample, report the survivors and return the exit code."""
    options = _options()
    began = time.monotonic()
    with TemporaryDirectory(prefix="mutate-") as folder:
        tree = TreeCopy(Path(folder))
        if not tree.passes():
            _say("the deciding tests fail without any mutant")
            return 1
        everything = [m for name in options.modules for m in mutants(f"{name}.py", tree.source(f"{name}.py"))]
        size = len(everything) if options.whole else min(options.sample, len(everything))
        sample = sorted(random.Random(options.seed).sample(everything, size))  # noqa: S311  # not a secret
        known = _known()
        survivors = [mutant for mutant in sample if _survives(mutant, tree, known)]
    score = 1 - len(survivors) / len(sample)
    _say(
        f"{len(sample) - len(survivors)} of {len(sample)} mutants killed: {score:.1%} ({len(everything)} in all, seed "
        f"{options.seed}, {time.monotonic() - began:.0f} s)"
    )
    return 0 if score >= LEAST else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Mutation testing of the engine's deciding modules.")
    parser.add_argument("modules", nargs="*", default=DECIDING, help="names of modules of guardedbedrock.iam")
    parser.add_argument("--sample", type=int, default=SAMPLE, help="how many mutants to try")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--whole", action="store_true", help="try every mutant")
    return parser.parse_args()


def _survives(mutant: Mutant, tree: TreeCopy, known: Mapping[tuple[str, str, str], str]) -> bool:
    code = tree.source(mutant.module)
    mutated = mutant.apply(code)
    if tree.kills(mutant.module, mutated):
        return False
    before, after = change(code, mutated)
    reason = known.get((mutant.module, before, after), "NOT LISTED")
    _say(f"survived: {mutant.module}:{mutant.line}\n  - {before}\n  + {after}\n  {reason}")
    return True


def _known() -> dict[tuple[str, str, str], str]:
    """Return the reviewed survivors with their reasons."""
    rows = json.loads(KNOWN.read_text("utf-8"))
    return {(row["module"], row["before"], after): row["reason"] for row in rows for after in row["after"]}


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
