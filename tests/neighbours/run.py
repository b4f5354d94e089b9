"""
Run the tests of other projects with the guard installed: they must pass as they do without it.

    python tests/neighbours/run.py [NAME ...]

The tests come from the source distribution of each project. If tests fail with the guard, all run again without it. A test that
passes only then is a fault of the guard, unless `BY_DESIGN` has the reason. Environments and sources are kept in .venvs.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tarfile
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parents[1]
KEPT: Final = ROOT / ".venvs" / "neighbours"


@dataclass(frozen=True, slots=True)
class Neighbour:
    """
    A project whose tests use Bedrock clients of botocore.

    Args:
        package: Its name on the package index.
        tests: Test files or folders in its source distribution.
        needs: Further packages that its tests import, as requirements.
        source: The source distribution with the tests, as a requirement, if it is not that of the installed version.
        every_service: Whether to guard the clients of every service.
    """

    package: str
    tests: tuple[str, ...]
    needs: tuple[str, ...] = ()
    source: str = ""
    every_service: bool = False


NEIGHBOURS: Final = {
    "botocore": Neighbour("botocore", ("tests/functional",), ("jsonschema",), every_service=True),
    "moto": Neighbour("moto", ("tests/test_bedrock",), ("moto[server]", "freezegun")),
    "opentelemetry": Neighbour(
        "opentelemetry-instrumentation-botocore",
        ("tests/test_botocore_bedrock.py",),
        ("moto", "opentelemetry-test-utils", "pytest-vcr", "PyYAML"),
    ),
    "pydantic-ai": Neighbour(
        "pydantic-ai-slim==1.0.0",  # the source distributions of later releases that were tried have no tests
        ("tests/models/test_bedrock.py", "tests/providers/test_bedrock.py"),
        (
            "pydantic-ai-slim[bedrock,openai]==1.0.0",
            "boto3-stubs[bedrock-runtime]",
            "dirty-equals",
            "inline-snapshot",
            "opentelemetry-api<1.37",
            "pytest-mock",
            "pytest-recording",
        ),
        source="pydantic-ai==1.0.0",
    ),
    "strands": Neighbour("strands-agents", ("tests/strands/models/test_bedrock.py",), ("pytest-asyncio", "moto")),
}

BY_DESIGN: Final[dict[str, str]] = {}
"""Name of a test to the reason why it fails with the guard."""


def main() -> int:
    """Return 0 if no test fails only with the guard."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(NEIGHBOURS)}")
    parser.add_argument("--only", default="", help="an expression for pytest's -k")
    arguments = parser.parse_args()
    results = [check(name, NEIGHBOURS[name], arguments.only) for name in arguments.names or NEIGHBOURS]
    return int(not all(results))


def check(name: str, neighbour: Neighbour, only: str) -> bool:
    """Run the tests of a project, print the result, and return whether none fails only because of the guard."""
    python = environment(name, neighbour)
    source = sources(name, neighbour, python)
    tests = [test for test in neighbour.tests if source is not None and (source / test).exists()]
    if source is None or not tests:
        print(f"{name}: its source distribution has no {' or '.join(neighbour.tests)}", flush=True)
        return False
    command = [str(python), "-m", "pytest", "-q", "--tb=line", "-p", "no:cacheprovider", "-p", "no:guardedbedrock", *tests]
    with_guard = pytest([*command, "-p", "guard_plugin", "-k", only], source, neighbour)
    failed = sorted(test for test, passed in with_guard.items() if not passed)
    without = pytest([*command, "-k", only], source, neighbour) if failed else {}
    faults = [test for test in failed if without.get(test) and test not in BY_DESIGN]
    passed = len(with_guard) - len(failed)
    print(f"{name}: {passed} passed, {len(failed)} failed, {len(faults)} of them only with the guard", flush=True)
    for test in faults:
        print(f"  {test}")
    return bool(with_guard) and not faults


def pytest(command: list[str], source: Path, neighbour: Neighbour) -> dict[str, bool]:
    """Run tests, and return for each whether it passed; skipped tests are left out."""
    report = source / "report.xml"
    report.unlink(missing_ok=True)
    every = {"GUARD_EVERY_SERVICE": "1"} if neighbour.every_service else {}
    path = os.pathsep.join([str(HERE), str(ROOT), str(source)])
    subprocess.run(  # noqa: S603  # the tests of the project
        [*command, f"--junitxml={report}"], cwd=source, env={**os.environ, **every, "PYTHONPATH": path}, check=False
    )
    if not report.exists():
        return {}
    cases = [case for case in ET.parse(report).iter("testcase") if case.find("skipped") is None]  # noqa: S314  # written by pytest
    return {
        f"{case.get('classname')}::{case.get('name')}": case.find("failure") is None and case.find("error") is None
        for case in cases
    }


def environment(name: str, neighbour: Neighbour) -> Path:
    """Return the Python of a project's environment; create the environment if it does not exist."""
    folder = KEPT / name
    python, ready = folder / "bin" / "python", folder / "ready"
    if not ready.exists():
        run(sys.executable, "-m", "venv", "--clear", str(folder))
        install = (str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        run(*install, f"{ROOT}", neighbour.package, *neighbour.needs, "pytest")
        ready.touch()
    return python


def sources(name: str, neighbour: Neighbour, python: Path) -> Path | None:
    """Return the folder with the source distribution of the installed version; None if the index has none."""
    folder = KEPT / f"{name}-source"
    if not folder.exists():
        exact = neighbour.source or f"{neighbour.package}=={version_of(neighbour.package, python)}"
        download = [str(python), "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", exact.partition("==")[0]]
        if subprocess.run([*download, "--dest", str(folder), exact], check=False).returncode:  # noqa: S603
            return None
        for archive in folder.glob("*.tar.gz"):
            with tarfile.open(archive) as content:
                content.extractall(folder, filter="data")
    return next((path for path in folder.iterdir() if path.is_dir()), None)


def version_of(package: str, python: Path) -> str:
    """Return the installed version of a package."""
    code = f"from importlib.metadata import version; print(version({package!r}))"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603


def run(*command: str) -> None:
    """Run a command; exit if it fails."""
    if subprocess.run(command, check=False).returncode:  # noqa: S603  # the commands of this file
        raise SystemExit(f"failed: {' '.join(command)}")


if __name__ == "__main__":
    raise SystemExit(main())
