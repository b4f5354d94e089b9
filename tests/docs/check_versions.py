"""
Build two versions of the site in a temporary clone, as a release does: ``.venv-site/bin/python tests/docs/check_versions.py``.

Checks the branch that `mike` writes: each version has its pages, ``latest`` is the newest version, and ``versions.json``, which
the list of versions on each page reads, names both.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
BRANCH: Final = "gh-pages"
AUTHOR: Final = {f"GIT_{role}_{field}": "docs" for role in ("AUTHOR", "COMMITTER") for field in ("NAME", "EMAIL")}


BIN: Final = Path(sys.executable).parent
"""`mike` runs the `mkdocs` of the path."""


def run(clone: Path, *command: str) -> str:
    """Run a command in the clone; return its output."""
    done = subprocess.run(  # noqa: S603 - our own commands
        command,
        cwd=clone,
        env={**os.environ, **AUTHOR, "PATH": f"{BIN}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)}: {done.stderr}")
    return done.stdout


def deploy(clone: Path) -> None:
    """Publish two versions into the branch of the clone, and make the newest one the default."""
    for version in ("0.1", "0.2"):
        run(clone, "mike", "deploy", "--update-aliases", version, "latest")
    run(clone, "mike", "set-default", "latest")


def problems(clone: Path) -> Iterator[str]:
    """Yield what is wrong with the branch."""
    versions = json.loads(run(clone, "git", "show", f"{BRANCH}:versions.json"))
    expected = [
        {"version": "0.2", "title": "0.2", "aliases": ["latest"]},
        {"version": "0.1", "title": "0.1", "aliases": []},
    ]
    if versions != expected:
        yield f"versions.json is {versions}"
    files = set(run(clone, "git", "ls-tree", "-r", "--name-only", BRANCH).splitlines())
    pages = [page.relative_to(clone / "docs") for page in (clone / "docs").glob("*.md")]
    for version in ("0.1", "0.2"):
        for page in pages:
            built = page.with_name("index.html") if page.stem == "index" else page.with_suffix("") / "index.html"
            if f"{version}/{built.as_posix()}" not in files:
                yield f"version {version} has no {built}"
    home = run(clone, "git", "show", f"{BRANCH}:0.2/index.html")
    if '"provider": "mike"' not in home:
        yield "the pages do not show the list of versions"
    if "latest/" not in run(clone, "git", "show", f"{BRANCH}:index.html"):
        yield "the first page does not lead to the newest version"
    if run(clone, "git", "status", "--porcelain"):
        yield "the build changed files of the repository"


def main() -> int:
    """Print the problems; return 1 if there are any, else 0."""
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "clone"
        run(ROOT, "git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(clone))
        deploy(clone)
        wrong = list(problems(clone))
    for problem in wrong:
        print(problem, file=sys.stderr)  # noqa: T201  # a script
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
