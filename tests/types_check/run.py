"""
Check `stubs/clients.py` with mypy and pyright, against each distribution of boto3's stubs: ``make typing``.

Each distribution has an environment under ``.venvs``: with both installed, a checker would not say which one it used.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[2]
SOURCE: Final = Path(__file__).parent / "stubs" / "clients.py"
UNTYPED: Final = "# needs typed boto3"
PYRIGHT_SETTINGS: Final = (
    '{"typeCheckingMode": "standard", "enableTypeIgnoreComments": true, "reportUnnecessaryTypeIgnoreComment": true}'
)


class Stubs(NamedTuple):
    """A distribution of stubs: what to install, the module of the client, and whether it types boto3 itself."""

    install: str
    module: str
    types_boto3: bool


DISTRIBUTIONS: Final = {
    "boto3-stubs": Stubs("boto3-stubs[bedrock-runtime]", "mypy_boto3_bedrock_runtime", types_boto3=True),
    "types-boto3": Stubs("types-boto3-bedrock-runtime", "types_boto3_bedrock_runtime", types_boto3=False),
}


def main() -> int:
    """Run every checker with every distribution; return the number of failures."""
    return sum(check(name, stubs) for name, stubs in DISTRIBUTIONS.items())


def check(name: str, stubs: Stubs) -> int:
    """Run both checkers with one distribution; return the number of failures."""
    folder = ROOT / ".venvs" / f"typing-{name}"
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        run(sys.executable, "-m", "venv", "--clear", str(folder))
        run(str(python), "-m", "pip", "install", "--quiet", "--editable", str(ROOT), stubs.install, "mypy", "pyright")
        (folder / "ready").touch()
    lines = SOURCE.read_text("utf-8").replace("STUBS", stubs.module).splitlines()
    program = folder / "clients.py"
    program.write_text("\n".join(line for line in lines if stubs.types_boto3 or UNTYPED not in line) + "\n", "utf-8")
    (folder / "pyrightconfig.json").write_text(PYRIGHT_SETTINGS, "utf-8")
    untyped = [] if stubs.types_boto3 else ["--disable-error-code=import-untyped"]
    mypy = [str(python), "-m", "mypy", "--strict", *untyped, "--config-file=", str(program)]
    pyright = [str(folder / "bin" / "pyright"), "--pythonpath", str(python), "--project", str(folder / "pyrightconfig.json")]
    checks = [subprocess.run(command, cwd=folder, check=False) for command in (mypy, [*pyright, str(program)])]  # noqa: S603
    failures = sum(each.returncode != 0 for each in checks)
    sys.stdout.write(f"{name}: {'passed' if failures == 0 else f'{failures} of 2 checkers failed'}\n")
    return failures


def run(*command: str) -> None:
    """Run a command that must succeed."""
    subprocess.run(command, check=True)  # noqa: S603


if __name__ == "__main__":
    sys.exit(main())
