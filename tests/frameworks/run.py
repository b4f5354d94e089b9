"""
Run the framework tests, each framework in its own locked environment.

    python tests/frameworks/run.py [NAME ...]          run these, or all; environments are kept in .venvs
    python tests/frameworks/run.py --lock [NAME ...]   resolve requirements.in again and write requirements.txt; needs uv

A folder with a file ``python-version`` needs that version of Python or a later one, which may be another one than this.

The name of an environment contains a hash of its lock file, so a changed lock creates a new one.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parents[1]
NAMES: Final = tuple(sorted(path.parent.name for path in HERE.glob("*/requirements.in")))
UV: Final = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")


def main() -> int:
    """Return 0 if all tests of all frameworks passed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[*NAMES, []], metavar="NAME", help=f"one of {', '.join(NAMES)}")
    parser.add_argument("--lock", action="store_true")
    arguments = parser.parse_args()
    names = arguments.names or NAMES
    if arguments.lock:
        for name in names:
            lock(name)
        return 0
    failed = [name for name in names if not passes(name)]
    print(f"{len(names) - len(failed)} frameworks passed, {len(failed)} failed {' '.join(failed)}".rstrip())
    return bool(failed)


def lock(name: str) -> None:
    """Lock the packages of a framework together with the dependencies of this project."""
    if UV is None:
        raise SystemExit("uv is not installed: pip install uv")
    folder = HERE / name
    overrides = folder / "overrides.in"
    options = [str(folder / "requirements.in"), str(ROOT / "pyproject.toml"), "--extra", "testing", "--universal", "--upgrade"]
    options += ["--overrides", str(overrides)] if overrides.exists() else []
    quiet = ["--quiet", "--no-header", "--no-annotate", "--python-version", oldest_python(name)]
    run(UV, "pip", "compile", *options, *quiet, "--output-file", str(folder / "requirements.txt"))


def passes(name: str) -> bool:
    """Run the tests of one framework, and its section of docs/frameworks.md; return whether they passed."""
    started = time.monotonic()
    python = environment(name)
    ready = time.monotonic()
    print(f"== {name}: environment in {ready - started:.0f} s", flush=True)
    # The root directory is the project, so that no test module has the name of a framework.
    pytest = [python, "-m", "pytest", "-c", HERE / "pytest.ini", "--rootdir", ROOT, HERE / name, HERE / "test_page.py"]
    process = subprocess.run(pytest, cwd=ROOT, env={**os.environ, "FRAMEWORK": name}, check=False)  # noqa: S603  # the tests of this project
    return process.returncode == 0


def environment(name: str) -> Path:
    """Return the Python of a framework's environment; create the environment if it does not exist."""
    pins = HERE / name / "requirements.txt"
    interpreter = python_of(name)
    content = pins.read_bytes() + (ROOT / "pyproject.toml").read_bytes() + f"{sys.version} {interpreter} {ROOT}".encode()
    digest = hashlib.sha256(content).hexdigest()[:12]
    folder = ROOT / ".venvs" / f"{name}-{digest}"
    python, ready = folder / "bin" / "python", folder / "ready"
    if not ready.exists():
        shutil.rmtree(folder, ignore_errors=True)
        run(interpreter, "-m", "venv", *(["--without-pip"] if UV else []), str(folder))
        install = [UV, "pip", "install", "--python", str(python)] if UV else [str(python), "-m", "pip", "install"]
        # The lock is complete, and its overrides would not resolve again.
        run(*install, "--quiet", "--no-deps", "--requirement", str(pins))
        run(*install, "--quiet", "--no-deps", "--editable", str(ROOT))
        ready.touch()
    return python


def oldest_python(name: str) -> str:
    """Return the oldest version of Python that a framework supports."""
    file = HERE / name / "python-version"
    return file.read_text().strip() if file.exists() else "3.11"


def python_of(name: str) -> str:
    """Return the Python for a framework: this one unless it is too old, else one on the path or of pyenv."""
    oldest = int(oldest_python(name).partition(".")[2])
    if sys.version_info.minor >= oldest:
        return sys.executable
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
    for minor in range(oldest, oldest + 5):
        found = [shutil.which(f"python3.{minor}"), *map(str, pyenv.glob(f"versions/3.{minor}.*/bin/python3"))]
        for python in filter(None, found):
            # A command of pyenv on the path fails for a version that is not selected.
            if subprocess.run([python, "-c", ""], check=False, capture_output=True).returncode == 0:  # noqa: S603
                return python
    raise SystemExit(f"{name} needs Python 3.{oldest} or later: install one, so that python3.{oldest} is on the path")


def run(*command: str) -> None:
    """Run a command; exit if it fails."""
    if subprocess.run(command, check=False).returncode:  # noqa: S603  # the commands of this file
        raise SystemExit(f"failed: {' '.join(command)}")


if __name__ == "__main__":
    raise SystemExit(main())
