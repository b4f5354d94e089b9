"""The README is correct: its files work when they are pasted, and its commands run."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[2]
README: Final = (ROOT / "README.md").read_text("utf-8")
BLOCKS: Final = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
LONGEST: Final = 130  # lines
SERVE: Final = "guardedbedrock serve --port 8484 --config guardedbedrock.toml"


def block(language: str, contains: str) -> str:
    """Return the only block of a language that contains a string."""
    (found,) = [text for kind, text in BLOCKS if kind == language and contains in text]
    return str(found)


@pytest.fixture(scope="module")
def port() -> int:
    """Return a free port, instead of the README's fixed one."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(folder: Path, port: int) -> Iterator[None]:
    """Run the README's `serve` command until the block ends."""
    assert SERVE in block("console", "serve")
    command = [str(Path(sys.executable).parent / "guardedbedrock"), *SERVE.replace("8484", str(port)).split()[1:]]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            assert process.stdout is not None
            assert str(port) in process.stdout.readline()
            yield
        finally:
            process.terminate()


def run(folder: Path, program: str, port: int) -> str:
    """Run a program of the README against the fake, with warnings as errors."""
    (folder / "program.py").write_text(program.replace("8484", str(port)), "utf-8")
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONPATH": str(ROOT), "AWS_EC2_METADATA_DISABLED": "true"}
    command = [sys.executable, "-W", "error", "program.py"]
    ran = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout


def test_the_first_call_works_when_it_is_pasted(tmp_path: Path, port: int) -> None:
    (tmp_path / "guardedbedrock.toml").write_text(block("toml", "[[guardrails]]"), "utf-8")

    with serving(tmp_path, port):
        printed = run(tmp_path, block("python", "import guardedbedrock"), port)

    assert printed == "You said: How many days of leave do I have?\n"


def test_the_denial_is_explained_as_the_page_shows(tmp_path: Path, port: int) -> None:
    configuration = f"{block('toml', 'principal =')}\n{block('toml', '[[guardrails]]')}"
    (tmp_path / "guardedbedrock.toml").write_text(configuration, "utf-8")
    (tmp_path / "hr-bot.json").write_text(block("json", "NoOpus"), "utf-8")

    with serving(tmp_path, port):
        printed = run(tmp_path, block("python", "import guardedbedrock") + block("python", "except client"), port)

    first, denial = printed.splitlines()
    assert first == "You said: How many days of leave do I have?"
    assert denial.startswith("identity bedrock:InvokeModel ")
    assert "`NoOpus`" in denial


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= LONGEST


def test_every_link_leads_to_a_file() -> None:
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if "://" not in link]

    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_readme_promises_no_release() -> None:
    assert "pip install guardedbedrock" not in README
