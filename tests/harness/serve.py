"""Run ``guardedbedrock serve`` as a user does, in a separate process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMMAND: Final = [
    sys.executable,
    "-W",
    "error",
    "-c",
    "import sys; from guardedbedrock.cli import main; sys.exit(main())",
    "serve",
]
MODEL: Final = "anthropic.claude-3-haiku-20240307-v1:0"


@dataclass
class Served:
    """A running server."""

    process: subprocess.Popen[str]
    environment: dict[str, str]

    @property
    def url(self) -> str:
        """The URL of the server."""
        return self.environment["AWS_ENDPOINT_URL_BEDROCK_RUNTIME"]

    def client(self, service: str = "bedrock-runtime") -> Any:
        """Create a client from the printed environment variables."""
        one = Config(retries={"total_max_attempts": 1, "mode": "standard"}, signature_version="v4")
        return boto3.Session().client(
            service,
            region_name=self.environment["AWS_REGION"],
            endpoint_url=self.url,
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
            verify=self.environment.get("AWS_CA_BUNDLE"),
            config=one,
        )

    def end(self, how: signal.Signals = signal.SIGINT) -> tuple[int, str]:
        """Stop the server; return its exit code and stderr."""
        self.process.send_signal(how)
        _, errors = self.process.communicate(timeout=30)
        return self.process.returncode, errors


def ask(text: str = "hello", **more: Any) -> dict[str, Any]:
    """Build the parameters of a Converse call."""
    return {"modelId": MODEL, "messages": [{"role": "user", "content": [{"text": text}]}], **more}


@contextmanager
def serving(folder: Path, *arguments: str) -> Iterator[Served]:
    """Serve on a free port until the block ends."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    process = subprocess.Popen(  # noqa: S603 - a command of this test
        [*COMMAND, "--port", "0", *arguments],
        cwd=folder,
        env=inherited,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield Served(process, dict(_exported_variables(process)))
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=30)


def _exported_variables(process: subprocess.Popen[str]) -> Iterator[tuple[str, str]]:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("export "):
            name, _, value = line.removeprefix("export ").strip().partition("=")
            yield name, value
            if name == "AWS_SECRET_ACCESS_KEY":
                return
