"""A shell for the commands of pages: each is typed after the other, as a reader does."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Final, Self

from harness.pages import ROOT

END: Final = "end of the command"


class Shell:
    """
    One bash that gets commands as a terminal gives them; output and errors arrive in one stream.

    Args:
        folder: Where the shell starts.
        is_installed: Whether `python` and the commands are those of this environment; False leaves out this checkout.
    """

    def __init__(self, folder: Path, *, is_installed: bool = True) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GUARDEDBEDROCK_", "PYTHON"))}
        path = kept["PATH"] if not is_installed else f"{Path(sys.executable).parent}:{kept['PATH']}"
        imports = {} if not is_installed else {"PYTHONPATH": str(ROOT)}
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
        return lines[: -2 if lines[-2] == "" else -1]

    def folder(self) -> Path:
        """Return the current folder of the shell."""
        return Path(self.type("pwd")[0])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the shell, and the commands that it left in the background."""
        os.killpg(self._bash.pid, signal.SIGKILL)
        self._bash.communicate()


def free_port() -> str:
    """Return a free port, instead of the fixed one on a page."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])
