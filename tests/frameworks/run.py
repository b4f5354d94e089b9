"""
Run the tests of frameworks, each in its own locked environment.

    python tests/frameworks/run.py [NAME ...]          runs those, or all; environments are kept in .venvs
    python tests/frameworks/run.py --lock [NAME ...]   resolves requirements.in anew and writes requirements.txt; needs uv

An environment is named after what it is made of, so a changed lock makes another.
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
    """Give 0 when all tests of all frameworks passed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[*NAMES, []], metavar="NAME", help=f"one of {', '.join(NAMES)}")
    parser.add_argument("--lock", action="store_true")
    told = parser.parse_args()
    names = told.names or NAMES
    if told.lock:
        for name in names:
            lock(name)
        return 0
    failed = [name for name in names if not passes(name)]
    print(f"{len(names) - len(failed)} frameworks passed, {len(failed)} failed {' '.join(failed)}".rstrip())
    return bool(failed)


def lock(name: str) -> None:
    """Write down exactly what a framework is tested with, and what this project needs beside it."""
    if UV is None:
        raise SystemExit("uv is not installed: pip install uv")
    folder = HERE / name
    overrides = folder / "overrides.in"
    told = [str(folder / "requirements.in"), str(ROOT / "pyproject.toml"), "--extra", "testing", "--universal", "--upgrade"]
    told += ["--overrides", str(overrides)] if overrides.exists() else []
    quiet = ["--quiet", "--no-header", "--no-annotate", "--python-version", "3.11"]
    run(UV, "pip", "compile", *told, *quiet, "--output-file", str(folder / "requirements.txt"))


def passes(name: str) -> bool:
    """Run the tests of one framework, and what its section of docs/frameworks.md says."""
    started = time.monotonic()
    python = environment(name)
    ready = time.monotonic()
    print(f"== {name}: environment in {ready - started:.0f} s", flush=True)
    # Modules are named from the root on, so that none is named as a framework is.
    pytest = [python, "-m", "pytest", "-c", HERE / "pytest.ini", "--rootdir", ROOT, HERE / name, HERE / "test_page.py"]
    done = subprocess.run(pytest, cwd=ROOT, env={**os.environ, "FRAMEWORK": name}, check=False)  # noqa: S603  # our own
    return done.returncode == 0


def environment(name: str) -> Path:
    """Give the Python of the environment of a framework, made now if it is not there."""
    pins = HERE / name / "requirements.txt"
    told = pins.read_bytes() + (ROOT / "pyproject.toml").read_bytes() + f"{sys.version} {ROOT}".encode()
    made_of = hashlib.sha256(told).hexdigest()[:12]
    folder = ROOT / ".venvs" / f"{name}-{made_of}"
    python, ready = folder / "bin" / "python", folder / "ready"
    if not ready.exists():
        shutil.rmtree(folder, ignore_errors=True)
        run(sys.executable, "-m", "venv", *(["--without-pip"] if UV else []), str(folder))
        install = [UV, "pip", "install", "--python", str(python)] if UV else [str(python), "-m", "pip", "install"]
        # The lock is whole, and what it overrides would not resolve again.
        run(*install, "--quiet", "--no-deps", "--requirement", str(pins))
        run(*install, "--quiet", "--no-deps", "--editable", str(ROOT))
        ready.touch()
    return python


def run(*command: str) -> None:
    """Run a command, and stop here when it fails."""
    if subprocess.run(command, check=False).returncode:  # noqa: S603  # the commands stand above
        raise SystemExit(f"failed: {' '.join(command)}")


if __name__ == "__main__":
    raise SystemExit(main())
