"""docs/quickstart.md: type its commands into one shell, one after the other, and compare the output with the page."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from harness import pages

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE: Final = (pages.DOCS / "quickstart.md").read_text("utf-8")
WITH_INSTALL: Final = "QUICKSTART_INSTALL" in os.environ
"""Whether the commands of "Install" are typed too. They need a package index, so only `make quickstart` sets it."""
END: Final = "end of the command"


class Shell:
    """One bash that gets commands as a terminal gives them; output and errors arrive in one stream."""

    def __init__(self, folder: Path) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GUARDEDBEDROCK_", "PYTHON"))}
        path = kept["PATH"] if WITH_INSTALL else f"{Path(sys.executable).parent}:{kept['PATH']}"
        # `python` imports this checkout; with the installation, it imports what was installed.
        imports = {} if WITH_INSTALL else {"PYTHONPATH": str(pages.ROOT)}
        self._bash = subprocess.Popen(
            ["/bin/bash"],
            cwd=folder,
            env={**kept, **imports, "PATH": path, "HOME": str(folder), "AWS_EC2_METADATA_DISABLED": "true"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def type(self, command: str) -> list[str]:
        """Type a command; return the lines that it prints."""
        assert self._bash.stdin is not None
        assert self._bash.stdout is not None
        self._bash.stdin.write(f"{command}\necho; echo {END}\n")
        self._bash.stdin.flush()
        lines: list[str] = []
        while not lines or lines[-1] != END:
            line = self._bash.stdout.readline()
            assert line, f"the shell ended after {command}"
            lines.append(line.rstrip("\n"))
        return lines[:-2] if lines[-2] == "" else [*lines[:-2], lines[-2]]

    def folder(self) -> Path:
        """Return the current folder of the shell."""
        return Path(self.type("pwd")[0])

    def close(self) -> None:
        """Stop the shell, and the commands that it left in the background."""
        os.killpg(self._bash.pid, signal.SIGKILL)
        self._bash.communicate()


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    shell = Shell(tmp_path)
    yield shell
    shell.close()


@pytest.fixture
def port() -> str:
    """Return a free port, in place of the fixed one on the page."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def steps() -> Iterator[str]:
    """Yield the sections whose commands are typed."""
    for section in PAGE.split("\n## ")[1:]:
        if WITH_INSTALL or not section.startswith("1. Install"):
            yield section


def test_the_commands_print_what_the_page_shows(shell: Shell, port: str) -> None:
    typed = 0
    for section in steps():
        for block in pages.blocks(section):
            text = block.text.replace("8484", port).replace("/path/to/checkout", str(pages.ROOT))
            if block.file:
                (shell.folder() / block.file).write_text(text, "utf-8")
            elif block.language == "console":
                for command, shown in pages.commands(block._replace(text=text)):
                    printed = shell.type(command)
                    assert pages.matches(printed, shown), f"$ {command}\n" + "\n".join(printed)
                    typed += 1

    assert typed >= 9


def test_every_block_of_the_page_is_typed_or_written() -> None:
    assert [block for block in pages.blocks(PAGE) if block.language != "console" and not block.file] == []


def test_a_reader_needs_two_programs_at_most_and_few_lines() -> None:
    """Ten minutes: what has to be typed stays short."""
    written = [block for block in pages.blocks(PAGE) if block.language == "python"]

    assert [block.file for block in written] == ["chat.py"]
    assert len(written[0].text.splitlines()) <= 25
